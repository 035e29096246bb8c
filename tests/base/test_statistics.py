from __future__ import annotations

import pytest

from runner.base.statistics import wilson


@pytest.mark.parametrize(
    ("part", "whole", "ends"),
    [(0, 5, (0.0, 0.4345)), (5, 5, (0.5655, 1.0)), (81, 263, (0.2553, 0.3662))],
)
def test_the_interval_of_a_share_is_wilson_s(
    part: int, whole: int, ends: tuple[float, float]
) -> None:
    """The third row is that of Newcombe, Statistics in Medicine 1998, table I."""
    assert ends == pytest.approx(wilson(part, whole), abs=1e-4)
