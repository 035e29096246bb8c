"""Parts of a long transcript: a node answers each part, and one more call joins the answers."""

from collections.abc import Sequence
from dataclasses import replace

from runner.answers.context import ReducedContext, answer_items, cited_lines, reduce_context
from runner.answers.findings import Count
from runner.answers.outcome import Outcome, missing_reasons
from runner.config.schema import ContextSettings
from runner.job.graph import Node
from runner.job.job import Job, wrap
from runner.job.windows import Fit

_AGAIN = "again_"
_JUDGE = "judge_"
_FINDINGS_SHARE = 2 / 3  # of the room; the rest is for the segments that the findings cite


def part_node(node: Node, number: int) -> Node:
    """Return the node that reads part *number* for *node*."""
    return replace(node, name=f"{node.name}/part_{number:02d}")


def second_reading_node(node: Node, number: int) -> Node:
    """Return the node that reads the silent segments of part *number* once more for *node*."""
    return replace(node, name=f"{node.name}/{_AGAIN}{number:02d}")


def is_second_reading(node: Node) -> bool:
    """Return whether *node* reads silent segments once more."""
    return node.name.partition("/")[2].startswith(_AGAIN)


def candidate_node(node: Node, key: str) -> Node:
    """Return the node for a candidate answer to the call with *key*, which may be replaced."""
    return replace(node, name=f"{node.name}/aside_{key[:12]}")


def judge_node(node: Node, key: str) -> Node:
    """Return the node that asks a judge about an answer to *node*; it has no page."""
    return replace(node, name=f"{node.name}/{_JUDGE}{key[:12]}")


def has_page(node: Node) -> bool:
    """Return whether the outcome of *node* is shown on a page."""
    return not node.name.partition("/")[2].startswith(_JUDGE)


def owner_of(node: Node) -> str:
    """Return the analyzer of *node*, which may be the node of a part."""
    return node.name.partition("/")[0]


def failed_parts(outcomes: Sequence[Outcome]) -> dict[str, str]:
    """Return the reason for each part without an answer."""
    return missing_reasons({f"part {number}": each for number, each in enumerate(outcomes, 1)})


def joining_material(
    job: Job, node: Node, fit: Fit, count: Count, outcomes: Sequence[Outcome]
) -> tuple[str, ReducedContext, ContextSettings]:
    """Return the material of the joining call, and how it was reduced.

    It has the findings of the parts and the segments that they cite, each within a share of the
    room, so that the answer can keep ids and quotes.
    """
    budget = job.settings.transcript.reduce_token_budget
    room = 2 * budget if fit.room is None else fit.room - fit.context
    settings = ContextSettings(
        token_budget=max(1, min(budget, int(room * _FINDINGS_SHARE))),
        top_insights=job.settings.output.max_insights_per_analyzer,
        include_structured_keys=[],
        transcript_tokens=0,
    )
    items = {
        f"part {number}": answer_items(
            f"part {number}", job.redaction.masked(outcome.answer), count
        )
        for number, outcome in enumerate(outcomes, start=1)
        if outcome.answer is not None
    }
    title = f"Findings of {node.name} in {len(outcomes)} overlapping parts of the transcript"
    segments = job.shown.segments
    reduced = reduce_context(title, items, failed_parts(outcomes), settings, count, segments)
    lines = cited_lines(reduced.kept, segments, min(budget, room - reduced.tokens), count)
    excerpt = wrap("transcript", "\n".join(lines)) if lines else ""
    return excerpt + wrap("context", reduced.text), reduced, settings
