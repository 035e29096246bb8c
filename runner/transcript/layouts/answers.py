"""Answers without a label: between two turns of one speaker, who asks."""

import itertools
from collections.abc import Callable, Sequence

from runner.transcript.layouts.catalogue import OpenedTurn, Turns
from runner.transcript.layouts.evidence import mostly
from runner.transcript.layouts.label_reading import Opening
from runner.transcript.layouts.rows import Row
from runner.transcript.model import ends_sentence, is_aside


def answers_between(turns: Turns, rows: Sequence[Row]) -> Turns:
    """Return the turns, of somebody unknown, between two of one speaker who asks.

    With a single label, a quarter of them follow a question, with several half, with times most.
    """
    heads = sorted(turns)
    same = [turns[a].speaker == turns[b].speaker for a, b in itertools.pairwise(heads)]
    single = all(same)
    if sum(same) < (1 if single else 2):
        return {}
    timed = any(turn.opening.stamp for turn in turns.values())
    share_asked = 0.8 if timed else 0.25 if single else 0.5
    for begins in (_is_paragraph, _follows) if single else (_is_paragraph,):
        found = _first_rows(turns, rows, begins)
        others = [at for at in found if at is not None]
        asked = sum(rows[at - 1].raw.rstrip("*_").endswith("?") for at in others)
        between = [at is not None for at, repeats in zip(found, same, strict=False) if repeats]
        inside = sum(at is not None for at in found[:-1])
        if asked >= len(others) * share_asked and mostly(between) and sum(between) >= inside * 0.5:
            return {
                at: OpenedTurn(None, Opening(stamp=rows[at].stamp, rest=rows[at].raw))
                for at in others
            }
    return {}


def _first_rows(
    turns: Turns, rows: Sequence[Row], begins: Callable[[Sequence[Row], int], bool]
) -> list[int | None]:
    """Return for each turn the first row below its first words that *begins*, None without."""
    found = []
    for head, end in itertools.pairwise([*sorted(turns), len(rows)]):
        opening = turns[head].opening
        start = head + opening.rows + (0 if opening.rest else 1)
        found.append(next((at for at in range(start, end) if begins(rows, at)), None))
    return found


def _is_paragraph(rows: Sequence[Row], at: int) -> bool:
    return rows[at].gap and not rows[at].mark.startswith("#") and not is_aside(rows[at].raw)


def _follows(rows: Sequence[Row], at: int) -> bool:
    """Return whether a row begins behind the end of a sentence, and not by wrapping."""
    return rows[at].placed and ends_sentence(rows[at - 1].raw)
