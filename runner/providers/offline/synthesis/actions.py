"""Action items: undertakings and accepted requests, with owner and due date."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from runner.providers.offline.dialogue.commitments import (
    ASK_YOU,
    Commitment,
    act_of,
    find_commitments,
    is_work,
    own_part,
)
from runner.providers.offline.dialogue.dialogue import Dialogue, replies, weight_of
from runner.providers.offline.language.cues import has, is_question, strength
from runner.providers.offline.language.due_dates import due_in
from runner.providers.offline.language.fragments import roughness
from runner.providers.offline.language.lexicon import pattern
from runner.providers.offline.language.scope import is_outright
from runner.providers.offline.language.sentences import Sentence, is_procedural, trim, words
from runner.providers.offline.language.wording import capital, excerpt
from runner.providers.offline.synthesis.requests import (
    ACCEPTS,
    asked_before,
    asks,
    assigned,
    told_you,
)

Firmness = Literal["firm", "conditional", "vague", "requested"]

_LEAD = re.compile(r"^(?:i|ill|we)\b", re.IGNORECASE)
_GO = pattern("actions.go")
# "I'll do it by Thursday": the request tells what
_DO_IT = pattern("actions.do_it")
# "yes, it can": an answer, no consent
_ABLE = pattern("actions.able")


@dataclass(frozen=True, slots=True)
class Action:
    """Something to be done.

    *what* is the act, *said* the words of the undertaking or request, both verbatim, *owner* and
    *due* as said or None, *about* the request that it answers; *score* is 0 to 1.
    """

    what: str
    said: str
    owner: str | None
    due: str | None
    firmness: Firmness
    about: Sentence | None
    quoted: tuple[Sentence, ...]
    score: float


def find_actions(dialogue: Dialogue) -> list[Action]:
    """Return what was undertaken or requested, weightiest first."""
    promised = [a for p in find_commitments(dialogue) if (a := _from_commitment(dialogue, p))]
    taken = {s.index for action in promised for s in action.quoted}
    asked = [a for s in dialogue.sentences if s.index not in taken for a in _requests(dialogue, s)]
    return sorted((*promised, *asked), key=lambda a: (-a.score, a.quoted[0].index))


def _from_commitment(dialogue: Dialogue, commitment: Commitment) -> Action | None:
    s, said = commitment.sentence, commitment.text.replace("’", "'")
    what = capital(act_of(said))
    if (
        strength("agreement", s.text) > 0.8
        or strength("evasion", s.text) > 0.8
        or not _LEAD.match(said)
    ):
        return None
    about, go_ahead = asked_before(dialogue, s), _go_ahead(dialogue, s)
    asked_due = due_in(about.text) if about else None
    due = due_in(own_part(s.text)) or asked_due
    request = about and ASK_YOU.search(about.text.replace("’", "'"))
    if request and _DO_IT.match(what) and asked_due in (None, due):
        what = _act(request)
    weak = re.match(r"(?:i|we) (?:can|could)\b", said, re.IGNORECASE)
    own = re.match(r"i(?:ll)?\b", said, re.IGNORECASE)
    if (weak and not (about or go_ahead)) or not (own or due):
        return None
    firmness: Firmness = (
        "firm" if go_ahead and commitment.strength == "vague" else commitment.strength
    )
    score = commitment.score + 0.12 * bool(due) + 0.1 * bool(about) + 0.1 * bool(go_ahead)
    quoted = tuple(part for part in (s, about, go_ahead) if part)
    owner = s.speaker if own else None
    return Action(what, trim(said), owner, due, firmness, about, quoted, min(0.95, score))


def _act(request: re.Match[str]) -> str:
    return capital(excerpt(request["act"].rstrip("? "), 150))


def _go_ahead(dialogue: Dialogue, s: Sentence) -> Sentence | None:
    """Return the next speaker's go-ahead to an offer ("Please do."), or None."""
    turn = dialogue.turns[dialogue.turn_of[s.index]]
    nexts = replies(dialogue, s)
    if s is not turn[-1] or not nexts or not re.search(r"\b(?:can|could)\b", s.text, re.I):
        return None
    first = nexts[0][0]
    return first if _GO.match(first.text) and len(words(first.text)) < 8 else None


def _requests(dialogue: Dialogue, s: Sentence) -> Iterator[Action]:
    """Yield the request in *s* that a named person is to carry out or the next speaker accepts."""
    if is_procedural(s.text) or s.index in dialogue.cut_off | dialogue.joking:
        return
    text = s.text.replace("’", "'")
    due = due_in(text)
    score = 0.5 + 0.2 * weight_of(dialogue, s) + 0.1 * bool(due) - roughness(text)
    told, named = told_you(dialogue, s), assigned(dialogue, trim(text), due)
    if (
        named
        and named[0] != s.speaker
        and not is_question(text)
        and not (told and is_work(told[1], text))
    ):
        told = (*named, None)
    match = ASK_YOU.search(text)
    if told and is_work(told[1], text):
        owner, act, reply = told
        what, quoted = capital(excerpt(act, 150)), (s, reply) if reply else (s,)
        yield Action(what, excerpt(text, 200), owner, due, "requested", None, quoted, score)
    elif match and asks(text, match) and is_work(match["act"], text):
        for reply in _consent(dialogue, s):
            due, said = due_in(reply.text) or due, excerpt(reply.text, 110)
            yield Action(_act(match), said, reply.speaker, due, "firm", s, (s, reply), score)


def _consent(dialogue: Dialogue, s: Sentence) -> list[Sentence]:
    """Return the next speaker's consent to the request *s*, which closes its turn, if any."""
    nexts = replies(dialogue, s)
    last = dialogue.turns[dialogue.turn_of[s.index]][-1]
    if not nexts or last.index - s.index > 1:
        return []
    reply = nexts[0][0]
    refused = has("disagreement", reply.text) or has("negation", ACCEPTS.sub("", reply.text))
    open_yet = is_question(reply.text) or not is_outright(reply.text) or _ABLE.search(reply.text)
    consents = ACCEPTS.match(reply.text) and not has("contrast", reply.text)
    brief = len(words(ACCEPTS.sub("", reply.text))) < 4 or has("commitment", reply.text)
    return [reply] if brief and consents and not refused and not open_yet else []
