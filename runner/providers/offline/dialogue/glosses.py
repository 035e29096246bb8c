"""Glosses: meanings of words as stated by their speaker afterwards or by a listener."""

import re

from runner.providers.offline.dialogue.dialogue import Dialogue, weight_of
from runner.providers.offline.dialogue.implicature import Gap
from runner.providers.offline.dialogue.insights import who
from runner.providers.offline.language.sentences import (
    Sentence,
    content_words,
    is_procedural,
    trim,
    words,
)
from runner.providers.offline.language.wording import excerpt

_HEARD = re.compile(
    r"^\W*(?:(?:so|well|then|and|okay),? )*(?:you mean|you(?:'re| are) (?:really )?saying|in other "
    r"words,? you)(?: that)?[ ,]+(?P<what>[^?]{2,120}?)[.?!]*$",
    re.IGNORECASE,
)
_MEANT = re.compile(
    r"\bwhat i(?:'m| am)? (?:mean(?:t)?|(?:really )?saying|trying to say) (?:is|was)(?: that)? "
    r"(?P<what>.{8,200}?)[.!]?$",
    re.IGNORECASE,
)


def find_glosses(dialogue: Dialogue) -> list[Gap]:
    """Return the words that speakers themselves explain, in order."""
    found = (_heard(dialogue, s) or _meant(dialogue, s) for s in dialogue.sentences)
    return [gap for gap in found if gap]


def _heard(dialogue: Dialogue, s: Sentence) -> Gap | None:
    """Read "You mean no.": a listener says what the previous words mean."""
    match, turn = _HEARD.match(s.text), dialogue.turn_of[s.index]
    if not match or not turn or s is not dialogue.turns[turn][0] or len(words(s.text)) > 20:
        return None
    said = dialogue.turns[turn - 1][-1]
    if len(content_words(said.text)) < 2 or is_procedural(said.text):
        return None
    other, name, what = who(said.speaker), who(s.speaker), match["what"].rstrip(" .")
    meant = f'{name} puts it as "{what}".'
    note = f'{other} says "{excerpt(said.text, 120)}"; {name} puts it as "{what}".'
    score = 0.6 + 0.3 * weight_of(dialogue, said)
    return Gap("understatement", trim(said.text), meant, note, (said, s), score)


def _meant(dialogue: Dialogue, s: Sentence) -> Gap | None:
    """Read "What I mean is …": a speaker narrows down an earlier statement."""
    match = _MEANT.search(s.text)
    if not match:
        return None
    stems = set(content_words(match["what"]))
    earlier = [
        e
        for e in dialogue.sentences[max(0, s.index - 8) : s.index]
        if e.speaker == s.speaker and stems & set(content_words(e.text)) and len(words(e.text)) > 4
    ]
    if not earlier:
        return None
    first = max(earlier, key=lambda e: (len(stems & set(content_words(e.text))), -e.index))
    what = excerpt(match["what"], 130)
    note = (
        f'{who(s.speaker)} first says "{excerpt(first.text, 120)}" and then narrows it: "{what}".'
    )
    score = 0.5 + 0.3 * weight_of(dialogue, first)
    return Gap("hedge", trim(first.text), f'No more than "{what}".', note, (first, s), score)
