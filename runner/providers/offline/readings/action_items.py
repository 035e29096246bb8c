"""Reading of action_items: those of the minutes."""

from runner.providers.offline.dialogue.insights import no_cue
from runner.providers.offline.document import Document
from runner.providers.offline.readings.meeting_notes import action_item, insights_of
from runner.providers.offline.synthesis.minutes import take_minutes

_CATEGORIES = frozenset(
    {
        "action",
        "conditional_action",
        "vague_action",
        "requested_action",
        "missing_date",
        "missing_owner",
    }
)


def read(document: Document) -> dict[str, object]:
    """Return the undertakings or requests of the transcript; pure and deterministic."""
    minutes = take_minutes(document)
    found = sorted(insights_of(minutes), key=lambda pair: -pair[0])
    made = [one for _, one in found if one["category"] in _CATEGORIES]
    return {
        "insights": made
        or no_cue(minutes.dialogue, "undertakings or requests", "obligation", "request"),
        "structured_data": {"action_items": [action_item(one) for one in minutes.actions]},
    }
