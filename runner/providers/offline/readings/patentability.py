"""Reading of patentability: technical ideas against the patent criteria, and risks."""

from collections.abc import Sequence
from dataclasses import replace

from runner.providers.offline.argument.case import Case, build_case
from runner.providers.offline.argument.claims import Claim
from runner.providers.offline.argument.insights import cited, insight, nothing_found, who
from runner.providers.offline.argument.inventions import Idea, dangers, screen
from runner.providers.offline.argument.patent_criteria import (
    Danger,
    lack_of,
    overall,
    statement_kind,
    topic_of,
    verdicts,
)
from runner.providers.offline.argument.wording import quoted
from runner.providers.offline.document import Document
from runner.providers.offline.language import cues
from runner.providers.offline.language.ranking import diverse
from runner.providers.offline.language.wording import capital, point, tidy


def read(document: Document) -> dict[str, object]:
    """Screen the findings for technical ideas, and say plainly where there is none."""
    case = build_case(document)
    if not case.claims:
        return _nothing(case)
    screened = screen(case)
    ideas = _spread([idea for idea in screened if idea.technical and not _is_worry(idea)])
    risks = dangers(ideas, case) if ideas else []
    data = {
        "summary": _summary(ideas, screened, case),
        "candidates": [_candidate(idea, risks, case) for idea in ideas],
        "risks": [_risk(danger) for danger in risks],
        "next_steps": _steps(ideas, risks, case),
    }
    return {"insights": _insights(ideas, screened, risks, case), "structured_data": data}


def _nothing(case: Case) -> dict[str, object]:
    found = nothing_found(case, "technical ideas")
    summary = "Nothing could be screened: the context holds no finding."
    data = {"summary": summary, "candidates": [], "risks": [], "next_steps": []}
    return {"insights": [found], "structured_data": data}


def _spread(ideas: Sequence[Idea]) -> list[Idea]:
    """Choose up to four ideas about different things."""
    shown = [idea.beside for idea in ideas if idea.beside]  # shown with what is new about them
    ideas = [idea for idea in ideas if idea.claim not in shown]
    return diverse(ideas, 4, score=lambda i: min(1.0, i.score), text=lambda i: i.claim.sentence)


def _is_worry(idea: Idea) -> bool:
    """Return whether a statement names means only to say what is wrong with them."""
    return not idea.novel and cues.polarity(idea.claim.sentence) < 0


def _candidate(idea: Idea, risks: Sequence[Danger], case: Case) -> dict[str, object]:
    judged = verdicts(idea, risks, case)
    whole = replace(idea.claim, text=idea.claim.sentence)
    beside = f", with {quoted(idea.beside, 120)}" if idea.beside else ""
    return {
        "title": capital(topic_of(idea, case)),
        "description": f"{capital(who(idea.claim))}: {quoted(whole, 220)}{beside}",
        "technical": idea.technical,
        "criteria": [
            {"name": name, "verdict": verdict, "reason": f"{capital(reason)}."}
            for name, (verdict, reason) in judged.items()
        ],
        "overall": overall(idea, judged),
        "evidence": cited([idea.claim, idea.beside] if idea.beside else [idea.claim]),
    }


def _risk(danger: Danger) -> dict[str, object]:
    kind, cue, claim = danger
    said = {
        "public_disclosure": "may count as making it public",
        "prior_art": "points to earlier or rival work",
        "ownership": "raises who owns the result",
        "obviousness": "makes the step look easy",
        "timing": "bears on when to file",
    }[kind]
    text = f'"{cue}" {said}: {who(claim)} says {quoted(claim, 130)}.'
    row = {"kind": kind, "text": tidy(text), "date": None, "place": None}
    return {**row, "evidence": cited([claim])}


def _summary(ideas: Sequence[Idea], screened: Sequence[Idea], case: Case) -> str:
    count = len(screened)
    if not ideas:
        near = screened[0]
        return (
            f"Nothing patentable is recognised: of {count} statements screened, none is "
            f"recognised as saying how a device, material or process works in a new way. "
            f"The nearest is "
            f"{quoted(near.claim, 110)} ({who(near.claim)})."
        )
    names = "; ".join(dict.fromkeys(topic_of(idea, case) for idea in ideas))
    new = next((idea for idea in ideas if idea.novel), None)
    claim = "no claim that it is new is recognised"
    if new:
        claim = f"{who(new.claim)} claims novelty for {topic_of(new, case)}"
    some = "one names" if len(ideas) == 1 else f"{len(ideas)} name"
    return f"Of {count} statements screened, {some} technical means ({names}); {claim}."


def _steps(ideas: Sequence[Idea], risks: Sequence[Danger], case: Case) -> list[dict[str, object]]:
    made: dict[str, Claim] = {}
    for idea in ideas[:3]:
        about = topic_of(idea, case)
        if idea.working:
            step = f'Search earlier patents and papers for {about} ("{idea.working}").'
        else:
            step = f"Ask {who(idea.claim, 'the speaker')} how the idea with {about} works."
        made.setdefault(tidy(step), idea.claim)
    for kind, _, claim in risks[:4]:
        words = quoted(claim, 100)
        step = {
            "public_disclosure": f"Establish what was shown to whom and when: {words}.",
            "prior_art": f"Get the earlier work meant in {words} and compare.",
            "ownership": f"Check the terms behind {words}.",
            "obviousness": f"Ask what was hard about it, given {words}.",
            "timing": f"Fix the dates behind {words} with a patent attorney.",
        }[kind]
        made.setdefault(tidy(step), claim)
    return [point(step, cited([claim])) for step, claim in made.items()]


def _insights(
    ideas: Sequence[Idea], screened: Sequence[Idea], risks: Sequence[Danger], case: Case
) -> list[dict[str, object]]:
    shown = ideas or screened[:1]
    sure = 0.45 + 0.05 * min(8, len(screened) // 5)  # more was looked at, so less was missed
    made = [insight(_summary(ideas, screened, case), sure, "screening", *(i.claim for i in shown))]
    for idea in ideas:
        judged = verdicts(idea, risks, case)
        result = overall(idea, judged).replace("_", " ")
        weakest = next((n for n in _WEAKEST if judged[n][0] != "met"), "novelty")
        text = f"{capital(topic_of(idea, case))} ({who(idea.claim)}): {result}. "
        text += f"{capital(weakest.replace('_', ' '))}: {judged[weakest][1]}."
        made.append(insight(text, 0.3 + 0.4 * min(1.0, idea.score), "candidate", idea.claim))
    for danger in risks[:3]:
        sure = 0.3 + 0.4 * danger[2].weight
        made.append(insight(str(_risk(danger)["text"]), sure, danger[0], danger[2]))
    for place, idea in enumerate(screened[: 0 if ideas else 3]):
        lead = "The nearest statement" if place == 0 else ("Next to it", "Then")[place - 1]
        text = f"{lead}, {quoted(idea.claim, 110)} ({who(idea.claim)}), "
        text += f"is {statement_kind(idea.claim)}: {lack_of(idea)}."
        sure = 0.75 - 0.4 * min(1.0, idea.score)
        made.append(insight(text, sure, "not_technical", idea.claim))
    return made[:8]


_WEAKEST = ("novelty", "disclosure", "inventive_step", "subject_matter")  # first to ask about
