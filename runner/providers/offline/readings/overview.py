"""Reading of overview: the weightiest findings and statements, the speakers, the open points."""

from itertools import groupby

from runner.providers.offline.dialogue.dialogue import Dialogue, speakers
from runner.providers.offline.dialogue.insights import cite, not_recognised, who
from runner.providers.offline.document import Document
from runner.providers.offline.language.wording import capital, evidence, insight_of, listed
from runner.providers.offline.synthesis.minutes import (
    Minutes,
    about,
    most_discussed,
    subject_of,
    take_minutes,
)
from runner.providers.offline.synthesis.risks import find_points

_MAX = 8


def read(document: Document) -> dict[str, object]:
    """Sum up findings and transcript; pure and deterministic."""
    minutes = take_minutes(document)
    points = find_points(minutes, document.findings, _MAX)
    subject = subject_of(minutes.dialogue)
    made = [
        insight_of(point.text, point.score, "key_point", evidence(point.evidence))
        for point in points
    ]
    return {
        "insights": made or not_recognised("key points"),
        "structured_data": {
            "headline": capital(subject) or "The subject is not recognised",
            "summary": _summary(minutes),
            "key_points": [
                {"text": point.text, "evidence": evidence(point.evidence)} for point in points
            ],
            "people": _people(minutes.dialogue, document),
            "open_points": [
                {"text": question.text, "evidence": cite(*question.quoted)}
                for question in minutes.questions
            ],
        },
    }


def _summary(minutes: Minutes) -> str:
    """Return who speaks about what, the weightiest statement and the open points as text."""
    dialogue = minutes.dialogue
    names = speakers(dialogue)
    shown = names if len(names) < 8 else [*names[:6], f"{len(names) - 6} others"]
    sentences = [f"{listed(shown)} speak." if len(names) > 1 else "", *about(dialogue)]
    sentences += most_discussed(dialogue)
    if minutes.questions:
        first = minutes.questions[0]
        sentences.append(f'Not recognised as answered is "{first.text}" ({who(first.raised_by)}).')
    return " ".join(filter(None, sentences)) or "Nothing is recognised."


def _people(dialogue: Dialogue, document: Document) -> list[dict[str, object]]:
    """Return the speakers with their share of the turns."""
    turns = [name for name, _ in groupby(line.speaker for line in document.lines)]
    first = {turn[0].speaker: turn[0] for turn in reversed(dialogue.turns)}
    return [
        {
            "name": name,
            "part": f"{turns.count(name)} of {len(turns)} turns",
            "evidence": cite(first[name]),
        }
        for name in speakers(dialogue)
    ]
