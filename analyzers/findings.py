"""Findings: single points of one transcript that can be compared with those of others."""

from runner.answers.shape import Strict


class Fields(Strict):
    """Structured data of `findings`: it has none, its insights are the findings."""
