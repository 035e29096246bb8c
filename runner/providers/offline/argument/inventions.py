"""Inventions: cues of technical means, working and novelty, and risks to protection."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from runner.providers.offline.argument.case import Case
from runner.providers.offline.argument.claims import Claim
from runner.providers.offline.argument.relations import relatedness
from runner.providers.offline.language.fragments import is_whole
from runner.providers.offline.language.sentences import stem

_MEANS = re.compile(
    r"\b(?:algorithms?|antennas?|apparatus|batter(?:y|ies)|buttons?|cables?|cameras?|chips?|"
    r"circuits?|clusters?|coatings?|compilers?|compounds?|computers?|containers?|controllers?|"
    r"cpus?|gpus?|databases?|detectors?|devices?|displays?|electrodes?|encryption|engines?|"
    r"firmware|filters?|frames?|gadgets?|hardware|housings?|instruments?|keyboards?|lasers?|(?-i:LEDs?)|"
    r"lens(?:es)?|machines?|magnets?|membranes?|microphones?|motors?|nodes?|nozzles?|plastic|"
    r"polymers?|processors?|plugins?|protocols?|prototypes?|pumps?|radios?|receivers?|"
    r"remote controls?|remotes?|robots?|"
    r"rockets?|rubber|scripts?|sensors?|servers?|software|spacecraft|switch(?:es)?|thermostats?|"
    r"transmitters?|turbines?|valves?|vehicles?|wheels?|workloads?)\b(?! of\b)",
    re.IGNORECASE,
)
_WORKING = re.compile(
    r"\b(?:compares?|corrects?|measures?|detects?|comput(?:e|es|ing)|calculat(?:e|es|ing)|"
    r"converts?|generates?|encod(?:e|es|ing)|compress(?:es)?|rotat(?:e|es)|transmits?|"
    r"sorts?|takes? the (?:highest|lowest|first|last|mean)|calibrat(?:e|es)|automatically|"
    r"by means of|based on|selects?|picks?|allocat(?:e|es)|"
    r"controls the|lights? up|gives? a light|indicates?|us(?:e|es|ing) .{3,40} (?:to|as)|"
    r"tells? (?:us|you) the|when you (?:push|press|drop|lose))\b",
    re.IGNORECASE,
)
_IDEA = re.compile(
    r"\b(?:would be (?:nice|good|great|better)|(?:it|we|they) (?:should|could) (?:have|use|be|put|"
    r"add|make|work)|what if|ideas?|invent(?:ed|ion)?|design(?:ed)?|built|build|prototype|"
    r"some (?:kind|sort) of|(?:it's|is) (?:positive|good|nice|useful|handy|convenient) if|"
    r"one for all|we can (?:put|add|use))\b",
    re.IGNORECASE,
)
_NOVEL = re.compile(
    r"\b(?:(?:is|are|was|entirely|completely|something|quite) new|novel|never (?:been|before)|"
    r"first (?:time )?(?:ever|of its kind|to (?:do|use))|nobody else (?:does|has|did)|"
    r"nobody (?:does|did) (?:that|it|this)|"
    r"no one else|unlike (?:other|any|all)|makes? (?:ours|it|us) (?:different|unique)|unique|"
    r"doesn't exist|does not exist|patent(?:able|ed|s)?)\b",
    re.IGNORECASE,
)
_RISKS: Mapping[str, re.Pattern[str]] = MappingProxyType(
    {
        "public_disclosure": re.compile(
            r"\b(?:posters?|destroys? the novelty|published|presented|conference|demo(?:ed|"
            r"nstrated)?|open[- ]sourced?|"
            r"publicly|blog(?:ged)?|github|discord|press release|showed (?:it|the|them)|"
            r"website|trade fair|live ?stream|community call)\b",
            re.IGNORECASE,
        ),
        "prior_art": re.compile(
            r"\b(?:papers?|existing|prior art|competitors?|others? (?:do|does|have|use)|"
            r"other (?:\w+ ){1,2}(?:are|do|use|have)|already (?:do|does|have|has|exists?|use)|"
            r"well[- ]known|literature|state of the art)\b",
            re.IGNORECASE,
        ),
        "ownership": re.compile(
            r"\b(?:grants?|employers?|contractors?|funded|sponsor(?:ed)?|university|"
            r"licen[sc]e[sd]?|"
            r"consortium|joint(?:ly)? (?:owned|developed)|belongs? to|intellectual property)\b",
            re.IGNORECASE,
        ),
        "obviousness": re.compile(
            r"\b(?:(?:is|it's|quite|very|pretty) (?:easy|simple|trivial|obvious|standard)|"
            r"one line|like (?:a|any) (?:phone|normal|other)|off the shelf|common practice)\b",
            re.IGNORECASE,
        ),
        "timing": re.compile(
            r"\b(?:clock is running|filed|filing|priority date|grace period|"
            r"(?:a|one) year from|before (?:we|it) (?:publish|launch|ship|release)|"
            r"patent attorney)\b",
            re.IGNORECASE,
        ),
    }
)
_NEAR = 12  # segments within which a danger is taken to be about the same idea


@dataclass(frozen=True, slots=True)
class Idea:
    """A claim screened for invention: the cue words found of each sort, and its score."""

    claim: Claim
    means: tuple[str, ...]
    working: str
    novel: str
    proposed: str
    score: float
    beside: Claim | None = None  # where the means are named, if not in the claim itself

    @property
    def technical(self) -> bool:
        """Whether technical means are named with how they work or as new; a mere wish is not."""
        return bool(self.means) and bool(self.working or self.novel)


def screen(case: Case) -> list[Idea]:
    """Return every citable claim as an idea, the most inventive first."""
    pool = [c for c in case.claims if c.evidence and c.kind not in ("implied", "question")]
    asked = [c for c in pool if c.kind in ("request", "doubt")]
    ideas = [_idea(claim) for claim in pool if claim not in asked or len(asked) == len(pool)]
    ideas = ideas or [_idea(claim) for claim in case.claims]
    joined = [_with_means(idea, ideas) for idea in ideas]
    return sorted(joined, key=lambda idea: -idea.score)


def _with_means(idea: Idea, ideas: Sequence[Idea]) -> Idea:
    """Give a claim of novelty the means that are mentioned most near it."""
    if not idea.novel or idea.means:
        return idea
    spread = Counter(stem(w.lower()) for i in ideas for w in i.means)
    named = [i for i in ideas if _MEANS.search(i.claim.text)]
    near = max(
        (i for i in named if _apart(i.claim, idea.claim) <= _NEAR),
        key=lambda i: (
            bool(i.working),
            spread[stem(i.means[0].lower())],
            -_apart(i.claim, idea.claim),
        ),
        default=None,
    )
    if near is None:
        return idea
    return replace(
        idea, means=near.means, working=near.working, score=idea.score + 0.5, beside=near.claim
    )


def _apart(a: Claim, b: Claim) -> int:
    """Return how many segments lie between two claims; far where one cites nothing."""
    if not a.evidence or not b.evidence:
        return 10_000
    return abs(int(a.evidence[0][0][1:]) - int(b.evidence[0][0][1:]))


def _idea(claim: Claim) -> Idea:
    text = claim.sentence
    found = {m[0].lower().rstrip("s"): _plain(m[0]) for m in _MEANS.finditer(text)}
    means = tuple(found.values())
    working, novel, proposed = (_first(p, text) for p in (_WORKING, _NOVEL, _IDEA))
    score = 0.25 * min(len(means), 2) + 0.3 * bool(working) + 0.35 * bool(novel)
    score += 0.15 * bool(proposed)
    blur = 0.0 if is_whole(claim.text) else 0.15
    linked = score if means else 0.3 * score  # a novelty cue without any means is mere praise
    return Idea(claim, means, working, novel, proposed, linked + 0.2 * claim.importance - blur)


def _plain(word: str) -> str:
    return word if word[1:].isupper() else word.lower()  # LED stays, Sensor does not


def _first(pattern: re.Pattern[str], text: str) -> str:
    match = pattern.search(text)
    return match[0] if match else ""


def dangers(ideas: Sequence[Idea], case: Case) -> list[tuple[str, str, Claim]]:
    """Return (kind of risk, the cue words, claim) for statements that bear on *ideas*."""
    found: list[tuple[str, str, Claim]] = []
    for claim in sorted(case.claims, key=lambda c: -c.importance):
        if claim.kind in ("implied", "commitment", "request", "question") or not claim.evidence:
            continue
        for kind, pattern in _RISKS.items():
            cue = _first(pattern, claim.sentence)
            taken = sum(k == kind for k, _, _ in found)
            if cue and taken < 2 and any(_bears(claim, idea.claim, case) for idea in ideas):
                found.append((kind, cue, claim))
                break
    return found


def _bears(claim: Claim, idea: Claim, case: Case) -> bool:
    return _apart(claim, idea) <= _NEAR or relatedness(claim, idea, case) > 0.15
