"""Proportions and their intervals."""

import math

_Z = 1.959964  # of 95 %


def rate(part: float, whole: float) -> float | None:
    """Return the share *part* of *whole*, 0 to 1, to four digits; None of nothing."""
    return round(part / whole, 4) if whole else None


def wilson(part: float, whole: float) -> tuple[float, float]:
    """Return the 95 % interval of the share *part* of *whole* > 0 (Wilson, JASA 1927)."""
    share, spread = part / whole, _Z**2 / whole
    middle = (share + spread / 2) / (1 + spread)
    half = _Z * math.sqrt(share * (1 - share) / whole + spread / (4 * whole)) / (1 + spread)
    return max(0.0, middle - half), min(1.0, middle + half)
