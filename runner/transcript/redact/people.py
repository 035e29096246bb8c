"""People in running text: names that lists, titles, introductions and verbs give away."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile

import regex

from runner.transcript.model import words_of
from runner.transcript.redact.lexicon import (
    MONTHS,
    NO_NAMES,
    ORGANISATIONS,
    PARTICLES,
    PLACES,
    ROLES,
    TITLES,
    UNSPACED,
    WORD,
    family_names,
    fold,
    given_names,
    is_common,
    is_listed,
    is_unknown,
)

MAX_WORDS = 5  # of a name

_JOINT = regex.compile(r"[ \u00a0]|-|(?<=\b\p{L})\. ?")
_AFTER_TITLE = regex.compile(r"\.? ")
_ENDS = frozenset(".?!…:\n]。？！—")  # what a sentence may follow
_BETWEEN = frozenset(" \u00a0\"'“”„«»‘([¿¡–-*_#")
_ELIDED = regex.compile(r"(?:d|l|dell|dall|nell|all|sull|qu|j|m|n|t|s|c)['’](?=\p{Lu})")
_IN_MONTH = regex.compile(
    r"\b(?:in|of|until|till|by|this|next|last|since|early|late|mid|every|from|to|and|\d(?:st|nd|rd|th)?)"
    r"[ -]$",
    regex.I,
)
# What is said before a name. The first kind is followed by one always, the second where a
# word is capitalised that is not common, the third where such a word may also be a thing.
_NAMED = regex.compile(
    r"(?:\bmy (?:full |first |last )?name(?:'s| is)|\bname is|\bi'?m called|\bcall me|\bnamed|"
    r"\bby the name of|je m['’]appelle|mi nombre es|me llamo|ich hei(?:ß|ss)e|mein name ist|"
    r"meu nome é|chamo-me|me chamo|mi chiamo|il mio nome è|ik heet|mijn naam is|jag heter|"
    r"mit navn er|nazywam się|mam na imię|jmenuji se|nimeni on|меня зовут|мое имя|моё имя|"
    r"με λένε|benim adım|adım|اسمي|שמי|मेरा नाम|इनका नाम)\s+$",
    regex.I,
)
_MET = regex.compile(
    r"(?:\b(?:i['’]?m|i am|this is|it['’]s|here is|speaking with|here with|je suis|ich bin|soy|sono|eu sou|"
    r"sou|ik ben|thanks|thank you|thanks so much|thank you so much|thanks a lot|hi|hello|hey|dear|"
    r"good (?:morning|afternoon|evening)|welcome|bye|goodbye|over to|go ahead|merci|gracias|danke|"
    r"obrigad[oa]|grazie|bonjour|hola|hallo|olá|ciao|спасибо|привет|это|ask(?:ed|ing)?|t(?:ell|old|elling)|"
    r"call(?:ed|ing)?|e-?mail(?:ed)?|met|ping(?:ed)?|cc|contact|hired?|married|told|"
    r"(?:spoke|speak|talk|talked|talking|met|meeting|meet|chat|chatted|work|worked|call|check|checked) (?:with|to)|"
    r"wife|husband|partner|son|daughter|brother|sister|mother|father|uncle|aunt|cousin|friend|"
    r"colleague|boss|manager|neighbou?r|assistant|frag|mit|fragte|con|avec|chez|von|zu|según|para)"
    r"[,!]? +)$",
    regex.I,
)
_SAYS = words_of(
    "said says asked asks told tells thinks thought mentioned agreed agrees wrote writes replied "
    "suggested suggests joined emailed mailed called calls wants wanted promised lives knows knew "
    "believes felt feels explained proposed confirmed sent noted answered reported remembers "
    "sagte sagt meinte fragte dijo dice preguntó disse falou diz dit disait ha detto zei сказал "
    "сказала говорит"
)
# What follows a name that is also a common word at the start of a sentence.
GOES_ON = _SAYS | words_of(
    "is was has had will would can could did does and thinks went goes should isn't wasn't hasn't "
    "didn't doesn't won't also already just then who here speaking"
)
_NAME_TEXT = r"[\p{Han}]{2,4}|[\p{Katakana}ー]{2,8}(?:・[\p{Katakana}ー]{2,8})?|[\p{Hangul}]{2,4}"
_TOLD = tuple(
    regex.compile(pattern)
    for pattern in (
        r"(?:我叫|名叫|叫做|我的名字是|我是)([\p{Han}]{2,4}?)(?=[，。、,.！!？?\s]|$)",
        r"([\p{Han}]{1,3}?)(?:先生|女士|小姐|总|經理|经理|老师|老師|医生|醫生|主任|教授)",
        r"([\p{Han}]{1,4}|[\p{Katakana}ー]{2,8})(?:さん|様|さま|くん|君|ちゃん|氏|先生)",
        rf"(?:私は|わたしは|僕は)({_NAME_TEXT})(?:です|と申します|といいます)",
        r"([\p{Han}]{2,6}|[\p{Katakana}ー]{2,8})と(?:申します|いいます)",
        r"(?:저는|제 이름은|나는)\s?([\p{Hangul}]{2,4}?)(?:입니다|이라고|라고|이에요|예요)",
        r"([\p{Hangul}]{2,4})\s?(?:씨|님|대리|과장|부장|팀장|사장|선생님|박사|교수)",
        r"(?:คุณ|ชื่อ)\s?([\p{Thai}]{2,12})(?=\s|$|ครับ|ค่ะ)",
    )
)
_UNCASED_TITLES = regex.compile(
    r"(?:السيد|السيدة|الأستاذ|الدكتور|الدكتورة|מר|גברת|גב'|ד\"ר|श्री|श्रीमती|डॉ\.?)\s$"
)


@dataclass(frozen=True, slots=True)
class Token:
    """A word in a text; *opens* says whether a sentence starts with it."""

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
        return self.text[0].lower() != self.text[0].upper()


def tokens_of(text: str) -> list[Token]:
    """Return the words of *text*, without what follows an apostrophe at their end."""
    found = []
    for match in WORD.finditer(text):
        start, word = match.start(), match[0]
        if not word.isalpha() and ("'" in word or "’" in word or "ʼ" in word):
            if elided := _ELIDED.match(word):
                start, word = start + elided.end(), word[elided.end() :]
            cut = max(word.rfind(mark) for mark in "'’ʼ")
            if cut > 1 and len(word) - cut <= 5 and word[cut + 1 :].islower():
                word = word[:cut]
        found.append(Token(start, start + len(word), word, fold(word), _opens(text, start)))
    return found


def _opens(text: str, start: int) -> bool:
    """Return whether a sentence begins at *start*."""
    place = start - 1
    while place >= 0 and text[place] in _BETWEEN:
        place -= 1
    return place < 0 or text[place] in _ENDS


def joins(text: str, left: Token, right: Token) -> bool:
    """Return whether two words stand side by side like those of one name."""
    return bool(_JOINT.fullmatch(text[left.end : right.start]))


def names_in(text: str, *, caseless: bool = False) -> Iterator[str]:
    """Yield the names that *text* gives away; *caseless* text is written without capitals."""
    for pattern in _TOLD:
        yield from (match[1] for match in pattern.finditer(text))
    tokens = tokens_of(text)
    caseless = caseless or (len(tokens) > 2 and text.isupper())
    place = 0
    while place < len(tokens):
        run = _run(text, tokens, place, caseless=caseless)
        if run:
            yield text[run[0].start : run[-1].end]
        place += len(run) or 1


def _run(text: str, tokens: Sequence[Token], place: int, *, caseless: bool) -> Sequence[Token]:
    """Return the words of the name that begins with the token at *place*, none if none does."""
    first = tokens[place]
    before = text[max(0, first.start - 40) : first.start]
    if UNSPACED.search(first.text):
        return ()
    titled = place > 0 and tokens[place - 1].key in TITLES and _has_title(text, tokens, place)
    named = titled or bool(_NAMED.search(before)) or bool(_UNCASED_TITLES.search(before))
    if not first.cased:
        return _uncased(text, tokens, place, named=named)
    if caseless:
        return _lower(text, tokens, place, named=named)
    if not first.capital or first.key in TITLES:
        return ()
    run = _capitals(text, tokens, place, named=named)
    if run and (named or _is_person(text, run, before, tokens[place + len(run) :][:1])):
        return run
    return ()


def _has_title(text: str, tokens: Sequence[Token], place: int) -> bool:
    title, first = tokens[place - 1], tokens[place]
    gap = text[title.end : first.start]
    return bool(_AFTER_TITLE.fullmatch(gap)) and (title.capital or "." in gap or text.islower())


def _capitals(
    text: str, tokens: Sequence[Token], place: int, *, named: bool
) -> Sequence[Token]:
    """Return the capitalised words from *place* on that may be one name."""
    run = [tokens[place]]
    if not named and run[0].key in NO_NAMES and not _precedes_name(text, tokens, place):
        return ()
    for token in tokens[place + 1 : place + MAX_WORDS + 1]:
        if not joins(text, run[-1], token):
            break
        if not token.capital and token.key not in PARTICLES:
            break
        if token.key in NO_NAMES or (token.capital and token.text.isupper() and len(token.text) > 1):
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


def _precedes_name(text: str, tokens: Sequence[Token], place: int) -> bool:
    """Return whether April or May at *place* is the given name of somebody."""
    following = tokens[place + 1 : place + 2]
    return (
        tokens[place].key in given_names()
        and bool(following)
        and joins(text, tokens[place], following[0])
        and following[0].capital
        and following[0].key in family_names()
    )


def _is_person(text: str, run: Sequence[Token], before: str, after: Sequence[Token]) -> bool:
    """Return whether the capitalised words of *run* are the name of a person."""
    first, last = run[0], run[-1]
    says = bool(after) and text[last.end : after[0].start] == " " and after[0].key in _SAYS
    met = bool(_MET.search(before)) and not first.opens
    calls = bool(_MET.search(before)) or says or _is_called(text, run, before)
    if len(run) == 1:
        return _is_single(text, first, before, met=met or calls, says=says)
    if last.key in ORGANISATIONS and first.key not in given_names():
        return False
    if first.key in given_names() and first.key not in PLACES:
        return True
    if any(is_listed(token.key) and not is_common(token.key) for token in run):
        return not first.opens or not is_common(first.key)
    strange = [not is_common(t.key) and t.key not in PLACES for t in run if t.key not in PARTICLES]
    return all(strange) and not all(token.text.isupper() for token in run)


def _is_single(text: str, token: Token, before: str, *, met: bool, says: bool) -> bool:
    """Return whether one capitalised word is the name of a person."""
    key = token.key
    if len(key) < 2 or (token.text.isupper() and len(key) > 1) or key in ORGANISATIONS:
        return False
    if key in given_names():
        if key in PLACES:
            return says
        if key in MONTHS and _IN_MONTH.search(before):
            return False
        return not is_common(key) or (not token.opens and key not in ROLES) or says
    if key in PLACES or is_common(key) or key in ROLES:
        return says and key in family_names()
    return key in family_names() or met


def _is_called(text: str, run: Sequence[Token], before: str) -> bool:
    """Return whether *run* ends a sentence as somebody who is spoken to: "Can you, Priya?"."""
    ends = text[run[-1].end : run[-1].end + 1] in ("?", "!", "")
    return ends and bool(regex.search(r"(?:^|\s)\p{Ll}+, $", before))


def _lower(text: str, tokens: Sequence[Token], place: int, *, named: bool) -> Sequence[Token]:
    """Return the name at *place* in text without capitals (or of capitals only)."""
    first = tokens[place]
    if first.key in NO_NAMES or first.key in PARTICLES or first.key in ROLES or len(first.key) < 2:
        return ()
    given = first.key in given_names() and not is_common(first.key) and first.key not in PLACES
    met = bool(_MET.search(text[max(0, first.start - 40) : first.start]))
    rest = takewhile(
        lambda token: not is_common(token.key) and token.key not in NO_NAMES,
        tokens[place + 1 : place + 3],
    )
    run, following = [first], list(rest)
    for token in following:
        if not joins(text, run[-1], token):
            break
        if not is_listed(token.key) and not (is_unknown(token.key) and (named or given)):
            break
        run.append(token)
    if named or given or (len(run) > 1 and first.key in given_names()):
        return run
    rare = is_unknown(first.key) and (first.key in family_names() or met)
    return run if rare and first.key not in PLACES else ()


def _uncased(text: str, tokens: Sequence[Token], place: int, *, named: bool) -> Sequence[Token]:
    """Return the name at *place* in a script without capitals, whose words are separated."""
    first, following = tokens[place], tokens[place + 1 : place + 2]
    pair = bool(following) and joins(text, first, following[0])
    listed = pair and first.key in given_names() and is_listed(following[0].key)
    if named:
        return tokens[place : place + 1 + (pair and is_listed(following[0].key))]
    return tokens[place : place + 2] if listed else ()


def name_in_label(label: str) -> str | None:
    """Return the name in a speaker's label such as `Dr. Ana Silva (Acme), CFO`; None for a role."""
    told = regex.split(r"[(\[,;|/]| - | – |@|:", label.strip(" \"'*_"))[0]
    words = [token for token in tokens_of(told) if token.key not in TITLES]
    while words and words[-1].key in ROLES:
        words.pop()
    keys = [word.key for word in words]
    if not any(len(key) > 1 or UNSPACED.search(key) for key in keys):
        return None
    if all(key in ROLES for key in keys) or all(is_common(k) and not is_listed(k) for k in keys):
        return None  # Interviewer, Mission Control, Technical Support
    return told[words[0].start : words[:MAX_WORDS][-1].end]


def names_in_list(text: str) -> Iterator[str]:
    """Yield the names in a list of attendees."""
    bare = regex.sub(r"\([^)]*\)|<[^>]*>|\S+@\S+", " ", text)
    for part in regex.split(r"[,;/&\n•|]|\b(?:and|und|et|y|e|with)\b", bare):
        if (name := name_in_label(part)) is not None:
            yield name


def is_caseless(texts: Iterable[str]) -> bool:
    """Return whether *texts* are written without capitals, as some recognisers do."""
    words = capitals = 0
    for text in texts:
        words += text.count(" ") + 1
        capitals += sum(map(str.isupper, text))
    return capitals < 0.01 * words
