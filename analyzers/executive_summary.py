"""A one-minute summary of the talk: headline, key points, risks and next steps."""

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from runner.answers.markdown import cite as quotes
from runner.answers.markdown import md
from runner.answers.shape import Evidence, Strict


class KeyPoint(Strict):
    """A point that changes what the reader does."""

    text: str
    source: str = Field(description="The analyzer it comes from, or transcript.")
    evidence: list[Evidence]


class Risk(Strict):
    """What may go wrong, with its consequence."""

    text: str
    source: str
    evidence: list[Evidence]


class NextStep(Strict):
    """What to do, and why."""

    step: str
    owner: str | None = Field(description="Who took it on; null if nobody did.")
    due: str | None = Field(description="By when, in the words used; null if not said.")
    reason: str
    evidence: list[Evidence]


class Fields(Strict):
    """Structured data of `executive_summary`."""

    headline: str = Field(description="One line that could stand alone.")
    summary: str = Field(description="Three to six sentences.")
    key_points: list[KeyPoint] = Field(description="In the order of their consequence.")
    risks: list[Risk] = Field(description="Weightiest first.")
    next_steps: list[NextStep] = Field(description="In the order to take them.")


def markdown(fields: Mapping[str, Any]) -> str:
    """Render stored fields as one page."""
    parts = [f"## {md(fields['headline'])}", md(fields["summary"])]
    for title, key in (("Key points", "key_points"), ("Risks", "risks")):
        items = "\n".join(
            f"{n}. {md(item['text'])}{_source(item)}{quotes(item['evidence'])}"
            for n, item in enumerate(fields[key], 1)
        )
        parts.append(f"## {title}\n\n{items or 'None found.'}")
    steps = "\n".join(_step_text(n, step) for n, step in enumerate(fields["next_steps"], 1))
    return "\n\n".join([*parts, f"## Next steps\n\n{steps or 'None found.'}"])


def _source(item: Mapping[str, Any]) -> str:
    return "" if item["source"] == "transcript" else f" *{md(item['source'])}*"


def _step_text(number: int, step: Mapping[str, Any]) -> str:
    owner = md(step["owner"]) if step["owner"] else "no owner"
    due = md(step["due"]) if step["due"] else "no date"
    head = f"{number}. **{md(step['step'])}** – {owner}, {due}"
    return f"{head}\n   - Why: {md(step['reason'])}{quotes(step['evidence'])}"
