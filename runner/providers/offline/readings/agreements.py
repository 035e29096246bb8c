"""Reading of agreements: it claims none, since words that are alike may differ in meaning."""

from runner.providers.offline.document import Document
from runner.providers.offline.language.wording import insight_of

_NONE = "No contradiction or agreement was recognised."


def read(document: Document) -> dict[str, object]:  # noqa: ARG001 - all readings have it
    """Return that nothing was recognised."""
    return {
        "insights": [insight_of(_NONE, 0.1, "agreement", [])],
        "structured_data": {"contradictions": [], "agreements": []},
    }
