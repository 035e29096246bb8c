"""Claims: a finding read as statements, each with speaker, kind and weight."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from runner.answers.findings import Citation, Finding
from runner.providers.offline.language import cues
from runner.providers.offline.language.sentences import content_words, similarity, strip_fillers

_PREMISE = re.compile(r"(\S.*?), (stated|implied)(?:; |$)")
_CONDITION = re.compile(
    r"^(?:On condition|Supposed): (?:(?:only )?if |provided (?:that )?|as long as )?", re.IGNORECASE
)
LABEL = re.compile(r"^([^:;,!?]{1,40}): (?=\S)")
_LOOSE_START = re.compile(
    r"^(?:is|are|do|does|did|can|could|would|should|was|were|has|have|like|for sure|the though|per|"
    r"i would|it|they|that|this|these|those|he|she|him|her|you|yet|because|which|going back|what i|"
    r"i (?:take|keep|would like|'ll|'d|know|just|mean)|here|there you)\b",
    re.IGNORECASE,
)
_LOOSE_END = re.compile(
    r"\b(?:and|or|but|because|that|the|a|an|to|of|with|in|on|at|for|from|by|than|about|as|is|are|"
    r"then|if|in my opinion|besides me and|it)$",
    re.IGNORECASE,
)
_META = re.compile(  # remarks on the talk itself rather than on its matter
    r"\b(?:(?:that|your|this) (?:sentence|points?|questions?|testimony|comments?|remarks?)|"
    r"you (?:said|mentioned|asked|stated|state)|what you(?:'re| are| were)? sa(?:y|id|ying)|"
    r"my question|i have (?:a|one) question|in (?:this|your) testimony|talk about that|"
    r"(?:conversation|discussion|meeting)s? (?:today|later)|this is (?:[A-Z]\w+ ?)+|"
    r"time permitting|as you can see|notes available)\b",
)
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=\S)")
_STRAY = re.compile(r"(?<![\w'’.])[b-hj-zB-HJ-Z] (?=[a-z])")  # "m that": a word begun and dropped
_NUMBER = re.compile(r"\d")

# Weight of a claim by its kind, if the finding gives no confidence.
_BASE: Mapping[str, float] = {
    "fact": 0.7,
    "definition": 0.65,
    "rule": 0.65,
    "assumption": 0.5,
    "premise": 0.65,
    "implied": 0.4,
    "condition": 0.5,
    "conclusion": 0.6,
    "assertion": 0.6,
    "unsupported": 0.45,
    "conjecture": 0.45,
    "position": 0.6,
    "agreement": 0.6,
    "commitment": 0.6,
    "question": 0.5,
    "proposal": 0.5,
    "request": 0.4,
    "doubt": 0.5,
    "gap": 0.5,
    "perception": 0.5,
    "side": 0.6,
    "said": 0.5,
}
_FIRM: Mapping[str, float] = {
    "strong": 0.12,
    "firm": 0.12,
    "partial": 0.0,
    "conditional": -0.05,
    "vague": -0.15,
}


@lru_cache(maxsize=4096)
def _stems(text: str) -> frozenset[str]:
    return frozenset(w for w in content_words(text) if not w.isdigit())


@dataclass(frozen=True, slots=True)
class Claim:
    """One thing said, as the findings hold it.

    *text* is the statement without fillers, *kind* a key of the base weights, *weight* 0 to 1
    grows with every analyzer that found it, *central* is its TextRank among all claims, 0 to 1,
    *fields* are those of the finding lines it was read from.
    """

    text: str
    kind: str
    speaker: str | None
    sources: tuple[str, ...]
    weight: float
    evidence: tuple[Citation, ...]
    fields: Mapping[str, str] = field(default_factory=dict)
    central: float = 0.0

    @property
    def terms(self) -> frozenset[str]:
        """The stems of the statement's own content words."""
        return _stems(self.text)

    @property
    def spoken(self) -> str:
        """The statement and the words it rests on."""
        return " ".join([self.text, *(quote for _, quote in self.evidence[:1])])

    @property
    def sentence(self) -> str:
        """The sentence of the quotes that the statement was taken from, tidied."""
        quotes = [quote for _, quote in self.evidence] or [self.text]
        parts = [part for quote in quotes for part in _SENTENCE_END.split(quote)]
        return _tidy(max(parts, key=lambda part: similarity(part, self.text)))

    @property
    def completeness(self) -> float:
        """How complete the statement is by itself, 0 to 1: enough terms, no loose pronoun."""
        whole = 0.6 if _LOOSE_START.match(self.text) else 1.0
        ended = 0.6 if _LOOSE_END.search(self.text) else 1.0
        meta = 0.5 if _META.search(self.text) or "..." in self.text else 1.0
        return whole * ended * meta * min(1.0, len(self.terms) / 5)

    @property
    def importance(self) -> float:
        """Weight and centrality together, 0 to 1, scaled by completeness."""
        return (0.6 * self.weight + 0.4 * self.central) * self.completeness


_STATEMENTS: Mapping[str, tuple[str, str]] = {  # structured key: field of the statement, kind
    "gaps": ("said", "gap"),
    "commitments": ("text", "commitment"),
    "unsaid": ("topic", "question"),
    "perspectives": ("position", "position"),
    "perceptions": ("perception", "perception"),
    "shared_ground": ("text", "agreement"),
    "arguments": ("assertion", "assertion"),
    "unsupported": ("text", "unsupported"),
    "postulates": ("statement", "fact"),
    "theorems": ("statement", "conclusion"),
    "conjectures": ("statement", "conjecture"),
}


def claims_of(finding: Finding, speakers: Mapping[str, str]) -> Iterator[Claim]:
    """Yield the claims of *finding*; *speakers* maps segments to names."""
    if finding.key in _STATEMENTS:
        yield from _structured(finding, speakers)
    elif finding.key in ("contradictions", "tensions", "insights"):
        for segment, quote in finding.evidence:
            kind = "side" if finding.key != "insights" else kind_of(quote, finding.category or "")
            weight = finding.confidence if finding.confidence is not None else _BASE[kind]
            yield Claim(
                _lead_sentence(quote, finding.text),
                kind,
                speakers.get(segment),
                (finding.analyzer,),
                weight,
                ((segment, quote),),
                finding.fields if finding.key != "insights" else {"note": finding.text},
            )


def _structured(finding: Finding, speakers: Mapping[str, str]) -> Iterator[Claim]:
    name, kind = _STATEMENTS[finding.key]
    if finding.key == "postulates":
        kind = finding.fields.get("kind", kind)
        kind = kind if kind in _BASE else "fact"
    segment = finding.evidence[0][0] if finding.evidence else ""
    speaker = finding.fields.get("speaker") or finding.fields.get("holder") or ""
    who = speaker if speaker and speaker != "none" else speakers.get(segment)
    if kind == "gap" and (cues.is_question(said := finding.fields.get(name, "")) or who is None):
        kind = kind_of(said, finding.fields.get("signal", ""))
    who = finding.fields.get("holders", "").split("; ")[0] or who
    grade = finding.fields.get("support") or finding.fields.get("strength") or ""
    weight = _BASE[kind] + _FIRM.get(grade, 0.0)
    source = (finding.analyzer,)
    said, label = without_label(finding.fields.get(name, finding.text), speakers)
    who = who or label
    bare = _CONDITION.sub("", said)
    kind, said = ("condition", bare) if bare != said else (kind, said)
    kind = "doubt" if cues.has("unsure", said) and kind != "gap" else kind
    yield Claim(
        _tidy(said),
        kind,
        who,
        source,
        weight,
        finding.evidence,
        finding.fields,
    )
    for text, stated in _PREMISE.findall(finding.fields.get("premises", "")):
        bare = _CONDITION.sub("", text)
        made = "condition" if bare != text else "premise" if stated == "stated" else "implied"
        made = "doubt" if cues.has("unsure", bare) else made
        yield Claim(_tidy(bare), made, who, source, _BASE[made], finding.evidence, finding.fields)


def without_label(text: str, speakers: Mapping[str, str]) -> tuple[str, str | None]:
    """Take a leading "Name: " off *text* where Name is among the values of *speakers*."""
    match = LABEL.match(text)
    if match and match[1] in speakers.values():
        return text[match.end() :], match[1]
    return text, None


_OPEN = ("unsaid", "deflection", "rhetorical_question")  # categories of questions left open


def kind_of(text: str, category: str = "") -> str:
    """Return the kind of claim that *text* makes, judged by its own cues and its *category*."""
    if cues.is_question(text):
        asked = "question" if category in _OPEN else "request"
        return "proposal" if cues.strength("proposal", text) >= 0.8 else asked
    if cues.has("unsure", text):
        return "doubt"
    if cues.strength("commitment", text) >= 0.7:
        return "commitment"
    if cues.strength("conjecture", text) >= 0.6:
        return "conjecture"
    if cues.has("causal_forward", text):
        return "conclusion"
    if cues.strength("obligation", text) >= 0.8:
        return "rule"
    if _NUMBER.search(text) or cues.has("evidence", text):
        return "fact"
    return "said"


def _tidy(text: str) -> str:
    return _STRAY.sub("", strip_fillers(text)).rstrip(".").strip(' "“”')


def _lead_sentence(quote: str, about: str) -> str:
    """Return the sentence of *quote* that comes nearest to *about*, the first among equals."""
    parts = _SENTENCE_END.split(quote)
    return _tidy(max(parts, key=lambda part: similarity(part, about)))
