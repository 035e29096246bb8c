"""Reading of themes: findings, or themes, that share the words which are rare among them."""

from collections.abc import Sequence

from runner.answers.findings import Finding
from runner.answers.groups import groups_at, is_negated, joins, likenesses
from runner.providers.offline.document import Document
from runner.providers.offline.language.asking import terms_of
from runner.providers.offline.language.sentences import terms_in
from runner.providers.offline.language.wording import capital, evidence, insight_of

ALIKE = 0.22  # average likeness from which findings are one theme
_MOST = 8  # insights
_IN_TITLE = 3  # terms


def read(document: Document) -> dict[str, object]:
    """Join what is alike by its words; one with a negation opposes one without it.

    The theme is stated by the member most like the others. Pure and deterministic.
    """
    found = document.findings
    terms = [terms_of(each.fields.get("text", "")) for each in found]
    near, rows = likenesses(terms), list[tuple[int, Finding, dict[str, object]]]()
    for places in groups_at(ALIKE, len(found), joins(terms)):
        if len(places) < 2 and not found[places[0]].fields.get("alike"):
            continue
        centre = max(places, key=lambda n: (sum(near[n].get(k, 0.0) for k in places), -n))
        negated = denies(found[centre])
        same = [found[n] for n in places if denies(found[n]) == negated]
        opposed = [found[n] for n in places if denies(found[n]) != negated]
        rows.append((len(places), found[centre], _theme(found[centre], same, opposed)))
    rows.sort(key=lambda row: -row[0])
    return {
        "insights": [
            insight_of(str(row["statement"]), 0.4, "theme", evidence(centre.evidence))
            for _, centre, row in rows[:_MOST]
        ]
        or [insight_of("No two findings share enough words for a theme.", 0.1, "theme", [])],
        "structured_data": {"themes": [row for *_, row in rows]},
    }


def _theme(
    centre: Finding, same: Sequence[Finding], opposed: Sequence[Finding]
) -> dict[str, object]:
    statement = centre.fields.get("text", "")
    return {
        "title": centre.fields.get("title") or title_of(statement),
        "statement": statement,
        "members": [each.fields.get("id", "") for each in same],
        "against": [each.fields.get("id", "") for each in opposed],
        "reason": "They share words that are rare in the other findings.",
    }


def denies(finding: Finding) -> bool:
    """Return whether a finding says that something is not so."""
    return is_negated(finding.fields.get("text", ""))


def title_of(statement: str) -> str:
    """Return the first terms of *statement*, or its first words."""
    named = list(dict.fromkeys(terms_in(statement).values()))[:_IN_TITLE]
    return capital(", ".join(named) or " ".join(statement.split()[:5]))
