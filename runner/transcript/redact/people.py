"""People in running text: names recognized by lists, titles, introductions and verbs."""

from collections.abc import Iterator, Set

import regex

from runner.transcript.redact.lexicon import (
    ANY,
    LEXICON,
    MONTHS,
    NO_NAMES,
    ORGANISATIONS,
    PARTICLES,
    ROLES,
    TITLES,
    UNSPACED,
    family_names,
    given_names,
    is_common,
    is_inflected,
    is_listed,
    is_mostly_name,
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
_UNCASED_TITLES = regex.compile(
    r"(?:السيد|السيدة|الأستاذ|الدكتور|الدكتورة|מר|גברת|גב'|ד\"ר|श्री|श्रीमती|डॉ\.?)\s$"
)


def names_in(text: str, common: Set[str] | None = None, *, caseless: bool = False) -> Iterator[str]:
    """Yield the names recognized in *text*; *caseless* text is written without capitals."""
    for pattern in _INTRODUCED:
        yield from (match[1] for match in pattern.finditer(text))
    tokens = tokens_of(text, common)
    caseless = caseless or (len(tokens) > 2 and text.isupper())
    place = 0
    while place < len(tokens):
        run = _run(text, tokens, place, caseless=caseless)
        if run:
            yield text[run[0].start : run[-1].end]
        place += len(run) or 1


def _run(text: str, tokens: Tokens, place: int, *, caseless: bool) -> Tokens:
    """Return the words of the name that begins with the token at *place*, if any."""
    first = tokens[place]
    if first.cased and not caseless and (not first.capital or first.key in TITLES):
        return ()
    before = text[max(0, first.start - 40) : first.start]
    if UNSPACED.search(first.text):
        return ()
    titled = place > 0 and tokens[place - 1].key in TITLES and _has_title(text, tokens, place)
    named = titled or bool(_NAMED.search(before)) or bool(_UNCASED_TITLES.search(before))
    if not first.cased:
        return _uncased(text, tokens, place, named=named)
    if caseless:
        return _lower(text, tokens, place, named=named)
    run = _capitals(text, tokens, place, named=named)
    if run and (named or _is_person(text, run, before, tokens[place + len(run) :][:1])):
        return run
    return ()


def _has_title(text: str, tokens: Tokens, place: int) -> bool:
    title, first = tokens[place - 1], tokens[place]
    gap = text[title.end : first.start]
    spelt = title.capital or "." in gap or title.key not in _WORDS_TOO or text.islower()
    return spelt and (gap == " " or (gap == ". " and title.key in _SHORT))


def _capitals(text: str, tokens: Tokens, place: int, *, named: bool) -> Tokens:
    """Return the capitalised words from *place* on that may be one name."""
    run = [tokens[place]]
    if run[0].key in NO_NAMES and not _precedes_name(text, tokens, place):
        return ()
    if is_common(run[0].key) and not is_listed(run[0].key) and not named:
        return ()  # Yesterday, Ranking Member
    for token in tokens[place + 1 : place + MAX_WORDS + 1]:
        if not joins(text, run[-1], token):
            break
        if not token.capital and token.key not in PARTICLES:
            break
        if token.key in NO_NAMES or token.key in TITLES or _is_acronym(token):
            break
        run.append(token)
    while len(run) > 1 and run[-1].key in PARTICLES:
        run.pop()
    opening, following = run[0], run[1:2]
    if opening.opens and following and is_common(opening.key) and not named:
        given = opening.key in given_names()
        if not given or (following[0].key in given_names() and not is_common(following[0].key)):
            return ()  # Yesterday Maria, Will Maria
    return run


def _is_acronym(token: Token) -> bool:
    """Return whether a word is written like CPU or APIs."""
    return len(token.text) > 1 and token.text[:2].isupper()


def _precedes_name(text: str, tokens: Tokens, place: int) -> bool:
    """Return whether April or May at *place* is a given name."""
    following = tokens[place + 1 : place + 2]
    if tokens[place].key not in MONTHS or not following or not following[0].capital:
        return False
    return joins(text, tokens[place], following[0]) and following[0].key in family_names()


def _is_person(text: str, run: Tokens, before: str, after: Tokens) -> bool:
    """Return whether the capitalised words of *run* are the name of a person."""
    first, last = run[0], run[-1]
    says = bool(after) and text[last.end : after[0].start] == " " and after[0].key in _SAYS
    met = bool(_MET.search(before)) and not first.opens
    calls = bool(_MET.search(before)) or says or _is_called(text, run, before)
    if first.key not in given_names() and _THE.search(before):
        return False
    if len(run) == 1:
        return _is_single(text, first, before, met=met or calls, says=says)
    if last.key in ORGANISATIONS and first.key not in given_names():
        return False
    if first.key in given_names() and first.key not in places():
        return True
    words = [token.key for token in run if token.key not in places()]
    if any(map(is_listed, words)) and not all(map(is_common, words)):
        return not first.opens or not is_common(first.key)
    strange = (t.key in PARTICLES or not (is_common(t.key) or t.key in places()) for t in run)
    return all(strange) and not all(token.text.isupper() for token in run)


def _is_single(text: str, token: Token, before: str, *, met: bool, says: bool) -> bool:
    """Return whether one capitalised word is the name of a person."""
    key = token.key
    if len(key) < 2 or key in PARTICLES or _is_acronym(token):
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
    return key in family_names() or met or (not text.isascii() and is_inflected(key))


def _is_called(text: str, run: Tokens, before: str) -> bool:
    """Return whether *run* ends a sentence as a form of address: "Can you, Priya?"."""
    ends = text[run[-1].end : run[-1].end + 1] in ("?", "!", "")
    return ends and bool(regex.search(r"(?:^|\s)\p{Ll}+, $", before))


def _lower(text: str, tokens: Tokens, place: int, *, named: bool) -> Tokens:
    """Return the name at *place* in text without capitals (or of capitals only)."""
    first = tokens[place]
    if first.key in NO_NAMES or first.key in PARTICLES or first.key in ROLES or len(first.key) < 2:
        return ()
    given = first.key in given_names() and is_mostly_name(first.key)
    given = given and not is_common(first.key) and first.key not in places()
    met = bool(_MET.search(text[max(0, first.start - 40) : first.start]))
    run = [first]
    for token in tokens[place + 1 : place + 3]:
        if is_common(token.key) or token.key in NO_NAMES or not joins(text, run[-1], token):
            break
        if not is_listed(token.key) and not (is_unknown(token.key) and (named or given or met)):
            break
        run.append(token)
    if named or given or (len(run) > 1 and first.key in given_names()):
        return run
    rare = is_unknown(first.key) and (first.key in family_names() or met)
    return run if rare and first.key not in places() else ()


def _uncased(text: str, tokens: Tokens, place: int, *, named: bool) -> Tokens:
    """Return the name at *place* in a script without capitals, whose words are separated."""
    first, following = tokens[place], tokens[place + 1 : place + 2]
    pair = bool(following) and joins(text, first, following[0])
    listed = pair and first.key in given_names() and is_listed(following[0].key)
    if named:
        return tokens[place : place + 1 + (pair and is_listed(following[0].key))]
    return tokens[place : place + 2] if listed else ()
