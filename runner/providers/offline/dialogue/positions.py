"""Positions: the stance of speakers, and shared ground."""

from collections.abc import Sequence
from dataclasses import dataclass

from runner.providers.offline.dialogue.agreement import AdjacencyPair
from runner.providers.offline.dialogue.dialogue import (
    Dialogue,
    focused,
    speakers,
)
from runner.providers.offline.dialogue.stance import (
    THESIS,
    fitness,
    is_reserved,
    stance_of,
    takes_stance,
)
from runner.providers.offline.language.cues import has, hits, is_question, strength
from runner.providers.offline.language.fragments import is_whole
from runner.providers.offline.language.lexicon import pattern
from runner.providers.offline.language.ranking import diverse
from runner.providers.offline.language.scope import is_own
from runner.providers.offline.language.sentences import Sentence, content_words, trim

# Reports, plans and remarks on the talk are not views of the matter.
_NO_POSITION = pattern("dialogue.own_story", "reasoning.about_talk", "positions.no_position")


@dataclass(frozen=True, slots=True)
class View:
    """One speaker's *position* and *stance*: supports, opposes, mixed or unclear."""

    holder: str | None
    position: Sentence
    stance: str
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
            found.append(_view(dialogue, holder, stated))
            further += [s for s in stated if s != found[-1].position]
    more = diverse(
        further,
        max(0, n - len(found)),
        score=lambda s: fitness(dialogue, s),
        text=lambda s: s.text,
        group=lambda s: s.speaker,
    )
    return [*found, *(_view(dialogue, s.speaker, [s]) for s in more)][:n]


def _holds(s: Sentence) -> bool:
    """Return whether *s* states the speaker's view of the matter, not an action."""
    kinds = ("proposal", "obligation", "causal_back")
    hedges = any(hit.phrase.lower().startswith(("i ", "in ")) for hit in hits("hedge", s.text))
    supposes = strength("conditional", s.text) > 0.8  # "if", not "when"
    thinks = hedges or supposes or any(has(kind, s.text) for kind in kinds)
    own = takes_stance(s) or (thinks and is_own(s.text))
    return own and not _NO_POSITION.search(trim(s.text))


def _view(dialogue: Dialogue, holder: str | None, stated: Sequence[Sentence]) -> View:
    """Take the weightiest statement, or one that shows a stance and weighs nearly as much."""
    weighed = {s.index: fitness(dialogue, s) for s in stated}
    ranked = sorted(stated, key=lambda s: (-weighed[s.index], s.index))
    position, stance = ranked[0], "unclear"
    stands = next((s for s in ranked if takes_stance(s)), None)
    if stands and weighed[stands.index] > 0.6 * weighed[position.index]:
        position = stands
        stance = "mixed" if is_reserved(position) else _SIDES[stance_of(position)]
    return View(holder, position, stance, weighed[position.index])


_SIDES = {1: "supports", -1: "opposes", 0: "unclear"}


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
