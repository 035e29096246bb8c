"""Reading of decisions: those of the minutes."""

from runner.providers.offline.dialogue.insights import no_cue
from runner.providers.offline.document import Document
from runner.providers.offline.readings.meeting_notes import decision_item, insights_of
from runner.providers.offline.synthesis.minutes import take_minutes

_CATEGORIES = frozenset({"decision", "reported_decision", "condition"})


def read(document: Document) -> dict[str, object]:
    """Return the decisions of the transcript; pure and deterministic."""
    minutes = take_minutes(document)
    found = sorted(insights_of(minutes), key=lambda pair: -pair[0])
    made = [one for _, one in found if one["category"] in _CATEGORIES]
    return {
        "insights": made or no_cue(minutes.dialogue, "decisions", "proposal"),
        "structured_data": {"decisions": [decision_item(one) for one in minutes.decisions]},
    }
