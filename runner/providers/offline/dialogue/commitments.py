"""Commitments: what speakers undertake or put off, and questions without an answer."""

import re
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Literal

from runner.providers.offline.dialogue.dialogue import Dialogue, matter, replies
from runner.providers.offline.dialogue.reasoning import NOT_A_CONDITION
from runner.providers.offline.language.cues import has, is_question, strength, strongest
from runner.providers.offline.language.fragments import roughness
from runner.providers.offline.language.sentences import (
    Sentence,
    content_words,
    is_procedural,
    trim,
    words,
)
from runner.providers.offline.language.wording import excerpt

Strength = Literal["firm", "conditional", "vague"]

# First-person futures that announce the next words or movement, not an undertaking.
_NO_COMMITMENT = re.compile(
    r"\b(?:i|we)(?:'ll| will| shall|'m going to|'m gonna| am going to| can|'re going to|"
    r" are going to)"
    r" (?:also |just |then |now |only |first |quickly )*(?:say|"
    r"ask (?:you|for|everyone|(?:a|an|one|this|that|some|my|another|the) (?:\w+ )?(?:question|"
    r"follow|witness|chair|panel|gentle|same))|hand|start|begin|go ahead|"
    r"stop|see\b|be "
    r"(?:brief|quick|able|happy|here|glad|looking)|yield|turn|pass|let|leave|note|add that|"
    r"tell (?:you|us|the|this|that|an?|my|your|it|every(?:one|body))\b|"
    r"admit|look at|announce|wait|allow|praise|tout|applaud|recommend|have (?!a |an |the )|"
    r"know|have to say|talk about|mention|point|read|pause|just|never|not\b|always|need|have to|"
    r"get to|"
    r"recogni[sz]e|proceed|move|continue|hear|imagine|understand|assume|make (?:a|one|"
    r"an) (?:point|example|"
    r"comment|announcement)|concede|agree|think|want|find ourselves|end up|give you (?:a|an|one|"
    r"another|some|my)"
    r" |be in|come back|put (?:it|this) (?:this|another) way|express|"
    r"reserve|squeeze|be asking|consider|go (?:back|through|over)|return|reiterate|repeat|focus|"
    r"briefly|remind|"
    r"summari[sz]e|conclude|close|address|discuss|describe|answer|respond|submit|defer|stick|"
    r"quote|cover|"
    r"touch on|take (?:a|one|the|my|another) (?:question|minute|moment)|share (?:my|a)|show you|"
    r"walk|"
    r"(?:have|be|get|see) (?:a |an )?(?:better|worse|more|less|great))",
    re.IGNORECASE,
)
_CONDITIONAL_YES = re.compile(
    r"^(?:agreed|yes|okay|ok|fine|deal|sure)\b.{0,12}\b(?:if|provided|unless|once)\b", re.IGNORECASE
)
_REPORTED = re.compile(
    r"\b(?:that|said|says|if|think|thought|believe|hope|saying|whether|how|what|when|where|as|"
    r"than|until)\s+$",
    re.IGNORECASE,
)
_OPENS = re.compile(
    r"(?:^|[^\w\s'’])\W*(?:\w+ly )?$|\b(?:and|so|but|then|or|yes|yeah|no|okay|ok|well|sure|"
    r"also|today|tomorrow|tonight|later|now|afterwards|first|next|\w+day|week|morning|afternoon)\W*$",
    re.IGNORECASE,
)
_BOUND = re.compile(
    r"\b(?:if|unless|provided|once|as soon as|until|when|on condition|as long as)\b", re.IGNORECASE
)
_PAST_IF = re.compile(
    r"\b(?:if|when|once|until) (?:you|we|anyone|they) (?:recall|remember|like|will|look|want)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Commitment:
    """An undertaking in *sentence*; *text* is its wording from the promise on, verbatim."""

    sentence: Sentence
    text: str
    strength: Strength
    score: float


@dataclass(frozen=True, slots=True)
class OpenPoint:
    """A question without an answer or a deferred matter; *kind* says which."""

    sentence: Sentence
    kind: Literal["unanswered", "deferred"]
    topic: str
    mentions: int
    quoted: tuple[Sentence, ...]
    score: float


def find_commitments(dialogue: Dialogue) -> list[Commitment]:
    """Return the undertakings in the order of the transcript."""
    found = (_commitment(dialogue, sentence) for sentence in dialogue.sentences)
    return [commitment for commitment in found if commitment]


def _commitment(dialogue: Dialogue, s: Sentence) -> Commitment | None:
    if _CONDITIONAL_YES.search(trim(s.text)) and len(words(s.text)) > 3:
        return Commitment(s, trim(s.text), "conditional", 0.6 + 0.3 * dialogue.central[s.index])
    if is_question(s.text) or is_procedural(s.text) or has("deferral", s.text):
        return None
    hit = strongest("commitment", s.text)
    if not hit or _NO_COMMITMENT.search(s.text.replace("’", "'")):
        return None
    if not _OPENS.search(s.text[: hit.start]):
        return None  # "the things I'm going to do"
    if _REPORTED.search(s.text[: hit.start]) or s.text.rstrip().endswith(("''", "”", '"')):
        return None  # somebody else's words
    text = excerpt(s.text[hit.start :], 150)
    if not content_words(text) or len(words(text)) < 4:
        return None
    hedged = has("vague", text[:70]) or strength("unsure", text) > 0
    bound = _BOUND.search(text) and not NOT_A_CONDITION.search(text)
    if hit.strength < 0.6 and not hedged and not bound and has("negation", text):
        return None
    firmness: Strength = (
        "conditional" if bound and not _PAST_IF.search(s.text) else "vague" if hedged else "firm"
    )
    if hit.strength < 0.6 and firmness == "firm":
        firmness = "vague"  # "I can" offers, it does not promise
    return Commitment(
        s,
        text,
        firmness,
        0.65 * hit.strength + 0.35 * dialogue.central[s.index] - roughness(s.text),
    )


def find_open_points(dialogue: Dialogue) -> list[OpenPoint]:
    """Return questions without a reply on the matter, and deferred matters."""
    mentions = _mentions(dialogue)
    return [
        _open(dialogue, s, item, mentions)
        for s in dialogue.sentences
        if not is_procedural(s.text)
        and (item := _unanswered(dialogue, s) if is_question(s.text) else _deferred(dialogue, s))
    ]


_Item = tuple[Literal["unanswered", "deferred"], tuple[Sentence, ...]]  # kind, quoted


_IGNORANT = re.compile(
    r"^\W*(?:well,? )?(?:i|we) (?:don['’]t|do not) know(?: yet| that)?\W*$", re.IGNORECASE
)
_TAG = re.compile(r"[,\s](?:okay|ok|right|you know|yeah|correct|huh)\s*\?$", re.IGNORECASE)


def _unanswered(dialogue: Dialogue, s: Sentence) -> _Item | None:
    last = re.split(r"[.;,]\s+", s.text)[-1] if len(words(s.text)) > 25 else s.text
    asked = set(content_words(s.text))
    turn = dialogue.turns[dialogue.turn_of[s.index]]
    if len(set(content_words(last))) < 2 or len(words(last)) < 5 or _TAG.search(s.text):
        return None
    if s.index < turn[-1].index or not s.speaker or len(set().union(*dialogue.called.values())) < 2:
        return None
    answers = [t for t in replies(dialogue, s, 3) if not all(is_procedural(p.text) for p in t)]
    if not answers:
        return "unanswered", (s,)
    evading = next((p for p in answers[0][:3] if strength("evasion", p.text) > 0.8), None)
    if _IGNORANT.match(answers[0][-1].text):
        evading = answers[0][-1]
    if evading:
        return "unanswered", (s, evading)
    said = " ".join(part.text for part in answers[0])
    spoken = words(said)
    brief = any(
        has(kind, said) for kind in ("agreement", "negation", "evidence", "hedge", "mental")
    )
    if brief or len(spoken) > 9 or asked & set(content_words(said)) or "--" in said:
        return None
    return ("unanswered", (s,)) if is_question(said) or len(spoken) < 3 else None


def _deferred(dialogue: Dialogue, s: Sentence) -> _Item | None:
    """Return a question of another speaker that *s* puts off, with *s*, or None."""
    hit = strongest("deferral", s.text)
    if not hit or len(words(s.text)) < 4 or len(words(s.text)) > 30:
        return None
    if re.search(r"\bnext (?:meeting|time|session)\b", s.text, re.IGNORECASE):
        return None  # the calendar, not a matter
    earlier = dialogue.sentences[max(0, s.index - 3) : s.index]
    asked = next(
        (e for e in reversed(earlier) if is_question(e.text) and len(content_words(e.text)) > 1),
        None,
    )
    return ("deferred", (asked, s)) if asked and asked.speaker != s.speaker else None


def _open(
    dialogue: Dialogue, s: Sentence, item: _Item, mentions: Callable[[str], int]
) -> OpenPoint:
    kind, quoted = item
    topic = matter(dialogue, [q.text for q in quoted])
    count = mentions(topic)
    score = 0.45 + 0.35 * max(dialogue.central[q.index] for q in quoted) + min(count, 20) / 100
    return OpenPoint(s, kind, topic, count, quoted, score)


def _mentions(dialogue: Dialogue) -> Callable[[str], int]:
    """Return what counts the segments that have a sentence with all words of a topic."""
    holders: dict[str, set[int]] = defaultdict(set)  # sentences by stem
    for s in dialogue.sentences:
        for stem in content_words(s.text):
            holders[stem].add(s.index)

    @cache
    def count(topic: str) -> int:
        held = sorted((holders[stem] for stem in set(content_words(topic))), key=len)
        both = set.intersection(*held) if held else ()
        return len({dialogue.sentences[index].segment for index in both})

    return count


def why_open_matters(item: OpenPoint, total: int) -> str:
    """Say that no end of *item* is recognised, and how often it comes up in *total* segments."""
    others = item.mentions - 1
    text = "No end of it is recognised"
    if item.topic and others > 0:
        text += f', and "{item.topic}" comes up in {others} other of {total} segments'
    return f"{text}."
