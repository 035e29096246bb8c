"""Evidence for a layout: the turns it opens in a file, and which labels are speakers."""

import itertools
import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from runner.transcript.layouts.catalogue import Layout, OpenedTurn, Turns
from runner.transcript.layouts.label_reading import Opening
from runner.transcript.layouts.labels import LabelUse, Likeness, Verdict, judge, likeness
from runner.transcript.layouts.rows import Row
from runner.transcript.model import ends_sentence
from runner.transcript.words import WORDS

_LEAST_SHARE = 0.1
_CLAUSE = WORDS["clause"] | {"of"}
_ADDRESS = re.compile(r"<?(?:https?://|www\.)\S+$")


@dataclass(frozen=True, slots=True)
class LayoutEvidence:
    """Evidence for *layout*: its *openings* by row, the *verdict* on their labels, a score.

    A label that recurs rarely within much text, such as `Germany: …`, is not a speaker.
    """

    layout: Layout
    openings: Mapping[int, Opening]
    verdict: Verdict
    score: float
    is_talk: bool = True

    def turns(self, rows: Sequence[Row]) -> Turns:
        """Return the turns that it opens in *rows*."""
        found: Turns = {}
        sure = False  # after the first turn
        for at, opening in self.openings.items():
            name = self.verdict.names.get((opening.label, opening.role))
            if name is not None or self.layout.marked:
                found[at] = OpenedTurn(name, opening)
                sure = self.layout.sure or self.layout.timed
            elif not opening.label:
                found[at] = OpenedTurn(None, opening)
            elif rows[at].placed and (sure or opening.label in self.verdict.unknown):
                row = rows[at]
                rest = row.rest if row.stamp or row.mark.startswith("#") else row.raw
                plain = replace(opening, rest=rest, stamp=row.stamp, rows=1)
                found[at] = OpenedTurn(None, plain)
        return found


def mostly(flags: Sequence[bool]) -> bool:
    """Return whether at least four in five are true."""
    return bool(flags) and sum(flags) >= len(flags) * 0.8


def openings_in(
    layout: Layout, rows: Sequence[Row], start: int, claimed: Collection[int]
) -> dict[int, Opening]:
    """Return the openings of *layout* by row, from *start* on, without *claimed* rows."""
    found: dict[int, Opening] = {}
    counts = Counter(row.raw for row in rows) if layout.heads_block else Counter()
    below = -1
    for at in range(start, len(rows)):
        if at in claimed:
            continue
        again = layout.heads_block and rows[at].gap and counts[rows[at].raw] > 1
        if at <= below and not (again and rows[at].raw[-1] != "."):  # the text of the opening above
            continue
        opening = layout.opens(rows, at)
        if opening is None or (layout.heads_block and _is_title(layout, rows, at, counts)):
            continue
        found[at] = opening
        if not opening.rest and (layout.heads_block or layout.timed):
            below = at + opening.rows - layout.timed
    return _with_late_times(_without_words(_without_odd_dates(found), rows))


def _without_words(found: dict[int, Opening], rows: Sequence[Row]) -> dict[int, Opening]:
    """Leave out the lines below labels of their own, if most labels are: they are words.

    A label that recurs stays below one that does not, such as words before a colon.
    """
    counts = Counter(each.label for each in found.values())
    heads = {at + each.rows: counts[each.label] for at, each in found.items() if not each.rest}
    if len(heads) < max(2, len(found) / 2):
        return found
    words = {
        at
        for at, uses in heads.items()
        if at in found and not (rows[at].gap or rows[at].stamp)
        if uses > 1 or counts[found[at].label] == 1
    }
    return {at: opening for at, opening in found.items() if at not in words}


def _without_odd_dates(found: dict[int, Opening]) -> dict[int, Opening]:
    """Remove labels with a date, such as the recording's, if most labels have none."""
    dated = {at for at, each in found.items() if each.stamp and each.stamp.day and not each.rest}
    few = len(dated) < len(found) * 0.5
    return {at: opening for at, opening in found.items() if not few or at not in dated}


def _is_title(layout: Layout, rows: Sequence[Row], at: int, counts: Mapping[str, int]) -> bool:
    """Return whether a row between blank lines is above a label that is not, or that recurs."""
    if at + 2 >= len(rows) or not (rows[at].gap and rows[at + 1].gap):
        return False
    lone = counts[rows[at].raw] == 1 < counts[rows[at + 1].raw]
    words = rows[at + 2].gap or rows[at + 1].raw.endswith(".")  # such as `Vitamin C.`
    return (lone or not words) and layout.opens(rows, at + 1) is not None


def _with_late_times(found: dict[int, Opening]) -> dict[int, Opening]:
    late = {
        at: replace(opening, stamp=opening.late[0], rest=opening.late[1])
        for at, opening in found.items()
        if opening.late
    }
    return found | late if len(late) >= max(2, len(found) * 0.6) else found


def evidence_of(
    layout: Layout, rows: Sequence[Row], seen: Mapping[int, Opening], start: int
) -> LayoutEvidence:
    """Return the evidence for *layout*, whose openings are *seen*."""
    if layout.marked:
        return _evidence_of_marks(layout, seen)
    places = places_in(layout, rows[start:])
    apart = 0
    if layout.heads_block:  # the words are in a separate block
        apart = sum(at + 1 < len(rows) and rows[at + 1].gap for at in seen)
    places -= apart
    first = seen[start].label if start in seen else ""
    candidates = [_candidate(rows[at], opening) for at, opening in seen.items() if opening.label]
    verdict = judge(candidates, places, first)
    if not layout.plain:
        verdict = _strict(verdict, seen, places * (0.9 if apart else 0.8))
    if layout.heads_block:
        verdict = replace(verdict, unknown=_alone(verdict, seen, rows))
    evidence = LayoutEvidence(layout, seen, verdict, 0.0)
    turns = evidence.turns(rows)
    named = [opening for name, opening in turns.values() if name is not None]
    folded = Counter(opening.label.casefold() for opening in named)
    recur = sum(folded[opening.label.casefold()] > 1 for opening in named)
    early = any(at < start + 3 for at in turns)
    talk = early or len({opening.label for opening in named}) > 1 or len(turns) >= places * 0.25
    titles = not (layout.plain or layout.heads_block) and all(map(_is_before_name, named))
    many = len(turns) >= places * _least_share(layout, seen, named) and not titles
    enough = many or (layout.share < 0.1 and early)
    if not enough or not (recur or _all_fit(layout, named, places, first)):
        return replace(evidence, verdict=Verdict({}), score=0.0)
    score = len(named) + recur + _growing(named)
    return replace(evidence, score=score, is_talk=talk)


def _evidence_of_marks(layout: Layout, seen: Mapping[int, Opening]) -> LayoutEvidence:
    """Return the evidence for a *marked* layout, in which every label speaks."""
    labels = Counter(opening.label for opening in seen.values())
    every = Verdict({(each.label, each.role): each.label for each in seen.values() if each.label})
    enough = len(labels) == 2 or not layout.pair or labels["Q"] > 1
    return LayoutEvidence(layout, seen, every, 2.0 * len(seen) if enough else 0.0)


def _is_before_name(opening: Opening) -> bool:
    """Return whether a label is above or before a name alone, as in a list of titles."""
    words = opening.rest
    named = likeness(words) == Likeness.NAME and not ends_sentence(words)
    return named and opening.stamp is None


def _least_share(layout: Layout, seen: Mapping[int, Opening], named: Sequence[Opening]) -> float:
    """Return the least share of places with a turn, less below full names that recur.

    Speeches below such names may be long and have headings.
    """
    labels = Counter(opening.label for opening in seen.values())
    full = {each.label for each in named if " " in each.label and labels[each.label] > 1}
    return _LEAST_SHARE if layout.heads_block and len(full) > 1 else layout.share


def _all_fit(layout: Layout, named: Sequence[Opening], places: int, first: str) -> bool:
    """Return whether labels that occur once each may be speakers."""
    least = Likeness.WORD if layout.sure or layout.timed else Likeness.NAME
    names = all(likeness(opening.label) >= least for opening in named)
    share = len(named) >= places * 0.5 and (len(named) > 1 or not layout.timed)
    return bool(named) and names and (share or (bool(first) and layout.share < 0.1))


def places_in(layout: Layout, rows: Sequence[Row]) -> int:
    """Return how many rows may open a turn."""
    if not (layout.heads_block or layout.timed):
        return sum(row.placed for row in rows)
    gaps = sum(row.gap for row in rows)
    return gaps if gaps >= len(rows) * 0.2 else max(1, len(rows) // 2)


def _candidate(row: Row, opening: Opening) -> LabelUse:
    timed = opening.stamp is not None
    address = bool(_ADDRESS.match(opening.rest))
    alone = not opening.rest and opening.rows == 1
    placed = row.placed or (opening.stamp is not None and not opening.stamp.plain)
    return LabelUse(opening.label, opening.role, timed, opening.dress, placed, address, alone)


def _strict(verdict: Verdict, seen: Mapping[int, Opening], nearly_all: float) -> Verdict:
    """Keep the labels that recur and, if there are any, similar ones: with two words, a time, or
    capitals like all that recur. If *nearly_all* places for a turn have a label, keep all.
    """
    labels = Counter(opening.label for opening in seen.values())
    recurring = {label for label, _ in verdict.names if labels[label] > 1}
    capitals = all(map(str.isupper, recurring))
    timed = {opening.label for opening in seen.values() if opening.stamp}

    def similar(label: str) -> bool:  # and not a heading such as `Work and Pensions`
        several = " " in label and _CLAUSE.isdisjoint(label.split())
        return several or label in timed or not label.isascii() or (capitals and label.isupper())

    every = len(seen) >= nearly_all
    kept = {
        key: name
        for key, name in verdict.names.items()
        if key[0] in recurring or (recurring and (every or similar(key[0])))
    }
    return Verdict(kept, verdict.unknown if every else frozenset())


def _alone(verdict: Verdict, seen: Mapping[int, Opening], rows: Sequence[Row]) -> frozenset[str]:
    alone = {at for at in seen if rows[at].gap and at + 1 < len(rows) and rows[at + 1].gap}
    speaking = [at for at, each in seen.items() if (each.label, each.role) in verdict.names]
    if not mostly([at in alone for at in speaking]):
        return frozenset()
    labels = {seen[at].label for at in alone} - {label for label, _ in verdict.names}
    return frozenset(label for label in labels if likeness(label) == Likeness.NAME)


def _growing(named: Sequence[Opening]) -> int:
    times = [opening.stamp.start_s for opening in named if opening.stamp]
    grows = sum(after >= before for before, after in itertools.pairwise(times))
    return grows + 1 if times and grows >= (len(times) - 1) * 0.8 else 0
