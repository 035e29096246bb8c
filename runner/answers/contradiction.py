"""Contradiction: whether two texts that are alike differ in a number, a name or a denial."""

import re
from collections.abc import Iterator, Sequence, Set
from functools import lru_cache

from rapidfuzz import fuzz
from rapidfuzz.distance import Indel

from runner.answers.grounding.exact_matches import WORD

# Words that turn a statement into its opposite, in the languages most transcripts are in.
_NEGATION = re.compile(
    r"\b(?:not?|never|nothing|nobody|neither|nor|without|hardly|barely|cannot|unable|unless|"
    r"\w+n['’]t|(?:do|does|did|is|are|was|were|would|should|could|have|has|had|ca|wo)nt|"
    r"nicht|kein\w*|nie|niemals|niemand|nichts|ohne|weder|"
    r"ne(?!\W+(?:\w+\W+){1,3}(?:pas|jamais|rien|aucun))|pas|jamais|rien|aucune?|sans|"
    r"nunca|nada|nadie|sin|não|nem|sem|non\w*|mai|nessun\w*|senza|niet|geen|nooit|zonder|inte|"
    r"ikke|aldrig|ei|ingen|не|нет|ни|никогда|без|δεν|μην|değil|yok|tidak|bukan|belum|không|chưa|"
    r"لا|لم|لن|ليس\w*|بدون|לא|אין|בלי|안|못)\b|नहीं|ไม่|[没不無无]|ない|ません|않|아니|없",
    re.IGNORECASE,
)
# "I don't, uh, I don't" denies once, and so does "No, I don't".
_RESTART = re.compile(
    r"\b(\w[\w'’]*(?:\W+\w[\w'’]*){0,4})(?:\W+(?:uh|um|er|erm|ah))*(?:\W+\1\b)+", re.IGNORECASE
)
_NO_DENIAL = re.compile(  # before a statement, or after one: "It's good, isn't it?"
    r"\bno\b(?=\W+(?:i|we|you|he|she|it|they|this|that|there)\b)|, ¿?(?:no|ne|não|nicht wahr|"
    r"n['’]est-ce pas|\w+n['’]t (?:i|you|he|she|it|we|they))(?=[,?])", re.IGNORECASE
)  # fmt: skip
_NUMBER_WORDS = {  # "one", "second" and "once" are mostly other words
    word: number * step
    for first, step, words in (
        (2, 1, "two three four five six seven eight nine ten eleven twelve thirteen fourteen"),
        (15, 1, "fifteen sixteen seventeen eighteen nineteen"),
        (3, 1, "third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth"),
        (2, 1, "zwei drei vier fünf sechs sieben acht neun zehn elf zwölf dreizehn vierzehn"),
        (2, 1, "deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze"),
        (2, 1, "dos tres cuatro cinco seis siete ocho nueve diez"),
        (12, 1, "doce trece catorce quince"),
        (2, 10, "twenty thirty forty fifty sixty seventy eighty ninety hundred"),
    )
    for number, word in enumerate(words.split(), first)
} | {"first": 1, "fünfzehn": 15}
_POWERS = {"thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}
_IN_COMPOUNDS = {"one": 1, "second": 2}
_NUMBER_WORDS |= _POWERS | _IN_COMPOUNDS
_NUMBER = re.compile(
    r"\d{1,3}(?:,\d{3})+(?!\d)(?:\.\d+)?|\d+(?:[.:]\d+)*|[二三四五六七八九十百千万萬億亿兆]+|"
    rf"\b(?:{'|'.join(_NUMBER_WORDS)})\b"
)
_COMPOUND = re.compile(
    rf"(?:{_NUMBER.pattern})(?:(?:\s+(?:-\s+)?(?:and\s+)?|-(?=[a-z]))(?:{_NUMBER.pattern}))*"
)
# Words like numbers, and the days and months that are written like any word.
_WRITTEN_LOW = """
dozen half lundi mardi mercredi jeudi vendredi samedi dimanche
janvier février mars avril juin juillet août septembre octobre novembre décembre
lunes martes miércoles jueves viernes sábado domingo
enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre
"""
_DATES = frozenset(_WRITTEN_LOW.split())
_NO_NAMES = frozenset({"ok", "okay", "yeah", "oh", "uh", "um"})  # capitalized anywhere
_SPELLING = 80.0  # of 100: the similarity of two spellings of a name
_STEM = 4  # letters that forms of one word share at its start
_TEXTS = 2048  # that are remembered, since each is compared with many
_SENTENCE_END = ".!?…:。！？"
_OPPOSITE_WORDS = """
up,down more,less more,fewer plus,minus before,after for,against yes,no higher,lower all,none
increase,decrease increased,decreased early,late earlier,later buy,sell accept,reject rose,fell
accepted,rejected won,lost open,closed in,out on,off this,next,last today,tomorrow,yesterday
good,bad better,worse best,worst easy,hard easy,difficult big,small large,small high,low long,short
strong,weak fast,slow cheap,expensive old,new first,last true,false right,wrong all,some
like,hate love,hate pass,fail passed,failed supports,opposes support,oppose because,although
"""
_OPPOSITES = [frozenset(words.split(",")) for words in _OPPOSITE_WORDS.split()]
_OPPOSED = ("un", "in", "im", "ir", "il", "dis", "non", "mis")  # how an opposite begins: unlikely


def contradicts(one: str, other: str) -> bool:
    """Return whether like texts differ in a denial, an opposite word, or numbers or names of each.

    So they do if these come in another order.
    Spellings are the same: Jonathan and Jonathon, TV and T_V, 1999 and nineteen ninety-nine.
    """
    if denials(one) != denials(other) or _says_otherwise(one, other):
        return True
    own, others = _of_its_own(one, other), _of_its_own(other, one)
    if not others or "".join(own) == "".join(others):
        return False
    names = {fact for fact in own if fact.isalpha() and fact not in _NUMBER_WORDS}
    spelt = {name for name in names if any(fuzz.ratio(name, o) >= _SPELLING for o in others)}
    return any(fact not in spelt for fact in own)


def adds_numbers(quote: str, said: str) -> bool:
    """Return whether *quote* has a number of its own, and *said* no other words in its place."""
    if not any(fact[0].isdigit() for fact in _of_its_own(quote, said)):
        return False
    for own, words in _changed(quote, said):
        number, instead = "".join(_numbers(own)), "".join(_numbers(words))
        if number and (not words or instead not in ("", number)):
            return True
    return False


def _says_otherwise(one: str, other: str) -> bool:
    """Return whether the texts differ in opposites ("unlikely"), one number or facts' order."""
    changed = _changed(one, other)
    values = (map(_value, replaced) for replaced in changed)
    if any(value and instead and value != instead for value, instead in values):
        return True
    left, new = ({*" ".join(words).split()} for words in zip(*changed, strict=True))
    if any(pair & left and pair & new and len(pair & (left | new)) > 1 for pair in _OPPOSITES):
        return True
    if _is_opposed(left, new) or _is_opposed(new, left):
        return True
    facts = _facts(one)
    return any(word in facts or word.isdigit() for word in left & new)


def _changed(one: str, other: str) -> list[tuple[str, str]]:
    """Return words that only one text has with what the other has in their place, if anything."""
    own, others = _in_order(one), _in_order(other)
    return [(" ".join(own[lost]), " ".join(others[new])) for lost, new, _ in aligned(own, others)]


def aligned(one: Sequence[str], other: Sequence[str]) -> Iterator[tuple[slice, slice, slice]]:
    """Yield which words of *one* are replaced, by which of *other*, and which of *one* follow."""
    at = place = 0
    for same in Indel.opcodes(one, other).as_matching_blocks():  # the last one is empty
        yield slice(at, same.a), slice(place, same.b), slice(same.a, same.a + same.size)
        at, place = same.a + same.size, same.b + same.size


def _is_opposed(own: Set[str], others: Set[str]) -> bool:
    """Return whether *others* has a word of *own* with "un" or the like, which *own* has not."""
    stems = ((word, first) for word in own if len(word) >= _STEM for first in _OPPOSED)
    return any(first + word in others and first not in own for word, first in stems)


def _of_its_own(text: str, other: str) -> list[str]:
    """Return the facts of *text* that are neither facts nor words of *other*, in order."""
    known = {*_facts(other), *_words(other)}
    return [fact for fact in _facts(text) if fact not in known]


def _in_order(text: str) -> list[str]:
    return [word.casefold() for word in WORD.findall(text)]


@lru_cache(_TEXTS)
def _words(text: str) -> frozenset[str]:
    return frozenset(_in_order(text))


@lru_cache(_TEXTS)
def _facts(text: str) -> tuple[str, ...]:
    """Return the numbers of *text*, and its names: capitalized words within its sentences."""
    facts = dict.fromkeys(_numbers(text.casefold()))
    is_name = str.istitle if text.isupper() else lambda word: word[0].isupper()
    for word in WORD.finditer(text):
        lead = text[max(0, word.start() - 4) : word.start()].rstrip(" \"'“‘«([")
        folded = word[0].casefold()
        if folded in _NUMBER_WORDS or folded in _NO_NAMES:
            continue
        inside = lead and lead[-1] not in _SENTENCE_END and len(word[0]) > 1
        if folded in _DATES or (inside and is_name(word[0])):
            facts[folded.replace("_", "")] = None
    return tuple(facts)


def _numbers(text: str) -> Iterator[str]:
    """Yield the numbers of *text*, which is case-folded, in digits."""
    for compound in _COMPOUND.finditer(text):
        found = _NUMBER.findall(compound[0])
        if len(found) == 1 and found[0] in _IN_COMPOUNDS:
            continue
        total: float = 0  # of what ends with a power of thousand
        part: float | None = None  # of what follows
        for word in found:
            value = _value(word)
            if value is None:
                yield word.replace(":", "")
            elif word in _POWERS:
                total, part = total + (part or 1) * value, 0
            elif word == "hundred":
                part = (part or 1) * 100
            elif not part or _goes_on(part, value):
                part = (part or 0) + value
            else:
                yield f"{total + part:.15g}"
                total, part = 0, value
        if part is not None:
            yield f"{total + part:.15g}"


def _value(word: str) -> float | None:
    try:
        return _NUMBER_WORDS.get(word) or float(word.replace(",", ""))
    except ValueError:  # a time, or no number
        return None


def _goes_on(part: float, value: float) -> bool:
    """Return whether *value*, said after *part*, belongs to the same number: sixty-six."""
    tens = part % 100
    return (not tens and value < 100) or (tens >= 20 and not part % 10 and value < 10)


@lru_cache(_TEXTS)
def denials(text: str) -> int:
    """Return how many words of *text* reverse a statement."""
    once = _NO_DENIAL.sub("", _RESTART.sub(r"\1", text))
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
    if any(word[0].isupper() or any(map(str.isdigit, word)) for word in new):
        return True
    if len(own) == len(others) == 1:
        shorter, longer = sorted((*own, *others), key=len)
        if len(longer) >= _STEM and not longer.startswith(shorter[:_STEM]):
            return True
    return contradicts(text, known)
