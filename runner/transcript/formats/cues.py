"""Turns in timed cues."""

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from runner.transcript.formats.cue import Cue, Line
from runner.transcript.formats.cue_repeats import without_repeats
from runner.transcript.layouts.choice import choose, may_be_name, note_names
from runner.transcript.layouts.inline_labels import CHEVRONS, cutter
from runner.transcript.layouts.label_reading import Opening
from runner.transcript.layouts.labels import Likeness, likeness
from runner.transcript.layouts.rows import Row, row_of
from runner.transcript.model import MAX_SEGMENT_CHARS, Turn, ends_sentence, space_between
from runner.transcript.reader_notes import Notes

MERGE_GAP_S = 2.0
DASH = re.compile(r"[-–—‐]\s?(?=[^\W\d]|[\"“'¿¡<\[(])")

Openings = Mapping[tuple[int, int], tuple[str | None, Opening]]


def turns_of(cues: Sequence[Cue], notes: Notes, *, stamped: bool = False) -> list[Turn]:
    """Return the turns of *cues*; *stamped*: words have times, as in rolling captions.

    Speakers are named by the format, or by words in one of the layouts of text. A speaker applies
    to the end of the cue. The speaker of a cue without a name is unknown.
    """
    shown = [cue for cue in without_repeats(cues, notes, stamped=stamped) if cue.lines]
    tagged = any(line.speaker for cue in shown for line in cue.lines)
    warned = len(notes.warnings)
    notes.layout = "speakers named by the format" if tagged else "no speakers"
    named = _openings(shown, notes)
    if named and (cut := list(_cut(shown, named, notes.layout))) != shown:
        del notes.warnings[warned:]
        shown, named = cut, _openings(cut, notes)
    for (at, _), (_, opening) in named.items():
        if opening.stamp and shown[at].start_s is None:
            shown[at] = replace(shown[at], start_s=opening.stamp.start_s)
    return _merged(voice for at, cue in enumerate(shown) for voice in _voices(cue, at, named))


def _openings(cues: Sequence[Cue], notes: Notes) -> Openings:
    """Return speaker and words of the lines that open turns, by the numbers of cue and line."""
    rows: list[Row] = []
    places: list[tuple[int, int]] = []
    for at, cue in enumerate(cues):
        for number, line in enumerate(cue.lines):
            if line.speaker is None:
                row = row_of(line.text, not number)
                label, colon, _ = row.text.partition(":")
                row.placed = not number or (bool(colon) and likeness(label) == Likeness.NAME)
                rows.append(row)
                places.append((at, number))
    choice = choose(rows, notes, headed=False)
    heads = [row for row, below in itertools.pairwise(rows) if row.gap and not below.gap]
    if choice.layout is None:
        note_names(list(filter(may_be_name, heads)), len(heads) * 2, notes)
    words = {at for at, row in enumerate(rows) if at + 1 < len(rows) and not rows[at + 1].gap}
    return {
        places[at]: (name, opening)
        for at, (name, opening) in choice.turns.items()
        if opening.rest or at in words or rows[at].raw.endswith(":")
    }


def _cut(cues: Sequence[Cue], named: Openings, layout: str) -> Iterator[Cue]:
    """Yield *cues*, with lines of several speakers cut into one per speaker."""
    known = {name for name, _ in named.values() if name}
    texts = [line.text for cue in cues for line in cue.lines]
    cut = cutter(texts, known, CHEVRONS if layout == ">> and text" else None)
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


def _voices(cue: Cue, at: int, named: Openings) -> list[tuple[Turn, bool]]:
    """Return the turns of *cue*, each with whether another, unknown voice begins there."""
    voices: list[tuple[str | None, list[str], bool]] = []
    dashes = sum(bool(DASH.match(line.text)) for line in cue.lines) > 1
    tagged = any(line.speaker for line in cue.lines)
    for number, line in enumerate(cue.lines):
        found = named.get((at, number))
        dash = None if found or line.speaker else DASH.match(line.text)
        if found:
            speaker, text = found[0], found[1].rest
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
