"""Reading of composite_note: threads through the findings of all analyzers."""

from collections.abc import Iterator, Sequence
from typing import Any

from runner.answers.findings import Finding
from runner.providers.offline.argument.case import Case
from runner.providers.offline.argument.insights import cited, who
from runner.providers.offline.argument.wording import quoted
from runner.providers.offline.dialogue.insights import cite, no_cue
from runner.providers.offline.document import Document
from runner.providers.offline.language.ranking import diverse
from runner.providers.offline.language.sentences import content_words
from runner.providers.offline.language.wording import (
    capital,
    evidence,
    excerpt,
    insight_of,
    listed,
    tidy,
)
from runner.providers.offline.synthesis.minutes import (
    Minutes,
    decision_line,
    subject_of,
    take_minutes,
)
from runner.providers.offline.synthesis.thread_findings import (
    agreements_in,
    bearings_on,
    conflicts_in,
    premises_in,
)
from runner.providers.offline.synthesis.threads import (
    TRANSCRIPT,
    Thread,
    case_of,
    find_threads,
    number,
)

_LIMITS = {"uncertain": 7, "insights": 10}
# A score, and the row of the answer: text, source and evidence.
_Doubt = tuple[float, dict[str, Any]]


def read(document: Document) -> dict[str, object]:
    """Join the findings that rest on the same words; pure and deterministic."""
    minutes = take_minutes(document)
    case, findings = case_of(document, minutes.dialogue)
    settled = frozenset((s.segment, s.text) for d in minutes.decisions for s in d.parts)
    threads = find_threads(case, findings, settled)
    subject = subject_of(minutes.dialogue, document.findings)
    uncertain = _uncertain(minutes, findings)
    rows = [_thread(thread, findings) for thread in threads]
    made = sorted(_insights(threads, findings, uncertain), key=lambda pair: -pair[0])
    data = {
        "topic": capital(subject) or "Not recognised.",
        "opening": _opening(minutes, threads, case),
        "threads": rows,
        "uncertain": [row for _, row in uncertain],
        "not_available": list(case.missing),
    }
    found = [one for _, one in made[: _LIMITS["insights"]]]
    return {
        "insights": found or [no_cue(minutes.dialogue, "threads")],
        "structured_data": data,
    }


def _opening(minutes: Minutes, threads: Sequence[Thread], case: Case) -> str:
    """Return the opening: the number of threads, the lead, the first decision, what is missing."""
    names = list(dict.fromkeys(s for t in threads for s in t.sources if s != TRANSCRIPT))
    told = []
    if threads:
        count = "One thread runs" if len(threads) == 1 else f"{len(threads)} threads run"
        through = f" the findings of {listed(names)}" if names else " the transcript"
        told.append(f"{count} through{through}.")
        lead = threads[0].lead
        told.append(f"The one that carries most is {quoted(lead, 150)} ({who(lead)}).")
    told += [decision_line(d) for d in minutes.decisions[:1]]
    if case.missing:
        told.append(
            f"Not available: {listed(case.missing)}; what they would have shown is missing."
        )
    return tidy(" ".join(told)) or "No findings are recognised that belong together."


def _thread(thread: Thread, findings: Sequence[Finding]) -> dict[str, object]:
    conflicts = conflicts_in(thread)
    rows = cited(thread.claims[:3], 4) + evidence(c for _, cites in conflicts for c in cites)
    return {
        "title": thread.title,
        "said": _said(thread),
        "meant": _meant(thread),
        "premises": [tidy(text) for text in premises_in(thread)],
        "bearings": [
            {"source": source, "text": tidy(text)} for source, text in bearings_on(thread, findings)
        ],
        "agreement": agreements_in(thread),
        "contradiction": [tidy(text) for text, _ in conflicts],
        "evidence": evidence((row["segment"], row["quote"]) for row in rows)[:6],
    }


def _said(thread: Thread) -> str:
    """Give the leading statement and the nearest one of another speaker."""
    lead = thread.lead
    text = f"{who(lead, 'A speaker')}: {quoted(lead, 200)}."
    apart = [c for c in thread.others if c.evidence[:1] != lead.evidence[:1]]
    other = next((c for c in apart if c.speaker and c.speaker != lead.speaker), None)
    further = other or next(iter(apart), None)
    if further:
        text += f" {who(further, 'A speaker')} on it: {quoted(further, 160)}."
    return tidy(capital(text))


def _meant(thread: Thread) -> str | None:
    """Return the most certain reading of words in the thread, with its signal."""
    found = thread.of("", "gaps")
    best = max(found, key=lambda f: number(f.fields.get("confidence", ""), 0.5), default=None)
    if best is None or not best.fields.get("meant"):
        return None
    said, signal = best.fields.get("said", ""), best.fields.get("signal", "").replace("_", " ")
    return tidy(f'"{excerpt(said, 110)}" ({signal}): {best.fields["meant"]}')


def _uncertain(minutes: Minutes, findings: Sequence[Finding]) -> list[_Doubt]:
    """Return open points, untested assumptions, guesses and undecided hypotheses, best first."""
    found: list[_Doubt] = []
    for question in minutes.questions:
        by = f" ({question.raised_by})" if question.raised_by else ""
        text = tidy(f'"{question.text}"{by}. {question.why}')
        row = {"text": text, "source": TRANSCRIPT}
        found.append((question.score + 0.2, {**row, "evidence": cite(*question.quoted)}))
    for finding in findings:
        text, score = _doubt_in(finding)
        if text:
            row = {"text": tidy(text), "source": finding.analyzer}
            found.append((score, {**row, "evidence": evidence(finding.evidence)}))
    return diverse(
        found,
        _LIMITS["uncertain"],
        score=lambda pair: pair[0],
        text=lambda pair: str(pair[1]["text"]),
        group=lambda pair: str(pair[1]["source"]),
    )


def _doubt_in(finding: Finding) -> tuple[str, float]:
    """Say what *finding* leaves undecided and how much that matters, or return ("", 0)."""
    fields = finding.fields
    if finding.key == "assumptions" and fields.get("survives") in ("untested", "partly"):
        return f"Untested: {fields.get('text', '')} {fields.get('challenge', '')}", 0.55
    if finding.key == "conjectures" and len(set(content_words(fields.get("statement", "")))) > 3:
        return f"A guess so far: {fields.get('statement', '')} {fields.get('test', '')}", 0.5
    level = "stays open" in finding.text or "do not decide" in finding.text
    if finding.key == "insights" and finding.category == "ranking" and level:
        return finding.text, 0.4 + 0.3 * (finding.confidence or 0)
    if finding.key == "insights" and finding.category == "milestone":
        return finding.text, 0.35 + 0.3 * (finding.confidence or 0)
    return "", 0.0


def _insights(
    threads: Sequence[Thread],
    findings: Sequence[Finding],
    uncertain: Sequence[_Doubt],
) -> Iterator[tuple[float, dict[str, object]]]:
    """Yield (score, insight): conflicts between findings, threads, and the chief doubt."""
    for thread in threads:
        for text, cites in conflicts_in(thread)[:1]:
            shown = f"{thread.title}: {text}"
            yield 0.75, insight_of(shown, 0.6, "contradiction", evidence(cites))
    for thread in threads:
        bearing = bearings_on(thread, findings)[:1]
        told = f" {bearing[0][1]}" if bearing else ""
        named = len(set(thread.sources) - {TRANSCRIPT})
        joined = f" {named} analyzers touch it." if named > 1 else ""
        text = f"{thread.title}: {_said(thread)}{told}{joined}"
        score = 0.35 + 0.35 * thread.lead.weight + 0.03 * min(named, 8)
        yield score, insight_of(text, score, "thread", cited(thread.claims[:2]))
    for score, row in uncertain[:3]:
        text = f"Undecided: {row['text']}"
        yield 0.9 * score, insight_of(text, score, "uncertain", row["evidence"])
