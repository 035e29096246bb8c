"""Thread findings: what analyzers say on one thread, where they agree and contradict."""

import re
from collections.abc import Iterator, Sequence

from runner.answers.findings import Citation, Finding
from runner.providers.offline.argument.claims import Claim
from runner.providers.offline.argument.insights import who
from runner.providers.offline.argument.wording import quoted
from runner.providers.offline.language.wording import capital, excerpt, listed
from runner.providers.offline.synthesis.threads import Thread

_PREMISE = re.compile(r"(\S.*?)[.,]?, (stated|implied)(?:; |$)")
_CELL = {"CC": "strongly for", "C": "for", "I": "against", "II": "strongly against"}


def premises_in(thread: Thread) -> list[str]:
    """Return the grounds that the findings name for the thread's claims, as sentences."""
    notes: dict[str, list[str]] = {}
    own = capital(thread.lead.text)
    for finding in thread.of("", "arguments"):
        for text, kind in _PREMISE.findall(finding.fields.get("premises", "")):
            speaker = finding.fields.get("speaker", "none")
            bare = text.rstrip(".").removeprefix("On condition: ")
            note = "a condition, " if text.startswith("On condition: ") else ""
            note += "stated" if kind == "stated" else "implied"
            by = f" by {speaker}" if kind == "stated" and speaker != "none" else ""
            notes.setdefault(capital(bare), []).append(note + by)
    for finding in thread.of("first_principles", "assumptions"):
        verdict = _SURVIVES.get(finding.fields.get("survives", ""), "untested")
        bare = re.sub(r" \([^()]*\)$", "", finding.fields.get("text", "").rstrip("."))
        notes.setdefault(capital(bare), []).append(f"{verdict} by first_principles")
    told = (
        f'"{excerpt(text, 140)}" ({"; ".join(dict.fromkeys(n))}).'
        for text, n in notes.items()
        if text != own
    )
    return list(told)[:4]


_SURVIVES = {"yes": "borne out", "partly": "partly borne out", "no": "not borne out"}


def bearings_on(thread: Thread, findings: Sequence[Finding]) -> list[tuple[str, str]]:
    """Return (source, sentence) for each hypothesis, factor or fundamental on the thread."""
    made = [("competing_hypotheses", text) for text in _hypotheses(thread, findings)]
    for f in thread.of("determining_factors", "factors"):
        way = {"drives": "pushes toward it", "restrains": "holds it back"}.get(
            f.fields.get("direction", ""), "can go either way"
        )
        role = f.fields.get("role", "contributing")
        text = f"Factor {f.fields.get('id')}, {f.fields.get('name')}, {way}"
        made.append((f.analyzer, f"{text} (strength {f.fields.get('strength')} of 5, {role})."))
    for f in thread.of("first_principles", "fundamentals"):
        made.append((f.analyzer, f"Fundamental {f.fields.get('id')}: {f.fields.get('text')}"))
    for f in thread.of("patentability", "risks"):
        made.append((f.analyzer, f"Risk: {f.fields.get('text')}"))
    for f in thread.of("patentability", "candidates"):
        verdict = f.fields.get("overall", "").replace("_", " ")
        made.append((f.analyzer, f"Patent candidate {f.fields.get('title')}: {verdict}."))
    return list(dict.fromkeys(made))[:5]


def _hypotheses(thread: Thread, findings: Sequence[Finding]) -> Iterator[str]:
    """Yield the hypotheses that each piece of evidence in the thread supports and opposes."""
    statements = {
        f.fields.get("id", ""): f.fields.get("statement", "")
        for f in findings
        if f.key == "hypotheses"
    }
    for item in thread.of("competing_hypotheses", "evidence"):
        name = item.fields.get("id", "")
        cells = [
            (f.fields.get("consistency", "N"), f.fields.get("hypothesis", ""))
            for f in findings
            if f.key == "matrix" and f.fields.get("evidence") == name
        ]
        told = [
            f'{_CELL[grade]} {h} ("{excerpt(statements.get(h, "").rstrip("."), 80)}")'
            for grade, h in cells
            if grade in _CELL
        ]
        if told:
            yield f"Evidence {name} counts {listed(told)}."
        elif cells:
            yield f"Evidence {name} does not tell the hypotheses apart."


def agreements_in(thread: Thread) -> list[str]:
    """Return which analyzers cite the same words."""
    named = list(dict.fromkeys(f.analyzer for f in thread.findings))
    on_lead = [n for n in named if any(n == f.analyzer for f in _on_lead(thread))]
    if len(on_lead) < 2:
        return []
    return [f"{listed(on_lead)} rest on the same words of {who(thread.lead)}."]


def _on_lead(thread: Thread) -> list[Finding]:
    cited = thread.lead.evidence[:1]
    return [f for f in thread.findings if set(cited) & set(f.evidence)]


def conflicts_in(thread: Thread) -> list[tuple[str, tuple[Citation, ...]]]:
    """Return contradictions of analyzers, or recorded ones of speakers, each with its citations."""
    made: list[tuple[str, tuple[Citation, ...]]] = []
    for one, other in (
        (_taken("premises_assertions", "arguments", "support", "strong"), _UNTESTED),
        (_taken("postulate_theorem", "postulates", "kind", "fact"), _UNTESTED),
        (_taken("postulate_theorem", "postulates", "kind", "fact"), _HEDGED),
        (_taken("perspective_perception", "shared_ground", "", ""), _CONDITIONAL),
        (_taken("determining_factors", "factors", "direction", "drives"), _DISPUTED),
    ):
        for a in thread.findings:
            b = next((f for f in thread.findings if _is(f, other) and _meet(a, f)), None)
            if _is(a, one) and b is not None:
                said = f"{a.analyzer} {one[4]}, {b.analyzer} {other[4]}"
                made.append((f"{said}: {quoted(_claim_on(thread, b), 110)}.", b.evidence))
    for f in thread.of("", "contradictions"):
        first, second = f.fields.get("first", ""), f.fields.get("second", "")
        made.append(
            (f'Recorded as opposed: "{excerpt(first)}" and "{excerpt(second)}".', f.evidence)
        )
    for f in thread.of("", "tensions"):
        made.append((f"Two speakers pull apart on {f.fields.get('about', f.text)}", f.evidence))
    unique = {cites: (text, cites) for text, cites in made}
    return list(unique.values())[:3]


_Sort = tuple[str, str, str, str, str]  # analyzer, key, field, its value, what it does


def _taken(analyzer: str, key: str, name: str, value: str) -> _Sort:
    told = {
        "support": "finds the ground strong",
        "kind": "takes it as a fact",
        "direction": "counts it as driving the outcome",
    }
    return analyzer, key, name, value, told.get(name, "counts it as shared")


_UNTESTED: _Sort = (
    *("first_principles", "assumptions", "survives", "untested"),
    "calls what it rests on untested",
)
_HEDGED: _Sort = ("say_means", "gaps", "signal", "hedge", "hears it hedged")
_CONDITIONAL: _Sort = (
    *("say_means", "commitments", "strength", "conditional"),
    "hears a condition in it",
)
_DISPUTED: _Sort = ("premises_assertions", "contradictions", "", "", "records it as contradicted")


def _is(finding: Finding, sort: _Sort) -> bool:
    same = (finding.analyzer, finding.key) == sort[:2]
    return same and (not sort[2] or finding.fields.get(sort[2]) == sort[3])


def _meet(a: Finding, b: Finding) -> bool:
    return bool(set(a.evidence) & set(b.evidence))


def _claim_on(thread: Thread, finding: Finding) -> Claim:
    """Return the claim of the thread on the finding's first words, else the leading one."""
    mine = (c for c in thread.claims if set(c.evidence[:1]) & set(finding.evidence))
    return next(mine, thread.lead)
