"""Words of a text as redaction compares them, and names in labels and lists."""

from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass

import regex

from runner.transcript.redact.lexicon import (
    NO_NAMES,
    NUMBERED_ROLES,
    OPENERS,
    ROLES,
    TITLES,
    UNSPACED,
    WORD,
    family_names,
    fold,
    given_names,
    is_common,
    is_listed,
    is_short_name,
    places,
)

# Words in lower case, without those of a mail address
_LOWER = regex.compile(r"(?<![\p{L}\p{M}@])\p{Ll}[\p{L}\p{M}]*+(?![\w.+-]{0,64}@)")
_ENGLISH = frozenset(("the", "and", "you", "that", "with", "have", "this", "they", "what", "from"))
MAX_WORDS = 5  # of a name
_JOINT = regex.compile(r"[ \u00a0]?|[-._]|(?<=\b\p{L})\. ?")
_ENDS = frozenset(".?!…:\n]。？！—")  # what a sentence may follow
_BETWEEN = frozenset(" \u00a0\"'“”„«»‘([¿¡–-*_#")
_PARTS = regex.compile(r"[(\[)\],;|/]| - | – |@|:")  # of a label
# A number after a name: Bell 7, Bell No. 7, Bell-7, Bell (7), Bell7b
_NUMBER = regex.compile(
    r"[ \u00a0_#-]*+(?<open>\()?(?:\bn(?:[or]\b\.?|º)|№)?[ \u00a0#]*+(?<number>\d++[a-z]?+)"
    r"(?!(?a:\w))(?(open)\))",
    regex.I,
)
# It starts where its gap does, or a label of gaps would take a time that grows by the square.
_LAST_NUMBER = regex.compile(rf"(?<![ \u00a0_#-]){_NUMBER.pattern}$", regex.I)
_ELIDED = regex.compile(r"(?:d|l|dell|dall|nell|all|sull|qu|j|m|n|t|s|c)['’](?=\p{Lu})")


@dataclass(frozen=True, slots=True)
class Token:
    """A word in a text; *opens*: it has its capital because a sentence starts with it, or may."""

    start: int
    end: int
    text: str
    key: str
    opens: bool

    @property
    def capital(self) -> bool:
        """Whether it is written like a name."""
        return self.text[0].isupper() or self.text[0].istitle()

    @property
    def cased(self) -> bool:
        """Whether its script has capitals."""
        return self.text[0].lower() != self.text[0].title()  # Georgian's are not for names


Tokens = Sequence[Token]


def tokens_of(text: str, common: Set[str] | None = None) -> list[Token]:
    """Return the words of *text*, without what follows an apostrophe at their end.

    A capital that opens a sentence says nothing of a word that is among *common*; None: of any.
    """
    found = []
    for match in WORD.finditer(text):
        start, word = match.start(), match[0]
        if not word.isalpha() and ("'" in word or "’" in word or "ʼ" in word):
            if elided := _ELIDED.match(word):
                start, word = start + elided.end(), word[elided.end() :]
            cut = max(word.rfind(mark) for mark in "'’ʼ")
            if (cut > 1 or word[0] == "I") and len(word) - cut <= 5 and word[cut + 1 :].islower():
                word = word[:cut]
        key = fold(word)
        opens = (common is None or key in common or key in OPENERS) and _opens(text, start)
        found.append(Token(start, start + len(word), word, key, opens))
    return found


def _opens(text: str, start: int) -> bool:
    place = start - 1
    while place >= 0 and text[place] in _BETWEEN:
        place -= 1
    if place < 0 or text[place] not in _ENDS:
        return place < 0
    before = text[max(0, place - 12) : place].rpartition(" ")[2]
    return text[place] != "." or not (fold(before) in TITLES or len(before) == 1)


def joins(text: str, left: Token, right: Token) -> bool:
    """Return whether two words stand side by side like those of one name."""
    return bool(_JOINT.fullmatch(text, left.end, right.start))


def name_in_label(label: str) -> str | None:
    """Return the first name in a speaker's label; None for a role."""
    return next(names_in_label(label), None)


def names_in_label(label: str) -> Iterator[str]:
    """Yield the names in a speaker's label such as `Dr. Ana Silva (Acme), CFO` or `Silva, Ana`.

    What follows a role or a name, as in `Host (Ana Silva)`, is a name only if it is in the lists.
    """
    whole = label.strip(" \"'*_")
    plain = _LAST_NUMBER.sub("", whole)
    roles = ROLES if plain == whole else ROLES | NUMBERED_ROLES
    first, *others = (_name_in(part, roles) for part in _PARTS.split(plain))
    if first:
        yield first
    acronyms = first is not None and not whole.isupper()  # such as a degree: Ana Silva, MA
    for name in filter(None, others):
        if _is_listed_person(name) and not (acronyms and name.isupper()):
            yield name


def _name_in(part: str, roles: frozenset[str]) -> str | None:
    words = [token for token in tokens_of(part) if token.key not in TITLES]
    while words and words[-1].key in ROLES:
        words.pop()
    keys = [word.key for word in words]
    if not any(len(key) > 1 or UNSPACED.search(key) for key in keys):
        return None
    rare = any(is_listed(key) or not is_common(key) for key in keys)
    short = any(is_short_name(word.key) and not word.text.isupper() for word in words)  # not CEO
    if roles.issuperset(keys) or not (rare or short):
        return None  # Interviewer, Parent 3, Mission Control, Technical Support
    return str(part[words[0].start : words[:MAX_WORDS][-1].end])


def _is_listed_person(name: str) -> bool:
    if fold(name) in given_names() - places():
        return True  # Smith, Will
    keys = {token.key for token in tokens_of(name)} - places() - NO_NAMES
    return any(
        (is_listed(key) and (is_short_name(key) or not is_common(key)))
        or (UNSPACED.match(key) and key[:1] in family_names())
        for key in keys
    )


def number_after(text: str, place: int) -> tuple[str, int]:
    """Return the number that follows a name until *place*, and where it ends; "" for none."""
    found = _NUMBER.match(text, place)
    return (found["number"].lower(), found.end()) if found else ("", place)


def names_in_list(text: str) -> Iterator[str]:
    """Yield the names in a list of attendees."""
    bare = regex.sub(r"\([^)]*\)|<[^>]*>|\S+@\S+", " ", text)
    for part in regex.split(r"[,;/&\n•|]|\b(?:and|und|et|y|e|with)\b", bare):
        if (name := name_in_label(part)) is not None:
            yield name


def common_words(texts: Iterable[str]) -> frozenset[str]:
    """Return the words that *texts* have in lower case."""
    return frozenset(fold(word) for text in texts for word in set(_LOWER.findall(text)))


def is_caseless(texts: Iterable[str]) -> bool:
    """Return whether *texts* are written without capitals, as some recognisers do."""
    words = capitals = 0
    for text in texts:
        words += text.count(" ") + 1
        capitals += sum(map(str.isupper, text))
    return capitals < 0.01 * words


def is_english(texts: Iterable[str]) -> bool:
    """Return whether *texts* have words that other languages lack."""
    return len(_ENGLISH.intersection(word for text in texts for word in text.lower().split())) > 1
