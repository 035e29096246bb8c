"""Short computations at once, long ones in a thread, so that the event loop is never held up."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")

# What we do to text takes about 0.1 ms per 1,000 characters; handing it to a thread and back
# costs up to a few milliseconds of waiting for the interpreter's lock.
INLINE_CHARS = 60_000


async def compute(chars: int, function: Callable[..., T], *args: Any) -> T:
    """Return `function(*args)`, which works on *chars* characters of text."""
    if chars <= INLINE_CHARS:
        return function(*args)
    return await asyncio.to_thread(function, *args)
