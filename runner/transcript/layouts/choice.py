"""Choice of the layout: the candidates are scored over the whole file, and the best one wins."""

import itertools
import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from runner.transcript.layouts.catalogue import LAYOUTS, Layout
from runner.transcript.layouts.labels import LabelUse, Likeness, Verdict, judge, likeness
from runner.transcript.layouts.openings import Opening
from runner.transcript.layouts.preface import header, notes_above
from runner.transcript.layouts.rows import Row
from runner.transcript.report import Notes

NEAR_TIE = 0.8
TIE_ROWS = 200
_ADDRESS = re.compile(r"<?(?:https?://|www\.)\S+$")


@dataclass(frozen=True, slots=True)
class Explained:
    """What speaks for *layout*: its *openings* by row, the *verdict* on their labels, a score.

    It is no talk if one label recurs here and there amid much text, such as `Germany: …`.
    """

    layout: Layout
    openings: Mapping[int, Opening]
    verdict: Verdict
    score: float
    is_talk: bool = True

    def turns(self, rows: Sequence[Row]) -> dict[int, tuple[str | None, Opening]]:
        """Return speaker and opening by row."""
        found: dict[int, tuple[str | None, Opening]] = {}
        sure = False  # once somebody has spoken
        for at, opening in self.openings.items():
            name = self.verdict.names.get((opening.label, opening.role))
            if name is not None or self.layout.marked:
                found[at] = (name, opening)
                sure = self.layout.sure or self.layout.timed
            elif rows[at].placed and (sure or opening.label in self.verdict.unknown):
                row = rows[at]
                rest = row.rest if row.stamp else row.raw
                found[at] = (None, replace(opening, rest=rest, stamp=row.stamp, rows=1))
        return found


@dataclass(frozen=True, slots=True)
class Choice:
    """The *layout* that explains most, or None, and every row that opens a turn.

    *timed_first*: in most, a time stands before the label; *times_head_turns*: most rows that are
    times stand above a label. What then has a time and no label is by nobody known.
    Rows above *notes_end* are notes on the meeting.
    """

    layout: Layout | None = None
    turns: Mapping[int, tuple[str | None, Opening]] = field(default_factory=dict)
    timed_first: bool = False
    times_head_turns: bool = False
    notes_end: int = 0

    @property
    def is_chat(self) -> bool:
        """Whether times before labels are those of a chat."""
        return self.layout is not None and self.layout.name == "angled label"


def choose(rows: Sequence[Row], notes: Notes) -> Choice:
    """Return what opens a turn in *rows*; note the layout, and a near tie as a warning."""
    notes_end = notes_above(rows)
    start = max(notes_end, header(rows))
    ranked = _ranked(rows, start, thrifty=True)
    if not ranked or not _scores(ranked[0]):
        return Choice()
    best, turns = ranked[0], ranked[0].turns(rows)
    notes.layout = best.layout.name
    beside = {best.layout.name}
    for other in (each for each in ranked[1:] if each.score):
        if added := _beside(best, turns, other, rows):
            turns |= added
            beside.add(other.layout.name)
    known = set(best.verdict.names.values())
    for each in ranked:
        if each.layout.plain or best.layout.timed:
            turns |= _known(each.openings, known, turns, rows)
    _note_ties(best.layout, beside, rows[start : start + TIE_ROWS], notes)
    stamps = [rows[at].stamp is not None for at, (_, opening) in turns.items() if opening.rest]
    marks = [at + 1 in turns for at, row in enumerate(rows) if row.is_stamp and at not in turns]
    head = len(marks) > 2 and _mostly(marks)
    return Choice(best.layout, turns, _mostly(stamps), head, notes_end)


def _ranked(rows: Sequence[Row], start: int, *, thrifty: bool) -> list[Explained]:
    """Return what each layout explains, the best first.

    If *thrifty*, the rows that one layout opens need not be read by the others, where they are
    most of the file.
    """
    ranked: list[Explained] = []
    claimed: Collection[int] = ()
    for layout in LAYOUTS:
        if seen := _openings(layout, rows, start, claimed):
            ranked.append(_evidence(layout, rows, seen, start))
            turns = ranked[-1].turns(rows) if thrifty and not claimed else {}
            if len(turns) >= len(rows) * 0.5 and len(turns) >= _places(layout, rows) * 0.8:
                claimed = turns
    return sorted(ranked, key=lambda each: (-_scores(each), -each.score))


def _note_ties(best: Layout, beside: Collection[str], rows: Sequence[Row], notes: Notes) -> None:
    """Warn of a layout that explains the first rows nearly as well, with other speakers."""
    ranked = _ranked(rows, 0, thrifty=False)
    chosen = next((each for each in ranked if each.layout is best), None)
    for other in ranked:
        if chosen is None or other.layout.name in beside or not _scores(other):
            continue
        near = other.score >= chosen.score * NEAR_TIE
        if near and not _agree(chosen.turns(rows), other, rows):
            notes.warn(
                f"the layout may as well be '{other.layout.name}', such as in "
                f"'{_example(other, rows)}'; read as '{best.name}'"
            )


def _mostly(flags: Sequence[bool]) -> bool:
    return bool(flags) and sum(flags) >= len(flags) * 0.8


def _scores(each: Explained) -> bool:
    return each.score > 0 and each.is_talk


def _openings(
    layout: Layout, rows: Sequence[Row], start: int, claimed: Collection[int]
) -> dict[int, Opening]:
    found: dict[int, Opening] = {}
    below = -1
    hinted = [at for at in range(start, len(rows)) if at not in claimed and layout.hint(rows[at])]
    for at in hinted:
        if at <= below:  # the text of the opening above is none itself
            continue
        opening = layout.opens(rows, at)
        if opening is None or (layout.heads_block and _is_heading(layout, rows, at)):
            continue
        found[at] = opening
        if not opening.rest and not layout.timed and layout.heads_block:
            below = at + opening.rows
        elif layout.timed and not opening.rest:
            below = at + opening.rows - 1
    return _with_late_times(_without_odd_dates(found))


def _without_odd_dates(found: dict[int, Opening]) -> dict[int, Opening]:
    """Leave out openings with a date, as of the recording, where most have none."""
    dated = {at for at, opening in found.items() if opening.stamp and opening.stamp.day}
    if len(dated) >= len(found) * 0.5:
        return found
    return {at: opening for at, opening in found.items() if at not in dated}


def _is_heading(layout: Layout, rows: Sequence[Row], at: int) -> bool:
    """Return whether a row that stands alone is above a label that does not."""
    alone = at + 2 < len(rows) and rows[at].gap and rows[at + 1].gap and not rows[at + 2].gap
    return alone and bool(layout.hint(rows[at + 1])) and layout.opens(rows, at + 1) is not None


def _with_late_times(found: dict[int, Opening]) -> dict[int, Opening]:
    """Take the times behind labels, which may be text, for times where most labels have one."""
    late = sum(opening.late is not None for opening in found.values())
    if late < 2 or late < len(found) * 0.6:
        return found
    return {
        at: replace(opening, stamp=opening.late[0], rest=opening.late[1])
        if opening.late
        else opening
        for at, opening in found.items()
    }


def _evidence(
    layout: Layout, rows: Sequence[Row], seen: Mapping[int, Opening], start: int
) -> Explained:
    labels = Counter(opening.label for opening in seen.values())
    if layout.marked:
        enough = len(labels) == 2 or not layout.pair
        every = Verdict({(o.label, o.role): o.label for o in seen.values() if o.label})
        return Explained(layout, seen, every, 2.0 * len(seen) * enough)
    places = _places(layout, rows)
    if layout.heads_block:  # the words stand in a block of their own
        places -= sum(at + 1 < len(rows) and rows[at + 1].gap for at in seen)
    first = seen[start].label if start in seen else ""
    candidates = [_candidate(rows[at], opening) for at, opening in seen.items() if opening.label]
    verdict = judge(candidates, places, first)
    if not layout.plain:
        verdict = _strict(verdict, seen, places)
    evidence = Explained(layout, seen, verdict, 0.0)
    turns = evidence.turns(rows)
    named = [opening for name, opening in turns.values() if name is not None]
    recur = sum(labels[opening.label] > 1 for opening in named)
    early = any(at < start + 3 for at in turns)
    talk = early or len({opening.label for opening in named}) > 1 or len(turns) >= places * 0.25
    enough = len(turns) >= places * layout.share or (layout.share < 0.1 and early)
    if not enough or not (recur or _all_fit(layout, named, places, first)):
        return replace(evidence, verdict=Verdict({}), score=0.0)
    score = len(named) + recur + _growing(named)
    return replace(evidence, score=score, is_talk=talk)


def _all_fit(layout: Layout, named: Sequence[Opening], places: int, first: str) -> bool:
    """Return whether labels that occur once each may be speakers."""
    if not layout.plain:
        return False
    least = Likeness.WORD if layout.sure else Likeness.NAME
    names = all(likeness(opening.label) >= least for opening in named)
    share = len(named) >= places * 0.5 and (len(named) > 1 or not layout.timed)
    return bool(named) and names and (share or (bool(first) and layout.share < 0.1))


def _places(layout: Layout, rows: Sequence[Row]) -> int:
    """Return how many rows may open a turn."""
    gaps = sum(row.gap for row in rows)
    if layout.heads_block or layout.timed:
        return gaps if gaps >= len(rows) * 0.2 else max(1, len(rows) // 2)
    return sum(row.placed for row in rows)


def _candidate(row: Row, opening: Opening) -> LabelUse:
    timed = opening.stamp is not None
    address = bool(_ADDRESS.match(opening.rest))
    return LabelUse(opening.label, opening.role, timed, opening.dress, row.placed, address)


def _strict(verdict: Verdict, seen: Mapping[int, Opening], places: int) -> Verdict:
    """Keep the labels that recur, and if some do, those that look like them.

    Those have two words, a time, or capitals as all that recur have; if nearly every place for a
    turn has a label, any other is one too.
    """
    labels = Counter(opening.label for opening in seen.values())
    recurring = {label for label, _ in verdict.names if labels[label] > 1}
    capitals = all(map(str.isupper, recurring))
    timed = {opening.label for opening in seen.values() if opening.stamp}
    every = len(seen) >= places * 0.9
    kept = {
        key: name
        for key, name in verdict.names.items()
        if key[0] in recurring
        or (recurring and (every or " " in key[0] or not key[0].isascii() or key[0] in timed))
        or (recurring and capitals and key[0].isupper())
    }
    return Verdict(kept)


def _growing(named: Sequence[Opening]) -> int:
    times = [opening.stamp.start_s for opening in named if opening.stamp]
    grows = sum(after >= before for before, after in itertools.pairwise(times))
    return grows + 1 if times and grows >= (len(times) - 1) * 0.8 else 0


def _beside(
    best: Explained, turns: Collection[int], other: Explained, rows: Sequence[Row]
) -> dict[int, tuple[str | None, Opening]]:
    """Return the turns of *other* that stand beside those of the best layout.

    It needs a stretch of the file to itself, or Q and A, which stand among the labels of counsel.
    """
    added = {at: turn for at, turn in other.turns(rows).items() if at not in turns}
    if other.layout.pair or best.layout.pair:
        letters = Counter(turn[1].label for turn in added.values())
        often = len(added) >= len(turns) * 0.1 and min(letters.values(), default=0) > 1
        return added if often or best.layout.pair else {}
    labels = Counter(turn[1].label for turn in added.values() if turn[0])
    recur = {label for label, count in labels.items() if count > 1}
    if len(added) < 4 or not recur or not other.is_talk:
        return {}
    first, last = min(added), max(added)
    inside = sum(first <= at <= last for at in turns)
    return added if inside <= len(added) * 0.2 else {}


def _agree(
    turns: Mapping[int, tuple[str | None, Opening]], other: Explained, rows: Sequence[Row]
) -> bool:
    """Return whether nearly all turns of *other* have the same speakers as those chosen."""
    found = other.turns(rows)
    same = sum(at in turns and turns[at][0] == name for at, (name, _) in found.items())
    return same >= len(found) * 0.95


def _known(
    seen: Mapping[int, Opening],
    known: Collection[str],
    turns: Collection[int],
    rows: Sequence[Row],
) -> dict[int, tuple[str | None, Opening]]:
    """Return the openings of speakers who are known from the best layout, in another one."""
    return {
        at: (opening.label, opening)
        for at, opening in seen.items()
        if opening.label in known and at not in turns and rows[at].placed
    }


def _example(evidence: Explained, rows: Sequence[Row]) -> str:
    return rows[next(iter(evidence.openings))].raw[:60]
