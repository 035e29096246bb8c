"""Insights of a dialogue: text with the sentences that it rests on."""

from collections.abc import Sequence

from runner.providers.offline.dialogue.dialogue import Dialogue, most_central
from runner.providers.offline.language.sentences import Sentence
from runner.providers.offline.language.wording import evidence, excerpt, insight_of


def who(speaker: str | None) -> str:
    """Return the speaker's label, or a substitute if the transcript names none."""
    return speaker or "The speaker"


def cite(*quoted: Sentence) -> list[dict[str, str]]:
    """Return the evidence for *quoted*, each sentence whole and once."""
    return evidence((s.segment, s.text) for s in quoted)


def insight(
    text: str, confidence: float, category: str, quoted: Sequence[Sentence]
) -> dict[str, object]:
    """Return one insight as plain data, citing *quoted*."""
    return insight_of(text, confidence, category, cite(*quoted))


def no_cue(dialogue: Dialogue, sought: str) -> dict[str, object]:
    """Return the insight that no cue for *sought* was found, with the most central sentence."""
    centre = most_central(dialogue)
    if centre is None:
        text = f"No words are recognised in which {sought} could be found."
        return insight(text, 0.05, "no_cue", ())
    by = f" by {centre.speaker}" if centre.speaker else ""
    lead = f"No cue for {sought} is recognised; the most central statement is{by}"
    text = f'{lead}: "{excerpt(centre.text)}".'
    return insight(text, 0.2, "no_cue", (centre,))
