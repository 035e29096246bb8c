"""Labelled findings of two settings: what people's verdicts on some of them say of all.

A label on a finding holds for both settings that have it. So findings that only one setting has are
weighted by the share of them that is labelled, and likewise those that both have (stratification,
Horvitz and Thompson, 1952): it does not matter how many findings of each setting people labelled.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from runner.answers.labels import RIGHT, UNSURE
from runner.base.agreement import Array, ratio
from runner.reports.compare.assessment_data import DECIDED, PRECISION, Setting
from runner.reports.compare.paired import MIN_TRANSCRIPTS, Difference, difference

# Labelled findings, in at least MIN_TRANSCRIPTS: fewer stand for no others. Of five or ten, all may
# be right by luck, and then neither the swaps nor the bootstrap show how far off their rate is.
MIN_LABELLED = 12
# Tables have the shape (transcripts, settings, who, counts), each count per run of its setting.
OWN, BOTH, NEITHER = range(3)  # who has a finding
# Findings, without unsure ones; those labelled right or wrong; those right; distinct right ones
# that the setting has; and all such: each setting counts half of those that both or neither has.
ALL, LABELLED, WERE_RIGHT, HAS, KNOWN = range(5)


def compared(
    name: str, one: Setting, other: Setting, shas: Sequence[str]
) -> tuple[Difference | None, str]:
    """Return the difference in the figure *name* of labels, and what makes it doubtful, if any.

    Where few of the findings that only one setting has are labelled (MIN_LABELLED), the unlabelled
    ones count in favour of the setting that looks worse. If that turns the difference round, there
    is no test.
    """
    figure = right_gap if name == PRECISION else found_gap
    tables = _tables(name, one, other, shas)
    marked = tables[..., LABELLED]
    unlabelled = tables[..., ALL] - marked
    few = (marked.sum(0) < MIN_LABELLED) | ((marked > 0).sum(0) < MIN_TRANSCRIPTS)
    few &= unlabelled.sum(0) > 1e-9
    few[:, BOTH] = few[:, BOTH].any()  # their findings are the same
    labelled = tables.copy()
    labelled[..., ALL] -= unlabelled * few
    found = difference(labelled[:, 0], labelled[:, 1], figure)
    if found is None or not few[:, OWN].any():
        return found, ""
    worse = 1 if found.value > 0 else 0
    added = (unlabelled * few)[..., OWN, None]
    labelled[..., OWN, [ALL, LABELLED]] += added
    labelled[:, worse, OWN, WERE_RIGHT:] += added[:, worse]
    least = difference(labelled[:, 0], labelled[:, 1], figure)
    is_same_way = least is not None and least.value * found.value > 0
    return (least if is_same_way else replace(found, p=None)), _labelled_words(tables)


def _labelled_words(tables: Array) -> str:
    """Return which share of the findings that only one setting has is labelled."""
    own = zip(("it", "the other"), tables.sum(0)[:, OWN], strict=True)
    words = (f"of what only {who} found {c[LABELLED] / c[ALL]:.0%}" for who, c in own if c[ALL])
    return f"{', '.join(words)} is labelled"


def _tables(name: str, one: Setting, other: Setting, shas: Sequence[str]) -> Array:
    """Return the counts of both settings in each transcript."""
    analyzer = name.partition(" ")[2]
    analyzers = {analyzer} if analyzer else one.labelled_analyzers | other.labelled_analyzers
    tables = [
        _table(own, their, sha, analyzers, analyzer)
        for sha in shas
        for own, their in ((one, other), (other, one))
    ]
    return np.array(tables).reshape(-1, 2, 3, 5)


def _table(
    own: Setting, their: Setting, sha: str, analyzers: set[str], analyzer: str
) -> list[list[float]]:
    """Return the counts of *own* in a transcript; of right ones all, or those of *analyzer*."""
    table = [[0.0] * 5, [0.0] * 5, [1.0, 1.0, 0.0, 0.0, 0.0]]  # NEITHER counts as it is
    part = 1 / max(1, own.runs[sha])
    for item, verdict in own.items.get(sha, ()):
        if item.analyzer in analyzers and verdict != UNSURE:
            row = table[BOTH if their.has(item, sha) else OWN]
            row[ALL] += part
            row[LABELLED] += part * (verdict in DECIDED)
            row[WERE_RIGHT] += part * (verdict == RIGHT)
    theirs = their.known.get(sha, {})
    for key, had in own.known.get(sha, {}).items():
        if analyzer in ("", key[0]) and (had or not theirs.get(key)):
            who = (BOTH if theirs.get(key) else OWN) if had else NEITHER
            table[who][HAS] += had
            table[who][KNOWN] += 1.0 if who == OWN else 0.5
    return table


def right_gap(sums: Array) -> Array:
    """Return how the share of right findings differs; *sums* has the shape (…, 2, 3, 5)."""
    held = sums[..., :NEITHER, :]
    every, rate = held[..., ALL], ratio(held[..., WERE_RIGHT], held[..., LABELLED])
    shares = ratio(np.where(every > 0, every * rate, 0).sum(-1), every.sum(-1))
    return np.asarray(shares[..., 0] - shares[..., 1])


def found_gap(sums: Array) -> Array:
    """Return how the share of all right findings that a setting has differs."""
    pooled = sums.copy()
    pooled[..., BOTH, :HAS] = sums[..., BOTH, :HAS].sum(-2, keepdims=True)  # labelled once
    weights = np.where(pooled[..., ALL] > 0, ratio(pooled[..., ALL], pooled[..., LABELLED]), 0)
    parts = (weights * sums[..., HAS]).sum(-1)
    known = (weights * sums[..., KNOWN]).sum((-1, -2))
    return np.asarray(ratio(parts[..., 0] - parts[..., 1], known))
