"""Answers of any shape as trees of texts, lists, groups and quotes, or matrices, for templates."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import cycle
from typing import Any

from runner.answers.second_answer import added_count
from runner.base.format import clock
from runner.base.json import listing, mappings, number, text
from runner.reports.report.nodes import NodeFacts
from runner.reports.report.render import label
from runner.transcript.model import Transcript

DOUBTFUL = 0.5  # the confidence below which others could dispute a reading (analyzers/_system.md)
MAX_DEPTH = 8  # deeper data is shown as JSON
SHORT, MAX_SHORT = 32, 6  # characters each, and how many, listed in one line
_MEDIA = re.compile(r"https?://\S+|\.\.?/\S+")  # no other scheme
_ID = re.compile(r"[A-Z]{1,3}\d{1,3}")
_CHANGE = re.compile(r"\[-(.*?)-\]|\{\+(.*?)\+\}", re.DOTALL)  # `we [-should-]{+shall+} wait`
# The fields of an answer that the matrix shows.
MATRIX = ("hypotheses", "evidence", "matrix", "ranking", "diagnosticity", "linchpins", "warnings")


@dataclass(frozen=True, slots=True)
class SegmentPlace:
    """A segment in the page: *time* and *media*, the address of its sound, are empty if unknown."""

    segment: str
    anchor: str | None = None
    speaker: str = ""
    time: str = ""
    media: str = ""


Places = Mapping[str, SegmentPlace]  # by the id of the segment


def places_of(transcript: Transcript | None, media: str = "") -> Places:
    """Return the places of *transcript*'s segments; for a duplicate id, the first.

    *media* is the address of its sound or video, of the web or relative, or empty.
    """
    is_linked = _MEDIA.fullmatch(media) is not None
    places: dict[str, SegmentPlace] = {}
    for at, segment in enumerate(transcript.segments if transcript else (), 1):
        name, start = text(segment.id), number(segment.start_s)
        said_at = "" if start is None else clock(max(start, 0.0))
        time = ", ".join(filter(None, (said_at, text(segment.where))))
        link = f"{media}#t={max(start, 0.0):g}" if is_linked and start is not None else ""
        places.setdefault(name, SegmentPlace(name, f"seg-{at}", text(segment.speaker), time, link))
    return places


@dataclass(frozen=True, slots=True)
class Quote:
    """Evidence: *match* is exact, near, absent or unchecked; *again*: it was quoted above already.

    *changes* are the pieces of a near quote's difference: kind (`same`, `quoted` for words only
    in the quote, `said` for words only in the transcript) and words.
    """

    words: str
    place: SegmentPlace
    match: str
    moved_from: str
    changes: tuple[tuple[str, str], ...]
    again: bool = False


class Quoted:
    """Quotes of one answer in the order of the page: each once; repetitions show only its place."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self._seen: set[tuple[str, str]] = set()

    def __call__(self, evidence: Any) -> tuple[Quote, ...]:
        """Return the quotes in *evidence*: the new ones, and of other segments one reference."""
        found = {(q.place.segment, q.words): q for q in quotes_of(evidence, self._places)}
        fresh = [quote for place, quote in found.items() if place not in self._seen]
        shown = {quote.place.segment for quote in fresh}
        known = {s: quote for (s, w), quote in found.items() if (s, w) in self._seen}
        self._seen.update(found)
        return (*fresh, *(replace(q, again=True) for s, q in known.items() if s not in shown))


@dataclass(frozen=True, slots=True)
class ValueTree:
    """One value: *kind* is `text`, `list` or `group`; *parts* are labelled unless in a list.

    *later* says that it was found when asked again.
    """

    kind: str
    words: str = ""
    parts: tuple[tuple[str, ValueTree], ...] = ()
    quotes: tuple[Quote, ...] = ()
    later: bool = False


@dataclass(frozen=True, slots=True)
class ShownInsight:
    """One insight with its evidence; *confidence* is 0 to 1 or None.

    *analyzers* are those whose insights were merged into it, none in an answer's own; *later* says
    that it was found when asked again.
    """

    words: str
    confidence: float | None
    category: str
    quotes: tuple[Quote, ...]
    analyzers: tuple[str, ...] = ()
    later: bool = False

    @property
    def is_doubtful(self) -> bool:
        """Whether its confidence is low."""
        return self.confidence is not None and self.confidence < DOUBTFUL

    @property
    def speakers(self) -> list[str]:
        """The speakers that it quotes, each once."""
        return list(dict.fromkeys(q.place.speaker for q in self.quotes if q.place.speaker))


def insight_of(
    stored: Mapping[str, Any], quotes: tuple[Quote, ...], *, later: bool = False
) -> ShownInsight:
    """Return a *stored* insight as it is shown with *quotes*."""
    words, category = text(stored.get("text")), label(stored.get("category"))
    analyzers = tuple(map(text, listing(stored.get("analyzers"))))
    return ShownInsight(words, number(stored.get("confidence")), category, quotes, analyzers, later)


@dataclass(frozen=True, slots=True)
class Findings:
    """One node's answer: its insights and structured data, and how both are shown."""

    node: NodeFacts
    insights: tuple[ShownInsight, ...]
    fields: tuple[tuple[str, ValueTree], ...]
    matrix: Mapping[str, Any] | None


def findings_of(node: NodeFacts, places: Places) -> Findings:
    """Return the findings of *node*, empty without an answer."""
    record, data, quoted = node.answer, node.data, Quoted(places)
    matrix = read_matrix(data)
    used = MATRIX if matrix else ()
    stored, again = mappings(record.get("insights")), record.get("asked_again")
    first = len(stored) - added_count(again, "insights")

    insights = (  # made when the page shows them: in a final answer after its fields
        insight_of(each, quoted(each.get("evidence")), later=place >= first)
        for place, each in enumerate(stored)
    )
    before = () if node.final else tuple(insights)
    trees = ((str(k), shown(v, quoted)) for k, v in data.items() if k not in used)
    fields = tuple((key, _marked(tree, added_count(again, key))) for key, tree in trees)
    return Findings(node, before or tuple(insights), fields, matrix)


def _marked(tree: ValueTree, later: int) -> ValueTree:
    """Return a list with its last items marked as found when asked again."""
    if tree.kind != "list" or not later:
        return tree
    first = max(0, len(tree.parts) - later)
    again = ((name, replace(part, later=True)) for name, part in tree.parts[first:])
    return replace(tree, parts=(*tree.parts[:first], *again))


def is_evidence(value: Any) -> bool:
    """Return whether *value* is a quote with its segment."""
    cites = isinstance(value, dict) and isinstance(value.get("segment"), str)
    return cites and isinstance(value.get("quote"), str)


def quotes_of(value: Any, places: Places) -> tuple[Quote, ...]:
    """Return the quotes in a list of evidence."""
    return tuple(_quote(each, places) for each in listing(value) if is_evidence(each))


def _quote(evidence: Mapping[str, Any], places: Places) -> Quote:
    segment, match = evidence["segment"], evidence.get("match")
    match = match if match in ("exact", "near", "absent") else "unchecked"
    pieces = _CHANGE.split(text(evidence.get("difference"))) if match == "near" else ()
    kinds = cycle(("same", "quoted", "said"))
    changes = tuple((kind, words) for kind, words in zip(kinds, pieces, strict=False) if words)
    place, moved = places.get(segment, SegmentPlace(segment)), text(evidence.get("moved_from"))
    return Quote(evidence["quote"], place, match, moved, changes)


def shown(value: Any, quoted: Quoted, depth: int = 0) -> ValueTree:
    """Return *value* as a tree, with its quotes separated out; they come behind its parts."""
    if depth >= MAX_DEPTH or not isinstance(value, dict | list):
        return ValueTree("text", label(value))
    if is_evidence(value):
        return ValueTree("group", quotes=quoted([value]))
    if isinstance(value, list):
        rest = [item for item in value if not is_evidence(item)]
        short = [label(each) for each in value if isinstance(each, str) and len(each) <= SHORT]
        if 0 < len(short) == len(value) <= MAX_SHORT:
            return ValueTree("text", ", ".join(short))
        items = tuple(("", shown(item, quoted, depth + 1)) for item in rest)
        return ValueTree("list", parts=items, quotes=quoted(value))
    return _group(value, quoted, depth)


def _group(value: Mapping[str, Any], quoted: Quoted, depth: int) -> ValueTree:
    """Return a mapping: its first text is the title, its evidence the quotes."""
    evidence: list[Any] = []
    parts: list[tuple[str, ValueTree]] = []
    title = name = ""
    for key, item in value.items():
        if isinstance(item, list) and item and all(is_evidence(each) for each in item):
            evidence += item
        elif item in (None, "", []):
            continue
        elif depth and not name and isinstance(item, str) and _ID.fullmatch(item):
            name = item  # such as H1; the title follows it
        elif not title and depth and isinstance(item, str):
            title = label(item)
        else:
            parts.append((str(key), shown(item, quoted, depth + 1)))
    return ValueTree("group", f"{name} {title}".strip(), tuple(parts), quoted(evidence))


def read_matrix(data: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the matrix in *data* as untrusted facts for its template, None without one.

    Hypotheses with their ranking come least inconsistent first, evidence with its cells by
    hypothesis most diagnostic first. A linchpin is a piece of evidence that changes the order.
    """
    hypotheses = {text(h["id"]): h for h in mappings(data.get("hypotheses")) if h.get("id")}
    evidence = {text(e["id"]): e for e in mappings(data.get("evidence")) if e.get("id")}
    cells = {
        (text(cell["evidence"]), text(cell["hypothesis"])): cell
        for cell in mappings(data.get("matrix"))
        if {"evidence", "hypothesis", "consistency"} <= cell.keys()
    }
    if not (hypotheses and evidence and cells):
        return None
    places = {text(r.get("hypothesis")): r for r in mappings(data.get("ranking"))}
    telling = [text(d.get("evidence")) for d in mappings(data.get("diagnosticity"))]
    order, items = (  # the ranked ones first, then the rest
        list(dict.fromkeys([*(name for name in first if name in known), *known]))
        for known, first in ((hypotheses, places), (evidence, telling))
    )
    return {
        "hypotheses": [(hypotheses[name], places.get(name, {})) for name in order],
        "rows": [(evidence[e], [(h, cells.get((e, h), {})) for h in order]) for e in items],
        "linchpins": mappings(data.get("linchpins")),
        "warnings": listing(data.get("warnings")),
        "leave_one_out": "linchpins" in data,
    }
