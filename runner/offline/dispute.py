"""The matter in dispute: opposed statements, rival explanations or open alternatives."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

from runner.findings import Citation, Finding
from runner.offline import cues
from runner.offline.argue import Case
from runner.offline.bearing import judge, weighed_items
from runner.offline.claims import Claim, without_label
from runner.offline.phrasing import capital, listed, quoted, stated, who
from runner.offline.text import content_words, similarity, strip_fillers
from runner.offline.weigh import grounds, matter, opposed, relatedness

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
_FILLED = ("supports", "opposes")
_LEAST_TERMS = 3  # "I disagree" takes a side without saying what is held
_LEAST_VIEW = 0.2  # of standing on its own
_TRIED = 8  # disputes that are weighed against the evidence
_PAIRED = 150  # claims compared with one another, most important first
_NEAR_SEGMENTS = 3  # rival explanations are given within a few turns


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
        *_alternatives(case),
        *_doubts(case),
        *_conjectures(case),
        *_stances(case),
        *_opposed_pairs(case),
        *_argued(case),
        *_views(case),
    ]
    usable = [d for d in found if all(_can_stand(side) for side in d.sides)]
    likely = sorted(usable, key=lambda d: -d.score)[:_TRIED]
    return max(likely, key=lambda d: d.score + 0.12 * min(5, _telling(d, case)), default=None)


def _can_stand(side: Claim) -> bool:
    if side.kind == "view":
        return True
    least = 0.25 if side.kind in ("course", "denial") else 0.5
    return len(side.terms) >= _LEAST_TERMS and side.standing >= least


def _telling(dispute: Dispute, case: Case) -> int:
    """Count the evidence that would be rated differently for the sides."""
    sides = dispute.sides
    rated = (
        {judge(item, side, sides, case, dispute.recorded)[0] for side in sides}
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
    """Contradictions and tensions, as earlier analyzers recorded them."""
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
        if len(sides) == 2 and sides[0].text != sides[1].text:
            names = {side.speaker for side in sides}
            score = 0.55 + 0.15 * (len(names) > 1) + 0.3 * relatedness(*sides, case)
            yield Dispute(_versus(sides), sides, True, score)


def _alternatives(case: Case) -> Iterator[Dispute]:
    """Two courses put up for choice in one sentence: "whether we go now, or wait"."""
    for claim in case.claims:
        match = _CLEFT.search(claim.sentence)
        if match and all(len(set(content_words(match[k]))) >= 2 for k in "ab"):
            sides = tuple(
                replace(claim, text=capital(strip_fillers(match[k])), kind="course") for k in "ab"
            )
            question = f"Which is right of the courses that {who(claim)} sets against each other: "
            asked = " or ".join(quoted(side, 90) for side in sides)
            yield Dispute(f"{question}{asked}?", sides, False, 0.95)


def _doubts(case: Case) -> Iterator[Dispute]:
    """What a speaker leaves open, "it is not clear that …", against its denial."""
    for claim in case.claims:
        match = _DOUBT.search(claim.sentence)
        if match:
            side = replace(claim, text=match["open"].strip(" ,"), kind="open")
            if side.standing > 0.5:
                question = f"Is it so, as {who(claim)} will not take for granted, that "
                score = 0.4 + 0.3 * claim.weight
                yield Dispute(f"{question}{quoted(side)}?", (side, denial(side)), True, score)


def _argued(case: Case) -> Iterator[Dispute]:
    """The best-grounded conclusion against its denial."""
    for claim in case.of("assertion", "conclusion", "conjecture", "rule", "position")[:12]:
        backed = sum(grounds(c, claim) for c in case.claims)
        if claim.standing > 0.55 and _disputable(claim.text):
            score = (
                0.1 * (claim.kind == "conjecture")
                + 0.2
                + 0.25 * claim.importance
                + 0.1 * min(backed, 2)
            )
            question = f"Does it hold, as {who(claim)} says, that {quoted(claim)}?"
            yield Dispute(question, (claim, denial(claim)), True, score)


def _disputable(text: str) -> bool:
    """Return whether one could reasonably disagree: a judgement, a demand or a guess."""
    if cues.strength("commitment", text) >= 0.7:
        return False
    guessed = cues.strength("hedge", text) >= 0.5 or cues.has("conjecture", text)
    return guessed or bool(cues.polarity(text)) or cues.strength("obligation", text) >= 0.6


def _views(case: Case) -> Iterator[Dispute]:
    """What different people put first on the topic, where they do not contradict one another."""
    first: dict[str | None, Claim] = {}
    topic = set(content_words(case.topic))
    pool = case.of("position", "rule", "assertion", "conclusion", "conjecture", "assumption")
    for claim in sorted(pool, key=lambda c: not c.terms & topic):
        asks = cues.is_question(claim.text) or cues.has("commitment", claim.text)
        stands = claim.standing >= _LEAST_VIEW and "..." not in claim.text
        if stands and len(claim.terms) > 1 and not asks:
            first.setdefault(claim.speaker, replace(claim, kind="view"))
    sides = tuple(claim for name, claim in first.items() if name)[:4]
    if len(sides) > 1:
        on = f" on {case.topic}" if case.topic else ""
        asked = listed([f"{quoted(side, 80)} ({who(side)})" for side in sides[:2]], "or")
        more = " or another" if len(sides) > 2 else ""
        question = f"Which view{on} do the findings bear out best: {asked}{more}?"
        yield Dispute(question, sides, False, 0.6)


def denial(claim: Claim) -> Claim:
    """Return the claim that *claim* does not hold, which nobody need have made."""
    return replace(claim, text=f"It is not so that {claim.text}", kind="denial", speaker=None)


def _conjectures(case: Case) -> Iterator[Dispute]:
    """Explanations offered one after another for the same thing."""
    for a, b in combinations(_conjectural(case), 2):
        gap = abs(_place(a) - _place(b))
        if 0 < gap <= _NEAR_SEGMENTS:
            also = 0.2 if re.search(r"\b(?:also|or|either|another)\b", b.text + a.text) else 0.0
            first, second = sorted((a, b), key=_place)
            asked = f"{quoted(first, 90)} or {quoted(second, 90)}"
            question = f"Which of the explanations put forward holds: {asked}?"
            yield Dispute(question, (first, second), False, 0.5 + also)


def _conjectural(case: Case) -> list[Claim]:
    pool = case.of("conjecture", "assertion", "unsupported", "position", "said")
    return [c for c in pool if c.kind == "conjecture" or cues.strength("conjecture", c.text) > 0.7]


def _stances(case: Case) -> Iterator[Dispute]:
    """The most important position for and the most important one against the topic."""
    views = case.of("position")
    pair = [next((v for v in views if v.fields.get("stance") == s), None) for s in _FILLED]
    sides = tuple(view for view in pair if view)
    if len(sides) == 2 and sides[0].speaker != sides[1].speaker:
        yield Dispute(_versus(sides), sides, False, 0.5 + 0.3 * relatedness(*sides, case))


def _opposed_pairs(case: Case) -> Iterator[Dispute]:
    """Claims that pull apart by negation or evaluation though nobody recorded it."""
    pool = [c for c in case.claims if c.kind not in ("question", "gap", "implied")]
    pool = sorted(pool, key=lambda c: -c.importance)[:_PAIRED]
    for a, b in combinations(pool, 2):
        if a.evidence[:1] != b.evidence[:1] and opposed(a, b, case):
            other = 0.15 if a.speaker != b.speaker else 0.0
            yield Dispute(_versus((a, b)), (a, b), False, 0.4 + other)


def _versus(sides: Sequence[Claim]) -> str:
    parts = [f"{quoted(side, 110)} ({who(side)})" for side in sides]
    return f"Which holds: {' or '.join(parts)}?"


def _place(claim: Claim) -> int:
    """Return the number in the segment id, so that S0012 and S0014 are two apart."""
    return int(claim.evidence[0][0][1:]) if claim.evidence else 0


def rivals(dispute: Dispute | None, case: Case, most: int = 4) -> list[tuple[str, Claim]]:
    """Return 2 to *most* mutually distinct hypotheses, each with the claim it was read from.

    Where only one statement is to be had, its denial is the second.
    """
    if dispute is None:
        pool = case.of("conclusion", "conjecture", "assertion", "position", "rule")
        best = max(pool or case.claims, key=lambda c: (_disputable(c.text), c.importance))
        chosen = [best, denial(best)]
    else:
        chosen = list(dispute.sides)
    closed = (
        dispute is None
        or dispute.recorded
        or chosen[0].kind in ("course", "view")
        or len(chosen) > 2
    )
    for claim in [] if closed else case.of("conjecture", "position", "conclusion"):
        near = max(relatedness(claim, side, case) for side in chosen)
        cited = claim.evidence[:1] in (side.evidence[:1] for side in chosen)
        fit = 0.12 < near < 0.55 and claim.standing > 0.7 and not cited
        if fit and len(chosen) < most and not cues.is_question(claim.text):
            chosen.append(claim)
    return [(_hypothesis(claim, chosen[0]), claim) for claim in chosen]


def _hypothesis(claim: Claim, first: Claim) -> str:
    if claim.kind == "denial":
        return f"It is not so that {quoted(first, 170)}."
    held = f" ({who(claim)})" if claim.kind not in ("open", "course") else ""
    return f"{stated(claim).rstrip('.?')}{held}."


def subject(dispute: Dispute | None, case: Case) -> str:
    """Return in a few words what the findings are about, for headings and problems."""
    if case.topic:
        return case.topic
    if dispute:
        return matter(dispute.sides[0], case)
    top = sorted(case.claims, key=lambda c: -c.importance)
    return matter(top[0], case) if top else "the matter"
