"""Reading of agreements: statements that differ only by a negation."""

import re
from itertools import combinations

from runner.answers.findings import Finding
from runner.providers.offline.document import Document
from runner.providers.offline.language.lexicon import pattern
from runner.providers.offline.language.scope import stands_alone
from runner.providers.offline.language.sentences import words
from runner.providers.offline.language.wording import evidence, insight_of

_MAX = 10
_WHY = "One statement has a negation that the other has not."
_NOT = re.compile(r"\bdo(?:es)? not\b|\bdid not\b|\bcannot\b|\b(?:not|never)\b|n['’]t\b", re.I)
# Words with a subject, place or time that another speaker need not share, or true of some cases.
_OPEN = pattern("agreements.open")


def read(document: Document) -> dict[str, object]:
    """Return statements of which one denies the other word for word; claims no agreement.

    Statements with a pronoun, a second clause or a word of exception are dropped. Pure.
    """
    found = [each for each in document.findings if "side" in each.fields]
    found = list({each.fields["id"]: each for each in found}.values())
    pairs = [p for p in combinations(found, 2) if _opposed(_text(p[0]), _text(p[1]))][:_MAX]
    return {
        "insights": [
            insight_of(_WHY, 0.4, "contradiction", evidence(c for each in p for c in each.evidence))
            for p in pairs
        ]
        or [insight_of("No contradiction or agreement was recognised.", 0.1, "agreement", [])],
        "structured_data": {
            "contradictions": [
                {
                    "statement": _text(pair[0]),
                    "sides": [
                        {"position": _text(each), "members": [each.fields["id"]]} for each in pair
                    ],
                    "reason": _WHY,
                }
                for pair in pairs
            ],
            "agreements": [],
        },
    }


def _opposed(one: str, other: str) -> bool:
    """Return whether the statements differ by one negation of the main clause, in no other word."""
    if _OPEN.search(one) or _OPEN.search(other):
        return False
    denying, said = (one, other) if _NOT.search(one) else (other, one)
    match = _NOT.search(denying)
    if match is None or _NOT.search(said) or len(_NOT.findall(denying)) > 1:
        return False
    whole = stands_alone(denying, denying[match.start() :])
    return whole and _bare(_NOT.sub(" ", denying)) == _bare(said)


def _bare(text: str) -> list[str]:
    """Return the words of *text* without the -s that a verb loses behind `does not`."""
    return [word.removesuffix("s") for word in words(text)]


def _text(finding: Finding) -> str:
    return finding.fields.get("text", "")
