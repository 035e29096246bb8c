"""Turns in timed cues."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from runner.transcript.formats.cue_repeats import without_repeats
from runner.transcript.formats.cue_speakers import DASH, Cue, Line, Names, names_in
from runner.transcript.layouts.inline_labels import CHEVRONS, cutter
from runner.transcript.model import MAX_SEGMENT_CHARS, Turn, ends_sentence, space_between
from runner.transcript.reader_notes import Notes

MERGE_GAP_S = 2.0


def turns_of(cues: Sequence[Cue], notes: Notes, *, stamped: bool = False) -> list[Turn]:
    """Return the turns of *cues*; *stamped*: words have times, as in rolling captions.

    A speaker applies to the end of the cue. The speaker of a cue without a name is unknown.
    """
    shown = [cue for cue in without_repeats(cues, notes, stamped=stamped) if cue.lines]
    names = names_in([cue.lines for cue in shown])
    if names.known and (cut := list(_cut(shown, names))) != shown:
        shown, names = cut, names_in([cue.lines for cue in cut])
    notes.layout = names.layout
    if names.doubt:
        notes.warn(names.doubt)
    return _merged(voice for cue in shown for voice in _voices(cue, names))


def _cut(cues: Sequence[Cue], names: Names) -> Iterator[Cue]:
    """Yield *cues*, with lines of several speakers cut into one per speaker."""
    known = {label for _, label, _ in names.known if label}
    texts = [line.text for cue in cues for line in cue.lines]
    cut = cutter(texts, known, CHEVRONS if names.chevrons else None)
    for cue in cues:
        lines = [
            Line(line.speaker, part)
            for line in cue.lines
            for part in ([line.text] if line.speaker else cut(line.text))
        ]
        yield cue if len(lines) == len(cue.lines) else replace(cue, lines=tuple(lines))


def _merged(voices: Iterable[tuple[Turn, bool]]) -> list[Turn]:
    """Join turns of one speaker where the first stops in mid-sentence and no other voice begins.

    At most MERGE_GAP_S seconds lie between them, and a merged turn stays within one segment.
    """
    merged: list[Turn] = []
    for turn, opens in voices:
        before = merged[-1] if merged else turn
        if merged and not opens and _continues(before, turn):
            text = f"{before.text}{space_between(before.text, turn.text)}{turn.text}"
            merged[-1] = replace(before, text=text, end_s=turn.end_s)
        else:
            merged.append(turn)
    return merged


def _continues(before: Turn, turn: Turn) -> bool:
    if before.speaker != turn.speaker or before.end_s is None or turn.start_s is None:
        return False
    if abs(turn.start_s - before.end_s) > MERGE_GAP_S or ends_sentence(before.text):
        return False
    return len(before.text) + len(turn.text) < MAX_SEGMENT_CHARS


def _voices(cue: Cue, names: Names) -> list[tuple[Turn, bool]]:
    """Return the turns of *cue*, each with whether another, unknown voice begins there."""
    voices: list[tuple[str | None, list[str], bool]] = []
    dashes = sum(bool(DASH.match(line.text)) for line in cue.lines) > 1
    tagged = any(line.speaker for line in cue.lines)
    for number, line in enumerate(cue.lines):
        found = names.opening(line, first=number == 0, last=number == len(cue.lines) - 1)
        dash = None if found or line.speaker else DASH.match(line.text)
        if found:
            speaker, text = found
        elif tagged or dash or not voices:
            speaker, text = line.speaker, line.text[dash.end() if dash and dashes else 0 :]
        else:
            speaker, text = voices[-1][0], line.text
        opens = bool(found or dash)
        if voices and voices[-1][0] == speaker and not opens:
            voices[-1][1].extend((space_between(voices[-1][1][-1], text), text))
        else:
            voices.append((speaker, [text], opens and speaker is None))
    return [
        (Turn(speaker, "".join(texts).strip(), cue.start_s, cue.end_s), opens)
        for speaker, texts, opens in voices
    ]
