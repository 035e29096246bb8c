"""Whether work takes time that grows faster than its input, on a machine of any speed."""

from __future__ import annotations

import re
import resource
import time
from collections.abc import Callable
from functools import cache
from typing import TypeVar

T = TypeVar("T", str, bytes)

LONG, SHORT = 40_000, 10_000  # characters
HUNG_S = 600  # of CPU, after which the process is killed


def grows_faster(work: Callable[[T], object], row: T) -> bool:
    """Return whether *work* takes much more than LONG / SHORT times as long on so much of *row*.

    What takes less than half of a quadratic search is fast enough.
    """
    resource.setrlimit(resource.RLIMIT_CPU, (HUNG_S, HUNG_S))
    took_s = _cpu_s(work, row, LONG)
    return took_s > _quadratic_s() / 2 and took_s > 8 * _cpu_s(work, row, SHORT)


def _cpu_s(work: Callable[[T], object], row: T, length: int) -> float:
    text, begun = row * (length // len(row)), time.process_time()
    work(text)
    return time.process_time() - begun


@cache
def _quadratic_s() -> float:
    return _cpu_s(re.compile("a*b").search, "a", LONG)
