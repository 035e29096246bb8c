"""Dispute: opposed statements, rival explanations or open alternatives."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

from runner.answers.findings import Citation, Finding
from runner.providers.offline.argument.case import Case
from runner.providers.offline.argument.causality import conditional
from runner.providers.offline.argument.claims import Claim, without_label
from runner.providers.offline.argument.consistency import rate, scope, weighed_items
from runner.providers.offline.argument.hypotheses import (
    denial,
    disputable,
    hypothesis,
    leading_claim,
    question_on,
)
from runner.providers.offline.argument.insights import who
from runner.providers.offline.argument.noun_phrases import matter
from runner.providers.offline.argument.relations import grounds, opposed, relatedness
from runner.providers.offline.argument.wording import quoted
from runner.providers.offline.language import cues
from runner.providers.offline.language.fragments import is_whole
from runner.providers.offline.language.sentences import content_words, similarity, strip_fillers
from runner.providers.offline.language.wording import capital

_CLEFT = re.compile(
    r"\bwhether (?:or not )?(?P<a>[^.?;]{8,150}?),? or (?:whether )?(?P<b>[^.?;]{8,150})",
    re.IGNORECASE,
)
_DOUBT = re.compile(
    r"\b(?:not (?:\w+ )?(?:clear|sure|certain|convinced)|do(?:n't| not)(?: really)? know|wonder|"
    r"doubt|remains to be seen|no idea|question is)[, ]+(?P<how>that|if|whether) "
    r"(?P<open>[^.?!;]{12,150})",
    re.IGNORECASE,
)
_REJECTS = re.compile(
    r"\b(?:disagree|(?:don't|do not) agree|not (?:true|correct|right|so|the case|accurate)|"
    r"(?:is|that's|it's) wrong|(?:i|we) (?:object|dispute|reject|oppose))\b",
    re.IGNORECASE,
)
_REFERS = re.compile(r"^(?:it|that|this|they)\b", re.IGNORECASE)
_ANOTHER = re.compile(r"\b(?:also|or|either|another|alternatively)\b", re.IGNORECASE)
_CAUSE_SOUGHT = re.compile(r"\b(?:why|causes?|caused|reason|explain\w*)\b", re.IGNORECASE)
_VETO = re.compile(r"\bwe (?:don't|do not|won't|will not)\b", re.IGNORECASE)
_RUN_ON = re.compile(r"\w.{20,}\b(?:so|but|and) i (?:think|believe|mean|guess)\b", re.IGNORECASE)
_LEAST_TERMS = 3  # "I disagree" takes a side without saying what is held
_TRIED = 10  # disputes that are weighed against the evidence
_PAIRED = 150  # claims compared with one another, most important first
_NEAR_SEGMENTS = 3  # rival explanations are given within a few turns
_BEFORE = 8  # segments within which stands what they explain


@dataclass(frozen=True, slots=True)
class Dispute:
    """A question and the claims that answer it differently; *score* is 0 or more."""

    question: str
    sides: tuple[Claim, ...]
    recorded: bool  # whether an earlier analyzer put the sides against each other
    score: float


def main_dispute(case: Case, findings: Sequence[Finding]) -> Dispute | None:
    """Return the weightiest dispute of the findings, or None where nothing is opposed."""
    found = [
        *_recorded(case, findings),
        *_alternatives(case, _topics(case, findings)),
        *_doubts(case),
        *_conjectures(case),
        *_opposed_pairs(case),
        *_argued(case),
    ]
    usable = [d for d in found if all(_can_be_rated(side) for side in d.sides)]
    likely = sorted(usable, key=lambda d: -d.score)[:_TRIED]
    return max(likely, key=lambda d: d.score + 0.12 * min(5, _diagnostic(d, case)), default=None)


def _can_be_rated(side: Claim) -> bool:
    least = 0.25 if side.kind in ("course", "denial", "conditional", "cause") else 0.5
    terms = (
        1 if side.kind == "cause" else 2 if side.kind in ("course", "conditional") else _LEAST_TERMS
    )
    return len(side.terms) >= terms and side.completeness >= least


def _diagnostic(dispute: Dispute, case: Case) -> int:
    """Count the evidence that would be rated differently for the sides."""
    sides = dispute.sides
    rated = (
        {rate(item, side, sides, case, dispute.recorded)[0] for side in sides}
        for item in weighed_items(sides, case)
    )
    return sum(len(grades) > 1 for grades in rated)


def _known(text: str, citation: Citation, case: Case) -> Claim:
    """Return the claim of the case that holds *text*, else a new one citing *citation*."""
    here = [c for c in case.claims if c.evidence[:1] == (citation,)]
    match = max(here, key=lambda c: similarity(c.text, text), default=None)
    body, label = without_label(text, case.speakers)
    name = label or case.speakers.get(citation[0])
    made = Claim(strip_fillers(body).rstrip("."), "side", name, (), 0.6, (citation,))
    if match is None:
        return made
    exact = similarity(match.text, text) > 0.8
    return match if exact else replace(match, text=made.text)


def _recorded(case: Case, findings: Iterable[Finding]) -> Iterator[Dispute]:
    """Yield contradictions and tensions as earlier analyzers recorded them."""
    for finding in findings:
        if len(finding.evidence) < 2:
            continue
        if finding.key == "contradictions":
            texts = [finding.fields.get("first", ""), finding.fields.get("second", "")]
        elif finding.key == "tensions":
            texts = [quote for _, quote in finding.evidence[:2]]
        else:
            continue
        cites = finding.evidence[:2]
        sides = tuple(_known(t, c, case) for t, c in zip(texts, cites, strict=True) if t)
        if len(sides) < 2 or sides[0].text == sides[1].text:
            continue
        names = {side.speaker for side in sides}
        near = relatedness(sides[0], sides[1], case)
        if _can_be_rated(sides[1]) and near > 0.1:
            score = 0.55 + 0.15 * (len(names) > 1) + 0.3 * near
            yield Dispute(_versus(sides), sides, True, score)
        elif _REJECTS.search(sides[1].spoken):
            first, other = sides
            question = f"Does it hold, as {who(first)} says and {who(other)} disputes: "
            against = replace(denial(first), speaker=other.speaker, evidence=other.evidence)
            yield Dispute(f"{question}{quoted(first)}?", (first, against), True, 0.75)


def _topics(case: Case, findings: Iterable[Finding]) -> list[Claim]:
    """Return the topics that earlier analyzers named, as claims without a speaker."""
    texts = [(f.fields.get("text", ""), f.evidence) for f in findings if f.key == "topic"]
    return [
        Claim(text, "topic", case.speakers.get(cited[0][0]) if cited else None, (), 0.6, cited)
        for text, cited in texts
    ]


def _alternatives(case: Case, topics: Sequence[Claim]) -> Iterator[Dispute]:
    """Yield two courses offered for choice in one sentence: "whether we go now, or wait"."""
    for claim in (*topics, *case.claims):
        match = _CLEFT.search(claim.sentence)
        if match and all(len(set(content_words(match[k]))) >= 2 for k in "ab"):
            courses = [
                replace(claim, text=capital(strip_fillers(match[k])), kind="course") for k in "ab"
            ]
            asked = " or ".join(quoted(side, 90) for side in courses)
            put = f", as {claim.speaker} puts the choice" if claim.speaker else ""
            question = f"Which course is right{put}: {asked}?"
            refined = [_refined(c, courses, case) for c in courses]
            yield Dispute(question, (*refined, *_conditional_course(refined, case)), False, 0.95)


def _refined(course: Claim, courses: Sequence[Claim], case: Case) -> Claim:
    """Put *course* in the words in which it was later agreed on, if it was."""
    others = frozenset[str]().union(*(c.terms for c in courses if c is not course))
    for agreed in case.of("agreement"):
        if (agreed.terms & course.terms) - others and agreed.completeness >= 0.6:
            return replace(
                course,
                text=agreed.text,
                evidence=agreed.evidence[:1] + course.evidence[:1],
                fields={"course": course.text},
                speaker=None,
            )
    return course


def _conditional_course(courses: Sequence[Claim], case: Case) -> list[Claim]:
    """Return the weightiest course that a speaker makes depend on a condition."""
    named = frozenset[str]().union(*(scope(course) for course in courses))
    found = []
    for claim in case.of("commitment", "agreement", "conclusion", "position", "assertion", "said"):
        link = conditional(claim.sentence)
        if link is None or len(set(content_words(link[0]))) < 2:
            continue
        agreed = cues.strength("agreement", link[1]) >= 0.9
        agreeing = agreed or cues.strength("commitment", link[1]) >= 0.7
        vetoes = bool(_VETO.search(link[1])) and len(link[1].split()) <= 8
        if vetoes or (agreeing and set(content_words(link[1])) & named):
            found.append((vetoes, replace(claim, text=link[0], kind="conditional")))
    return [claim for _, claim in sorted(found, key=lambda pair: not pair[0])[:1]]


def _doubts(case: Case) -> Iterator[Dispute]:
    """Yield what a speaker leaves open ("it is not clear that …") against its denial."""
    for claim in case.claims:
        match = _DOUBT.search(claim.sentence)
        if match:
            side = replace(claim, text=match["open"].strip(" ,"), kind="open", speaker=None)
            if side.completeness > 0.5:
                question = f"Is it so, as {who(claim)} doubts, that "
                doubted = replace(denial(side), speaker=claim.speaker)
                score = 0.4 + 0.3 * claim.weight
                yield Dispute(f"{question}{quoted(side)}?", (side, doubted), True, score)


def _argued(case: Case) -> Iterator[Dispute]:
    """Yield the best-grounded conclusion against its denial."""
    kinds = ("assertion", "conclusion", "conjecture", "rule", "position", "proposal")
    topic = set(content_words(case.topic))
    for claim in case.of(*kinds, "unsupported", "agreement")[:20]:
        open_yet = disputable(claim.text) or claim.kind == "agreement"
        if claim.completeness > 0.55 and open_yet and not cues.is_question(claim.text):
            backed = sum(grounds(c, claim) for c in case.claims)
            score = 0.2 + 0.25 * claim.importance + 0.1 * min(backed, 2)
            score -= 0.15 * (len(claim.text.split()) > 24) + 0.15 * bool(_RUN_ON.search(claim.text))
            score -= 0.15 * (not is_whole(claim.text))
            score += 0.12 * (cues.strength("obligation", claim.text) >= 0.6)
            score += 0.1 * (claim.kind == "conjecture") + 0.1 * bool(claim.terms & topic)
            yield Dispute(question_on(claim), (claim, denial(claim)), True, score)


def _conjectures(case: Case) -> Iterator[Dispute]:
    """Yield explanations offered one after another for the same thing."""
    for a, b in combinations(_conjectural(case), 2):
        first, second = sorted((a, b), key=_place)
        near = 0 < _place(second) - _place(first) <= _NEAR_SEGMENTS
        same = _REFERS.match(first.text) and _REFERS.match(second.text)
        if not near or not (same and _ANOTHER.search(second.text)):
            continue
        sides = tuple(replace(c, kind="cause") for c in (first, second))
        explained = _explained(first, case)
        asked = f"{quoted(first, 90)} or {quoted(second, 90)}"
        question = f"Which of the explanations put forward holds: {asked}?"
        if explained:
            question = f"What explains {quoted(explained)} ({who(explained)}): {asked}?"
        yield Dispute(question, sides, False, 0.6 + 0.15 * bool(explained))


def _explained(guess: Claim, case: Case) -> Claim | None:
    """Return the statement shortly before *guess* that asks for a cause, if there is one."""
    open_yet = [
        c
        for c in case.claims
        if 0 < _place(guess) - _place(c) <= _BEFORE and _CAUSE_SOUGHT.search(c.sentence)
    ]
    return max(open_yet, key=_place, default=None)


def _conjectural(case: Case) -> list[Claim]:
    pool = case.of("conjecture", "assertion", "unsupported", "position", "said", "conclusion")
    return [c for c in pool if c.kind == "conjecture" or cues.strength("conjecture", c.text) > 0.5]


def _opposed_pairs(case: Case) -> Iterator[Dispute]:
    """Yield claims opposed by negation or evaluation that no analyzer recorded as opposed."""
    pool = [c for c in case.claims if c.kind not in ("question", "gap", "implied")]
    pool = sorted(pool, key=lambda c: -c.importance)[:_PAIRED]
    for a, b in combinations(pool, 2):
        apart = a.evidence[:1] != b.evidence[:1] and a.speaker != b.speaker
        if apart and opposed(a, b, case):
            yield Dispute(_versus((a, b)), (a, b), False, 0.55)


def _versus(sides: Sequence[Claim]) -> str:
    parts = [f"{quoted(side, 110)} ({who(side)})" for side in sides]
    return f"Which holds: {' or '.join(parts)}?"


def _place(claim: Claim) -> int:
    """Return the number in the segment id, so that S0012 and S0014 are two apart."""
    return int(claim.evidence[0][0][1:]) if claim.evidence else 0


def rivals(dispute: Dispute | None, case: Case) -> list[tuple[str, Claim]]:
    """Return the hypotheses, 2 or more that exclude each other, with the claim each is read from.

    Where only one statement is to be had, its denial is the second.
    """
    if dispute is None:
        best = leading_claim(case)
        sides: tuple[Claim, ...] = (best, denial(best))
    else:
        sides = dispute.sides
    return [(hypothesis(claim), claim) for claim in sides]


def subject(dispute: Dispute | None, case: Case) -> str:
    """Return in a few words what the findings are about, for headings and problems."""
    if case.topic:
        return case.topic
    if dispute:
        return matter(dispute.sides[0], case)
    top = sorted(case.claims, key=lambda c: -c.importance)
    return matter(top[0], case) if top else "the matter"
