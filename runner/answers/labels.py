"""Labels: people's verdicts on findings, in labels.csv, and the findings that they match."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from rapidfuzz import fuzz

from runner.answers.contradiction import adds_facts
from runner.answers.findings import flat
from runner.base.errors import ConfigError, did_you_mean, one_line
from runner.base.json import mapping, mappings, text
from runner.base.tables import as_rows, read_table
from runner.base.text import digest

LABELS = "labels.csv"
RIGHT, WRONG, UNSURE = VERDICTS = ("right", "wrong", "unsure")
_SHORT = {verdict[0]: verdict for verdict in VERDICTS}  # the keys of the review page
MAX_BYTES = 8_000_000
MAX_ROWS = 50_000
MAX_CELL = 4_000  # characters that are kept
NEAR = 90.0  # of 100: the similarity from which the text of another finding counts as the same
_EMPTY = frozenset({"", "none", "not recognised"})  # values that say nothing; the last is offline's
_QUOTE = {"segment", "quote", "match"}  # keys of a mere quote, as in `quotes` of `ask`
_ID_CHARS, _SHA_CHARS = 16, 12
_SHA = re.compile(rf"[0-9a-f]{{{_SHA_CHARS}}}")
_SEGMENT = re.compile(r"\bS\d{4,}\b")


@dataclass(frozen=True, slots=True)
class FoundItem:
    """One finding of an answer: an insight, or an item of its structured data."""

    analyzer: str
    part: str  # `insights` or the key of the structured data
    text: str
    evidence: tuple[tuple[str, str], ...]  # segments and quotes
    fields: tuple[tuple[str, str], ...] = ()  # the names and values that *text* joins

    @property
    def key(self) -> str:
        """16 hex digits of the SHA-256 of analyzer, text and evidence, white space folded."""
        parts = [self.analyzer, self.text, *(part for each in self.evidence for part in each)]
        return digest("\x1f".join(" ".join(part.split()) for part in parts), _ID_CHARS)

    @property
    def quoted(self) -> str:
        """Its evidence on one line: `S0012 "I suppose we could"`."""
        return " ".join(f'{segment} "{quote}"' for segment, quote in self.evidence)


@dataclass(frozen=True, slots=True)
class FindingLabel:
    """A row of labels.csv: what *rater* says of the finding with *key*."""

    key: str
    verdict: str
    note: str = ""
    correction: str = ""
    rater: str = ""
    analyzer: str = ""  # repeats the finding, as the next two do, to recognise equal ones
    finding: str = ""
    quote: str = ""
    transcript: str = ""  # the start of its SHA-256, empty for any


COLUMNS = tuple(field.name for field in fields(FindingLabel))


def found_items(analyzer: str, answer: Mapping[str, Any]) -> Iterator[FoundItem]:
    """Yield the findings of an *answer*, which is untrusted, each key once.

    An item that only adds its `source` to an earlier finding, as key points do, is left out.
    """
    seen: set[str] = set()
    data = mapping(answer.get("structured_data"))
    items = [("insights", item) for item in mappings(answer.get("insights"))]
    for part, value in data.items():
        listed = value if isinstance(value, list) else [value]
        items += [(str(part), item) for item in mappings(listed) if not item.keys() <= _QUOTE]
    for part, item in items:
        found = _found_item(analyzer, part, item)
        said = "; ".join(value for name, value in found.fields if name != "source")
        if found.fields and seen.isdisjoint({found.key, replace(found, text=said).key}):
            seen.add(found.key)
            yield found


def _found_item(analyzer: str, part: str, item: Mapping[str, Any]) -> FoundItem:
    named = {"text": item.get("text")} if part == "insights" else item
    held = {name: flat(value) for name, value in named.items() if name != "evidence"}
    words = {name: value for name, value in held.items() if value not in _EMPTY}
    cited = [each for each in mappings(item.get("evidence")) if each.get("match") != "absent"]
    evidence = tuple((text(each.get("segment")), text(each.get("quote"))) for each in cited)
    return FoundItem(analyzer, part, "; ".join(words.values()), evidence, tuple(words.items()))


def short_sha(sha256: object) -> str:
    """Return the short form of *sha256* that labels use."""
    return text(sha256)[:_SHA_CHARS]


def label_of(claim: FoundItem, sha256: object, verdict: str, **details: str) -> FindingLabel:
    """Return a label of *claim* in the transcript with *sha256*; *details* are its note …"""
    about = {"analyzer": claim.analyzer, "finding": claim.text, "quote": claim.quoted}
    given = {key: value[:MAX_CELL] for key, value in {**about, **details}.items()}
    return FindingLabel(claim.key, verdict, transcript=short_sha(sha256), **given)


def read_labels(file: Path) -> list[FindingLabel]:
    """Return the labels in *file*; a rater's last one for a finding counts.

    Rows without a verdict are left out. Raises ConfigError, with the line, for anything else than
    a table with the columns key and verdict, separated by commas or semicolons.
    """
    labels: dict[tuple[str, str, str], FindingLabel] = {}
    for line, row in read_table(file, ("key", "verdict"), MAX_BYTES, MAX_ROWS):
        if (label := _label(f"{file}:{line}", row)) is not None:
            labels[label.transcript, label.key, label.rater] = label
    return list(labels.values())


def _label(where: str, row: Mapping[str, str]) -> FindingLabel | None:
    cells = {name: row[name][:MAX_CELL] for name in COLUMNS if name in row}
    verdict = cells["verdict"].casefold()
    cells["verdict"] = _SHORT.get(verdict, verdict)
    if not cells["key"]:
        raise ConfigError(f"{where}: expected the key of a finding (colloquy-review DIR --list)")
    if not _SHA.fullmatch(cells.get("transcript", "")):  # Excel makes numbers of some: 1.2E+11
        cells["transcript"] = ""
    if not cells["verdict"]:
        return None
    if cells["verdict"] not in VERDICTS:
        near = did_you_mean(cells["verdict"], VERDICTS)
        raise ConfigError(f"{where}: verdict {one_line(cells['verdict'], 40)!r}{near}")
    return FindingLabel(**cells)


def labels_csv(labels: Iterable[FindingLabel]) -> bytes:
    """Return the content of labels.csv."""
    rows = ([getattr(label, name) for name in COLUMNS] for label in labels)
    return as_rows([COLUMNS, *rows]).encode()


@dataclass(frozen=True, slots=True)
class _Comparable:
    """What is compared of the label at *place*: its finding without case, and its segments."""

    place: int
    words: str
    segments: frozenset[str]


class LabelIndex:
    """Labels by the findings that they fit, of this run or others."""

    def __init__(self, labels: Sequence[FindingLabel]) -> None:
        self.labels = labels
        self._by_key: dict[str, list[FindingLabel]] = {}
        self._in: dict[tuple[str, str], list[_Comparable]] = {}  # by transcript and analyzer
        for place, label in enumerate(labels):
            self._by_key.setdefault(label.key, []).append(label)
            segments = frozenset(_SEGMENT.findall(label.quote))
            each = _Comparable(place, label.finding.casefold(), segments)
            self._in.setdefault((label.transcript, label.analyzer), []).append(each)

    def of(self, claim: FoundItem, sha256: object) -> list[FindingLabel]:
        """Return the labels of *claim* in the transcript with *sha256*, one per rater.

        A label with its key, else labels of findings of the same analyzer in the same transcript
        whose text is near (rapidfuzz's ratio of at least NEAR) with the same numbers, names
        and negations, and with a segment in common where both cite some.
        """
        sha = short_sha(sha256)
        own = [e for e in self._by_key.get(claim.key, ()) if e.transcript in ("", sha)]
        ordered = own or self.alike(claim, sha)
        return list({e.rater: e for e in reversed(ordered)}.values())

    def alike(self, claim: FoundItem, sha256: object) -> list[FindingLabel]:
        """Return the labels of findings whose text is near that of *claim*, the nearest first."""
        words, scores = claim.text.casefold(), dict[int, float]()  # by the label's place
        cited = {segment for segment, _ in claim.evidence}
        for transcript in {short_sha(sha256), ""}:
            for each in self._in.get((transcript, claim.analyzer), ()):
                if cited and each.segments and cited.isdisjoint(each.segments):
                    continue
                score = fuzz.ratio(words, each.words, score_cutoff=NEAR)
                texts = claim.text, self.labels[each.place].finding
                if score and not adds_facts(*texts) and not adds_facts(*reversed(texts)):
                    scores[each.place] = score
        return [self.labels[place] for place in sorted(scores, key=lambda n: (-scores[n], n))]


def majority_labels(labels: Iterable[FindingLabel]) -> list[FindingLabel]:
    """Return the majority label of each finding that most of its raters call right or wrong."""
    found: dict[tuple[str, ...], list[FindingLabel]] = {}
    for each in labels:
        found.setdefault((each.transcript, each.key, each.analyzer), []).append(each)
    judged = ((own, verdict_of(own)) for own in found.values())
    return [next(e for e in own if e.verdict == v) for own, v in judged if v != UNSURE]


def verdict_of(labels: Sequence[FindingLabel]) -> str:
    """Return the verdict of most raters, `unsure` without one, empty without a label."""
    counts = Counter(label.verdict for label in labels)
    if not labels:
        return ""
    if counts[RIGHT] == counts[WRONG]:
        return UNSURE
    return RIGHT if counts[RIGHT] > counts[WRONG] else WRONG
