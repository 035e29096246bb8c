"""Turns in timed cues."""

import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from runner.transcript.formats.cue import Cue
from runner.transcript.formats.cue_repeats import without_repeats
from runner.transcript.layouts.catalogue import OpenedTurn
from runner.transcript.layouts.choice import may_be_name, note_names
from runner.transcript.layouts.inline_labels import chosen
from runner.transcript.layouts.label_reading import Opening
from runner.transcript.layouts.labels import Likeness, likeness
from runner.transcript.layouts.rows import Row, row_of
from runner.transcript.model import MAX_SEGMENT_CHARS, Turn, ends_sentence, space_between
from runner.transcript.reader_notes import Notes

MERGE_GAP_S = 2.0
DASH = re.compile(r"[-–—‐]\s?(?=[^\W\d]|[\"“'¿¡<\[(])")

_Piece = tuple[str | None, Opening | None, str]  # speaker, what opens a turn, words


def turns_of(cues: Sequence[Cue], notes: Notes, *, stamped: bool = False) -> list[Turn]:
    """Return the turns of *cues*; *stamped*: words have times, as in rolling captions.

    Speakers are named by the format, or by words in one of the layouts of text. A speaker applies
    to the end of the cue. The speaker of a cue without a name is unknown.
    """
    shown = [cue for cue in without_repeats(cues, notes, stamped=stamped) if cue.lines]
    tagged = any(cue.tagged for cue in shown)
    notes.layout = "speakers named by the format" if tagged else "no speakers"
    rows = [row for at, cue in enumerate(shown) if not cue.tagged for row in _rows(cue, at)]
    rows, choice = chosen(rows, notes, headed=False)
    heads = [row for row, below in itertools.pairwise(rows) if row.gap and not below.gap]
    if choice.layout is None:
        note_names(list(filter(may_be_name, heads)), len(heads) * 2, notes)
    pieces: list[list[_Piece]] = [[] for _ in shown]
    for at, row in enumerate(rows):
        name, opening = choice.turns.get(at, (None, None))
        below = at + 1 < len(rows) and not rows[at + 1].gap
        if opening and not (opening.rest or below):  # all of the cue
            if name and row.raw.endswith(":") and at + 1 < len(rows) and at + 1 not in choice.turns:
                choice.turns[at + 1] = OpenedTurn(name, replace(opening, rest=rows[at + 1].raw))
            else:
                name = opening = None
        pieces[int(row.where)].append((name, opening, opening.rest if opening else row.raw))
    return _merged(
        voice for cue, its in zip(shown, pieces, strict=True) for voice in _voices(cue, its)
    )


def _rows(cue: Cue, at: int) -> Iterator[Row]:
    for number, line in enumerate(cue.lines):
        row = row_of(line.text, not number)
        label, colon, _ = row.text.partition(":")
        row.placed = not number or (bool(colon) and likeness(label) == Likeness.NAME)
        row.where = str(at)
        yield row


def _merged(voices: Iterable[tuple[Turn, bool]]) -> list[Turn]:
    """Join what one speaker goes on to say in mid-sentence, within a segment."""
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


def _voices(cue: Cue, pieces: Sequence[_Piece]) -> list[tuple[Turn, bool]]:
    """Return the turns of *cue*, each with whether another, unknown voice begins there."""
    voices: list[tuple[str | None, list[str], bool]] = []
    start_s = cue.start_s
    tagged = not pieces
    pieces = pieces or [(line.speaker, None, line.text) for line in cue.lines]
    dashes = sum(bool(DASH.match(line.text)) for line in cue.lines) > 1
    for name, opening, text in pieces:
        dash = None if opening or name else DASH.match(text)
        if opening and opening.stamp and start_s is None:
            start_s = opening.stamp.start_s
        known = opening or tagged or dash or not voices
        speaker = name if known else voices[-1][0]
        words = text[dash.end() if dash and dashes else 0 :]
        opens = bool(opening or dash)
        if voices and voices[-1][0] == speaker and not opens:
            voices[-1][1].extend((space_between(voices[-1][1][-1], words), words))
        else:
            voices.append((speaker, [words], opens and speaker is None))
    return [
        (Turn(speaker, "".join(texts).strip(), start_s, cue.end_s), opens)
        for speaker, texts, opens in voices
    ]
