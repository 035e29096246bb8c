"""Brief at the top of a report: summary, decisions, action items, disagreements, questions."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from runner.answers.grounding.exact_matches import WORD
from runner.base.format import clock, first_of, plural
from runner.base.json import listing, mapping, mappings, text
from runner.reports.report.findings import Places, Quote, ShownInsight, insight_of, quotes_of
from runner.reports.report.nodes import NodeFacts, joined, question_of
from runner.reports.report.render import label, title_of
from runner.reports.stored_run import StoredRun

MAX_QUOTES = 2  # of an item, from different segments
ACTIONS = "Action items"
_STEPS = "next_steps"  # of a summary; in other answers, those of its own question
# Sections, and the keys of structured data that fill them, the most specific first.
_SECTIONS = {
    "The problem": ("problem",),
    "What was done or promised": ("steps",),
    "Moods": ("moments",),
    "Needs": ("needs",),
    "Experiences": ("experiences",),
    "Opinions": ("opinions",),
    "Key quotes": ("quotes",),
    "Testimony": ("claims",),
    "Questions and answers": ("exchanges",),
    "Decisions": ("decisions",),
    ACTIONS: ("action_items", _STEPS),
    "Disagreements": ("disagreements",),
    "Open questions": ("open_questions", "open_points"),
}
_MATTER = (
    *("what", "step", "matter", "question", "cause", "need", "opinion", "claim", "text", "quote"),
)
_PEOPLE = ("owner", "decided_by", "raised_by", "asked_by", "witness", "by", "who")
_REMARKS = (
    *("basis", "firmness", "state", "conditions", "why_open", "result", "mood", "strength"),
    *("stance", "reason", "verdict", "why"),
)
_PLAIN = {"agreed", "firm", "unclear"}  # remarks that are not shown
_JOINT = re.compile("['’-]")  # inside a word
_ASK = "ask"  # the analyzer of colloquy-ask


@dataclass(frozen=True, slots=True)
class BriefItem:
    """One line: its text, people, due date, remarks and quotes."""

    words: str
    who: str
    due: str
    remarks: tuple[str, ...]
    quotes: tuple[Quote, ...]


@dataclass(frozen=True, slots=True)
class BriefSection:
    """Items of one kind from *node*'s answer; there may be none."""

    title: str
    node: NodeFacts
    items: tuple[BriefItem, ...]


@dataclass(frozen=True, slots=True)
class Brief:
    """The brief of a run; *summed_up_by* is the analyzer of headline and summary."""

    about: tuple[str, ...]
    headline: str
    summary: str
    summed_up_by: NodeFacts | None
    sections: tuple[BriefSection, ...]
    insights: tuple[ShownInsight, ...]

    @property
    def most_confident(self) -> list[ShownInsight]:
        """The insights without the doubtful ones, unless all are."""
        return [each for each in self.insights if not each.is_doubtful] or list(self.insights)


def brief_of(
    nodes: Sequence[NodeFacts],
    run: StoredRun,
    merged: Sequence[Mapping[str, Any]],
    places: Places,
) -> Brief:
    """Return the first screen; *merged* is the content of insights.json."""
    answers = [(node, node.data) for node in nodes if node.data]
    answers.sort(key=lambda answer: not answer[0].final)
    summed_up = next(((n, d) for n, d in answers if _is_summary(n, d)), None)
    data = summed_up[1] if summed_up else {}
    headline, summary = text(data.get("headline")), text(data.get("summary"))
    sections = (*_answered(answers, run, places), *_sections(answers, places))
    insights = tuple(insight_of(each, _cited(each, places)) for each in merged)
    if asked := next((data for node, data in answers if node.name == _ASK), None):
        headline, summary = question_of(run, _ASK), text(asked.get("answer"))
        if asked.get("answered") == "partly":
            summary = f"Partly answered: {summary}"
        elif not summary:
            why = [each.words for each in insights[:1]]
            summary, sections = " ".join(["Nothing in these transcripts answers this.", *why]), ()
        insights = ()  # which say the same
    about, by = tuple(_about(run)), summed_up and summed_up[0]
    return Brief(about, headline, summary, by, sections, insights)


def _is_summary(node: NodeFacts, data: Mapping[str, Any]) -> bool:
    """Return whether *data* summarizes the whole talk, not just one question."""
    return bool(text(data.get("summary"))) and (node.final or "headline" in data)


def _about(run: StoredRun) -> Iterator[str]:
    """Yield the date, the attendees, else who speaks, and how long the transcript is."""
    segments = run.transcript.segments if run.transcript else ()
    names = list(dict.fromkeys(s.speaker for s in segments if s.speaker))
    people = run.about("attendees") or (first_of([*map(text, names)], 6) if names else "")
    yield from filter(None, (run.about("date"), people))
    if segments:
        times = [t for s in segments for t in (s.start_s, s.end_s) if isinstance(t, int | float)]
        if times and max(times) > 0:
            yield clock(max(times))
        yield plural(sum(len(WORD.findall(_JOINT.sub("", text(s.text)))) for s in segments), "word")


def _answered(
    answers: Sequence[tuple[NodeFacts, Mapping[str, Any]]], run: StoredRun, places: Places
) -> Iterator[BriefSection]:
    """Yield the answers to the questions of a guide, each below its question."""
    for node, data in answers:
        if "answered" in data and node.name != _ASK:
            partly = ("partly",) if data["answered"] == "partly" else ()
            quotes = _cited({"evidence": data.get("quotes")}, places)
            item = BriefItem(text(data.get("answer")), "", "", partly, quotes)
            title = question_of(run, node.name) or title_of(node.name)
            yield BriefSection(title, node, (item,) if item.words else ())


def _sections(
    answers: Sequence[tuple[NodeFacts, Mapping[str, Any]]], places: Places
) -> Iterator[BriefSection]:
    answers = [(n, d) for n, d in answers if "answered" not in d or n.name == _ASK]
    for title, keys in _SECTIONS.items():
        held = [(n, d, key) for key in keys for n, d in answers if key in d]
        asked = [(n, d[key], key) for n, d, key in held if key != _STEPS or _is_summary(n, d)]
        # An analyzer that asks this one question goes before a summary that covers it too.
        asked.sort(key=lambda each: (not each[1], each[0].name != each[2]))
        if asked:
            node, items, _ = asked[0]
            listed = items if isinstance(items, list) else [items]
            shown = (_item(item, places) for item in listed)
            yield BriefSection(title, node, tuple(item for item in shown if item.words))


def _item(item: Any, places: Places) -> BriefItem:
    facts = {"text": item} if isinstance(item, str) else mapping(item)
    remarks = [_joined(facts.get(key)) for key in _REMARKS]
    sides = mappings(facts.get("sides"))
    remarks += [f"{text(side.get('who'))}: {text(side.get('position'))}" for side in sides]
    remarks.append(joined(facts.get("answered_by"), facts.get("answer")))
    return BriefItem(
        next((text(facts[key]) for key in _MATTER if facts.get(key)), ""),
        next((_joined(facts[key]) for key in _PEOPLE if facts.get(key)), ""),
        text(facts.get("due")),
        tuple(remark for remark in remarks if remark and remark not in _PLAIN),
        _cited(facts, places),
    )


def _cited(item: Mapping[str, Any], places: Places) -> tuple[Quote, ...]:
    """Return the first quote of each of the first segments that *item* cites."""
    by_segment: dict[str, Quote] = {}
    for quote in quotes_of(item.get("evidence") or [item], places):
        by_segment.setdefault(quote.place.segment, quote)
    return tuple(by_segment.values())[:MAX_QUOTES]


def _joined(value: Any) -> str:
    return ", ".join(map(label, listing(value))) if isinstance(value, list) else label(value)
