"""Reading of composite_note: quotes on one subject, with the analyzers' findings on them."""

from collections.abc import Sequence
from typing import Any

from runner.answers.findings import Finding
from runner.providers.offline.dialogue.dialogue import weight_of, weightiest
from runner.providers.offline.dialogue.insights import cite, discussed_only, says
from runner.providers.offline.document import Document
from runner.providers.offline.language.wording import capital, excerpt, insight_of, listed, tidy
from runner.providers.offline.synthesis.cited import Cited, chosen, cited_in, related
from runner.providers.offline.synthesis.minutes import (
    Minutes,
    decision_line,
    subject_of,
    take_minutes,
)
from runner.providers.offline.synthesis.risks import TRANSCRIPT, UNTOLD

_LIMITS = {"threads": 6, "others": 3, "bearings": 4, "insights": 10}
_FIRST_STAGE = ("say_means", "perspective_perception", "premises_assertions", "postulate_theorem")


def read(document: Document) -> dict[str, object]:
    """Group the quotes of findings, or the sentences; pure and deterministic."""
    minutes = take_minutes(document)
    quotes = cited_in(document) or _sentences(minutes)
    stated = [c for c in quotes if c.is_stated]
    leads = chosen(stated or quotes, _LIMITS["threads"])
    threads = [_thread(lead, [c for c in stated if c not in leads]) for lead in leads]
    found = [
        insight_of(thread["said"], lead.score, "thread", thread["evidence"])
        for lead, thread in zip(leads, threads, strict=True)
    ]
    uncertain = _uncertain(minutes)
    found += [insight_of(row["text"], 0.4, "uncertain", row["evidence"]) for row in uncertain[:3]]
    subject = subject_of(minutes.dialogue)
    return {
        "insights": found[: _LIMITS["insights"]] or discussed_only(minutes.dialogue, "threads"),
        "structured_data": {
            "topic": capital(subject) or "Not recognised.",
            "opening": _opening(minutes, leads, document.missing),
            "threads": threads,
            "uncertain": uncertain,
            "not_available": list(document.missing),
        },
    }


def _sentences(minutes: Minutes) -> list[Cited]:
    """Return the weightiest sentences of the transcript as if a finding had cited them."""
    own = Finding(TRANSCRIPT, "sentences", {}, None, None, ())
    found = weightiest(minutes.dialogue, 4 * _LIMITS["threads"])
    return [Cited(s, (own,), max(0.05, weight_of(minutes.dialogue, s))) for s in found]


def _opening(minutes: Minutes, leads: Sequence[Cited], missing: Sequence[str]) -> str:
    told = [f"Most is cited of this: {says(leads[0].sentence, 200)}"] if leads else []
    told += [decision_line(d) for d in minutes.decisions[:1]]
    told += [f"Not available: {listed(missing)}."] if missing else []
    return " ".join(told) or "No findings are recognised that belong together."


def _thread(lead: Cited, rest: Sequence[Cited]) -> dict[str, Any]:
    others = related(lead, rest)[: _LIMITS["others"]]
    gap = next((f for f in lead.under("gaps") if f.fields.get("meant")), None)
    grounds = [f.fields.get("premises", "") for f in lead.under("arguments")]
    against = lead.under("contradictions", "tensions")
    sources = [name.replace("_", " ") for name in lead.sources if name != TRANSCRIPT]
    evidence = [row for c in (lead, *others) for row in c.evidence]
    return {
        "title": capital(excerpt(lead.sentence.text, 45)),
        "said": " ".join(says(c.sentence, 200) for c in (lead, *others)),
        "meant": gap.fields["meant"] if gap else None,
        "premises": [text.partition(", stated")[0] for text in grounds if text],
        "bearings": _bearings(lead),
        "agreement": [f"{listed(sources)} cite the same words."] if len(sources) > 1 else [],
        "contradiction": [
            " / ".join(f'"{excerpt(q, 120)}"' for _, q in f.evidence[:2]) for f in against
        ],
        "evidence": evidence,
    }


def _bearings(lead: Cited) -> list[dict[str, str]]:
    """Return the later analyzers' findings on the same words."""
    later = [f for f in lead.findings if f.analyzer not in (*_FIRST_STAGE, TRANSCRIPT)]
    told = [f for f in later if f.key == "insights" and f.category not in UNTOLD]
    texts = {f.text: f.analyzer for f in told}
    return [
        {"source": source, "text": text}
        for text, source in list(texts.items())[: _LIMITS["bearings"]]
    ]


def _uncertain(minutes: Minutes) -> list[dict[str, Any]]:
    return [
        {
            "text": tidy(f'"{q.text}"{f" ({q.raised_by})" if q.raised_by else ""}. {q.why}'),
            "source": TRANSCRIPT,
            "evidence": cite(*q.quoted),
        }
        for q in minutes.questions
    ]
