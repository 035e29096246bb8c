"""Praat TextGrid: tiers of intervals, each the utterances or the words of one speaker."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from runner.transcript.decode import fault
from runner.transcript.formats.records import letters, turns_from_words
from runner.transcript.model import Turn, words_of
from runner.transcript.reader_notes import Notes

HEAD = re.compile(r'\A\s*(?:File type = )?"ooTextFile')
# Only the values of both forms count: texts, whose quotes are doubled, and free numbers.
_VALUE = re.compile(
    r'"([^"]*(?:""[^"]*)*)"|(?<!\S)(-?\d{1,15}(?:\.\d{1,40})?(?:[eE][+-]?\d{1,3})?)(?!\S)'
)
_WORDS = re.compile(
    r"\A(.{0,200}?)\W{0,9}\b(?:words?|ort(?:-mau)?|utterances?|transcript\w{0,9}|texts?|sentences?)$"
)
_NO_SPEECH = re.compile(
    r"\A(?:.{0,200}[\W_])?(?:phone[ms]?e?s?|kan|mau|syllables?|pos|tones?|breaks?|misc|notes?|comments?"
    r"|silences?|events?)$"
)
_PAUSES = words_of("sp sil spn <sil> <p:> <p> # _ silent silence sounding noise")
_MAX_WORDS = 1.3  # in an interval of a tier of single words


@dataclass(frozen=True, slots=True)
class _Tier:
    """A tier: (start, end, text) in seconds."""

    name: str
    spans: Sequence[tuple[float, float, str]]

    @property
    def text(self) -> str:
        return " ".join(text for _, _, text in self.spans)

    @property
    def speaker(self) -> str | None:
        """The name of the tier without a suffix such as `words`."""
        match = _WORDS.match(self.name.lower())
        return (self.name[: match.end(1)] if match else self.name).strip(" -_") or None


def parse_text_grid(text: str, source: str, notes: Notes) -> list[Turn]:
    """Return the turns of a TextGrid in its long or short form; raise TranscriptError."""
    try:
        tiers = list(_tiers(text))
    except (TypeError, ValueError, RuntimeError) as error:
        what = "malformed TextGrid: a tier has fewer intervals than it declares"
        raise fault(source, what) from error
    if not tiers:
        raise fault(source, "a file of Praat without tiers of intervals; save a TextGrid as text")
    notes.layout = "tiers"
    turns: list[Turn] = []
    seen: set[str] = set()
    for tier in sorted(tiers, key=lambda tier: len(tier.spans)):
        spoken = letters(tier.text)
        if spoken and (_NO_SPEECH.match(tier.name.lower()) or spoken in seen):
            notes.leave_out(f"tier '{tier.name[:40]}'", tier.text)
        elif spoken:
            seen.add(spoken)
            turns += _turns(tier, notes)
    return sorted(turns, key=lambda turn: turn.start_s or 0.0)


def _turns(tier: _Tier, notes: Notes) -> Iterator[Turn]:
    """Yield the utterances of a tier, or the sentences of one of single words."""
    if len(tier.text.split()) > len(tier.spans) * _MAX_WORDS:
        yield from (Turn(tier.speaker, text, start, end) for start, end, text in tier.spans)
        return
    words = [
        {"text": text, "start": f"{start}s", "end": f"{end}s"} for start, end, text in tier.spans
    ]
    yield from (replace(turn, speaker=tier.speaker) for turn in turns_from_words(words, notes))


def _tiers(text: str) -> Iterator[_Tier]:
    """Yield the tiers with words; the next value of a broken file is missing or of another kind."""
    values = iter([(m[1], m[2]) for m in _VALUE.finditer(text)])
    for string, _ in values:
        if string not in ("IntervalTier", "TextTier"):
            continue
        name = _text(next(values)[0])
        ends = [next(values)[1] for _ in range(2)]
        spans = []
        for _ in range(int(next(values)[1] or 0) if all(ends) else 0):
            start = float(next(values)[1])
            end = float(next(values)[1]) if string == "IntervalTier" else start
            tier_text = " ".join(_text(next(values)[0]).split())
            if tier_text and tier_text.lower() not in _PAUSES:
                spans.append((start, end, tier_text))
        yield _Tier(name, spans)


def _text(value: str | None) -> str:
    if value is None:
        raise ValueError("a number instead of a text")
    return value.replace('""', '"')
