"""Comparison of runs: which settings differ, their effect, and its significance."""

from __future__ import annotations

from runner.reports.compare.compare import Comparison, compare
from runner.reports.compare.write import after_sweep, write_comparison

__all__ = ["Comparison", "after_sweep", "compare", "write_comparison"]
