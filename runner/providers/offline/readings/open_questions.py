"""Reading of open_questions: those of the minutes."""

from runner.providers.offline.dialogue.insights import no_cue
from runner.providers.offline.document import Document
from runner.providers.offline.readings.meeting_notes import insights_of, question_item
from runner.providers.offline.synthesis.minutes import take_minutes

_CATEGORIES = frozenset({"open_question"})


def read(document: Document) -> dict[str, object]:
    """Return the open questions of the transcript; pure and deterministic."""
    minutes = take_minutes(document)
    found = sorted(insights_of(minutes), key=lambda pair: -pair[0])
    made = [one for _, one in found if one["category"] in _CATEGORIES]
    return {
        "insights": made or no_cue(minutes.dialogue, "open questions", "unsure", "hedge"),
        "structured_data": {"open_questions": [question_item(one) for one in minutes.questions]},
    }
