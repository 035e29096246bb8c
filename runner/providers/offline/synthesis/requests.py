"""Requests: what one speaker asks another or a group to do."""

import re

from runner.providers.offline.dialogue.dialogue import Dialogue
from runner.providers.offline.language.cues import is_question
from runner.providers.offline.language.lexicon import STOP_WORDS
from runner.providers.offline.language.sentences import (
    Sentence,
    is_procedural,
    words,
)
from runner.providers.offline.synthesis.decisions import distance

ASK_YOU = re.compile(
    r"\b(?:will|could|can|would) you (?:please |possibly |maybe |just |also |mind )*"
    r"(?:be (?:able|willing) to |like to (?!describe|add|say|comment|ask|share|speak|start))?"
    r"(?P<act>(?!like\b|like me|say\b|imagine|believe|see\b|have\b|be\b|need|consider|agree|think|"
    r"hear|know|explain|tell|describe|comment|elaborate|address|clarify|talk|discuss|give|repeat|"
    r"confirm|please|read\b|recommend|support|want|accept|share|advise|define|respond|provide|"
    r"just|argue|characteri[sz]e|continue|go\b|envision)\w+ .+)",
    re.IGNORECASE,
)
_WANT = re.compile(
    r"\bi (?:want|need|would like|'d like) (?P<act>(?!to\b|you\b|us\b)(?:the |this |that |a |an |"
    r"our |your |[A-Z])[^.?!]+)",
    re.IGNORECASE,
)
_DONE_YET = re.compile(
    r"\bhas any(?:body|one)(?: else)? (?P<act>\w+(?:ed|en|n|t) .+)", re.IGNORECASE
)
ASKED_OF = re.compile(
    r"\b(?:we|i)(?:'re| are|'m| am) asking (?:that )?(?P<who>(?:all |the |every |each )*[\w-]+) "
    r"(?:to |can |should |will )?(?P<act>\w+ .+)",
    re.IGNORECASE,
)
_ASSIGNED = re.compile(
    r"^(?:(?:then|so|and|okay|also),? )?(?P<who>(?-i:[A-Z][\w-]+)) (?:will|is going to) "
    r"(?P<act>(?!be\b|have\b|lead|walk|hand|know|want|need|not\b|never|also be)\w+ .+)",
    re.IGNORECASE,
)


def asked_before(dialogue: Dialogue, s: Sentence) -> Sentence | None:
    """Return the request of the previous turn that *s* answers, or None."""
    here = dialogue.turn_of[s.index]
    for turn in reversed(dialogue.turns[max(0, here - 1) : here]):
        late = s.index - dialogue.turns[here][0].index > 5
        if turn[0].speaker == s.speaker or late or distance(turn[-1], dialogue.turns[here][0]) > 2:
            continue
        found = [r for r in turn[-4:] if _request_in(r) and not is_procedural(r.text)]
        if found:
            return found[-1] if is_question(found[-1].text) else found[0]
    return None


def _request_in(s: Sentence) -> str:
    """Return the act that *s* asks for, or an empty string."""
    text = s.text.replace("’", "'")
    for pattern in (ASK_YOU, _DONE_YET):
        match = pattern.search(text)
        if match and asks(text, match):
            return match["act"].rstrip("?. ")
    match = _WANT.search(text)
    return match["act"].rstrip(". ") if match and not is_question(text) else ""


def asks(text: str, match: re.Match[str]) -> bool:
    """Return whether *match* is a request; speech recognisers often end one with a full stop."""
    before = text[: match.start()].strip().lower()
    asked = is_question(text) or len(before) < 12
    return asked and not before.endswith(("how", "what", "why", "when", "where", "if", "who"))


def assigned(dialogue: Dialogue, text: str, due: str | None) -> re.Match[str] | None:
    """Match "Dana will send it on Friday": a named person, present or given a date, is to act."""
    match = _ASSIGNED.match(text)
    if not match or match["who"].lower() in STOP_WORDS or len(words(text)) > 25:
        return None
    return match if due or match["who"].lower() in dialogue.names else None
