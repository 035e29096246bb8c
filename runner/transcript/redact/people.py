"""People in running text: names recognized by lists, titles, introductions and verbs."""

from collections.abc import Iterator, Set
from dataclasses import dataclass

import regex

from runner.transcript.redact.lexicon import (
    ANY,
    LEXICON,
    MONTHS,
    NO_NAMES,
    ORGANISATIONS,
    PARTICLES,
    ROLES,
    SHORT,
    SUFFIXES,
    TITLES,
    UNSPACED,
    family_names,
    given_names,
    is_common,
    is_inflected,
    is_listed,
    is_mostly_name,
    is_short_name,
    is_unknown,
    listed,
    places,
)
from runner.transcript.redact.words import MAX_WORDS, Token, Tokens, joins, tokens_of

_WORDS_TOO, _SHORT, _SAYS = map(listed, ("words_too", "short_titles", "says"))
GOES_ON = _SAYS | listed("goes_on")
_THE = regex.compile(r"\b(?:the|a|an|this|that|our|your|its) $", regex.I)
_IN_MONTH = regex.compile(
    r"\b(?:in|of|until|till|by|this|next|last|since|early|late|mid|every|from|to|and|\d(?:st|nd|rd|th)?)"
    r"[ -]$",
    regex.I,
)
# What is said before a name. The first kind is followed by one always, the second where a
# word is capitalised that is not common, the third where such a word may also be a thing.
_NAMED = regex.compile(rf"(?:{ANY['named']})\s+$", regex.I)
_MET = regex.compile(rf"(?:\b(?:{ANY['met']})[,!]? +)$", regex.I)
_INTRODUCED = tuple(map(regex.compile, LEXICON["any"]["told"]))
_CALLED = regex.compile(r"(?:^|\s)\p{Ll}+, $")  # "Can you, Priya?"
_INITIALS = regex.compile(r"\b(?!U\. ?[SKN])(?:\p{Lu}\. ?){2,4}$")
_WITHIN = regex.compile(r"[\p{L},] $")  # a sentence
_UNCASED_TITLES = regex.compile(rf"(?:{ANY['uncased_titles']})\s$")


def names_in(
    text: str, common: Set[str] | None = None, *, caseless: bool = False, english: bool = True
) -> Iterator[str]:
    """Yield the names in *text*, which may be *english*, or *caseless*: without capitals."""
    for pattern in _INTRODUCED:
        yield from (match[1] for match in pattern.finditer(text))
    tokens = tokens_of(text, common)
    caseless = caseless or (len(tokens) > 2 and (text.isupper() or text.islower()))
    passage = _Passage(text, tokens, caseless, english)
    place = 0
    while place < len(tokens):
        run = passage.name_at(place)
        if run:
            yield text[run[0].start : run[-1].end]
        place += len(run) or 1


@dataclass(frozen=True, slots=True)
class _Passage:
    """The words of a text; names are runs of its tokens, empty where there is none."""

    text: str
    tokens: Tokens
    caseless: bool
    english: bool

    def name_at(self, place: int) -> Tokens:
        """Return the words of the name that begins with the token at *place*."""
        first = self.tokens[place]
        titled = place > 0 and self._is_title(place - 1)
        if first.cased and not self.caseless:
            upper = first.capital or (titled and first.key in PARTICLES)  # Mrs. van Dijk
            if not upper or first.key in TITLES:
                return ()
        if UNSPACED.search(first.text) or first.key in SUFFIXES:
            return ()
        before = self.text[max(0, first.start - 40) : first.start]
        named = titled or bool(_NAMED.search(before) or _UNCASED_TITLES.search(before))
        if not first.cased:
            return self._uncased(place, named)
        met = bool(_MET.search(before))
        if self.caseless:
            return self._lower(place, named, met)
        run = self._capitals(place, named)
        return run if run and (named or self._is_person(run, place, before, met)) else ()

    def _is_title(self, place: int) -> bool:
        title, following = self.tokens[place : place + 2]
        gap = self.text[title.end : following.start]
        spelt = title.capital or "." in gap or title.key not in _WORDS_TOO or self.text.islower()
        joined = gap == " " or (gap == ". " and title.key in _SHORT)
        return title.key in TITLES and spelt and joined

    def _says(self, beyond: int) -> bool:
        """Return whether what the words before *beyond* name does something there."""
        end, after = self.tokens[beyond - 1].end, self.tokens[beyond : beyond + 1]
        return bool(after) and self.text[end : after[0].start] == " " and after[0].key in _SAYS

    def _capitals(self, place: int, named: bool) -> Tokens:
        """Return the capitalised words from *place* on that may be one name."""
        opening = self.tokens[place]
        if opening.key in NO_NAMES and not self._precedes_name(place):
            return ()
        if is_common(opening.key) and not is_listed(opening.key) and not named:
            return ()  # Yesterday, Ranking Member
        run = [opening]
        for token in self.tokens[place + 1 : place + MAX_WORDS + 1]:
            if not joins(self.text, run[-1], token):
                break
            if not token.capital and token.key not in PARTICLES:
                break
            is_name = self._is_foreign(run) and is_listed(token.key)  # Nguyễn Văn An
            if (token.key in NO_NAMES and not is_name) or token.key in TITLES:
                break
            if _is_acronym(token):
                break
            run.append(token)
        while len(run) > 1 and run[-1].key in PARTICLES:
            run.pop()
        if not run[-1].capital:
            return ()  # Die Frau von gegenüber
        if opening.opens and len(run) > 1 and is_common(opening.key) and not named:
            second = run[1].key
            given = opening.key in given_names()
            if not given or (second in given_names() and not is_common(second)):
                return ()  # Yesterday Maria, Will Maria
        return run

    def _precedes_name(self, place: int) -> bool:
        """Return whether April or May at *place* is a given name."""
        month, following = self.tokens[place], self.tokens[place + 1 : place + 2]
        if month.key not in MONTHS or not following or not following[0].capital:
            return False
        return joins(self.text, month, following[0]) and following[0].key in family_names()

    def _is_person(self, run: Tokens, place: int, before: str, met: bool) -> bool:
        first, last = run[0], run[-1]
        given = first.key in given_names()
        if not given and _THE.search(before):
            return False
        if len(run) == 1:
            return self._is_single(first, before, met, self._says(place + 1))
        if last.key in ORGANISATIONS and not given:
            return False
        if given and first.key not in places():
            return True
        words = [token.key for token in run if token.key not in places()]
        common = all(map(is_common, words)) and not self._is_foreign(run)
        if any(map(is_listed, words)) and not common:
            return not first.opens or not is_common(first.key)
        strange = (t.key in PARTICLES or not (is_common(t.key) or t.key in places()) for t in run)
        return all(strange) and not all(token.text.isupper() for token in run)

    def _is_foreign(self, run: Tokens) -> bool:
        return self.english and not all(token.text.isascii() for token in run)

    def _is_single(self, token: Token, before: str, met: bool, says: bool) -> bool:
        key = token.key
        if len(key) < (5 if token.text.isupper() else 2) or key in PARTICLES or _is_acronym(token):
            return False
        if key in given_names():
            if key in places():
                return says
            if key in MONTHS and _IN_MONTH.search(before):
                return False
            return not is_common(key) or (not token.opens and key not in ROLES) or says
        if key in places() or is_common(key) or key in ROLES:
            return says and key in family_names()
        if key in ORGANISATIONS:
            return False
        called = self.text[token.end : token.end + 1] in ("?", "!", "") and _CALLED.search(before)
        within = not self.english and _WITHIN.search(before)  # Eilen tapasin Jukan
        inflected = (within or not self.text.isascii()) and is_inflected(key)
        met = met or bool(_INITIALS.search(before))
        return key in family_names() or met or says or bool(called) or inflected

    def _lower(self, place: int, named: bool, met: bool) -> Tokens:
        """Return the name at *place* in text without capitals (or of capitals only)."""
        first = self.tokens[place]
        key = first.key
        if key in NO_NAMES or key in PARTICLES or key in ROLES or len(key) < 2:
            return ()
        given = key in given_names() and is_mostly_name(key)
        given = given and not is_common(key) and key not in places()
        run = [first]
        for token in self.tokens[place + 1 : place + 3]:
            if is_common(token.key) or token.key in NO_NAMES:
                break
            known = is_listed(token.key)
            known = known or (is_unknown(token.key) and (named or given or met))
            if not known or not joins(self.text, run[-1], token):
                break
            run.append(token)
        short = self.english and is_short_name(key) and is_listed(key)
        short = short and (met or self._says(place + len(run)))
        if named or given or short or (len(run) > 1 and key in given_names()):
            return run
        rare = is_unknown(key) and (key in family_names() or met)
        return run if rare and key not in places() else ()

    def _uncased(self, place: int, named: bool) -> Tokens:
        """Return the name at *place* in a script without capitals, whose words are separated."""
        first, following = self.tokens[place], self.tokens[place + 1 : place + 2]
        pair = bool(following) and joins(self.text, first, following[0])
        pair = pair and is_listed(following[0].key)
        if named or (pair and first.key in given_names()):
            return self.tokens[place : place + 1 + pair]
        return ()


def _is_acronym(token: Token) -> bool:
    """Return whether *token* is in capitals, and no long name such as DUPONT."""
    long = len(token.key) > SHORT and is_listed(token.key) and not is_common(token.key)
    return token.text[1:2].isupper() and not long  # as O'Connell's mark is not
