"""Who holds what: positions, interests, views of others, frictions and shared ground."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from runner.offline.cues import hits, is_question, polarity, strength, strongest
from runner.offline.exchanges import Exchange
from runner.offline.lexicon import STOP_WORDS
from runner.offline.rank import diverse
from runner.offline.shape import is_whole, roughness
from runner.offline.talk import Talk, matter, speakers, telling
from runner.offline.text import Sentence, content_words, words
from runner.offline.wording import excerpt

Stance = Literal["supports", "opposes", "mixed", "neutral"]

_HELPERS = frozenset(
    ("is", "was", "are", "were", "has", "have", "had", "do", "does", "did", "will", "would", "can")
)
_PARTY = re.compile(
    r"(?<![\w'’-])(?P<of>(?:[Tt]he )?[A-Z][\w'’-]+(?: [A-Z][\w'’-]+){0,3}|[Tt]he (?:[a-z]+ )?(?:"
    r"board|committee|community|company|government|public|team|management|council|commission|"
    r"agency|agencies|customers?|users?|clients?|regulators?|industry|court|police|union|staff|"
    r"department|developers?|officers?|master|director|president|minister|people|media)) "
    r"(?P<rest>(?:\w+ly |also |still |just |never |always )?(?=[a-z]))"
)

_NO_INTEREST = re.compile(
    r"^\w+(?:'\w+)? (?:\w+ )?(?:want|wanted|need|like|love)(?:ed)? to (?:\w+ )?(?:ask|say|add|"
    r"make|close|go|mention|know|"
    r"thank|highlight|talk|note|start|begin|see if|point|touch|bring|be clear|turn|come|tell)\b",
    re.IGNORECASE,
)
_ELLIPTIC = re.compile(r"^(?:do|does|did) (?!not |a |an |the )", re.IGNORECASE)  # "Adam did on …"
_SUPPOSED = re.compile(r"\b(?:if|when|whether|that|whoever|what|which) $", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class View:
    """One speaker's *position*, *stance* and *interests* (verbatim words and their sentence)."""

    holder: str | None
    position: Sentence
    stance: Stance
    interests: tuple[tuple[str, Sentence], ...]
    score: float


@dataclass(frozen=True, slots=True)
class Seen:
    """How *holder* speaks of another party *of*; *text* is verbatim."""

    holder: str | None
    of: str
    text: str
    sentence: Sentence
    score: float


@dataclass(frozen=True, slots=True)
class Disputed:
    """A friction *between* two speakers about *matter*, with the statement and the reply."""

    between: tuple[str, str]
    matter: str
    quoted: tuple[Sentence, Sentence]
    score: float


@dataclass(frozen=True, slots=True)
class Accepted:
    """A statement *text* that *holders* share, with the statement and the agreements."""

    holders: tuple[str, ...]
    text: str
    quoted: tuple[Sentence, ...]
    score: float


def find_views(talk: Talk, n: int) -> list[View]:
    """Return the views of up to *n* speakers, those who say most first."""
    pool = telling(talk)
    named: list[str | None] = list(speakers(talk)[: n + 2]) or [None]
    found: list[View] = []
    for holder in named:
        own = [s for s in pool if s.speaker == holder]
        full = [s for s in own if not is_question(s.text) and is_whole(s.text)]
        stated = [s for s in full if len(content_words(s.text)) > 3] or full
        if stated and len(own) > 1:
            found.append(_view(talk, holder, own, stated))
    return found[:n]


def _view(
    talk: Talk, holder: str | None, own: Sequence[Sentence], stated: Sequence[Sentence]
) -> View:
    weighed = {s.index: _weight(talk, s) for s in stated}
    position = max(stated, key=lambda s: (weighed[s.index], -s.index))
    wants = [(s, hit) for s in own for hit in hits("interest", s.text)[:1] if s is not position]
    clauses = [
        (excerpt(s.text[hit.start :], 140), s)
        for s, hit in wants
        if not is_question(s.text) and not _SUPPOSED.search(s.text[: hit.start])
    ]
    fit = [
        (text, s)
        for text, s in clauses
        if is_whole(text) and len(content_words(text)) > 2 and not _NO_INTEREST.search(text)
    ]
    interests = diverse(fit, 3, score=lambda w: talk.central[w[1].index], text=lambda w: w[0])
    return View(holder, position, _stance(talk, own), tuple(interests), weighed[position.index])


def _weight(talk: Talk, s: Sentence) -> float:
    """Weigh a sentence as somebody's position: central, and said with a stance."""
    stance = (
        0.35 * strength("proposal", s.text)
        + 0.25 * strength("disagreement", s.text)
        + 0.2 * strength("agreement", s.text)
        + 0.15 * abs(polarity(s.text))
        + 0.15 * strength("obligation", s.text)
        + (0.15 if strength("hedge", s.text) == 0.35 else 0.0)  # "I think", "I believe"
    )
    tokens = words(s.text)
    plain = 0.1 * (bool(tokens) and tokens[0] in {"it", "that", "they"}) + roughness(s.text)
    return min(0.95, 0.5 * talk.central[s.index] + min(stance, 0.45) - plain)


def _stance(talk: Talk, own: Sequence[Sentence]) -> Stance:
    """Judge by the speaker's evaluations; objections and agreements to others count double."""
    favour = against = 0
    for s in own:
        sign = polarity(s.text)
        favour += (sign > 0) + 2 * (strength("agreement", s.text) > 0.8)
        against += (sign < 0) + 2 * (strength("disagreement", s.text) > 0.8)
    if favour + against < 3:
        return "neutral"
    if favour >= 3 * against:
        return "supports"
    return "opposes" if against >= 3 * favour else "mixed"


def find_seen(talk: Talk) -> list[Seen]:
    """Return statements in which a speaker says what another party thinks, wants or is like."""
    found = (_seen(talk, s) for s in telling(talk) if not is_question(s.text))
    return [item for item in found if item]


def _seen(talk: Talk, s: Sentence) -> Seen | None:
    for match in _PARTY.finditer(s.text):
        of = match["of"]
        first = of.split()[0].lower()
        if first in STOP_WORDS - {"the"} or of.lower() == "the" or not _is_party(talk, s, match):
            continue
        rest = s.text[match.end("rest") :]
        verb = strongest("mental", rest[:24])
        if not verb or verb.start > 0:
            continue
        judged = polarity(rest)
        if verb.phrase.lower() in _HELPERS and (not judged or _ELLIPTIC.search(rest)):
            continue
        text = excerpt(s.text[match.start() :], 160)
        if is_whole(text) and len(content_words(text)) > 3:
            score = 0.3 + 0.15 * abs(judged) + 0.35 * talk.central[s.index] - roughness(s.text)
            return Seen(s.speaker, of, text, s, score)
    return None


def _is_party(talk: Talk, s: Sentence, match: re.Match[str]) -> bool:
    """Return whether the capitals name another party, not the speaker or a sentence's start."""
    of = [w for w in words(match["of"]) if w != "the"]
    if s.speaker and set(of) & set(words(s.speaker)):
        return False
    if match["of"][:4].lower() == "the " and match["of"][4:5].islower():
        return True
    inside = bool(match.start()) and s.text[: match.start()].rstrip()[-1:] not in ".!?:\"'“`"
    return inside or set(of) <= talk.names or len(of) > 1


def disputed(talk: Talk, objections: Sequence[Exchange], n: int) -> list[Disputed]:
    """Turn objections into frictions between two named speakers, the weightiest first."""
    found = [
        Disputed(
            (e.statement.speaker or "A speaker", e.reply.speaker or "another speaker"),
            matter(talk, (e.statement.text, e.reply.text)),
            (e.statement, e.reply),
            e.score,
        )
        for e in objections
    ]
    return diverse(
        found,
        n,
        score=lambda t: t.score,
        text=lambda t: t.quoted[0].text + t.quoted[1].text,
        group=lambda t: frozenset(t.between),
    )


def accepted(acceptances: Sequence[Exchange], n: int) -> list[Accepted]:
    """Join agreements to the same statement and return the weightiest."""
    joined: dict[int, list[Exchange]] = {}
    for exchange in acceptances:
        joined.setdefault(exchange.statement.index, []).append(exchange)
    found = []
    for group in joined.values():
        statement = group[0].statement
        holders = [statement.speaker, *(e.reply.speaker for e in group)]
        named = tuple(dict.fromkeys(h for h in holders if h))
        quoted = (statement, *(e.reply for e in group[:4]))
        score = min(0.95, max(e.score for e in group) + 0.1 * (len(named) - 2))
        if len(named) > 1:
            found.append(Accepted(named, statement.text, quoted, score))
    return diverse(found, n, score=lambda g: g.score, text=lambda g: g.text)
