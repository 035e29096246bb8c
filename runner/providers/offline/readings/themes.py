"""Reading of themes: nouns and pairs of words common to quotes of several findings."""

import re
from collections import Counter

from runner.answers.findings import Finding
from runner.providers.offline.document import Document
from runner.providers.offline.language.nouns import nouns_in
from runner.providers.offline.language.wording import capital, evidence, insight_of

_MAX = 8  # insights
_SHARED = 2  # themes of one finding
_FEW, _RARE = 4, 0.15  # findings, or their share, that may have a term without it being common
_MENTION = re.compile(r"They mention “(.+)”\.")


def read(document: Document) -> dict[str, object]:
    """Group findings by common nouns, pairs of words first; a theme has all that name its term.

    No speaker is counted for or against anything. Pure and deterministic.
    """
    found: dict[str, Finding] = {}
    terms: dict[str, dict[str, str]] = {}
    for each in document.findings:
        id_ = each.fields.get("id", "").partition(".")[0]
        found.setdefault(id_, each)
        own = _terms(each)  # of a finding with several wordings those that all have
        terms[id_] = {key: shown for key, shown in terms.get(id_, own).items() if key in own}
    rows: list[tuple[Finding, dict[str, object]]] = []
    times, told = Counter[str](), list[set[str]]()
    for key, ids in _candidates(found, terms):
        if set(ids) in told or any(times[id_] == _SHARED for id_ in ids):
            continue
        times.update(ids)
        told.append(set(ids))
        example = min(ids, key=lambda id_: (len(terms[id_][key]), ids.index(id_)))
        rows.append((found[example], _theme(terms[example][key], ids)))
    rows.sort(key=lambda row: -len(row[1]["members"]))  # type: ignore[arg-type]
    return {
        "insights": [
            insight_of(str(row["statement"]), 0.4, "theme", evidence(example.evidence))
            for example, row in rows[:_MAX]
        ]
        or [insight_of("No term that findings share was recognised.", 0.1, "theme", [])],
        "structured_data": {"themes": [row for _, row in rows]},
    }


def _terms(finding: Finding) -> dict[str, str]:
    """Return the terms of the words quoted; of a theme its own, of unknown wordings none."""
    if "title" in finding.fields:
        match = _MENTION.fullmatch(finding.fields.get("text", ""))
        return nouns_in(f"the {match[1]}") if match else {}
    if finding.key == "themes" and "alike" in finding.fields:
        return {}
    quoted = [quote for _, quote in finding.evidence] or [finding.fields.get("text", "")]
    return nouns_in(quoted[0])


def _candidates(
    found: dict[str, Finding], terms: dict[str, dict[str, str]]
) -> list[tuple[str, list[str]]]:
    """Return the terms of several findings with these, the most telling first."""
    spread: dict[str, list[str]] = {}
    for id_, own in terms.items():
        for key in own:
            spread.setdefault(key, []).append(id_)
    most = max(_FEW, _RARE * len(found))
    several = {id_ for id_, each in found.items() if "alike" in each.fields}
    kept = [
        (key, ids)
        for key, ids in spread.items()
        if (len(ids) > 1 or several.issuperset(ids))
        and (len(ids) <= most or any("title" in found[id_].fields for id_ in ids))
    ]
    return sorted(kept, key=lambda each: (" " not in each[0], -len(each[1]), each[0]))


def _theme(term: str, ids: list[str]) -> dict[str, object]:
    return {
        "title": capital(term),
        "statement": f"They mention “{term}”.",
        "members": ids,
        "against": [],
        "reason": "All have this term.",
    }
