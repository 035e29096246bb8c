"""Reading of overview: the weightiest findings and statements, the speakers, the open points."""

from runner.providers.offline.dialogue.dialogue import Dialogue, most_central, speakers
from runner.providers.offline.dialogue.insights import cite, no_cue, who
from runner.providers.offline.document import Document
from runner.providers.offline.language.wording import (
    capital,
    evidence,
    excerpt,
    insight_of,
    listed,
    point,
    tidy,
)
from runner.providers.offline.synthesis.minutes import (
    Minutes,
    as_object,
    subject_of,
    take_minutes,
)
from runner.providers.offline.synthesis.risks import find_points

_MOST = 8


def read(document: Document) -> dict[str, object]:
    """Sum up findings and transcript; pure and deterministic."""
    minutes = take_minutes(document)
    points = find_points(minutes, document.findings, _MOST)
    subject = as_object(subject_of(minutes.dialogue, document.findings))
    made = [
        insight_of(point.text, point.score, "key_point", evidence(point.evidence))
        for point in points
    ]
    return {
        "insights": made or [no_cue(minutes.dialogue, "key points")],
        "structured_data": {
            "headline": _headline(subject),
            "summary": _summary(minutes, subject),
            "key_points": [
                {"text": point.text, "evidence": evidence(point.evidence)} for point in points
            ],
            "people": _people(minutes.dialogue),
            "open_points": [
                point(question.text, cite(*question.quoted)) for question in minutes.questions
            ],
        },
    }


def _headline(subject: str) -> str:
    """Return the question of the talk, else the words that stand out in it."""
    if subject.startswith(("whether ", "how ", "which ", "what ", "who ")):
        return capital(subject)
    return f"A talk about {subject}" if subject else "The subject was not recognised"


def _summary(minutes: Minutes, subject: str) -> str:
    """Return who speaks about what, the most central statement and the open points as text."""
    dialogue = minutes.dialogue
    names = speakers(dialogue)
    sentences = [f"{listed(names[:6])} speak." if len(names) > 1 else ""]
    sentences += [f"The talk is about {subject}."] if subject else []
    if centre := most_central(dialogue):
        said = f'"{excerpt(centre.text, 180)}"'
        sentences.append(f"Most central is what {who(centre.speaker)} says: {said}.")
    if minutes.questions:
        first = minutes.questions[0]
        sentences.append(f'Not recognised as answered is "{first.text}" ({who(first.raised_by)}).')
    return tidy(" ".join(filter(None, sentences))) or "Nothing is recognised."


def _people(dialogue: Dialogue) -> list[dict[str, object]]:
    """Return the speakers with their share of the turns."""
    turns = [turn[0].speaker for turn in dialogue.turns]
    first = {turn[0].speaker: turn[0] for turn in reversed(dialogue.turns)}
    return [
        {
            "name": name,
            "part": f"{turns.count(name)} of {len(turns)} turns",
            "evidence": cite(first[name]),
        }
        for name in speakers(dialogue)
    ]
