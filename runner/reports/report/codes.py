"""Codes of a codebook in a run: how often each was used, and in how many segments."""

from collections.abc import Sequence
from dataclasses import dataclass

from runner.answers.coverage import cited_segments
from runner.base.json import mappings, section, text
from runner.reports.report.nodes import NodeFacts


@dataclass(slots=True)
class CodeCount:
    """A code with the number of its codings and the segments in which their words were found."""

    code: str
    codings: int = 0
    segments: frozenset[str] = frozenset()


def codes_of(nodes: Sequence[NodeFacts]) -> list[CodeCount]:
    """Return the codes that answers have used, those of most segments first."""
    counts: dict[str, CodeCount] = {}
    for node in nodes:
        for item in mappings(section(node.record, "structured_data").get("codings")):
            name = text(item.get("code"))
            count = counts.setdefault(name, CodeCount(name))
            count.codings += 1
            count.segments |= frozenset(cited_segments(item.get("evidence")))
    return sorted(counts.values(), key=lambda each: (-len(each.segments), each.code.casefold()))
