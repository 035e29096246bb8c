"""Colloquy from Python: the command's runs, batches and comparisons as functions and values.

`import colloquy` is cheap; the runner and its libraries load with the first call.
"""

from colloquy.calls import (
    ask,
    ask_async,
    batch,
    batch_async,
    compare,
    load,
    plan,
    resume,
    run,
    run_async,
)
from colloquy.results import Answer, Batch, Comparison, Insight, Quote, Run

__all__ = [
    "Answer",
    "Batch",
    "Comparison",
    "Insight",
    "Quote",
    "Run",
    "ask",
    "ask_async",
    "batch",
    "batch_async",
    "compare",
    "load",
    "plan",
    "resume",
    "run",
    "run_async",
]
