"""Plain text and Markdown: turns in the layout that explains the file best, or paragraphs."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from runner.transcript.layouts.blocks import turns_of_blocks, turns_of_table
from runner.transcript.layouts.catalogue import OpenedTurn, Turns
from runner.transcript.layouts.choice import (
    Choice,
    is_heading,
    is_lone_name,
    is_title,
    may_be_name,
    note_names,
)
from runner.transcript.layouts.inline_labels import chosen
from runner.transcript.layouts.preface import facts_of, is_date, is_speech
from runner.transcript.layouts.rows import Row, Said, outgrown, rows_of
from runner.transcript.model import Turn, ends_sentence, is_aside, join_lines
from runner.transcript.reader_notes import Notes
from runner.transcript.readers import Source
from runner.transcript.times import Stamp, TimeScale, time_scale_of, trailing_stamp

_MIN_STAMPED_ROWS = 3
_TAIL_CHARS = 60
_MAX_ACRONYM = 5
_CENTRED = 8  # spaces more than most lines have
_MIN_NOTICE_WORDS = 3
_FENCED = re.compile(r"([=#~]{2,9}|-{3,9}) .{0,100}\w.{0,100} \1$")  # a heading
_CLOSING = ("]", ")", "#", ">", "】", "）")


def read_text_layout(source: Source, notes: Notes) -> list[Turn]:
    """Return the turns of a plain text; note its layout, what is left out, and facts on it."""
    text = source.text
    if "\n" not in text.strip() and text.count("\\n") > 1:  # line ends as in a string of a program
        text = text.replace("\\n", "\n")
    turns = turns_of_table(text, source.name, notes) or turns_of_blocks(text, notes)
    return turns_of_text(text, notes, source.places) if turns is None else turns


def turns_of_text(text: str, notes: Notes, places: Sequence[str] = ()) -> list[Turn]:
    """Return the turns of *text*; *places* tells where its lines stand in a document."""
    rows = _without_partials(_times_first(rows_of(text, notes, places)), notes)
    rows, choice = chosen(rows, notes)
    blocks = [row for row in rows if row.gap]
    if choice.layout is None:
        note_names(list(filter(may_be_name, blocks)), len(blocks), notes)
    assembler = _Assembler(rows, choice, notes)
    at = 0
    while at < len(rows):
        at += assembler.step(at)
    turns = assembler.end()
    gone = outgrown([Said(turn.speaker, turn.text) for turn in turns])
    for at in sorted(gone):
        notes.leave_out("growing partials", turns[at].text)
    return [turn for at, turn in enumerate(turns) if at not in gone]


def _times_first(rows: list[Row]) -> list[Row]:
    """Return *rows* with times above their turns, if each stands below its turn and a label."""
    stamps = [at for at, row in enumerate(rows) if row.is_stamp]
    if len(stamps) < 3 or stamps[-1] < len(rows) - 1:
        return rows
    labels = {rows[at + 1].raw for at in stamps[:-1]}
    above = (at for at, row in enumerate(rows[: max(0, stamps[0] - 1)]) if row.raw in labels)
    if (first := max(above, default=None)) is None:
        return rows
    turns = zip(stamps, [first, *(at + 1 for at in stamps)], strict=False)
    return [*rows[:first], *(row for at, start in turns for row in (rows[at], *rows[start:at]))]


def _without_partials(rows: Sequence[Row], notes: Notes) -> list[Row]:
    gone = outgrown([Said(None, row.rest) for row in rows])
    for at in sorted(gone):
        notes.leave_out("growing partials", rows[at].raw)
        rows[at + 1].stamp = rows[at].stamp or rows[at + 1].stamp
    return [row for at, row in enumerate(rows) if at not in gone]


def _time_scale(rows: Sequence[Row], choice: Choice) -> TimeScale:
    opened = {at: turn.opening.stamp for at, turn in choice.turns.items()}
    found = (row.stamp or opened.get(at) for at, row in enumerate(rows))
    stamps = [stamp for stamp in found if stamp]
    words = sum(len(row.rest.split()) for row in rows) if stamps else 0
    chat = choice.layout is not None and choice.layout.name == "angled label"
    return time_scale_of(stamps, words, chat=chat)


def _end_time(text: str) -> tuple[Stamp, str] | None:
    """Return the time in brackets at the end of *text*, and the words before it."""
    tail = text[-_TAIL_CHARS:]
    stamp, words = (trailing_stamp(tail) if tail.endswith(_CLOSING) else None) or (None, "")
    if stamp is None or not stamp.bracketed or not words.strip():
        return None
    return stamp, text.removesuffix(tail) + words


def _repeated_notices(rows: Sequence[Row], turns: Turns, last: int) -> set[str]:
    """Return the lines above the first turn that stand below the *last*, too."""
    above = (row for row in rows[: min(turns, default=0)] if not may_be_name(row))
    long = {row.raw for row in above if len(row.raw.split()) >= _MIN_NOTICE_WORDS}
    return long & {row.raw for row in rows[last:] if row.gap}


def _days(rows: Sequence[Row], turns: Turns) -> set[str]:
    """Return the dates above turns, as in a chat; somebody may have said a single one."""
    above = {at: rows[at - 1] for at in turns if at and is_date(rows[at - 1].raw)}
    days = {row.raw for row in above.values()}
    if len(days) == 1:
        return {row.raw for at, row in above.items() if turns[at].opening.stamp and row.gap}
    return days


@dataclass(slots=True)
class _Assembler:
    """Puts rows together; *speaker* is who speaks, *paragraph* what is not yet a turn."""

    rows: Sequence[Row]
    choice: Choice
    notes: Notes
    turns: list[Turn] = field(default_factory=list)
    speaker: str | None = None
    started: bool = False
    stamp: Stamp | None = None
    time_row: str = ""
    time_s: float = 0.0  # of the turn before
    paragraph: list[str] = field(default_factory=list)
    where: str = ""  # of the paragraph
    preface: list[str] = field(default_factory=list)
    silent: str = ""  # the row that opened the turn, while the turn has no words
    roles: set[tuple[str | None, str]] = field(default_factory=set)
    short_stamps: bool = field(init=False)  # many rows begin with numbers such as `10:30`
    times_end_turns: bool = field(init=False)  # most have a time in brackets behind their words
    margin: int = field(init=False)  # from which on a line in capitals is a heading
    scale: TimeScale = field(init=False)
    last: int = field(init=False)  # the last row that opens a turn
    punctuated: bool = field(init=False)  # so that a short line without a full stop is a heading
    notices: set[str] = field(init=False)  # above the first turn and below the last; days of a chat

    def __post_init__(self) -> None:
        rows, turns = self.rows, self.choice.turns
        short = sum(row.stamp is not None and row.stamp.plain for row in rows)
        self.short_stamps = short >= max(_MIN_STAMPED_ROWS, len(rows) * 0.2)
        late = sum(_end_time(row.rest) is not None for row in rows)
        self.times_end_turns = late >= max(2, len(turns) * 0.5 or len(rows) * 0.8)
        self.margin = sorted(row.indent for row in rows)[len(rows) // 2] + _CENTRED if rows else 0
        self.scale = _time_scale(rows, self.choice)
        labels = {at for at, turn in turns.items() if not turn.opening.rest}
        ends = [at for at in range(len(rows) - 1) if rows[at + 1].gap and at not in labels]
        several = len({turn.speaker for turn in turns.values()}) > 1
        sentences = sum(ends_sentence(rows[at].raw) for at in ends)
        self.punctuated = several and sentences * 2 >= len(ends)
        self.last = max(turns, default=len(rows))
        self.notices = _repeated_notices(rows, turns, self.last) | _days(rows, turns)

    def step(self, at: int) -> int:
        """Read the row *at*; return how many rows it took."""
        row = self.rows[at]
        if at >= (self.choice.end or len(self.rows)):
            self.flush()
            self._leave_out("lines below the transcript", row.raw)
            return 1
        if at in self.choice.turns:
            return self._open(at, self.choice.turns[at])
        if (above := at < self.choice.notes_end) or (row.raw in self.notices and not self.silent):
            self._leave_out("notes above the transcript" if above else "notices", row.raw)
            return 1
        heads = self._is_set_off(row)
        voice = self.choice.layout is None and row.placed and row.raw[0] in "-–—"
        if row.gap or heads or voice:
            self.flush()
        if not self.paragraph:
            self.where = row.where
        if heads or self._ends_speech(at):
            self._close_turn()
            self.speaker = None  # whoever spoke above it
        self._add_row(row)
        return 1

    def _add_row(self, row: Row) -> None:
        """Add the words of a row that opens no turn, unless it is a heading."""
        if _FENCED.match(row.raw) or (row.mark.startswith("#") and row.gap and not row.is_stamp):
            self._leave_out("headings", row.raw)
        elif row.stamp and (
            not row.stamp.plain or row.is_stamp or (self.short_stamps and row.placed)
        ):
            self._add_timed(row, row.stamp)
        elif self.speaker and not self.silent and row.placed and is_aside(row.raw):
            self._add_aside(row)
        else:
            self._add(row.text if row.mark == ">" and not row.opening else row.raw)

    def _add_timed(self, row: Row, stamp: Stamp) -> None:
        """Begin a paragraph at *stamp*; its speaker is unknown if times go with labels."""
        self.flush()
        self._take_time(stamp, "" if row.rest else row.raw)
        timed = self.choice.timed_first if row.rest else self.choice.times_head_turns
        if timed or is_aside(row.rest):
            self.speaker, self.started = None, True
        self._add(row.rest)

    def _add_aside(self, row: Row) -> None:
        """Make a turn without speaker of a note, or of the words of others, amid a turn."""
        self.flush()
        speaker, self.speaker, self.where = self.speaker, None, row.where
        self._add(row.raw)
        self.flush()
        self.speaker = speaker

    def _is_set_off(self, row: Row) -> bool:
        title = " " in row.raw or (len(row.raw) > _MAX_ACRONYM and not ends_sentence(row.raw))
        set_off = self.choice.asked or row.indent >= self.margin
        return _FENCED.match(row.raw) is not None or (set_off and row.raw.isupper() and title)

    def _ends_speech(self, at: int) -> bool:
        turns, below = self.choice.turns, at > self.last
        if self.silent and ends_sentence(self.rows[at].raw):  # words right below a label
            return False
        after = (below and self.rows[at].ruled) or is_lone_name(self.rows, at, turns)
        title = self.punctuated and not self.silent and (below or at + 1 in turns)
        return after or (title and is_title(self.rows, at)) or is_heading(self.rows, at)

    def flush(self) -> None:
        """Make a turn of the paragraph, unless it is above the first turn and is not speech."""
        if not self.paragraph:
            return
        lines, self.paragraph = self.paragraph, []
        text = join_lines(lines)
        if not self.started and self.choice.layout and not is_speech(text):
            self._leave_out("lines above the first turn", *lines)
            self.stamp = self.stamp if self.time_row else None  # a time of these lines
            return
        stamp, self.stamp = self.stamp, None
        start, end = self.scale.seconds(stamp, self.time_s)
        self.time_s = start or self.time_s
        if self.times_end_turns and (late := _end_time(text)):
            text, end = late[1], self.scale.seconds(late[0])[0]
            start = self.turns[-1].end_s if start is None and self.turns else start
        self.turns.append(Turn(self.speaker, text, start, end, self.where))

    def end(self) -> list[Turn]:
        """Return the turns; call it once, after the last row."""
        self.flush()
        self._close_turn()
        self._take_time(None, "")
        return self.turns

    def _open(self, at: int, turn: OpenedTurn) -> int:
        """Begin the *turn* of the row *at*; return how many rows its opening takes."""
        name, opening = turn
        self.flush()
        self.where = self.rows[at].where
        raw = "\n".join(row.raw for row in self.rows[at : at + opening.rows])
        self._close_turn()
        if opening.stamp:
            self._take_time(opening.stamp, "" if opening.label else raw)
        if not self.started:
            self.notes.about.update(facts_of(self.preface))
        self.started = True
        role = (name, opening.role)
        if opening.role and name == opening.label and role not in self.roles:
            self.notes.leave_out("roles of speakers", opening.role)
            self.roles.add(role)
        self.speaker, self.silent = name, opening.label and raw
        self._add(opening.rest)
        return opening.rows

    def _close_turn(self) -> None:
        if self.silent:
            self.notes.leave_out("labels without words", self.silent)
        self.silent = ""

    def _take_time(self, stamp: Stamp | None, raw: str) -> None:
        """Hold the time of the words to come; note one that no words came for."""
        if self.stamp is not None and self.time_row:
            kind = "times without words" if self.started else "lines above the first turn"
            self._leave_out(kind, self.time_row)
        self.stamp, self.time_row = stamp, raw

    def _leave_out(self, kind: str, *lines: str) -> None:
        self.notes.leave_out(kind, "\n".join(lines))
        self.preface += lines

    def _add(self, text: str) -> None:
        if text.strip():
            self.silent = ""
            self.paragraph.append(text)
        if self.times_end_turns and _end_time(text):
            self.flush()
