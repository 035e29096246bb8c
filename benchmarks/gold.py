"""Whether what is quoted is what people point to: evidence in meetings with human spans.

    python -m benchmarks.gold --data DIR [OVERRIDE ...]

DIR has pairs of files: NAME.md, one turn a line as `Speaker: text`, and NAME.json with `queries`
(a question and the `turns` of its evidence, pairs of line numbers from 0, both included) and
`topics` (with `turns`), as QMSum's are (Zhong et al., NAACL 2021). Three tables:

- Questions: for each, the turns that a ranking puts first, at 5, 17 and 33 % of all turns, against
  its evidence. Recall and precision are means over questions. Four rows show how much can be
  reached: they are told of the evidence itself, of one of its turns, of the topic with most of
  it, or of the answer that people gave (which is then the question).
- Asking: what `colloquy.ask` does with each question, put to its own meeting and to another one
  chosen at random: how often it answers, and how many of its quotes are in the evidence. And how
  much of the evidence is read if the question is put to all meetings together.
- Analyzers: the turns that each cites, against the evidence of any question and against the
  topics, beside as many turns chosen at random, by TF-IDF, TextRank and BM25 ± 5 turns with the
  whole meeting as the question; with the interval of what it has above chance.

An OVERRIDE is one of the command line, such as `pipeline=meeting` or `model=openai`; without one
the offline model reads, with the pipelines two_stage and meeting. Nothing here is tuned to the
data.
"""

import argparse
import json
import math
import random
import statistics
import tempfile
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import colloquy
from runner.answers.coverage import cited_segments
from runner.answers.passages import inverse_frequencies, relevance
from runner.base.format import aligned
from runner.base.tokens import tokenizer_for
from runner.providers.offline.language.asking import terms_of
from runner.providers.offline.language.ranking import centrality, term_weights
from runner.providers.offline.language.sentences import Sentence, content_words, words
from runner.run.question import retrieval
from runner.run.question.corpus import Corpus, CorpusFile
from runner.run.question.question import TOKENS
from runner.run.question.retrieval import lexical_relevance
from runner.transcript.model import Segment, Transcript

PIPELINES = ("two_stage", "meeting")
SHARES = (0.05, 0.17, 0.33)
SEED, BOOTSTRAPS, TURN_S = 7, 2000, 10.0

Spans = Sequence[tuple[int, int]]
Ranking = Callable[["Meeting", str], Sequence[float]]


@dataclass(frozen=True)
class Meeting:
    """One meeting: its turns as (speaker, text), the stems of each, and what people marked.

    *answers* are those that people gave, by question.
    """

    name: str
    turns: tuple[tuple[str, str], ...]
    terms: tuple[tuple[str, ...], ...]
    queries: tuple[tuple[str, frozenset[int]], ...]
    topics: tuple[frozenset[int], ...]
    answers: Mapping[str, str]

    @property
    def evidence(self) -> frozenset[int]:
        """The turns in the evidence of any question."""
        return frozenset().union(*(turns for _, turns in self.queries))


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("--data", type=Path, required=True, help="folder of NAME.md and NAME.json")
    parser.add_argument("overrides", nargs="*", help="of the command line")
    options = parser.parse_args()
    meetings = list(read_meetings(options.data))
    if not meetings:
        parser.error(f"--data: no NAME.md beside a NAME.json in {options.data}")
    print(questions_table(meetings))
    print()
    with tempfile.TemporaryDirectory() as folder:
        print(asking_table(meetings, options.overrides, Path(folder)))
        print()
        print(analyzers_table(list(cited(meetings, options.overrides, Path(folder)))))


def read_meetings(folder: Path) -> Iterator[Meeting]:
    """Yield the meetings in *folder*."""
    for path in sorted(folder.glob("*.json")):
        spoken = path.with_suffix(".md")
        if not spoken.is_file():
            continue
        marked = json.loads(path.read_text(encoding="utf-8"))
        lines = spoken.read_text(encoding="utf-8").splitlines()
        turns = tuple((who, text) for who, _, text in (line.partition(": ") for line in lines))
        yield Meeting(
            path.stem,
            turns,
            tuple(content_words(text) for _, text in turns),
            tuple((q["question"], among(q["turns"])) for q in marked["queries"] if q["turns"]),
            tuple(among(topic["turns"]) for topic in marked["topics"]),
            {q["question"]: q["answer"] for q in marked["queries"]},
        )


def among(spans: Spans) -> frozenset[int]:
    """Return the turns in *spans*."""
    return frozenset(turn for first, last in spans for turn in range(first, last + 1))


# --- questions ---------------------------------------------------------------------------------


def bm25(meeting: Meeting, question: str) -> list[float]:
    """Return BM25 with k1 = 1.2 and b = 0.75 of each turn."""
    spread = Counter(term for turn in meeting.terms for term in set(turn))
    total, length = len(meeting.terms), statistics.mean(map(len, meeting.terms))
    scores = []
    for turn in meeting.terms:
        counts, score = Counter(turn), 0.0
        for term in set(content_words(question)) & counts.keys():
            rarity = math.log(1 + (total - spread[term] + 0.5) / (spread[term] + 0.5))
            norm = 1.2 * (0.25 + 0.75 * len(turn) / length)
            score += rarity * counts[term] * 2.2 / (counts[term] + norm)
        scores.append(score)
    return scores


def bm25_around(meeting: Meeting, question: str) -> list[float]:
    """Return scores that rank the best turn with the five on either side first, and so on."""
    scores, ranked = bm25(meeting, question), [0.0] * len(meeting.terms)
    for rank, best in enumerate(order(scores)):
        for turn in range(max(0, best - 5), min(len(ranked), best + 6)):
            ranked[turn] = ranked[turn] or 1.0 / (1 + rank)
    return ranked


def tf_idf(meeting: Meeting, question: str) -> list[float]:
    """Return the cosine of each turn with the question, or with the whole meeting without one."""
    spread = Counter(term for turn in meeting.terms for term in set(turn))
    rarity = {term: math.log(len(meeting.terms) / n) for term, n in spread.items()}
    asked = Counter(content_words(question) or [term for turn in meeting.terms for term in turn])
    scores = []
    for turn in meeting.terms:
        row = {term: n * rarity[term] for term, n in Counter(turn).items()}
        norm = math.sqrt(sum(weight * weight for weight in row.values())) or 1.0
        scores.append(sum(row[t] * n * rarity[t] for t, n in asked.items() if t in row) / norm)
    return scores


def passages(meeting: Meeting, question: str) -> list[float]:
    """Return the relevance that the generic reading computes."""
    terms = [set(turn) for turn in meeting.terms]
    asked = set(words(question))
    named = [set(words(speaker)) <= asked for speaker, _ in meeting.turns]
    return relevance(terms, inverse_frequencies(terms, content_words(question)), named)


def asking(meeting: Meeting, question: str) -> list[float]:
    """Return the relevance by which `colloquy-ask` chooses passages."""
    return lexical_relevance(corpus([meeting]), question)[0]


def corpus(meetings: Sequence[Meeting]) -> Corpus:
    """Return *meetings* as `colloquy-ask` reads them; segments are the turns, from S0001."""
    files = []
    for each in meetings:
        speakers, terms = zip(*((who, terms_of(text)) for who, text in each.turns), strict=True)
        segments = tuple(
            Segment(f"S{n:04}", who, None, None, text)
            for n, (who, text) in enumerate(each.turns, 1)
        )
        read = partial(Transcript, each.name, "", "", segments)
        sizes = tuple(len(text) for _, text in each.turns)
        files.append(CorpusFile(each.name, "", 4, speakers, terms, sizes, read))
    return Corpus("meetings", tuple(files), masked=False)


def evidence_known(meeting: Meeting, question: str) -> list[float]:
    """Return 1 for the evidence: the most that a ranking can find."""
    evidence = dict(meeting.queries)[question]
    return [float(turn in evidence) for turn in range(len(meeting.turns))]


def turn_known(meeting: Meeting, question: str) -> list[float]:
    """Return how near each turn is to one of the evidence, drawn at random."""
    rng = random.Random(f"{SEED} {meeting.name} {question}")
    known = rng.choice(sorted(dict(meeting.queries)[question]))
    return [-float(abs(turn - known)) for turn in range(len(meeting.turns))]


def topic_known(meeting: Meeting, question: str) -> list[float]:
    """Return what `asking` does, but the topic with most of the evidence first."""
    evidence = dict(meeting.queries)[question]
    topic = max(meeting.topics, key=lambda each: len(each & evidence), default=frozenset[int]())
    return [score + (turn in topic) for turn, score in enumerate(asking(meeting, question))]


def answer_known(meeting: Meeting, question: str) -> list[float]:
    """Return what `asking` does if the human answer is the question."""
    return asking(meeting, meeting.answers[question])


def by_chance(meeting: Meeting, question: str) -> list[float]:
    """Return scores drawn again for each question."""
    rng = random.Random(f"{SEED} {meeting.name} {question}")
    return [rng.random() for _ in meeting.turns]


RANKINGS: Mapping[str, Ranking] = {
    "colloquy": passages,
    "colloquy-ask": asking,
    "BM25 ± 5 turns": bm25_around,
    "BM25": bm25,
    "TF-IDF": tf_idf,
    "random": by_chance,
    "evidence known": evidence_known,
    "one turn known": turn_known,
    "topic known": topic_known,
    "answer known": answer_known,
}


def order(scores: Sequence[float]) -> list[int]:
    """Return the turns, highest score first, earlier ones first among equals."""
    return sorted(range(len(scores)), key=lambda turn: -scores[turn])


def questions_table(meetings: Sequence[Meeting]) -> str:
    """Return recall and precision of every ranking at every share of the turns."""
    rows = [["questions", *(f"{share:.0%} of turns" for share in SHARES)]]
    for name, ranking in RANKINGS.items():
        cells = []
        for share in SHARES:
            found = []
            for meeting in meetings:
                most = max(1, round(share * len(meeting.turns)))
                for question, evidence in meeting.queries:
                    hits = len(evidence & set(order(ranking(meeting, question))[:most]))
                    found.append((hits / len(evidence), hits / most))
            recall, precision = (statistics.mean(part) for part in zip(*found, strict=True))
            cells.append(f"recall {recall:.2f}  precision {precision:.2f}")
        rows.append([name, *cells])
    return "\n".join(aligned(rows))


# --- asking -------------------------------------------------------------------------------------


def asking_table(meetings: Sequence[Meeting], overrides: Sequence[str], folder: Path) -> str:
    """Return how often questions are answered from their own meeting and from another."""
    files = {meeting.name: written(meeting, folder) for meeting in meetings}
    rng, rows = random.Random(SEED), [["questions put to", "asked", "answered", "refused", "cited"]]
    own = [(m, m, q) for m in meetings for q in m.queries]
    others = {m.name: [o for o in meetings if o is not m] or [m] for m in meetings}
    away = [(rng.choice(others[m.name]), m, q) for m, _, q in own]
    given = [each for each in overrides if not each.startswith("pipeline=")]
    for name, put in (("their own meeting", own), ("another meeting", away)):
        answered, hits = 0, []
        for heard, asked, (question, evidence) in put:
            reply = colloquy.ask(files[heard.name], question, *given, f"output.dir={folder}/asked")
            answered += reply.answered in ("yes", "partly")
            turns = [round(q.start_s / TURN_S) for q in reply.quotes if q.start_s is not None]
            hits += [turn in evidence for turn in turns if heard is asked]
        share, cited = answered / len(put), f"{statistics.mean(hits):.2f}" if hits else "-"
        rows.append([name, str(len(put)), f"{share:.1%}", f"{1 - share:.1%}", cited])
    return "\n".join([*aligned(rows), together(meetings)])


def together(meetings: Sequence[Meeting]) -> str:
    """Return the evidence that is sent if a question is put to its own or to all meetings."""
    count, every = tokenizer_for("gpt-4o").count, corpus(meetings)
    rows = []
    for place, meeting in enumerate(meetings, 1):
        own, number = corpus([meeting]), str(place) if len(meetings) > 1 else ""
        for question, evidence in meeting.queries:
            row: list[float] = []
            for read, of in ((own, ""), (every, number)):
                scores = lexical_relevance(read, question)
                sent = retrieval.passages(read, scores, TOKENS, count).segments
                ids = {segment.id for segment in sent}
                hits = sum(f"S{of}{turn + 1:04}" in ids for turn in evidence)
                row += [hits / len(evidence), len({each[:-4] for each in ids})]
            rows.append(row)
    alone, _, among_all, files = map(statistics.mean, zip(*rows, strict=True))
    return (
        f"{TOKENS:,} tokens hold {alone:.2f} of the evidence in its meeting alone, and "
        f"{among_all:.2f} among all {len(meetings)}, from {files:.1f} of them"
    )


def written(meeting: Meeting, folder: Path) -> Path:
    """Write *meeting* as a transcript whose times count its turns; return its file."""
    segments = [
        {"speaker": speaker, "text": text, "start": TURN_S * turn, "end": TURN_S * (turn + 1)}
        for turn, (speaker, text) in enumerate(meeting.turns)
    ]
    path = folder / f"{meeting.name}.json"
    path.write_text(json.dumps({"segments": segments}), encoding="utf-8")
    return path


# --- analyzers ---------------------------------------------------------------------------------


def cited(
    meetings: Sequence[Meeting], overrides: Sequence[str], folder: Path
) -> Iterator[tuple[Meeting, dict[str, frozenset[int]]]]:
    """Yield each meeting with the turns that every analyzer cites."""
    for meeting in meetings:
        path, found = written(meeting, folder), dict[str, frozenset[int]]()
        for pipeline in [] if any(o.startswith("pipeline=") for o in overrides) else PIPELINES:
            found |= cited_in_run(path, [*overrides, f"pipeline={pipeline}"], folder)
        yield meeting, found or cited_in_run(path, overrides, folder)


def cited_in_run(path: Path, overrides: Sequence[str], folder: Path) -> dict[str, frozenset[int]]:
    """Return the turns that every analyzer of one run cites."""
    run = colloquy.run(path, *overrides, f"output.dir={folder}/outputs")
    stored = json.loads((run.path / "transcript.json").read_bytes())["segments"]
    turn, place = 0, {}
    for segment in stored:  # the further segments of a long turn have no time of their own
        start = segment["start_s"]
        turn = turn if start is None else round(start / TURN_S)
        place[segment["id"]] = turn
    return {
        name: frozenset(place[segment] for segment in set(cited_segments(record)))
        for name, record in run.answers.items()
    }


def text_rank(meeting: Meeting) -> list[float]:
    """Return the centrality of each turn."""
    turns = [Sentence(text, "", who, n) for n, (who, text) in enumerate(meeting.turns)]
    return centrality(turns, term_weights(turns))


def analyzers_table(found: Sequence[tuple[Meeting, dict[str, frozenset[int]]]]) -> str:
    """Return for every analyzer how many of its cited turns are evidence, and whether by chance.

    All figures are of the cited turns of all meetings together. The interval is that of precision
    less chance: percentiles of a bootstrap over meetings.
    """
    head = [
        "analyzer",
        "cited",
        "precision",
        "random",
        "TF-IDF",
        "TextRank",
        "BM25 ± 5",
        "above random",
    ]
    rows = [[*head, "95 %", "topics touched"]]
    names = dict.fromkeys(name for _, turns in found for name in turns)
    for name in [*names, "all"]:
        figures = []
        for meeting, by_analyzer in found:
            turns = by_analyzer.get(name) if name != "all" else union(by_analyzer.values())
            if turns:
                figures.append(hits(meeting, turns))
        if figures:
            rows.append([name, *_cells(figures)])
    return "\n".join(aligned(rows))


def _cells(figures: Sequence[Sequence[float]]) -> list[str]:
    """Return the cells of one analyzer from what `hits` gives for each meeting."""
    cited, *counts, topics = zip(*figures, strict=True)
    shares = [sum(column) / sum(cited) for column in counts]
    low, high = interval([(f[1] - f[2], f[0]) for f in figures])
    verdict = "yes" if low > 0 else "no" if high < 0 else "not significant"
    return [
        str(sum(cited)),
        *(f"{share:.2f}" for share in shares),
        verdict,
        f"{low:+.2f} to {high:+.2f}",
        f"{statistics.mean(topics):.2f}",
    ]


def interval(pairs: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Return the 95 % bootstrap interval of the ratio of two sums over meetings."""
    rng, ratios = random.Random(SEED), []
    for _ in range(BOOTSTRAPS):
        drawn = rng.choices(pairs, k=len(pairs))
        ratios.append(sum(top for top, _ in drawn) / sum(below for _, below in drawn))
    ratios.sort()
    return ratios[int(0.025 * BOOTSTRAPS)], ratios[int(0.975 * BOOTSTRAPS) - 1]


def union(parts: Collection[frozenset[int]]) -> frozenset[int]:
    """Return the turns in any of *parts*."""
    return frozenset().union(*parts)


def hits(meeting: Meeting, turns: frozenset[int]) -> list[float]:
    """Return the number of *turns*, of those in evidence, of each baseline's, and topics touched.

    A baseline has as many turns; chance has the share of evidence among all of them.
    """
    evidence, most = meeting.evidence, len(turns)
    whole = " ".join(text for _, text in meeting.turns)
    rankings = (tf_idf(meeting, ""), text_rank(meeting), bm25_around(meeting, whole))
    return [
        most,
        len(turns & evidence),
        most * len(evidence) / len(meeting.turns),
        *(len(evidence & set(order(scores)[:most])) for scores in rankings),
        statistics.mean(bool(turns & topic) for topic in meeting.topics),
    ]


if __name__ == "__main__":
    main()
