"""Minutes: decisions, actions and open questions of a transcript."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from runner.providers.offline.dialogue.commitments import UNDERTAKES, OpenPoint, find_open_points
from runner.providers.offline.dialogue.dialogue import (
    Dialogue,
    read_dialogue,
    weight_of,
    weightiest,
)
from runner.providers.offline.dialogue.insights import says, who
from runner.providers.offline.document import Document, Utterance
from runner.providers.offline.language.cues import has, is_question, strength
from runner.providers.offline.language.fragments import is_whole, roughness
from runner.providers.offline.language.lexicon import pattern
from runner.providers.offline.language.ranking import diverse
from runner.providers.offline.language.scope import is_outright
from runner.providers.offline.language.sentences import (
    Sentence,
    content_words,
    is_procedural,
    trim,
)
from runner.providers.offline.language.wording import capital, excerpt, listed, tidy
from runner.providers.offline.synthesis.actions import Action, find_actions
from runner.providers.offline.synthesis.cited import cited_in
from runner.providers.offline.synthesis.decisions import Decision, find_decisions

LIMITS = {"decisions": 6, "actions": 10, "questions": 8}

_UNKNOWN = pattern("minutes.unknown")
_TALKED_OF = pattern("minutes.talked_of")
_AGENDA = re.compile(r"\b(?:today|this (?:meeting|morning|afternoon))\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class OpenQuestion:
    """An open question: its words, the speaker who raised it, why it is open, and evidence."""

    text: str
    raised_by: str | None
    why: str
    quoted: tuple[Sentence, ...]
    score: float


@dataclass(frozen=True, slots=True)
class Minutes:
    """The minutes of a dialogue."""

    dialogue: Dialogue
    decisions: tuple[Decision, ...]
    actions: tuple[Action, ...]
    questions: tuple[OpenQuestion, ...]


def take_minutes(document: Document) -> Minutes:
    """Take minutes of the transcript or, without one, of the quotes that the findings cite."""
    whole = bool(document.lines)
    dialogue = read_dialogue(document if whole else replace(document, lines=recalled(document)))
    decisions = diverse(
        find_decisions(dialogue),
        LIMITS["decisions"],
        text=lambda d: d.parts[0].text,
    )
    settled = {s.index for d in decisions for s in d.quoted}
    actions = diverse(
        [a for a in find_actions(dialogue) if a.quoted[0].index not in settled and a.score > 0.4],
        LIMITS["actions"],
        text=lambda a: a.what,
    )
    last = max((part.index for d in decisions for part in d.parts), default=-1)
    questions = [
        q
        for q in _questions(dialogue, whole)  # "Today we need to decide whether …", until it is
        if q.quoted[0].index > last or not _AGENDA.search(q.quoted[0].text)
    ]
    return Minutes(dialogue, tuple(decisions), tuple(actions), tuple(questions))


def recalled(document: Document) -> tuple[Utterance, ...]:
    """Return the quotes that the findings cite, in the order of their segments, each once."""
    quotes = sorted((c.sentence for c in cited_in(document)), key=lambda s: s.index)
    return tuple(Utterance(s.segment, s.speaker, s.text) for s in quotes)


def subject_of(dialogue: Dialogue) -> str:
    """Return the subject in the words of the person who frames it, its frequent terms, or ""."""
    terms = listed(dialogue.topic[:3])
    return dialogue.question or (f"frequent terms: {terms}" if terms else "")


def about(dialogue: Dialogue) -> list[str]:
    """Return the subject as a sentence, if there is one."""
    if dialogue.question:
        return [f"The talk is said to be about {dialogue.question}."]
    return [f"{capital(subject_of(dialogue))}."] if dialogue.topic else []


def _questions(dialogue: Dialogue, whole: bool) -> list[OpenQuestion]:
    found = [_from_open(item) for item in find_open_points(dialogue)] if whole else []
    seen = {s.segment for q in found for s in q.quoted}
    found += [q for q in _doubts(dialogue) if q.quoted[0].segment not in seen]
    return diverse(
        found,
        LIMITS["questions"],
        text=lambda q: q.text,
        group=lambda q: q.raised_by,
    )


def _from_open(item: OpenPoint) -> OpenQuestion:
    first, last = item.quoted[0], item.quoted[-1]
    if item.deferred:
        why = says(last, 100, does="puts it off")
    elif last is not first:
        why = says(last, 100, does="replies")
    else:
        why = "No answer is recognised in the turns that follow."
    return OpenQuestion(excerpt(first.text, 180), first.speaker, why, item.quoted, item.score)


def _doubts(dialogue: Dialogue) -> Iterator[OpenQuestion]:
    """Yield explicit statements of what is unknown."""
    for s in dialogue.sentences:
        text = s.text.replace("’", "'")
        hit = _UNKNOWN.search(text)
        if not hit or is_question(text) or is_procedural(text) or s.index in dialogue.cut_off:
            continue
        whole = is_whole(trim(text), verb=False) and len(set(content_words(text))) > 1
        evades = _TALKED_OF.search(text) or strength("evasion", text) > 0.8
        if not whole or evades or not is_outright(text, hit.start()):
            continue
        rest = text[hit.end() :]
        score = 0.35 + 0.4 * weight_of(dialogue, s) - roughness(text) + 0.1 * has("negation", rest)
        why = f'It is said outright to be open: "{hit[0].strip()}".'
        yield OpenQuestion(excerpt(text, 180), s.speaker, why, (s,), score)


def most_discussed(dialogue: Dialogue) -> list[str]:
    """Return a sentence that quotes the weightiest statement, or none."""
    does = "says, where it is discussed most"
    return [says(s, does=does) for s in weightiest(dialogue)]


def decision_line(decision: Decision) -> str:
    """Return the decision in the words that state it, and its conditions."""
    first, last = decision.parts[0], decision.parts[-1]
    words = f'"{excerpt(first.text, 200)}"'
    if decision.basis != "agreed":
        meant = [] if decision.basis == "announced" or first is last else [says(first, 200)]
        return " ".join((*meant, says(last if meant else first, 200, does="speaks of a decision")))
    others = [name for name in decision.holders if name != decision.by]
    agree = f"{listed(others) or 'another speaker'} agree{'s' if len(others) < 2 else ''}"
    held = [says(reply, 140) for reply in decision.conditions]
    return " ".join((f"{who(decision.by)} says {words}, and {agree}.", *held))


def action_line(action: Action) -> str:
    """Return who is to act, as worded, and by when."""
    speaker = who(action.quoted[0].speaker)
    if action.firmness == "requested":
        text = f'{speaker} asks {action.owner or "the listeners"}: "{action.said}"'
    elif action.owner or re.match(r"I\b", action.said):
        text = f'{who(action.owner)} {UNDERTAKES[action.firmness]}: "{action.said}"'
    else:
        text = f'{speaker}, without naming who: "{action.said}"'
    if action.due and action.due not in action.said:
        text += f" ({action.due})"
    if action.about is not None:
        text += f', on "{excerpt(action.about.text, 110)}"'
    return tidy(f"{text}.")
