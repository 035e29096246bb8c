"""Cue phrases that show how something is said, by kind and with a strength.

Hedges and boosters after Hyland, "Hedging in Scientific Research Articles" (1998); connectives
after the Penn Discourse Treebank's senses (Prasad et al. 2008); the rest are general English.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from types import MappingProxyType

from runner.providers.offline.language.lexicon import completed, pattern
from runner.providers.offline.language.scope import is_outright


@dataclass(frozen=True, slots=True)
class Hit:
    """One cue in a text: *phrase* verbatim, *start* and *end* offsets, *strength* 0 to 1."""

    phrase: str
    start: int
    end: int
    strength: float


_Tier = tuple[re.Pattern[str], float]  # pattern, strength
_HEAD = re.compile(r"^\[(\w+) (\d\.\d+)\]$")
_SOURCE = resources.files(__package__).joinpath("cues.txt").read_text(encoding="utf-8")


def _compiled(source: str) -> Mapping[str, tuple[_Tier, ...]]:
    phrases: dict[tuple[str, float], list[str]] = {}
    for line in source.splitlines():
        if head := _HEAD.match(line):
            tier = phrases.setdefault((head[1], float(head[2])), [])
        elif line and not line.startswith("# "):
            tier += line.split(" || ")
    tables: dict[str, tuple[_Tier, ...]] = {}
    for (kind, strength), alternatives in phrases.items():
        whole = rf"(?:(?<![\w'-])|(?=,))(?:{'|'.join(alternatives)})(?!'?\w|-)"
        made = (re.compile(completed(whole), re.IGNORECASE), strength)
        tables[kind] = tuple(sorted((*tables.get(kind, ()), made), key=lambda tier: -tier[1]))
    return MappingProxyType(tables)


_COMPILED = _compiled(_SOURCE)


# Cues of statements, which the words before them may deny, suppose, ask or report.
_SAYING = re.compile(
    r"(?:commitment|decision|agreement|disagreement|proposal|obligation|booster|"
    r"evidence|works_now|(?:told|need|basis|mood|fault|step)_\w+)"
)


def hits(kind: str, text: str) -> list[Hit]:
    """Return the cues of *kind* in *text* in order of position; overlapping ones once.

    A cue of a statement counts only if it is asserted (language/scope.py).
    """
    kept: list[Hit] = []
    for hit in sorted(_found(kind, text), key=lambda h: (h.start, -h.strength)):
        if not kept or hit.start >= kept[-1].end:
            kept.append(hit)
    return kept


@lru_cache(maxsize=1 << 17)  # every reading asks the same of the same sentences
def strongest(kind: str, text: str) -> Hit | None:
    """Return the strongest cue of *kind* in *text*, the first among equals, or None."""
    return next(_found(kind, text), None)


def _found(kind: str, text: str) -> Iterator[Hit]:
    """Yield the cues of *kind*, strongest first."""
    text = text.replace("’", "'")  # same length, so that offsets stay those of the caller
    saying = _SAYING.fullmatch(kind)
    for tier, strength in _COMPILED[kind]:
        for match in tier.finditer(text):
            if not saying or is_outright(text, match.start()):
                yield Hit(match[0], match.start(), match.end(), strength)


def strength(kind: str, text: str) -> float:
    """Return the strength of the strongest cue of *kind* in *text*, 0 if there is none."""
    hit = strongest(kind, text)
    return hit.strength if hit else 0.0


def has(kind: str, text: str) -> bool:
    """Return whether *text* has a cue of *kind*."""
    return strongest(kind, text) is not None


# Words of guesses, plans, wishes and blame.
_NO_REPORT = pattern("cues.no_report")


def is_reported(text: str) -> bool:
    """Return whether *text* gives an observation, a source or a figure in digits."""
    if _NO_REPORT.search(text):
        return False
    shown = strength("evidence", text)
    return shown > 0.8 or (shown > 0.5 and any(char.isdigit() for char in text))


_ASKED = pattern("cues.asked")


def is_question(text: str) -> bool:
    """Return whether *text* is a question, by its mark or its beginning.

    A full stop, which transcribers also set after questions, outweighs everything but an inversion.
    """
    body = text.rstrip("\"'”’) ")
    if _ASKED.match(body):
        return True
    return body.endswith("?") or (not body.endswith((".", "!", ",")) and has("question", text))
