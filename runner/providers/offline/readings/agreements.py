"""Reading of agreements: themes that are opposed, or that state the opposite of another."""

from itertools import combinations

from runner.answers.findings import Finding
from runner.answers.groups import likenesses
from runner.providers.offline.document import Document
from runner.providers.offline.language.asking import terms_of
from runner.providers.offline.language.wording import evidence, insight_of
from runner.providers.offline.readings.themes import denies

_ALIKE = 0.4  # likeness from which a statement and its negation are about one matter
_MOST = 10


def read(document: Document) -> dict[str, object]:
    """Set the sides of each opposed theme, and of themes that differ by a negation, apart.

    Of the other themes the first, which most files share, count as agreements. Pure.
    """
    sides = {each.fields.get("id", ""): each for each in document.findings}
    example = {each.fields.get("side", ""): each for each in reversed(document.findings)}
    said = [name for name in sides if name.endswith(".for")]
    pairs = [(name, f"{name[:-4]}.against") for name in said]
    pairs = [pair for pair in pairs if pair[1] in sides] + _opposites(said, sides)
    divided = {name for pair in pairs for name in pair}
    shared = [name for name in said if name not in divided][:_MOST]
    insights = [
        insight_of(_text(sides[one]), 0.4, "contradiction", _cited(example, one, other))
        for one, other in pairs
    ]
    insights += [
        insight_of(_text(sides[name]), 0.3, "agreement", _cited(example, name)) for name in shared
    ]
    return {
        "insights": insights[:_MOST] or [insight_of("No theme is opposed.", 0.1, "agreement", [])],
        "structured_data": {
            "contradictions": [
                {
                    "statement": _text(sides[one]),
                    "sides": [
                        {"position": _text(sides[name]), "members": [name]} for name in (one, other)
                    ],
                    "reason": "They share rare words, and one has a negation.",
                }
                for one, other in pairs[:_MOST]
            ],
            "agreements": [{"statement": _text(sides[name]), "members": [name]} for name in shared],
        },
    }


def _opposites(said: list[str], sides: dict[str, Finding]) -> list[tuple[str, str]]:
    near = likenesses([terms_of(_text(sides[name])) for name in said])
    return [
        (said[a], said[b])
        for a, b in combinations(range(len(said)), 2)
        if near[a].get(b, 0.0) >= _ALIKE and denies(sides[said[a]]) != denies(sides[said[b]])
    ]


def _text(finding: Finding) -> str:
    return finding.fields.get("text", "")


def _cited(example: dict[str, Finding], *names: str) -> list[dict[str, str]]:
    return evidence(c for name in names if name in example for c in example[name].evidence)
