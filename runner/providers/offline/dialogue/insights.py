"""Insights of a dialogue: text with the sentences that it rests on."""

from collections.abc import Iterable, Sequence

from runner.providers.offline.dialogue.dialogue import Dialogue, weightiest
from runner.providers.offline.language.sentences import Sentence
from runner.providers.offline.language.wording import evidence, excerpt, insight_of, tidy

DISCUSSED = "discussed"  # category of a statement that is quoted for its weight alone
_QUOTES = (3, 8)  # at least and at most, one for ten sentences


def who(speaker: str | None) -> str:
    """Return the speaker's label, or a substitute if the transcript names none."""
    return speaker or "The speaker"


def said(s: Sentence, limit: int = 150, *, does: str = "") -> str:
    """Return who says *s*, what the speaker *does* with it, and up to *limit* of its characters."""
    return f'{" ".join(filter(None, (who(s.speaker), does)))}: "{excerpt(s.text, limit)}"'


def says(s: Sentence, limit: int = 150, *, does: str = "") -> str:
    """Return the same as a sentence."""
    return tidy(f"{said(s, limit, does=does)}.")


def cite(*quoted: Sentence) -> list[dict[str, str]]:
    """Return the evidence for *quoted*, each sentence whole and once."""
    return evidence((s.segment, s.text) for s in quoted)


def insight(
    text: str, confidence: float, category: str, quoted: Sequence[Sentence]
) -> dict[str, object]:
    """Return one insight as plain data, citing *quoted*."""
    return insight_of(text, confidence, category, cite(*quoted))


def best_first(
    found: Iterable[tuple[float, dict[str, object]]], n: int | None = None
) -> list[dict[str, object]]:
    """Return the insights of pairs of a rank and an insight, highest rank first, up to *n*."""
    return [made for _, made in sorted(found, key=lambda pair: -pair[0])][:n]


def not_recognised(sought: str) -> list[dict[str, object]]:
    """Return the insight that nothing *sought*, a plural, is recognised; it cites nothing."""
    return [insight(f"No {sought} are recognised.", 0.05, "no_cue", ())]


def discussed_only(dialogue: Dialogue, sought: str, *near: str) -> list[dict[str, object]]:
    """Return quotes of what is discussed most, for an analyzer that recognises nothing *sought*.

    *near* are kinds of cue that make a statement of interest, though not what is sought. Without
    anything to quote, the insight is that nothing is recognised.
    """
    least, most = _QUOTES
    shown = weightiest(dialogue, max(least, min(most, len(dialogue.sentences) // 10)), near)
    quoted = [insight(f"Discussed only: {says(s, 200)}", 0.2, DISCUSSED, (s,)) for s in shown]
    return quoted or not_recognised(sought)
