"""Patent criteria: five judgements of one idea by the cues found in it."""

import re
from collections.abc import Mapping, Sequence

from runner.providers.offline.argument.case import Case
from runner.providers.offline.argument.claims import Claim
from runner.providers.offline.argument.insights import who
from runner.providers.offline.argument.inventions import Idea
from runner.providers.offline.argument.noun_phrases import matter
from runner.providers.offline.argument.wording import quoted
from runner.providers.offline.language import cues
from runner.providers.offline.language.wording import listed

Danger = tuple[str, str, Claim]  # kind of risk, the cue words, the claim that has them
Verdicts = Mapping[str, tuple[str, str]]  # criterion: verdict, reason


def verdicts(idea: Idea, dangers: Sequence[Danger], case: Case) -> Verdicts:
    """Return the verdict and its reason for each criterion, in the order of the statute."""
    if not idea.technical:
        return _plain(idea, case)
    first = {kind: (cue, claim) for kind, cue, claim in reversed(dangers)}
    return {
        "subject_matter": _subject(idea),
        "novelty": _novelty(idea, first, case),
        "inventive_step": _step(idea, first, case),
        "industrial_application": (
            "met",
            f"{listed(idea.means[:2])} can be made or used in what is under discussion",
        ),
        "disclosure": _disclosure(idea),
    }


def overall(idea: Idea, judged: Verdicts) -> str:
    """Return the overall verdict; without a claim of novelty no idea is promising."""
    if not idea.technical:
        return "not_an_invention"
    met = sum(verdict == "met" for verdict, _ in judged.values())
    if idea.novel:
        return "promising" if met >= 4 else "needs_work"
    return "needs_work" if met >= 3 else "unlikely"


def statement_kind(claim: Claim) -> str:
    """Return the kind of a statement that is no technical idea."""
    if claim.kind == "rule" or cues.strength("obligation", claim.text) >= 0.6:
        return "a demand"
    if claim.kind == "commitment" or cues.has("commitment", claim.text):
        return "a promise"
    if cues.strength("evidence", claim.text) >= 0.6:
        return "a report of fact"
    if cues.has("hedge", claim.text) or cues.polarity(claim.text):
        return "a judgement"
    return "a remark"


def topic_of(idea: Idea, case: Case) -> str:
    """Return in a few words what the idea is about."""
    if idea.technical:
        return listed(idea.means[:2])
    return matter(idea.claim, case)


def _plain(idea: Idea, case: Case) -> Verdicts:
    about, sort = topic_of(idea, case), statement_kind(idea.claim)
    name = who(idea.claim, "the speaker")
    return {
        "subject_matter": ("not_met", f"it is {sort} about {about}; {lack_of(idea)}"),
        "novelty": ("unknown", f"{name} does not say what about {about} would be new"),
        "inventive_step": ("not_met", f"{sort} about {about} solves no technical problem"),
        "industrial_application": (
            "not_met",
            f"nothing about {about} is put up to be made or used",
        ),
        "disclosure": ("not_met", f"{name} describes no way of working for {about}"),
    }


_TASTE = re.compile(
    r"\b(?:looks? (?:nice|good|cool)|beautiful|trendy|style|colou?rs?)\b", re.IGNORECASE
)
_INSTITUTION = re.compile(
    r"\b(?:polic(?:y|ies)|regulat\w+|supervis\w+|laws?|banks?|financ\w+|fund(?:s|ing)|budgets?|"
    r"proposals?|communit(?:y|ies)|discussions?|meetings?|process(?:es)?|markets?|prices?|sell)\b",
    re.IGNORECASE,
)


def lack_of(idea: Idea) -> str:
    """Return what a statement lacks to be an invention, by its subject."""
    text, means = idea.claim.text, listed(idea.means[:2])
    if means and idea.proposed:
        wish = f'in a wish ("{idea.proposed}")'
        return f"it names {means} {wish}; no new way of working is recognised"
    if _TASTE.search(text):
        return "how a thing looks is an aesthetic creation, which EPC article 52(2)(b) excludes"
    if means:
        return f"it names {means} as in ordinary use, neither changed nor put to a new use"
    if match := _INSTITUTION.search(text):
        return (
            f'"{match[0]}" belongs to running an institution or a business, which EPC article '
            "52(2)(c) excludes as such"
        )
    return "no device, material or process is recognised"


def _subject(idea: Idea) -> tuple[str, str]:
    means = listed(idea.means[:2])
    if idea.working:
        return "met", f'it names technical means ({means}) and what is done: "{idea.working}"'
    cue = idea.proposed or idea.novel
    return "doubtful", f'it names technical means ({means}), but "{cue}" states no more than an aim'


def _novelty(idea: Idea, first: Mapping[str, tuple[str, Claim]], case: Case) -> tuple[str, str]:
    against = first.get("public_disclosure") or first.get("prior_art")
    if against:
        return "doubtful", f'"{against[0]}" may make it known already: {quoted(against[1], 110)}'
    if idea.novel:
        return "met", f'{who(idea.claim)} calls it new ("{idea.novel}"); no search is mentioned'
    return "unknown", f"whether {topic_of(idea, case)} existed before is not recognised"


def _step(idea: Idea, first: Mapping[str, tuple[str, Claim]], case: Case) -> tuple[str, str]:
    if "obviousness" in first:
        return "doubtful", f'"{first["obviousness"][0]}" makes it look within ordinary skill'
    if idea.novel and idea.working:
        return "met", f'"{idea.novel}" is tied to a way of working, "{idea.working}"'
    return "unknown", f"why {topic_of(idea, case)} was not done before is not recognised"


def _disclosure(idea: Idea) -> tuple[str, str]:
    name = who(idea.claim, "the speaker")
    if not idea.working:
        return "not_met", f"{name} says what it should do, not how"
    if any(char.isdigit() for char in idea.claim.sentence):
        return "met", f'"{idea.working}" says how it works, and figures are given'
    return "doubtful", f'"{idea.working}" says how it works, but without figures or an embodiment'
