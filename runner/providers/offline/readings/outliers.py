"""Reading of outliers: findings without a theme, most of whose words no other finding has."""

from collections import Counter

from runner.answers.findings import Finding
from runner.providers.offline.document import Document
from runner.providers.offline.language.asking import terms_of
from runner.providers.offline.language.wording import evidence, insight_of

_MAX = 10
_MIN_TERMS = 4  # a shorter finding says too little to stand out


def read(document: Document) -> dict[str, object]:
    """Take the findings with the largest share of terms of their own; pure, deterministic."""
    terms = [(each, terms_of(each.fields.get("text", ""))) for each in document.findings]
    spread = Counter(term for _, own in terms for term in own)
    rows: list[tuple[float, Finding, str]] = []
    for each, own in terms:
        alone = sum(spread[term] == 1 for term in own)
        if len(own) >= _MIN_TERMS and alone > len(own) / 2:
            why = f"Of its {len(own)} terms, {alone} are in no other finding outside the themes."
            rows.append((alone / len(own), each, why))
    rows.sort(key=lambda row: -row[0])
    chosen = rows[:_MAX]
    return {
        "insights": [
            insight_of(each.fields["text"], 0.3, "outlier", evidence(each.evidence))
            for _, each, _ in chosen
        ]
        or [
            insight_of(
                "No finding that stands out by its words was recognised.", 0.1, "outlier", []
            )
        ],
        "structured_data": {
            "outliers": [{"member": each.fields["id"], "why": why} for _, each, why in chosen]
        },
    }
