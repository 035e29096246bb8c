"""Colloquy from Python: the command's runs, batches and comparisons as functions and values.

`import colloquy` is cheap; the runner and its libraries load with the first call.
"""

from colloquy.calls import batch, batch_async, compare, load, plan, resume, run, run_async
from colloquy.results import Batch, Comparison, Insight, Quote, Run

__all__ = [
    "Batch",
    "Comparison",
    "Insight",
    "Quote",
    "Run",
    "batch",
    "batch_async",
    "compare",
    "load",
    "plan",
    "resume",
    "run",
    "run_async",
]
