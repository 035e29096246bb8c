"""Parts of a long transcript: a node answers each part, and one more call joins the answers."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from runner.answers.context import ReducedContext, answer_items, cited_lines, reduce_context
from runner.answers.outcome import Outcome, missing_reasons
from runner.answers.prompt_text import Count, wrap
from runner.config.schema import ContextSettings
from runner.job.graph import Node
from runner.job.job import Job
from runner.job.windows import Fit

# What a node within a node does: reads a part, or silent segments once more; holds an answer that
# may be replaced; asks a judge.
PART, AGAIN, ASIDE, JUDGE = "part", "again", "aside", "judge"
_FINDINGS_SHARE = 2 / 3  # of the room; the rest is for the segments that the findings cite


def inner_node(node: Node, task: str, which: int | str) -> Node:
    """Return the node within *node* for *task*, about the part or the key *which*."""
    shown = f"{which:02d}" if isinstance(which, int) else which[:12]
    return replace(node, name=f"{node.name}/{task}_{shown}")


def has_task(node: Node, task: str) -> bool:
    """Return whether *node* is within another, for *task*."""
    return node.name.partition("/")[2].startswith(f"{task}_")


def owner_of(node: Node) -> str:
    """Return the analyzer of *node*, which may be the node of a part."""
    return node.name.partition("/")[0]


def failed_parts(outcomes: Sequence[Outcome]) -> dict[str, str]:
    """Return the reason for each part without an answer."""
    return missing_reasons(dict(_by_part(outcomes)))


def _by_part(outcomes: Sequence[Outcome]) -> Iterator[tuple[str, Outcome]]:
    return ((f"part {number}", each) for number, each in enumerate(outcomes, 1))


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
        part: answer_items(part, job.redaction.masked(outcome.answer), count)
        for part, outcome in _by_part(outcomes)
        if outcome.answer is not None
    }
    title = f"Findings of {node.name} in {len(outcomes)} overlapping parts of the transcript"
    segments = job.shown.segments
    reduced = reduce_context(title, items, failed_parts(outcomes), settings, count, segments)
    lines = cited_lines(reduced.kept, segments, min(budget, room - reduced.tokens), count)
    excerpt = wrap("transcript", "\n".join(lines)) if lines else ""
    return excerpt + wrap("context", reduced.text), reduced, settings
