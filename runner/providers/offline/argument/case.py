"""Case: all claims of a document, merged, weighted and ranked."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from runner.answers.findings import Finding
from runner.providers.offline.argument.claims import LABEL, Claim, claims_of
from runner.providers.offline.document import Document
from runner.providers.offline.language.ranking import centrality, term_weights
from runner.providers.offline.language.sentences import (
    Sentence,
    is_procedural,
    similarity,
    strip_fillers,
    words,
)


@dataclass(frozen=True, slots=True)
class Case:
    """All claims of a document, the topic they share, and the weight of each stem, ≥ 0."""

    claims: tuple[Claim, ...]
    topic: str
    weights: Mapping[str, float]
    missing: tuple[str, ...]
    speakers: Mapping[str, str]  # segment to speaker, as far as the findings tell

    def of(self, *kinds: str) -> list[Claim]:
        """Return the claims of *kinds*, most important first."""
        chosen = (claim for claim in self.claims if claim.kind in kinds)
        return sorted(chosen, key=lambda claim: -claim.importance)


def build_case(document: Document) -> Case:
    """Read the findings of *document* into one case; without findings its claims are empty."""
    speakers = _speakers(document.findings)
    raw = [c for f in document.findings for c in claims_of(f, speakers) if _has_content(c)]
    names = {w for speaker in speakers.values() for w in words(speaker)}
    matters = [c for c in raw if sum(not _names(t, names) for t in c.terms) > 1]
    merged = _merge(matters or raw)
    claims = [c for c in merged if c.evidence] or merged  # what cites nothing cannot be cited on
    said = [Sentence(c.spoken, "", c.speaker, i) for i, c in enumerate(claims)]
    weights = {t: w for t, w in term_weights(said).items() if not _names(t, names)}
    ranks = centrality(said, weights)
    ranked = tuple(replace(c, central=r) for c, r in zip(claims, ranks, strict=True))
    return Case(ranked, _topic(document.findings), weights, document.missing, speakers)


def _names(term: str, names: Iterable[str]) -> bool:
    """Return whether *term* is a speaker's name or half of a call sign: "hunt" of "huntclub"."""
    return any(
        term == name
        or (len(term) > 3 and len(name) > 6 and name.startswith(term))
        or (len(term) > 3 and len(name) > 6 and name.endswith(term))
        for name in names
    )


def _topic(findings: Iterable[Finding]) -> str:
    topics = [f.text for f in findings if f.key == "topic" and f.text]
    return strip_fillers(topics[0]).rstrip(".") if topics else ""


def _speakers(findings: Sequence[Finding]) -> dict[str, str]:
    """Map each segment to its speaker as far as the findings tell."""
    known: dict[str, str] = {}
    for finding in findings:
        name = finding.fields.get("speaker") or finding.fields.get("holder") or ""
        if name and name != "none":
            for segment, _ in finding.evidence[:1]:
                known.setdefault(segment, name)
    for finding in findings:
        names = [
            n
            for n in (finding.fields.get("between") or finding.fields.get("holders") or "").split(
                "; "
            )
            if n
        ]
        if finding.key == "contradictions":
            heads = (LABEL.match(finding.fields.get(k, "")) for k in ("first", "second"))
            names = [head[1] for head in heads if head]
        if len(names) == len(finding.evidence):
            for name, (segment, _) in zip(names, finding.evidence, strict=True):
                known.setdefault(segment, name)
    names = sorted(set(known.values()), key=len, reverse=True)
    for finding in findings:
        if finding.key == "insights":
            named = [n for n in names if n in finding.text]
            alone = [n for n in named if not any(n != m and n in m for m in named)]
            for segment, _ in finding.evidence if len(alone) == 1 else ():
                known.setdefault(segment, alone[0])
    return known


def _has_content(claim: Claim) -> bool:
    """Return whether *claim* has content: not a bare "Agreed" or a vote of thanks."""
    return len(claim.terms) >= 2 and not is_procedural(claim.text)


def _merge(claims: Sequence[Claim]) -> list[Claim]:
    """Join claims that say the same in one segment; each further analyzer adds weight."""
    merged: list[Claim] = []
    by_segment: dict[str, list[int]] = {}
    for claim in claims:
        segments = {segment for segment, _ in claim.evidence[:1]}
        near = [i for s in segments for i in by_segment.get(s, [])]
        if not claim.evidence:  # an uncited statement may still repeat a cited one
            near = [i for i, m in enumerate(merged) if similarity(m.text, claim.text) > 0.8]
        twin = next((i for i in near if _same(merged[i], claim)), None)
        if twin is None:
            for segment in segments:
                by_segment.setdefault(segment, []).append(len(merged))
            merged.append(claim)
        else:
            merged[twin] = _join(merged[twin], claim)
    return merged


def _same(a: Claim, b: Claim) -> bool:
    shared = len(a.terms & b.terms)
    return bool(shared) and shared / min(len(a.terms), len(b.terms)) >= 0.75


_RANK = (
    *("agreement", "rule", "fact", "definition"),
    *("conclusion", "assumption", "conjecture", "assertion"),
)


def _join(a: Claim, b: Claim) -> Claim:
    """Join two claims that say the same, with the more specific kind and the fuller wording."""
    order = {kind: place for place, kind in enumerate(_RANK)}
    first, second = sorted((a, b), key=lambda c: order.get(c.kind, len(order)))
    fresh = not set(b.sources) <= set(a.sources)
    weight = 1 - (1 - a.weight) * (1 - 0.5 * b.weight) if fresh else max(a.weight, b.weight)
    return replace(
        first,
        speaker=first.speaker or second.speaker,
        sources=tuple(dict.fromkeys(a.sources + b.sources)),
        weight=min(weight, 0.95),
        evidence=first.evidence or second.evidence,
        fields={**second.fields, **first.fields},
    )
