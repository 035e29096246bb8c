"""Choice of the layout: the candidates are scored over the whole file, and the best one wins."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from runner.base.format import plural
from runner.transcript.layouts.answers import answers_between
from runner.transcript.layouts.catalogue import LAYOUTS, Layout, OpenedTurn, Turns
from runner.transcript.layouts.evidence import (
    LayoutEvidence,
    evidence_of,
    mostly,
    openings_in,
    places_in,
)
from runner.transcript.layouts.label_reading import Opening
from runner.transcript.layouts.labels import Likeness, is_division, is_ordinary, likeness
from runner.transcript.layouts.openings import (
    NO_OFFICE,
    below_time,
    dashed,
    ends_words,
    in_columns,
    in_line,
)
from runner.transcript.layouts.preface import header, heads_list, is_fact, notes_above
from runner.transcript.layouts.rows import Row
from runner.transcript.model import ends_sentence
from runner.transcript.reader_notes import Notes
from runner.transcript.words import WORDS

NEAR_TIE = 0.8
TIE_ROWS = 200
_MAX_NAME_WORDS = 3
_MAX_TITLE_WORDS = 5
_SOME_NAMES = 0.25
_BULLETS = frozenset("-*+•–")


@dataclass(frozen=True, slots=True)
class Choice:
    """The *layout* that explains most, or None, and every row that opens a turn.

    *timed_first*: in most, a time precedes the label; *times_head_turns*: most rows that are
    times are above a label. Text after a time without a label then has no known speaker.
    Rows above *notes_end* are notes on the meeting. *asked*: questions and answers of a court, in
    which a line in capitals is a heading. From row *end* on, speakers are only listed.
    """

    layout: Layout | None = None
    turns: Turns = field(default_factory=dict)
    timed_first: bool = False
    times_head_turns: bool = False
    notes_end: int = 0
    asked: bool = False
    end: int | None = None


def choose(rows: Sequence[Row], notes: Notes, *, headed: bool = True) -> Choice:
    """Return the openings of turns in *rows*; note the layout, and a near tie as a warning.

    If *headed*, notes and facts may stand above the first turn.
    """
    notes_end = notes_above(rows) if headed else 0
    start = max(notes_end, header(rows)) if headed else 0
    ranked = _ranked(rows, start, thrifty=True)
    if not ranked or not _scores(ranked[0]):
        return Choice()
    best, turns = ranked[0], ranked[0].turns(rows)
    notes.layout = best.layout.name
    beside = {best.layout.name}
    for other in ranked[1:]:
        if other.score and (added := _beside(best, turns, other, rows)):
            turns |= added
            beside.add(other.layout.name)
    known = set(best.verdict.names.values())
    for each in ranked:
        if each.layout.plain or best.layout.timed or each.layout.opens in (in_columns, dashed):
            turns |= _known(each.openings, known, turns, rows, below=each.layout != best.layout)
    if best.layout.pair:  # the court and counsel, who may speak once
        seen = next((each.openings for each in ranked if each.layout.opens is in_line), {})
        named = {each.label for each in seen.values() if likeness(each.label) == Likeness.NAME}
        turns |= _known(seen, set(filter(str.isupper, named)), turns, rows, below=False)
    turns |= _with_roles(turns, rows)
    turns |= answers_between(turns, rows)
    _leave_lists(turns, rows)
    _note_ties(best.layout, beside, rows[start : start + TIE_ROWS], notes)
    stamps = [rows[at].stamp is not None for at, turn in turns.items() if turn.opening.rest]
    marks = [at + 1 in turns for at, row in enumerate(rows) if row.is_stamp and at not in turns]
    head = len(marks) > 2 and mostly(marks)
    below = best.layout.opens is below_time
    asked = best.layout.pair and not mostly([row.raw.isupper() for row in rows])
    timed_first, end = mostly(stamps) or below, _end(rows, turns)
    return Choice(best.layout, turns, timed_first, head or below, notes_end, asked, end)


def _end(rows: Sequence[Row], turns: Turns) -> int | None:
    """Return where a list of the speakers, with its heading and facts above it, ends the file."""
    at = last = max(turns, default=0)
    while at - 1 in turns and not turns[at - 1].opening.rest:
        at -= 1
    if at == last or turns[last].opening.rest or not heads_list(rows, at - 1):
        return None
    return next((top + 1 for top in range(at - 2, -1, -1) if not is_fact(rows[top].raw)), None)


def _with_roles(turns: Turns, rows: Sequence[Row]) -> Turns:
    """Return the openings of a label above a role, such as `Analyst, Bank`; some pairs recur."""
    found = {}
    for at, (name, opening) in turns.items():
        role, *after = rows[at + opening.rows : at + opening.rows + 2] or rows[:1]
        alone = after and not role.gap and after[0].gap and role.raw[0].isupper()
        words = opening.rest or {at + opening.rows, at + opening.rows + 1} & turns.keys()
        said = is_ordinary(role.raw) or (ends_sentence(role.raw) and " " not in role.raw)
        said = said or not NO_OFFICE.isdisjoint(role.raw.lower().split())
        if alone and not (words or said or opening.role):
            found[at] = OpenedTurn(name, replace(opening, role=role.raw, rows=opening.rows + 1))
    counts = Counter((name, opening.role) for name, opening in found.values())
    recur = {role for role, count in counts.items() if role[0] and count > 1}
    return {
        at: turn
        for at, turn in found.items()
        if recur
        and ((turn.speaker, turn.opening.role) in recur or not ends_sentence(turn.opening.role))
    }


def _ranked(rows: Sequence[Row], start: int, *, thrifty: bool) -> list[LayoutEvidence]:
    """Return the evidence for each layout, the best first.

    If *thrifty*, a layout that opens most of the file keeps its rows from later ones, for speed,
    and so that the full stops of `MR. LI: …` belong to no layout.
    """
    ranked: list[LayoutEvidence] = []
    claimed: Collection[int] = ()
    for layout in LAYOUTS:
        if seen := openings_in(layout, rows, start, claimed):
            ranked.append(evidence_of(layout, rows, seen, start))
            turns = ranked[-1].turns(rows) if thrifty and not claimed else {}
            places = places_in(layout, rows[start:])
            if len(turns) >= max(len(rows) * 0.5, places * 0.8):
                claimed = turns
            if layout.pair and ranked[-1].score:  # in two columns in a deposition
                claimed = {*claimed, *seen}
    return sorted(ranked, key=lambda each: (-_scores(each), -each.score))


def _note_ties(best: Layout, beside: Collection[str], rows: Sequence[Row], notes: Notes) -> None:
    """Warn of a layout that explains the first rows nearly as well, with other speakers."""
    ranked = _ranked(rows, 0, thrifty=False)
    chosen = next((each for each in ranked if each.layout is best), None)
    for other in ranked:
        if chosen is None or other.layout.name in beside or not _scores(other):
            continue
        turns, found = chosen.turns(rows), other.turns(rows)
        same = sum(at in turns and turns[at].speaker == turn.speaker for at, turn in found.items())
        if other.score >= chosen.score * NEAR_TIE and same < len(found) * 0.95:
            notes.warn(
                f"the layout could also be '{other.layout.name}', such as in "
                f"'{rows[next(iter(other.openings))].raw[:60]}'; read as '{best.name}'"
            )


def is_heading(rows: Sequence[Row], at: int) -> bool:
    """Return whether a row is a heading: in Markdown, or by a colon, alone or above a list."""
    row, below = rows[at], rows[at + 1] if at + 1 < len(rows) else None
    if not row.gap or row.is_stamp:
        return False
    listed = below is not None and below.mark in _BULLETS and ":" in below.head and not row.mark
    alone = below is None or below.gap
    listed = listed or (alone and likeness(row.rest.rstrip(":")) >= Likeness.WORD)
    division = is_division(row.head.partition(":")[0])
    return row.mark.startswith("#") or (listed and row.rest.endswith(":")) or division


def is_title(rows: Sequence[Row], at: int) -> bool:
    """Return whether a block is a short line like a heading, or begins with `Next steps:`."""
    row, words = rows[at], rows[at].raw.split()
    if not row.gap or row.stamp or not row.raw[0].isupper() or len(words) > _MAX_TITLE_WORDS:
        return False
    if row.raw.endswith(":"):
        return WORDS["clause"].isdisjoint(row.raw.lower().split())
    return at + 1 < len(rows) and rows[at + 1].gap and not ends_words(row.raw)


def is_lone_name(rows: Sequence[Row], at: int, turns: Collection[int]) -> bool:
    """Return whether a row may name who says the block below, which has no label."""
    row = rows[at]
    alone = row.gap and at + 1 < len(rows) and rows[at + 1].gap
    return alone and (at + 1 not in turns or " " in row.raw) and may_be_name(row)


def may_be_name(row: Row) -> bool:
    """Return whether a row is a name and nothing else."""
    if row.mark or row.stamp or not row.raw[:1].isalpha() or ends_words(row.raw):
        return False
    return len(row.raw.split()) <= _MAX_NAME_WORDS and likeness(row.raw) == Likeness.NAME


def note_names(names: Sequence[Row], blocks: float, notes: Notes) -> None:
    """Warn of *names* on lines of their own, if these are many beside the *blocks* of text."""
    if len(names) >= max(2, blocks * _SOME_NAMES):
        example = f"such as '{names[0].raw}' may name who speaks below; they are read as words"
        notes.warn(f"{plural(len(names), 'line')} {example}")


def _leave_lists(turns: Turns, rows: Sequence[Row]) -> None:
    """Remove from *turns* the items of lists below a heading, if turns are not items."""
    if sum(rows[at].mark in _BULLETS for at in turns) > len(turns) * 0.5:
        return
    listed = False
    for at, row in enumerate(rows):
        item = row.mark in _BULLETS
        listed = is_heading(rows, at) or (listed and item)
        if listed and item:
            turns.pop(at, None)


def _scores(each: LayoutEvidence) -> bool:
    return each.score > 0 and each.is_talk


def _beside(
    best: LayoutEvidence, turns: Collection[int], other: LayoutEvidence, rows: Sequence[Row]
) -> Turns:
    """Return the turns of *other* in a stretch without those of the best, or Q and A of counsel."""
    added = {at: turn for at, turn in other.turns(rows).items() if at not in turns}
    if other.layout.pair or best.layout.pair:
        letters = Counter(turn.opening.label for turn in added.values())
        often = len(added) >= len(turns) * 0.1 and min(letters.values(), default=0) > 1
        return added if often or best.layout.pair else {}
    labels = Counter(turn.opening.label for turn in added.values() if turn.speaker)
    if len(added) < 3 or max(labels.values(), default=0) < 2 or not other.is_talk:
        return {}
    stretch = range(min(added), max(added))
    inside = sum(at in stretch for at in turns)
    return added if inside <= len(added) * 0.2 else {}


def _known(
    seen: Mapping[int, Opening],
    known: Collection[str],
    turns: Turns,
    rows: Sequence[Row],
    *,
    below: bool,
) -> Turns:
    """Return the openings of *known* speakers, but not text *below* a label of its own."""
    taken = {row for at, (_, each) in turns.items() for row in range(at, at + each.rows)}
    taken |= {at + each.rows for at, (_, each) in turns.items() if below and not each.rest}
    known = set(map(str.casefold, known))
    return {
        at: OpenedTurn(opening.label, opening)
        for at, opening in seen.items()
        if opening.label.casefold() in known and at not in taken and rows[at].placed
    }
