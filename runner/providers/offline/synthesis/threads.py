"""Threads: findings of several analyzers that rest on the same words."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from runner.answers.findings import Citation, Finding
from runner.providers.offline.argument.case import Case, build_case
from runner.providers.offline.argument.claims import Claim
from runner.providers.offline.argument.noun_phrases import name_of
from runner.providers.offline.argument.relations import relatedness
from runner.providers.offline.dialogue.dialogue import Dialogue, weight_of, whole_sentences
from runner.providers.offline.dialogue.implicature import find_gaps
from runner.providers.offline.dialogue.reasoning import find_reasoning
from runner.providers.offline.dialogue.support import ground_of, weigh_reasons
from runner.providers.offline.document import Document
from runner.providers.offline.language.fragments import is_whole, roughness
from runner.providers.offline.language.ranking import diverse
from runner.providers.offline.language.sentences import Sentence, stem, trim, words
from runner.providers.offline.language.wording import capital, excerpt

TRANSCRIPT = "transcript"  # the source of what no analyzer handed on
_MAX_THREADS = 6
_RELATED = 0.25  # cosine from which a claim belongs to a thread
_IDLE = ("question", "perception", "implied", "gap", "condition", "premise", "assumption")


@dataclass(frozen=True, slots=True)
class Thread:
    """One matter: the leading claim, further claims, and the findings that cite their words.

    *title* has two to five words; *findings* cite the same words as one of the claims.
    """

    title: str
    lead: Claim
    others: tuple[Claim, ...]
    findings: tuple[Finding, ...]

    @property
    def claims(self) -> tuple[Claim, ...]:
        """The leading claim, then the others."""
        return (self.lead, *self.others)

    @property
    def sources(self) -> tuple[str, ...]:
        """The analyzers that contribute, in order."""
        names = [f.analyzer for f in self.findings] + list(self.lead.sources)
        return tuple(dict.fromkeys(names))

    def of(self, analyzer: str, *keys: str) -> list[Finding]:
        """Return its findings of *analyzer* under *keys*; all of them where none is given."""
        mine = (f for f in self.findings if analyzer in (f.analyzer, ""))
        return [f for f in mine if not keys or f.key in keys]


def number(text: str, otherwise: float = 0.0) -> float:
    """Return *text* as a number, or *otherwise* if it is none."""
    try:
        return float(text)
    except ValueError:
        return otherwise


def case_of(document: Document, dialogue: Dialogue) -> tuple[Case, tuple[Finding, ...]]:
    """Return the case and the findings; without findings, both are taken from the transcript."""
    findings = document.findings or tuple(_findings_of(dialogue))
    case = build_case(replace(document, findings=findings))
    known = {line.segment: line.speaker for line in document.lines if line.speaker}
    claims = tuple(
        replace(c, speaker=known.get(c.evidence[0][0])) if c.evidence and not c.speaker else c
        for c in case.claims
    )
    return replace(case, claims=claims, speakers={**case.speakers, **known}), findings


def _findings_of(dialogue: Dialogue) -> Iterator[Finding]:
    """Yield findings of the transcript alone: central statements, arguments and gaps."""
    fit = [s for s in whole_sentences(dialogue) if is_whole(trim(s.text))]
    central = diverse(fit, 12, score=lambda s: weight_of(dialogue, s), text=lambda s: s.text)
    for s in central:
        yield _finding("insights", {"text": trim(s.text)}, (s,), weight_of(dialogue, s))
    reasons = diverse(
        find_reasoning(dialogue), 10, score=lambda r: r.score, text=lambda r: r.assertion
    )
    for weighed in weigh_reasons(dialogue, reasons):
        reasoning = weighed.reasoning
        fields = {
            "speaker": reasoning.speaker or "none",
            "assertion": reasoning.assertion,
            "premises": f"{ground_of(reasoning)}, stated",
            "support": weighed.support,
        }
        yield _finding("arguments", fields, reasoning.quoted)
    for gap in diverse(find_gaps(dialogue), 10, score=lambda g: g.score, text=lambda g: g.said):
        fields = {"said": gap.said, "meant": gap.meant, "signal": gap.signal}
        fields["speaker"] = gap.quoted[-1].speaker or "none"
        yield _finding("gaps", fields, gap.quoted[:1] if gap.signal != "deflection" else gap.quoted)


def _finding(
    key: str, fields: dict[str, str], quoted_: Sequence[Sentence], confidence: float | None = None
) -> Finding:
    cites = tuple((s.segment, s.text) for s in quoted_)
    return Finding(TRANSCRIPT, key, fields, confidence, None, cites)


def find_threads(
    case: Case, findings: Sequence[Finding], settled: frozenset[Citation] = frozenset()
) -> list[Thread]:
    """Return the main threads: *settled* ones first, then those of most analyzers."""
    pool = [c for c in case.claims if c.kind not in _IDLE and c.evidence and c.completeness > 0.55]
    pool = pool or [c for c in case.claims if c.evidence]
    support = {id(c): len(_sources_on(c.evidence[0], findings)) for c in pool}
    raised = {id(c): 0.4 * bool(settled & set(c.evidence[:1])) for c in pool}
    seeds = diverse(
        pool,
        _MAX_THREADS,
        score=lambda c: min(1.0, _worth(c, support[id(c)]) + raised[id(c)]),
        text=lambda c: c.text,
        group=lambda c: c.speaker,
        trade=0.6,
    )
    made, used = list[Thread](), frozenset[str]()
    joined = _joined(seeds, case)
    for seed, others in zip(seeds, joined, strict=True):
        cites = {c for claim in (seed, *others) for c in claim.evidence[:1]}
        related = tuple(f for f in findings if set(f.evidence[:1]) & cites)
        title = _title(seed, related, case, used)
        used |= {stem(w) for w in words(title)}
        made.append(Thread(capital(title), seed, tuple(others), related))
    return made


def _joined(seeds: Sequence[Claim], case: Case) -> list[list[Claim]]:
    """Assign each claim to the seed that shares its words, else to the most related one."""
    joined: list[list[Claim]] = [[] for _ in seeds]
    for claim in case.claims:
        if claim in seeds or not claim.evidence:
            continue
        same = [i for i, s in enumerate(seeds) if s.evidence[:1] == claim.evidence[:1]]
        near = [i for i, s in enumerate(seeds) if _near(s, claim, case)]
        best = same or sorted(near, key=lambda i: -relatedness(seeds[i], claim, case))
        if best:
            joined[best[0]].append(claim)
    return [
        sorted(found, key=lambda c: (not _is_self_contained(c), -relatedness(seed, c, case)))[:5]
        for seed, found in zip(seeds, joined, strict=True)
    ]


def _is_self_contained(claim: Claim) -> bool:
    return claim.completeness > 0.55 and is_whole(claim.text)


def _near(seed: Claim, claim: Claim, case: Case) -> bool:
    near = relatedness(seed, claim, case)
    return near >= 1.6 * _RELATED or (near >= _RELATED and len(seed.terms & claim.terms) > 1)


_VERB_AFTER = re.compile(r" (?=\w+s (?:itself|themselves|us|it|them|the|an?)\b)")


def _title(seed: Claim, related: Sequence[Finding], case: Case, used: frozenset[str]) -> str:
    """Name a thread after the factor that rests on its words, else after a noun phrase of it."""
    named = [f.fields.get("name", "") for f in related if f.key == "factors"]
    free = [n for n in named if n and not {stem(w) for w in words(n)} & used]
    texts = [_VERB_AFTER.sub(", ", text) for text in (seed.text, seed.sentence, seed.spoken)]
    return free[0] if free else name_of(texts, case, used) or excerpt(seed.text, 45)


def _worth(claim: Claim, support: int) -> float:
    """Return the worth of a claim as lead of a thread: importance, wholeness, analyzers."""
    rough = roughness(claim.sentence) + 0.2 * (not is_whole(claim.text))
    return min(1.0, 0.6 * claim.importance + 0.07 * min(support, 6)) - rough


def _sources_on(citation: Citation, findings: Sequence[Finding]) -> list[str]:
    """Return the analyzers that cite the same words."""
    return list(dict.fromkeys(f.analyzer for f in findings if citation in f.evidence))
