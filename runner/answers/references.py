"""Reference answers: questions with answers and evidence turns given by people."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from runner.answers.checks import token_f1
from runner.answers.coverage import cited_segments
from runner.answers.paths import texts_in
from runner.base.errors import ConfigError, did_you_mean, one_line, readable
from runner.base.file_names import spelt
from runner.base.json import listing, load_json, load_yaml, mapping, number, parse_json, text
from runner.base.regular_files import files_in, kind_of, read_regular
from runner.base.statistics import rate
from runner.base.tables import read_table
from runner.transcript.model import Segment
from runner.transcript.read import suffixes

MAX_BYTES = 40_000_000
MAX_TURNS = 1_000_000
LOOK_AHEAD = 100  # lines searched for the words of the next segment
_HEAD = 40  # letters of a segment that are searched for
_BESIDE_WORDS = re.compile(r"(?:\{[^{}]*\}|\W)+")  # also the marks of noises in corpora
_TABLES = (".csv", ".tsv")
SUFFIXES = (".json", ".jsonl", ".yaml", ".yml", *_TABLES)
# Keys of lists in a JSON or YAML mapping, and QMSum's names for the fields.
_LISTS = ("queries", "questions", "items", "general_query_list", "specific_query_list")
_QMSUM = {"query": "question", "relevant_text_span": "turns"}
_FIELDS = ("question", "answer", "turns", "transcript")


@dataclass(frozen=True, slots=True)
class Reference:
    """A question with its answer, empty if unknown, and the turns of its evidence, from 0."""

    question: str
    answer: str
    turns: frozenset[int]


References = Mapping[str, Sequence[Reference]]  # by the `_stem` of a transcript, "" for all


def read_references(place: Path) -> References:
    """Return the references in *place*: a file for every transcript, or a folder of NAME.json …

    A file is a list of `question`, `answer` and `turns` (pairs of first and last turn, counted
    from 0), or an object that holds one as `queries` (QMSum's shape; Zhong et al., NAACL 2021);
    or a CSV table with these columns, `turns` as `3-5 9`. An entry with `transcript` is for that
    transcript alone. The names of QMSum's own files are understood. Raises ConfigError.
    """
    if kind_of(place) == "file":
        return _by_transcript(place, "")
    if kind_of(place) != "directory":
        near = did_you_mean(place.name, [p.name for p in files_in(place.parent, "")])
        raise ConfigError(f"references={place}: there is no file or folder{near}")
    found: dict[str, Sequence[Reference]] = {}
    for file in (f for suffix in SUFFIXES for f in files_in(place, suffix)):
        for name, references in _by_transcript(file, file.stem).items():
            found[name] = [*found.get(name, ()), *references]
    if not found:
        raise ConfigError(f"references={place}: there is no NAME{' or '.join(SUFFIXES)} in it")
    return found


def references_for(references: References, transcript: str) -> Sequence[Reference]:
    """Return the references for *transcript*, a file's name, and those for every transcript."""
    return [*references.get("", ()), *references.get(_stem(transcript), ())]


def _stem(name: str) -> str:
    """Return *name* without folder, case, and ending of a transcript; a date has a point, too."""
    path = Path(spelt(name).casefold())
    return path.stem if path.suffix in suffixes() else path.name


def _entries(file: Path) -> list[Mapping[str, Any]]:
    if (suffix := file.suffix.lower()) not in SUFFIXES:
        raise ConfigError(f"references={file}: expected a file {', '.join(SUFFIXES)}")
    with readable(file, "references="):
        if suffix in _TABLES:
            data: Any = [row for _, row in read_table(file, ("question",), MAX_BYTES, MAX_TURNS)]
        elif suffix == ".jsonl":
            lines = read_regular(file, MAX_BYTES).splitlines()
            data = [parse_json(line) for line in lines if line.strip()]
        else:
            data = (load_json if suffix == ".json" else load_yaml)(file)
    if isinstance(data, Mapping):
        data = [entry for name in _LISTS for entry in listing(data.get(name))]
    if not isinstance(data, list) or not data:
        raise ConfigError(
            f"references={file}: expected a list of entries with question, answer and turns"
        )
    return [{_QMSUM.get(str(key), key): v for key, v in mapping(e).items()} for e in data]


def _by_transcript(file: Path, stem: str) -> References:
    found: dict[str, list[Reference]] = {}
    for place, entry in enumerate(_entries(file), 1):
        where = f"references={file}: entry {place}"
        asked, answer = entry.get("question"), text(entry.get("answer"))
        if not isinstance(asked, str) or not asked.strip():
            known = ", ".join(map(str, entry)) or "none"
            raise ConfigError(f"{where}: expected a question, a text; its keys: {known}")
        turns = frozenset(_turns(entry.get("turns"), where))
        if not turns and not answer.strip():
            unknown = next((str(key) for key in entry if key not in _FIELDS), "")
            near = f"; unknown key {unknown!r}{did_you_mean(unknown, _FIELDS)}" if unknown else ""
            raise ConfigError(f"{where} has neither answer nor turns{near}")
        name = _stem(text(entry.get("transcript")) or stem)
        found.setdefault(name, []).append(Reference(asked, answer, turns))
    return found


def _turns(value: Any, where: str) -> Iterator[int]:
    """Yield the turns of `[[3, 5], [9, 9]]`, or of `3-5 9`."""
    count = 0
    spans = value if isinstance(value, list) else text(value).replace(",", " ").split()
    for span in spans:
        ends = span if isinstance(span, list) else re.split("[-–]", str(span))
        numbers = [number(int(e) if isinstance(e, str) and e.isdecimal() else e) for e in ends]
        if len(numbers) not in (1, 2) or any(n is None or n < 0 or n % 1 for n in numbers):
            shown = one_line(repr(span), 60)
            raise ConfigError(f"{where}: turns {shown}: expected a first and last turn, from 0")
        first, last = (int(n) for n in (numbers[0], numbers[-1]) if n is not None)
        count += last - first + 1
        if not first <= last < MAX_TURNS or count > MAX_TURNS:
            raise ConfigError(f"{where}: turns {span!r}: expected first <= last < {MAX_TURNS:,}")
        yield from range(first, last + 1)


def turns_of(segments: Sequence[Segment], lines: Sequence[str]) -> dict[str, int]:
    """Return the turn of each segment, by its id: the line of a text that holds its words.

    Lines without words have no segment; a long line has several. If the next LOOK_AHEAD lines do
    not hold its words, a segment has the turn of the one before. Without *lines*, its turn is its
    place.
    """
    letters = [_BESIDE_WORDS.sub("", line) for line in lines]
    found, at, rest = dict[str, int](), 0, 0
    for order, segment in enumerate(segments):
        if not lines:
            found[segment.id] = order
            continue
        spoken = _BESIDE_WORDS.sub("", segment.text)
        for line in range(at, min(at + LOOK_AHEAD, len(letters))):
            place = letters[line].find(spoken[:_HEAD], rest if line == at else 0)
            if place >= 0:
                at, rest = line, place + len(spoken)
                break
        found[segment.id] = at
    return found


def against(
    references: Sequence[Reference], answer: Any, turn_of: Mapping[str, int]
) -> dict[str, float | None]:
    """Return the figures of *answer* against *references*, None where there is nothing to compare.

    *turn_of* is by the ids of segments. `evidence-recall` is the share of the turns in the evidence
    of any question that the answer cites, `evidence-precision` the share of the cited turns that
    are in it. `answer-f1` is the mean over questions of the best
    word F1 that any text of the answer has against the reference answer.
    """
    wanted = frozenset().union(*(each.turns for each in references))
    cited = {turn_of[each] for each in cited_segments(answer) if each in turn_of}
    found = len(wanted & cited)
    given = [each.answer for each in references if each.answer.strip()]
    candidates = texts_in(answer)
    best = [max((token_f1(c, each) for c in candidates), default=0.0) for each in given]
    return {
        "evidence-recall": rate(found, len(wanted)),
        "evidence-precision": rate(found, len(cited)) if wanted else None,
        "answer-f1": round(fmean(best), 4) if best else None,
    }
