"""Reading of outliers: findings whose words are the rarest among those that share no theme."""

from runner.answers.findings import Finding
from runner.answers.groups import likenesses
from runner.providers.offline.document import Document
from runner.providers.offline.language.asking import terms_of
from runner.providers.offline.language.wording import evidence, insight_of

_MOST = 10
_LEAST_TERMS = 4  # a shorter finding says too little to stand out


def read(document: Document) -> dict[str, object]:
    """Take what opposes all others, then what is least like any other; pure, deterministic."""
    found = [
        f for f in document.findings if len(terms_of(f.fields.get("text", ""))) >= _LEAST_TERMS
    ]
    near = likenesses([terms_of(each.fields.get("text", "")) for each in found])
    nearest = [max(row.values(), default=0.0) for row in near]
    order = sorted(
        range(len(found)), key=lambda n: ("against" not in found[n].fields, nearest[n], n)
    )
    chosen = [found[n] for n in order[:_MOST]]
    return {
        "insights": [
            insight_of(each.fields["text"], 0.3, "outlier", evidence(each.evidence))
            for each in chosen
        ]
        or [insight_of("No finding stands out by its words.", 0.1, "outlier", [])],
        "structured_data": {
            "outliers": [{"member": each.fields["id"], "why": _why(each)} for each in chosen]
        },
    }


def _terms(finding: Finding) -> frozenset[str]:
    return terms_of(finding.fields.get("text", ""))


def _why(finding: Finding) -> str:
    if "against" in finding.fields:
        return "One speaker says the opposite of what the others say."
    return "Hardly any other finding has its words."
