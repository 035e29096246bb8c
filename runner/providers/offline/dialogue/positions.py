"""Positions: stance and interests of speakers, shared ground, and what they say of others."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from runner.providers.offline.dialogue.agreement import AdjacencyPair
from runner.providers.offline.dialogue.dialogue import (
    Dialogue,
    focused,
    speakers,
    weight_of,
    whole_sentences,
)
from runner.providers.offline.dialogue.stance import (
    SUPPOSED,
    THESIS,
    fitness,
    is_reserved,
    stance_of,
    takes_stance,
)
from runner.providers.offline.language.cues import has, hits, is_question, strongest
from runner.providers.offline.language.fragments import is_garbled, is_whole, roughness
from runner.providers.offline.language.lexicon import STOP_WORDS, pattern
from runner.providers.offline.language.ranking import diverse
from runner.providers.offline.language.scope import is_own, stands_alone
from runner.providers.offline.language.sentences import Sentence, content_words, trim, words
from runner.providers.offline.language.wording import excerpt

Stance = Literal["supports", "opposes", "mixed", "neutral"]

_NO_INTEREST = pattern("positions.no_interest")
# Reports, plans and remarks on the talk are not views of the matter.
_NO_POSITION = pattern("dialogue.own_story", "reasoning.about_talk", "positions.no_position")
_PARTY = pattern("positions.party")
# After these words, or after another noun, the party is not the subject of a main clause.
_MID_CLAUSE = pattern("positions.mid_clause")
_LIKELY = pattern("positions.likely")


@dataclass(frozen=True, slots=True)
class View:
    """One speaker's *position*, *stance* and *interests* (verbatim words and their sentence)."""

    holder: str | None
    position: Sentence
    stance: Stance
    interests: tuple[tuple[str, Sentence], ...]
    score: float


@dataclass(frozen=True, slots=True)
class SharedGround:
    """A statement *text* that *holders* share, with the statement and the agreements."""

    holders: tuple[str, ...]
    text: str
    quoted: tuple[Sentence, ...]
    score: float


def find_views(dialogue: Dialogue, n: int) -> list[View]:
    """Return up to *n* views: one per speaker, those who say most first, then further ones."""
    pool = [s for s in focused(dialogue) if s.index not in dialogue.cut_off]
    named: list[str | None] = list(speakers(dialogue)[: n + 2]) or [None]
    found: list[View] = []
    further: list[Sentence] = []
    for holder in named:
        own = [s for s in pool if s.speaker == holder]
        # "My point is …, any disagreement with that?" states before it asks.
        said = [s for s in own if not is_question(s.text) or THESIS.search(s.text)]
        full = [s for s in said if is_whole(s.text) and _holds(s)]
        stated = [s for s in full if len(content_words(s.text)) > 3] or full
        if stated:
            found.append(_view(dialogue, holder, own, stated))
            further += [s for s in stated if s != found[-1].position]
    more = diverse(
        further,
        max(0, n - len(found)),
        score=lambda s: fitness(dialogue, s),
        text=lambda s: s.text,
        group=lambda s: s.speaker,
    )
    return [*found, *(_view(dialogue, s.speaker, [s], [s]) for s in more)][:n]


def _holds(s: Sentence) -> bool:
    """Return whether *s* states the speaker's view of the matter, not an action."""
    kinds = ("proposal", "obligation", "conditional", "causal_back")
    hedges = any(hit.phrase.lower().startswith(("i ", "in ")) for hit in hits("hedge", s.text))
    thinks = hedges or any(has(kind, s.text) for kind in kinds)
    own = takes_stance(s) or (thinks and is_own(s.text))
    return own and not _NO_POSITION.search(trim(s.text))


def _view(
    dialogue: Dialogue, holder: str | None, own: Sequence[Sentence], stated: Sequence[Sentence]
) -> View:
    """Take the weightiest statement that shows the stance."""
    weighed = {s.index: fitness(dialogue, s) for s in stated}
    ranked = sorted(stated, key=lambda s: (-weighed[s.index], s.index))
    overall, position = _overall(own), ranked[0]
    stands = [s for s in ranked if takes_stance(s) and (not overall or stance_of(s) == overall)]
    stance: Stance = "neutral"
    if stands and weighed[stands[0].index] > 0.6 * weighed[position.index]:
        position = stands[0]
        sides: Mapping[int, Stance] = {1: "supports", -1: "opposes", 0: "neutral"}
        stance = "mixed" if is_reserved(position) else sides[stance_of(position)]
    interests = _interests(dialogue, [s for s in own if s != position])
    return View(holder, position, stance, interests, weighed[position.index])


def _interests(dialogue: Dialogue, own: Sequence[Sentence]) -> tuple[tuple[str, Sentence], ...]:
    """Return up to three needs, wishes or worries in *own*, verbatim and with their sentence."""
    wants = [(s, hit) for s in own for hit in hits("interest", s.text)[:1]]
    clauses = [
        (excerpt(s.text, 200), s)
        for s, hit in wants
        if not is_question(s.text) and not SUPPOSED.search(s.text[: hit.start])
    ]
    fit = [
        (text, s)
        for text, s in clauses
        if is_whole(text)
        and len(content_words(text)) > 2
        and not _NO_INTEREST.search(text)
        and s.index not in dialogue.cut_off
    ]
    return tuple(diverse(fit, 3, score=lambda w: weight_of(dialogue, w[1]), text=lambda w: w[0]))


def _overall(own: Sequence[Sentence]) -> int:
    """Return 1 or -1 if a speaker's statements clearly support or oppose the matter, else 0."""
    signs = [stance_of(s) for s in own if takes_stance(s)]
    favour, against = signs.count(1), signs.count(-1)
    if favour + against < 2:
        return 0
    return (favour >= 3 * against) - (against >= 3 * favour)


def find_shared_ground(acceptances: Sequence[AdjacencyPair], n: int) -> list[SharedGround]:
    """Join agreements to the same statement and return the weightiest."""
    joined: dict[int, list[AdjacencyPair]] = {}
    for exchange in acceptances:
        joined.setdefault(exchange.statement.index, []).append(exchange)
    found = []
    for group in joined.values():
        statement = group[0].statement
        if _NO_POSITION.search(trim(statement.text)):
            continue
        holders = [statement.speaker, *(e.reply.speaker for e in group)]
        named = tuple(dict.fromkeys(h for h in holders if h))
        quoted = (statement, *(e.reply for e in group[:4]))
        score = min(0.95, max(e.score for e in group) + 0.1 * (len(named) - 2))
        if len(named) > 1:
            found.append(SharedGround(named, statement.text, quoted, score))
    return diverse(found, n, text=lambda g: g.text)


@dataclass(frozen=True, slots=True)
class Perception:
    """What a *sentence* says of another party *of*."""

    of: str
    sentence: Sentence
    score: float


def find_perceptions(dialogue: Dialogue) -> list[Perception]:
    """Return statements in which a speaker says what another party thinks or wants."""
    found = (_perception(dialogue, s) for s in whole_sentences(dialogue) if not is_question(s.text))
    return [item for item in found if item]


def _perception(dialogue: Dialogue, s: Sentence) -> Perception | None:
    for match in _PARTY.finditer(s.text):
        if not _is_party(dialogue, s, match) or _MID_CLAUSE.search(s.text[: match.start()]):
            continue
        rest = s.text[match.end("rest") :]
        verb = strongest("mental", rest[:24])
        if not _LIKELY.match(rest) and (not verb or verb.start > 0):
            continue
        text = excerpt(s.text[match.start() :], 160)
        said = stands_alone(s.text, s.text[match.start() :]) and not is_garbled(s.text)
        if said and is_whole(text) and len(content_words(text)) > 2:
            score = 0.3 + 0.35 * weight_of(dialogue, s) - roughness(s.text)
            of = re.sub(r"^The ", "the ", match["of"])
            return Perception(of, s, score)
    return None


def _is_party(dialogue: Dialogue, s: Sentence, match: re.Match[str]) -> bool:
    """Return whether the capitals name another party, not the speaker or a sentence's start."""
    of = [w for w in words(match["of"]) if w != "the"]
    if not of or any(w in STOP_WORDS or w.endswith("ly") for w in of):
        return False
    if s.speaker and set(of) & set(words(s.speaker)):
        return False
    if match["of"][:4].lower() == "the " and match["of"][4:5].islower():
        return True
    inside = bool(match.start()) and s.text[: match.start()].rstrip()[-1:] not in ".!?:\"'“`"
    return inside or set(of) <= dialogue.names or len(of) > 1
