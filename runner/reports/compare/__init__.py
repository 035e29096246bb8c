"""Comparison of runs: which settings differ, their effect, and its significance."""
