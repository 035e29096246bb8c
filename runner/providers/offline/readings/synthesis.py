"""Reading of synthesis: the first items of the material, with counts, in fixed sentences."""

from runner.answers.findings import Finding
from runner.providers.offline.document import Document
from runner.providers.offline.language.wording import evidence, insight_of

_THEMES, _OTHERS = 6, 3  # mentioned
_LISTED = {
    "contradiction": "Listed as a contradiction",
    "agreement": "Listed as an agreement",
    "outlier": "Listed as an outlier",
}


def read(document: Document) -> dict[str, object]:
    """Report the first items of the material, with their numbers and quotes; pure."""
    found = [each for each in document.findings if each.fields.get("id")]
    themes = [each for each in found if "files" in each.fields and "text" in each.fields][:_THEMES]
    rows = [[(each, _counted(each)) for each in themes]]
    for key, lead in _LISTED.items():
        chosen = [each for each in found if key in each.fields and each.evidence][:_OTHERS]
        rows.append([(each, f"{lead}: “{each.evidence[0][1]}”") for each in chosen])
    insights = [
        insight_of(f"{said}.", 0.4, "theme", evidence(each.evidence)) for each, said in rows[0]
    ]
    paragraphs = [" ".join(f"{said} [{each.fields['id']}]." for each, said in row) for row in rows]
    if not rows[1] and not rows[2]:
        paragraphs.append("No contradiction or agreement was recognised.")
    return {
        "insights": insights or [insight_of("No theme was recognised.", 0.1, "theme", [])],
        "structured_data": {
            "text": "\n\n".join(filter(None, paragraphs)),
            "themes": [each.fields["id"] for row in rows for each, _ in row],
        },
    }


def _counted(theme: Finding) -> str:
    return f"{theme.fields['text'].rstrip('.')} (findings of {theme.fields['files']} files)"
