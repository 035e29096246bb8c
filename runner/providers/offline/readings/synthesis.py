"""Reading of synthesis: the most shared themes, contradictions and outliers in fixed sentences."""

from collections.abc import Iterable

from runner.answers.findings import Finding
from runner.providers.offline.document import Document
from runner.providers.offline.language.wording import evidence, insight_of

_THEMES, _OTHERS = 6, 3  # told of


def read(document: Document) -> dict[str, object]:
    """Tell of what the material lists first, with its numbers; pure and deterministic."""
    found = [each for each in document.findings if each.fields.get("id")]
    themes = [each for each in found if "files" in each.fields and "text" in each.fields][:_THEMES]
    others = {
        key: [each for each in found if key in each.fields][:_OTHERS]
        for key in ("contradiction", "agreement", "outlier")
    }
    paragraphs = [
        " ".join(f"{_counted(each)} [{each.fields['id']}]." for each in themes),
        _told("Speakers contradict each other on this:", "contradiction", others["contradiction"]),
        _told("They agree on this:", "agreement", others["agreement"]),
        _told("Only one person says this:", "outlier", others["outlier"]),
    ]
    told = [*themes, *(each for rows in others.values() for each in rows)]
    insights = [
        insight_of(_counted(each), 0.4, "theme", evidence(each.evidence)) for each in themes
    ]
    return {
        "insights": insights or [insight_of("No theme was given.", 0.1, "theme", [])],
        "structured_data": {
            "text": "\n\n".join(filter(None, paragraphs)),
            "themes": [each.fields["id"] for each in told],
        },
    }


def _told(lead: str, key: str, found: Iterable[Finding]) -> str:
    said = [f"{each.fields[key].rstrip('.')} [{each.fields['id']}]." for each in found]
    return " ".join([lead, *said]) if said else ""


def _counted(theme: Finding) -> str:
    return f"{theme.fields['text'].rstrip('.')} ({theme.fields['files']} files)"
