"""What a meeting leaves behind: summary, decisions, action items and open questions."""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from runner.answers.markdown import cite as quotes
from runner.answers.markdown import md
from runner.answers.shape import Evidence, Strict


class Decision(Strict):
    """Something settled, or reported as settled."""

    what: str = Field(description="What is settled, with its dates and names.")
    decided_by: list[str] = Field(description="Who stated it and who agreed; empty if not told.")
    basis: Literal["agreed", "announced", "reported"] = Field(
        description="agreed: others accepted it; announced: by one voice; reported: made elsewhere."
    )
    conditions: list[str] = Field(description="What it hangs on, with who says so.")
    evidence: list[Evidence]


class ActionItem(Strict):
    """Something somebody is to do."""

    what: str = Field(description="The act, beginning with a verb.")
    owner: str | None = Field(description="Who undertook it or is asked for it; null if nobody.")
    due: str | None = Field(description="By when, in the words used; null if not said.")
    firmness: Literal["firm", "conditional", "vague", "requested"]
    about: str | None = Field(description="The request or matter it answers, where words point.")
    evidence: list[Evidence]


class OpenQuestion(Strict):
    """A point that is left open."""

    question: str
    raised_by: str | None
    why_open: str
    evidence: list[Evidence]


class Fields(Strict):
    """Structured data of `meeting_notes`."""

    summary: str = Field(description="Three to five sentences.")
    decisions: list[Decision]
    action_items: list[ActionItem]
    open_questions: list[OpenQuestion]


def markdown(fields: Mapping[str, Any]) -> str:
    """Render stored fields as notes that can be sent round."""
    parts = {
        "Summary": md(fields["summary"]),
        "Decisions": "\n".join(_decision_text(d) for d in fields["decisions"]),
        "Action items": "\n".join(_action_text(a) for a in fields["action_items"]),
        "Open questions": "\n".join(_question_text(q) for q in fields["open_questions"]),
    }
    return "\n\n".join(f"## {title}\n\n{body or 'None found.'}" for title, body in parts.items())


def _decision_text(decision: Mapping[str, Any]) -> str:
    by = md(decision["decided_by"]) or "made by others"
    conditions = "".join(f"\n  - Condition: {md(text)}" for text in decision["conditions"])
    head = f"- **{md(decision['what'])}** *{md(decision['basis'])}: {by}*"
    return f"{head}{conditions}{quotes(decision['evidence'])}"


def _action_text(item: Mapping[str, Any]) -> str:
    owner = md(item["owner"]) if item["owner"] else "no owner"
    due = md(item["due"]) if item["due"] else "no date"
    about = f"\n  - On: {md(item['about'])}" if item["about"] else ""
    head = f"- **{md(item['what'])}** – {owner}, {due} *{md(item['firmness'])}*"
    return f"{head}{about}{quotes(item['evidence'])}"


def _question_text(item: Mapping[str, Any]) -> str:
    by = f" ({md(item['raised_by'])})" if item["raised_by"] else ""
    return f"- **{md(item['question'])}**{by} {md(item['why_open'])}{quotes(item['evidence'])}"
