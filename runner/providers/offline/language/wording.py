"""Wording: excerpts, clean statements, lists, and insights and evidence as plain data."""

import re
from collections.abc import Iterable, Mapping, Sequence

from runner.answers.findings import Citation
from runner.providers.offline.language.sentences import clauses, strip_fillers, trim, words

_DANGLING = re.compile(
    r"(?:[\s,;:–—-]+(?:and|but|or|so|because|that|which|who|the|a|an|of|to|in|on|for|with|if|as|is|"
    r"are|it|we|I|you|they|by|at|from|when|then|like|just|there|this|have|be|my|our|your|their))+$"
)


INNER_MARK = "\ue000"  # for a quotation mark inside a quotation, until verbatim.py restores it


def tidy(text: str) -> str:
    """Drop the full stop after a quote that already ends in a stop."""
    return re.sub(r'([.?!…]")\.(?= |$)', r"\1", text)


def excerpt(text: str, limit: int = 150) -> str:
    """Return the beginning of *text* up to a clause boundary, verbatim but for leading markers.

    The result never ends in a connective; it is at most *limit* characters plus an ellipsis.
    """
    core = trim(text).replace('"', INNER_MARK)
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
    """Return *text* as a clean statement: without fillers, with a capital and a full stop."""
    cleaned = excerpt(strip_fillers(text), limit).replace(INNER_MARK, '"')
    if not cleaned:
        return ""
    ended = cleaned if cleaned[-1] in ".!?…" else cleaned + "."
    name = words(ended)[:1] != re.findall(r"^\w+(?:['’-]\w+)*", ended)  # "iPhone", "eBay"
    return ended if name else capital(ended)


def listed(names: Iterable[str]) -> str:
    """Join *names*, each once, as in a sentence: "a, b and c"."""
    *first, last = dict.fromkeys(names) or ("",)
    return f"{', '.join(first)} and {last}" if first else last


def capital(text: str) -> str:
    """Return *text* with its first letter in upper case."""
    return text[:1].upper() + text[1:]


def evidence(citations: Iterable[Citation]) -> list[dict[str, str]]:
    """Return (segment, quote) pairs as the evidence of an answer, each once."""
    return [{"segment": segment, "quote": quote} for segment, quote in dict.fromkeys(citations)]


def insight_of(
    text: str, confidence: float, category: str, cited: Sequence[Mapping[str, str]]
) -> dict[str, object]:
    """Return one insight as plain data with the evidence *cited*.

    *confidence* is clipped to 0.05 to 0.95.
    """
    return {
        "text": tidy(text),
        "confidence": round(min(0.95, max(0.05, confidence)), 2),
        "category": category,
        "evidence": list(cited),
    }
