"""How findings are put into words: names, trimmed quotes, evidence and insights."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from runner.providers.offline.dialogue.dialogue import Dialogue, most_central
from runner.providers.offline.language.sentences import Sentence, clauses, strip_fillers, trim

_DANGLING = re.compile(
    r"(?:[\s,;:–—-]+(?:and|but|or|so|because|that|which|who|the|a|an|of|to|in|on|for|with|if|as|is|"
    r"are|it|we|i|you|they|by|at|from|when|then|like|just|there|this|have|be|my|our|your|their))+$",
    re.IGNORECASE,
)


def who(speaker: str | None) -> str:
    """Return the speaker's label, or a stand-in where the transcript names none."""
    return speaker or "The speaker"


def cite(*quoted: Sentence) -> list[dict[str, str]]:
    """Return the evidence for *quoted*, each sentence whole and once."""
    unique = {(s.segment, s.text): s for s in quoted}
    return [{"segment": s.segment, "quote": s.text} for s in unique.values()]


def insight(
    text: str, confidence: float, category: str, quoted: Sequence[Sentence]
) -> dict[str, object]:
    """Return one insight as plain data; *confidence* is clipped to 0.05 … 0.95."""
    clipped = round(min(0.95, max(0.05, confidence)), 2)
    return {
        "text": tidy(text),
        "confidence": clipped,
        "category": category,
        "evidence": cite(*quoted),
    }


def tidy(text: str) -> str:
    """Drop the full stop after a quote that already ends in a stop of its own."""
    return re.sub(r'([.?!…]")\.(?= |$)', r"\1", text)


def excerpt(text: str, limit: int = 150) -> str:
    """Return the beginning of *text* up to a clause boundary, verbatim but for leading markers.

    The result never ends in a connective; it is at most *limit* characters plus an ellipsis.
    """
    core = trim(text)
    if len(core) <= limit:
        return core
    kept = ""
    for clause in clauses(core):
        end = core.find(clause, len(kept)) + len(clause)
        if end > limit:
            break
        kept = core[:end]
    if len(kept) < limit * 0.65:
        kept = core[:limit].rsplit(" ", 1)[0]
    return _DANGLING.sub("", kept.rstrip(" ,;:–—")) + " …"


def plain(text: str, limit: int = 220) -> str:
    """Return *text* as a clean statement: fillers gone, capital first, full stop last."""
    cleaned = excerpt(strip_fillers(text), limit)
    if not cleaned:
        return ""
    ended = cleaned if cleaned[-1] in ".!?…" else cleaned + "."
    return ended[0].upper() + ended[1:]


def listed(names: Iterable[str]) -> str:
    """Join *names* as in a sentence."""
    items = list(dict.fromkeys(names))
    return (
        items[0]
        if len(items) == 1
        else ", ".join(items[:-1]) + f" and {items[-1]}"
        if items
        else ""
    )


def no_cue(dialogue: Dialogue, sought: str) -> dict[str, object]:
    """Return the honest insight for a talk without cues: what was *sought*, what is central."""
    centre = most_central(dialogue)
    if centre is None:
        return insight(
            f"The transcript holds no words in which {sought} could be found.", 0.05, "no_cue", ()
        )
    text = (
        f"No cue for {sought} was found; the most central statement is by {who(centre.speaker)}: "
        f'"{excerpt(centre.text)}".'
    )
    text = text.replace("is by The speaker", "is")
    return insight(text, 0.2, "no_cue", (centre,))
