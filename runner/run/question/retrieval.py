"""Retrieval: the segments most relevant to a question, as one transcript."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import chain

from runner.answers.passages import inverse_frequencies, relevance
from runner.answers.prompt_text import Count, segment_line
from runner.base.format import plural
from runner.base.text import digest
from runner.providers.offline.language.asking import asked_weights, named_in
from runner.run.question.corpus import Corpus
from runner.transcript.model import PASSAGES, Segment, Transcript
from runner.transcript.reading_report import ReadingReport

_MAX_WARNINGS = 20
_MIN_TOKENS = 100  # tokens of a file that is read
_MAX_OPEN = 64  # files in memory
Scores = Sequence[Sequence[float]]  # of each segment of each file
Place = tuple[int, int]  # of a segment: its file and its number there


def lexical_relevance(corpus: Corpus, question: str) -> list[list[float]]:
    """Return the relevance to *question* of each segment of each file by its words, 0 to 1."""
    question = " ".join((question, *corpus.respelt.values()))
    names = named_in(question, chain.from_iterable(file.speakers for file in corpus.files))
    asked = asked_weights(question, names)
    rare = inverse_frequencies([terms for file in corpus.files for terms in file.terms], asked)
    weights = {term: weight * rare[term] for term, weight in asked.items()}
    scores = [
        relevance(file.terms, weights, [who in names for who in file.speakers])
        for file in corpus.files
    ]
    most = max(map(max, scores)) or 1.0
    return [[score / most for score in each] for each in scores]


def passages(
    corpus: Corpus, scores: Scores, tokens: int, count: Count, how: str = ""
) -> Transcript:
    """Return the segments with the highest *scores*, in order, as one transcript.

    They have at most *tokens* tokens as *count* counts them, or are the single best one. Half of
    the tokens go in equal parts, at least `_MIN_TOKENS` each, to the best files (see `_near`), the
    rest to the best segments of any file (see `_in_turn`).

    With one file they keep their ids. With several, S20012 is S0012 of the second, and a label
    after the speaker names the file, by its number if names are masked. *how* describes the
    selection.
    """
    read = lru_cache(_MAX_OPEN)(lambda file: corpus.files[file].read().segments)
    chosen: dict[Place, Segment] = {}

    def take(places: Iterable[Place], room: int, left: int) -> int:
        """Choose *places* that fit into *room*, or one that fits into *left*; return what is left.

        The first of all is chosen in any case.
        """
        spent = 0
        for file, number in (place for place in places if place not in chosen):
            segment = _sent(corpus, file, read(file)[number])
            size = count(segment_line(segment) + "\n")
            if chosen and spent + size > (room if spent else left):
                break
            spent += size
            chosen[file, number] = segment
        return left - spent

    left, half, near = tokens, tokens // 2, list[int]()
    if len(corpus.files) > 1:
        scores = _in_turn(corpus, scores)
        near = _near(scores)[: max(1, half // _MIN_TOKENS)]
    for file in near:
        if left > half:
            places = (place for place in _ranked(scores, [file]) if scores[file][place[1]] > 0)
            left = take(places, half // len(near), left)
    take(_ranked(scores, range(len(scores))), left, left)
    return _transcript(corpus, dict(sorted(chosen.items())), how)


def _in_turn(corpus: Corpus, scores: Scores) -> Scores:
    """Return *scores* by which files take turns where no words tell which is more relevant.

    That is up to a fifth of the best score; of each file the longest such segment is first, since
    answers are longer than questions.
    """
    made, least = list[Sequence[float]](), max(map(max, scores)) / 5
    for file, each in zip(corpus.files, scores, strict=True):
        rest = (number for number, score in enumerate(each) if score <= least)
        ranks = {n: -rank for rank, n in enumerate(sorted(rest, key=lambda n: -file.sizes[n]))}
        made.append([ranks.get(number, score) for number, score in enumerate(each)])
    return made


def _near(scores: Scores) -> list[int]:
    """Return the files whose best segment has at least half the best score, the best first."""
    best = [max(each) for each in scores]
    least = max(best) / 2
    return sorted((f for f, most in enumerate(best) if most >= least), key=lambda f: -best[f])


def _ranked(scores: Scores, files: Iterable[int]) -> list[Place]:
    every = ((file, number) for file in files for number in range(len(scores[file])))
    return sorted(every, key=lambda place: -scores[place[0]][place[1]])


def _sent(corpus: Corpus, place: int, segment: Segment) -> Segment:
    if len(corpus.files) == 1:
        return segment
    label, digits = corpus.files[place].label, max(file.digits for file in corpus.files)
    shown = f"file {place + 1}" if corpus.masked else label
    return replace(
        segment,
        id=f"S{place + 1}{segment.id[1:].zfill(digits)}",
        speaker=f"{segment.speaker or 'unknown'} ({shown})",
        where=", ".join(filter(None, (f"{segment.id} of {label}", segment.where))),
    )


def _transcript(corpus: Corpus, chosen: dict[Place, Segment], how: str) -> Transcript:
    segments = tuple(chosen.values())
    files = len({file for file, _ in chosen})
    speakers = Counter(s.speaker for s in segments if s.speaker is not None)
    every = len(corpus.files)
    of = f"{files:,} of {plural(every, 'transcript')}" if every > 1 else "1 transcript"
    read = f"{len(chosen):,} of {plural(corpus.segments, 'segment')} from {of}"
    reading = ReadingReport(
        PASSAGES,
        ", ".join(filter(None, (read, how))),
        dict(speakers),
        len(chosen),
        speakers.total(),
        sum(segment.start_s is not None for segment in segments),
        warnings=corpus.left_out[:_MAX_WARNINGS],
        about={"attendees": ", ".join(corpus.people)} if corpus.people else {},
    )
    sha256 = digest("\n".join(map(segment_line, segments)))
    return Transcript(corpus.name, PASSAGES, sha256, segments, 0, reading)
