"""Requests: what one speaker asks another or a group to do."""

import re

from runner.providers.offline.dialogue.commitments import ASK_YOU
from runner.providers.offline.dialogue.dialogue import Dialogue, replies
from runner.providers.offline.language.cues import is_question
from runner.providers.offline.language.lexicon import STOP_WORDS, pattern
from runner.providers.offline.language.scope import is_outright
from runner.providers.offline.language.sentences import Sentence, is_procedural, words
from runner.providers.offline.synthesis.decisions import distance
from runner.transcript.redact.lexicon import fold, given_names

_ASSIGNED = pattern("requests.assigned")
# "Bo, please order a filter"
_TOLD = pattern("requests.told")


_YOU_DO = pattern("requests.you_do")
ACCEPTS = pattern("requests.accepts")
_HEARD = pattern("requests.heard")


def told_you(dialogue: Dialogue, s: Sentence) -> tuple[str, str, Sentence | None] | None:
    """Return owner, act and acceptance of "Pia, you'll be doing the drawing of the spout".

    The owner is the speaker who is called by name beside "you", or who accepts next.
    """
    text = s.text.replace("’", "'")
    match = _YOU_DO.search(text)
    if not match or is_question(text) or not is_outright(text, match.start()):
        return None
    called = _called(dialogue, text[: match.start()])
    reply = next((turn[0] for turn in replies(dialogue, s)), None)
    if reply and not (_takes_on(reply.text) and called in (None, reply.speaker)):
        reply = None
    owner = called or (reply.speaker if reply else None)
    return (owner, match["act"], reply) if owner and owner != s.speaker else None


def _takes_on(text: str) -> bool:
    """Return whether *text* accepts in few words; a bare "okay" only shows that it was heard."""
    return bool(ACCEPTS.match(text) and not _HEARD.fullmatch(text) and len(words(text)) < 7)


def _called(dialogue: Dialogue, before: str) -> str | None:
    """Return the speaker whose label ends *before*, if one does."""
    told = words(before)
    names = set().union(*dialogue.called.values())
    found = {name for name in names if told[-len(words(name)) :] == words(name)}
    found |= dialogue.called.get(told[-1], set()) if told else set()
    return next(iter(found)) if len(found) == 1 else None


def asked_before(dialogue: Dialogue, s: Sentence) -> Sentence | None:
    """Return the request of the previous turn that *s* answers, or None."""
    here = dialogue.turn_of[s.index]
    for turn in reversed(dialogue.turns[max(0, here - 1) : here]):
        late = s.index - dialogue.turns[here][0].index > 5
        if turn[0].speaker == s.speaker or late or distance(turn[-1], dialogue.turns[here][0]) > 2:
            continue
        for r in reversed(turn[-4:]):
            match = ASK_YOU.search(r.text.replace("’", "'"))
            if match and asks(r.text, match) and not is_procedural(r.text):
                return r
    return None


def asks(text: str, match: re.Match[str]) -> bool:
    """Return whether *match* is a request; speech recognisers often end one with a full stop."""
    before = text[: match.start()].strip().lower()
    asked = is_question(text) or len(before) < 12
    return asked and not before.endswith(("how", "what", "why", "when", "where", "if", "who"))


def assigned(dialogue: Dialogue, text: str, due: str | None) -> tuple[str, str] | None:
    """Return the person and the act of "Dana will send it on Friday" and "Bo, please send it".

    The person is a speaker, by the label, or one whose name stands inside the sentence, with a
    date.
    """
    match = _ASSIGNED.match(text)
    told = _TOLD.match(text) if "please" in text.lower() else None
    found = match or told
    if not found or found["who"].lower() in STOP_WORDS or len(words(text)) > 25:
        return None
    said, names = set(words(found["who"])), set().union(*dialogue.called.values())
    known = {name for name in names if said >= set(words(name))}
    known = known or dialogue.called.get(found["who"].lower(), set())
    if len(known) == 1:
        return next(iter(known)), found["act"]
    absent = match and due and match.start("who") and not known and _is_name(match["who"])
    return (match["who"], match["act"]) if match and absent else None


def _is_name(word: str) -> bool:
    """Return whether *word* is in a list of given names and no month."""
    return fold(word) in given_names() and not _MONTH.fullmatch(word)


_MONTH = re.compile(r"april|may|june|august", re.IGNORECASE)
