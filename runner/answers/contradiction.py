"""Contradiction: whether two texts that are alike differ in a number, a name or a denial."""

import re
from collections.abc import Collection
from functools import lru_cache

from rapidfuzz import fuzz

from runner.answers.grounding.exact_matches import WORD

# Words that turn a statement into its opposite, in the languages most transcripts are in.
_NEGATION = re.compile(
    r"\b(?:not?|never|none|nothing|nobody|neither|nor|without|hardly|barely|cannot|unable|unless|"
    r"\w+n['’]t|(?:do|does|did|is|are|was|were|would|should|could|have|has|had)nt|"
    r"nicht|kein\w*|nie|niemals|niemand|nichts|ohne|weder|"
    r"ne(?!\W+(?:\w+\W+){1,3}(?:pas|jamais|rien|aucun))|pas|jamais|rien|aucune?|sans|"
    r"nunca|nada|nadie|sin|não|nem|sem|non|mai|nessun\w*|senza|niet|geen|nooit|zonder|inte|ikke|"
    r"aldrig|ei|не|нет|ни|никогда|без)\b|[没不無无]|ない|ません|않|아니",
    re.IGNORECASE,
)
# "I don't, uh, I don't" denies once, and so does "No, I don't".
_RESTART = re.compile(
    r"\b(\w[\w'’]*(?:\W+\w[\w'’]*){0,4})(?:\W+(?:uh|um|er|erm|ah))*(?:\W+\1\b)+", re.IGNORECASE
)
_NO_FIRST = re.compile(r"\bno\b(?=\W+(?:i|we|you|he|she|it|they|this|that|there)\b)", re.IGNORECASE)
_NUMBER = re.compile(r"\d+(?:[.,:]\d+)*|[二三四五六七八九十百千万萬億亿兆]+")
_NUMBER_WORDS = {  # "one" is a pronoun, too
    word: str(number * step)
    for step, words in (
        (1, "two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen"),
        (1, "zwei drei vier fünf sechs sieben acht neun zehn elf zwölf dreizehn vierzehn fünfzehn"),
        (1, "deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze"),
        (1, "dos tres cuatro cinco seis siete ocho nueve diez"),
        (10, "twenty thirty forty fifty sixty seventy eighty ninety hundred"),
    )
    for number, word in enumerate(words.split(), 2)
}
# Further numbers, and the days and months that are written like any word.
_FURTHER = """
thousand million billion trillion dozen half sixteen seventeen eighteen nineteen
doce trece catorce quince first third fourth fifth sixth seventh eighth ninth tenth
lundi mardi mercredi jeudi vendredi samedi dimanche
janvier février mars avril juin juillet août septembre octobre novembre décembre
lunes martes miércoles jueves viernes sábado domingo
enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre
"""
_NUMBER_WORDS |= {word: word for word in _FURTHER.split()}
_SPELLING = 80.0  # of 100: the similarity of two spellings of a name
_STEM = 4  # letters that forms of one word share at its start
_TEXTS = 2048  # that are remembered, since each is compared with many
_SENTENCE_END = ".!?…:。！？"
_OPPOSITES = """
up,down more,less more,fewer plus,minus before,after for,against yes,no higher,lower all,none
increase,decrease increased,decreased early,late earlier,later buy,sell accept,reject
accepted,rejected won,lost open,closed in,out on,off this,next,last today,tomorrow,yesterday
"""
_OPPOSITE_WORDS = [frozenset(words.split(",")) for words in _OPPOSITES.split()]
_OPPOSED = ("un", "in", "im", "ir", "il", "dis", "non", "mis")  # how an opposite begins: unlikely


def contradicts(one: str, other: str) -> bool:
    """Return whether like texts deny unequally often, or each has numbers or names of its own."""
    mine, theirs = _facts(one), _facts(other)
    own, others = mine - theirs - _words(other), theirs - mine - _words(one)
    own -= {name for name in own if any(_is_spelling(name, each) for each in others)}
    return bool(own and others) or denials(one) != denials(other)


def reverses(one: str, other: str) -> bool:
    """Return whether one of two like texts has the opposite of a word of the other."""
    mine, theirs = _words(one), _words(other)
    own, others = mine - theirs, theirs - mine
    if any(words & own and words & others for words in _OPPOSITE_WORDS):
        return True
    stems = ((word, first + word) for word in own | others for first in _OPPOSED)
    return any(len(word) >= _STEM and opposite in own | others for word, opposite in stems)


def _is_spelling(name: str, other: str) -> bool:
    """Return whether two names differ as spellings of one do: Jonathan, Jonathon."""
    are_names = name.isalpha() and name not in _NUMBER_WORDS
    return are_names and fuzz.ratio(name, other) >= _SPELLING


@lru_cache(_TEXTS)
def _words(text: str) -> frozenset[str]:
    return frozenset(word.casefold() for word in WORD.findall(text))


@lru_cache(_TEXTS)
def _facts(text: str) -> frozenset[str]:
    """Return the numbers of *text*, and its names: capitalized words within its sentences."""
    facts = set(_NUMBER.findall(text.replace(",", "")))
    is_name = str.istitle if text.isupper() else _is_capitalized
    for word in WORD.finditer(text):
        lead = text[max(0, word.start() - 4) : word.start()].rstrip(" \"'“‘«([")
        folded = word[0].casefold()
        if folded in _NUMBER_WORDS:
            facts.add(_NUMBER_WORDS[folded])
        elif lead and lead[-1] not in _SENTENCE_END and len(word[0]) > 1 and is_name(word[0]):
            facts.add(folded)
    return frozenset(facts)


def _is_capitalized(word: str) -> bool:
    return word[0].isupper()


@lru_cache(_TEXTS)
def denials(text: str) -> int:
    """Return how many words of *text* reverse a statement."""
    once = _NO_FIRST.sub("", _RESTART.sub(r"\1", text))
    return sum(1 for _ in _NEGATION.finditer(once))


def adds_facts(text: str, known: str) -> bool:
    """Return whether *text* has a number or capitalized word that *known* lacks, or denies it.

    Its first word, capitalized as any, does not count where *known* follows as a whole. A single
    word that replaces another (supports, opposes) is a fact, too, unless both are short or share
    their first letters.
    """
    own, others = _words(text) - _words(known), _words(known) - _words(text)
    start = 1 if text.casefold().endswith(known.casefold()) else 0
    new = (word for word in WORD.findall(text)[start:] if word.casefold() in own)
    named = any(word[0].isupper() or any(map(str.isdigit, word)) for word in new)
    return named or _is_replaced(own, others) or contradicts(text, known)


def _is_replaced(own: Collection[str], others: Collection[str]) -> bool:
    """Return whether each has one word, and the two do not begin alike."""
    if len(own) != 1 or len(others) != 1:
        return False
    shorter, longer = sorted((*own, *others), key=len)
    return len(longer) >= _STEM and not longer.startswith(shorter[:_STEM])
