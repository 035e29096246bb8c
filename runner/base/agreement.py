"""Agreement of raters on nominal values: Cohen's kappa and Krippendorff's alpha.

Both take tables that count pairs of values, arrays of shape (…, tables, values, values), and return
arrays of shape (…). Several tables with one total are pooled: mean agreement against mean agreement
by chance (De Vries et al., "Using pooled kappa to summarize interrater agreement across many
items", 2008). The result is NaN without a pair, or if all values are equal, as by chance.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


def ratio(part: Array, whole: Array) -> Any:
    """Return *part* / *whole*, NaN where *whole* is 0."""
    return np.where(whole > 1e-9, part / np.maximum(whole, 1e-9), np.nan)


def cohen_kappa(tables: ArrayLike) -> Any:
    """Return two raters' agreement beyond chance, -1 to 1 (Cohen 1960, for nominal scales)."""
    counts = np.asarray(tables, dtype=float)
    total, agreed = counts.sum((-2, -1)), np.trace(counts, axis1=-2, axis2=-1)
    chance = (counts.sum(-1) * counts.sum(-2)).sum(-1)
    return ratio((agreed * total - chance).sum(-1), (total**2 - chance).sum(-1))


def krippendorff_alpha(tables: ArrayLike) -> Any:
    """Return raters' agreement, at most 1, by `coincidences` (Krippendorff 2011, section C)."""
    counts = np.asarray(tables, dtype=float)
    total, agreed = counts.sum((-2, -1)), np.trace(counts, axis1=-2, axis2=-1)
    same = (counts.sum(-1) ** 2).sum(-1)
    return 1 - ratio(((total - 1) * (total - agreed)).sum(-1), (total**2 - same).sum(-1))


def coincidences(units: ArrayLike) -> Any:
    """Return the table of pairs of values of each item, from its counts of values.

    *units* has the shape (items, values); items with fewer than two values count nothing.
    """
    counts = np.asarray(units, dtype=float)
    counts = counts[counts.sum(1) > 1]
    pairs = counts[:, :, None] * counts[:, None, :] - np.eye(counts.shape[1]) * counts[:, None, :]
    return (pairs / (counts.sum(1) - 1)[:, None, None]).sum(0)
