"""Identifiers in running text: addresses, numbers of telephones and accounts, written or spoken."""

import re
from collections.abc import Iterator

from runner.transcript.redact.lexicon import ANY, LEXICON

Found = tuple[int, int, str]  # start, end, kind
EMAIL, PHONE, ACCOUNT, ADDRESS, URL, IP, HANDLE = (
    *("EMAIL", "PHONE", "ACCOUNTNR", "ADDRESS", "URL", "IP", "HANDLE"),
)

_DOT = r"(?:\.|\s\.\s|\s(?:dot|punto|ponto|punkt|punct|точка)\s|\s?[\[({<](?:dot|\.)[\])}>]\s?)"
_AT = (
    r"(?:\s(?:at|arroba|arobase|chiocciola|ät|собака)\s|\s?[\[({<](?:at|@)[\])}>]\s?"
    r"|\s@\s?|@\s)"
)
_PART = r"[\w+%-]{1,64}+"  # possessive: no way to match it twice
_INNER = rf"(?:{_DOT}|\s(?:point|underscore|dash|hyphen|minus|plus)\s|\s_\s)"
_LETTERS = rf"[^\W\d_](?:(?:{_INNER}|[\s-])\w\b){{2,40}}+\.?"  # a name letter by letter
_LOCAL = rf"(?<!\w)(?:(?:{_LETTERS})(?:{_INNER}{_PART}){{0,4}}|{_PART}(?:{_INNER}{_PART}){{0,4}}?)"
_TOP = "|".join(LEXICON["top"].split())
_SPOKEN_END = rf"{_PART}(?:{_DOT}{_PART}){{0,3}}{_DOT}(?:{_TOP})\b"
_EMAIL = re.compile(
    r"(?:\"[^\"\s@]{1,64}(?: [^\"\s@]{1,64})?\"|[\w.+%-]{1,64})@"
    r"(?:[\w-]{1,63}(?:\.[\w-]{2,63}){1,5}|[a-z][\w-]{1,63})"
    rf"|{_LOCAL}{_AT}{_SPOKEN_END}"
    rf"|{_LOCAL}\sarobase\s{_PART}(?:\spoint\s{_PART}){{0,2}}"
    rf"\spoint\s(?:{_TOP})\b"
    rf"|(?-i:(?<!\w)(?=[^\W\d_A-Z]){_LETTERS})\s(?:at|arroba|arobase|chiocciola|ät|собака)\s[^\W\d_]{{2,40}}",
    re.I,
)
_URL = re.compile(
    r"\b(?:https?://|www\.)[^\s<>\"')\]]{3,500}"
    r"|\b(?:[\w-]{1,30}\.){0,3}(?:linkedin|github|gitlab|twitter|x|facebook|instagram|tiktok|medium|t|"
    r"xing|youtube|vk|mastodon)\.(?:com|me|social)/[^\s<>\"')\]]{2,200}",
    re.I,
)
_NAMED_URL = re.compile(
    r"//[^/\s]+@|~|/@|/(?:u|in|user|users|profile|people|member|author|channel|c)/|\d{5}"
    r"|(?:linkedin|github|gitlab|twitter|x|facebook|instagram|tiktok|medium|t|xing|vk)\.\w+/\w",
    re.I,
)
_IP = re.compile(
    r"(?<![\w.])(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?:25[0-5]|2[0-4]\d|1?\d?\d)){3}(?![\w.]*\d)"
    r"|(?<![\w:])(?:[0-9a-f]{0,4}:){3,7}[0-9a-f]{1,4}(?![\w:])"
    r"|(?<![\w:])(?=[0-9a-f:]*\d)[0-9a-f]{0,4}(?::[0-9a-f]{1,4}){0,5}::[0-9a-f]{1,4}"
    r"(?::[0-9a-f]{1,4}){0,5}(?![\w:])",
    re.I,
)
_HANDLE = re.compile(r"(?<![\w@.])@[A-Za-z_][\w.]{1,40}\w")
_IBAN = re.compile(
    r"\b[A-Z]{2}\d{2}(?:[ -]?[A-Z0-9]{4}){2,7}(?:[ -]?[A-Z0-9]{1,3})?\b"
    r"|\b[a-z]{2}\d{2}(?:[ -]?\d{4}){3,7}(?:[ -]?\d{1,3})?\b"
)
_CODE = re.compile(
    r"\b(?=[A-Z0-9-]{6,24}\b)(?=[A-Z0-9-]*[A-Z])(?!(?:ISO|IEC|RFC|DIN|EN|CVE|GPT|IPV)-?\d)"
    r"(?:[A-Z]{1,6}-?\d{5,12}[A-Z]?|\d{5,12}-?[A-Z]{1,3}|[A-Z0-9]{2,6}-\d{3,8}(?:-[A-Z0-9]{1,8})*"
    r"|[A-Z]{6}\d\d[A-Z]\d\d[A-Z]\d{3}[A-Z])\b"
    r"|\b[A-Z]{2} ?\d{2} ?\d{2} ?\d{2} ?[A-D]\b"
    r"|\b[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\b"
    r"|\b(?=(?:[A-Za-z]*\d){3})(?=\d*[A-Za-z])[A-Za-z0-9]{14,200}\b"
)
# Seven digits and more in groups, without money, dates and times.
_DIGITS = re.compile(
    r"(?<![A-Za-z0-9_.,$€£¥+])(?:\+|00)?\(?\d(?:[ \u00a0.\-/()–]{0,3}\d){6,22}"
    r"(?![A-Za-z0-9_]|[.,]\d)"
    r"|(?<!\w)\+\(?\d(?:[ \u00a0.\-/()–]{0,3}\d){6,16}(?![A-Za-z0-9_])"
)
_NO_NUMBER = re.compile(
    r"\d{1,3}(?:\.\d{3})+|(?:19|20)\d\d[-./]\d{1,2}[-./]\d{1,2}(?:[ T]\d{1,2}.*)?"
    r"|\d{1,2}[-./]\d{1,2}[-./](?:19|20)\d\d|(?:19|20)\d\d\s?[-–/]\s?(?:19|20)\d\d"
)
_UNIT = re.compile(
    r"\s?(?:%|€|\$|£|(?:dollars?|euros?|pounds?|percent|users|people|rows|bytes|tokens|euro|usd)\b)"
)
_SAID = {
    **{"zero": "0", "oh": "0", "nought": "0", "one": "1", "two": "2", "three": "3", "four": "4"},
    **{"five": "5", "six": "6", "seven": "7", "eight": "8", "nine": "9"},
}
_WORDS, _TENS = (frozenset(LEXICON[name].split()) for name in ("digits", "tens"))
_DIGIT_WORD = (
    "(?:" + "|".join([*sorted(_WORDS | _TENS, key=len, reverse=True), "o", r"\d{1,4}"]) + ")"
)
_SPOKEN = re.compile(rf"(?<!\w){_DIGIT_WORD}(?:[\s,.\-–]{{1,3}}{_DIGIT_WORD}){{5,24}}(?!\w)", re.I)
_NUMBERED = re.compile(
    rf"\b(?:{ANY['numbered']})"
    r"(?:[ -]?(?:number|no\.?|nr\.?|#|id|code|nummer|numero|número|numéro|de compte|de cuenta))?"
    r"(?:\s(?:is|was|ist|es|est|é|lautet|ends in|ending in|ends with))?\s?[:#]?\s?"
    r"((?-i:[A-Z]{1,4}[ -]?)?\d(?:[ -]?[A-Z]{0,2}\d){3,15}+)(?![\w]|[.,]\d)",
    re.I,
)
_NUMBER = (
    rf"(?:\d{{1,5}}\s?[a-zA-Z]?\b(?:[-/]\d{{1,4}})?|{_DIGIT_WORD}(?:[\s-]{_DIGIT_WORD}){{0,3}})"
)
_CAP = r"(?:[A-ZÀ-ÞА-Я][\w'’.-]*|\d{1,3}(?:st|nd|rd|th))"
_TAIL = (
    r"(?:,?\s(?:Apt|Apartment|Suite|Unit|Flat|Floor|#)\.?\s?\w{1,6})?"
    r"(?:,\s[A-ZÀ-Þ][\w'’-]+(?:\s[A-ZÀ-Þ][\w'’-]+)?,?\s[A-Z]{2}(?:\s\d{5}(?:-\d{4})?)?)?"
)
_STREETS = "|".join(LEXICON["streets"].split())
_TOWN = (
    r"(?:,\s(?:[A-Z]{1,2}-)?(?:\d{4}\s[A-Z]{2}|\d{4,5}|\d\d-\d{3}|\d{3}\s\d\d)\s[A-ZÀ-Þ][\w-]+)?"
)
_DOOR = r"(?:/\d{1,4}|,?\s(?:кв|корп|m|lok)\.\s?\d{1,4})?"
_ADDRESS = re.compile(
    r"(?:(?<!\w)(?:Flat|Apt\.?|Apartment|Unit|Suite)\s\w{1,5},\s)?"
    rf"(?<!\w)(?i:{_NUMBER})\s(?:{_CAP}\s){{1,4}}(?:{_STREETS})\b\.?(?:\s(?:NW|NE|SW|SE|[NESW])\b)?{_TAIL}"
    rf"|(?<!\w)(?:{_CAP}\s){{1,3}}(?:Road|Street|Marg|Nagar)\s\d{{1,4}},\s{_CAP}(?:\s\d{{6}})?"
    rf"|(?<!\w)(?i:{_NUMBER})\s(?:[a-z]+\s){{1,2}}(?:street|avenue|road|lane|boulevard)\b"
    rf"|(?<!\w)(?:[A-ZÄÖÜ][\wäöüß.-]*(?:straße|strasse|str\.|weg|platz|allee|gasse|ring|damm|ufer)"
    rf"|(?:{_CAP}\s)?(?:Straße|Strasse|Weg|Platz|Allee|Gasse|Ring|Damm|Ufer))\s\d{{1,4}}\s?[a-z]?\b"
    rf"{_TOWN}"
    rf"|(?<!\w)[A-Z][\w-]*(?:straat|laan|weg|plein|gracht|kade|gatan|gata|veien|vegen|vägen|gade|vej|katu|tie|kuja)\s\d{{1,4}}\b{_TOWN}"
    r"|(?<!\w)\d{1,4}(?:\s?(?:bis|ter))?,?\s(?i:rue|avenue|boulevard|place|allée|chemin|impasse|"
    r"quai|cours)\s(?:(?:de la|de l['’]|du|des|de|d['’])\s?)?[A-ZÀ-Þ][\w'’-]*"
    r"(?:[\s-][A-ZÀ-Þ][\w'’-]*){0,3}"
    rf"{_TOWN}"
    rf"|(?<!\w)(?:{_CAP}\s){{1,3}}(?:gate|vei|veg|plass)\s\d{{1,4}},\s\d{{4}}\s{_CAP}"
    r"|(?<!\w)(?:[Cc]alle|C/|[Aa]venida|Av\.|[Pp]laza|[Pp]aseo|[Rr]ua|[Pp]raça|[Tt]ravessa|[Vv]ia|"
    r"[Vv]iale|[Pp]iazza|[Cc]orso|[Uu]lica|[Uu]l\.|ул\.|улица|улице|проспект)\s"
    rf"(?:(?:de|del|la|las|los|da|do|dos|das|di|della)\s){{0,2}}{_CAP}(?:\s{_CAP}){{0,3}},?\s"
    rf"(?:n\.?º?\s?|número\s|numero\s|дом\s|д\.\s?)?\d{{1,4}}\b{_DOOR}{_TOWN}"
    r"|(?<!\w)(?:Am|Im|Zum|Zur|An der|An den|In der|Auf der|Auf dem|Unter den|Hinter der)"
    r"\s[A-ZÄÖÜ][\w-]+\s\d{1,4}\s?[a-z]?,\s(?:D-)?\d{5}\s[A-ZÄÖÜ][\w-]+"
    r"|[\u4e00-\u9fff]{1,6}[都道府県市区町村][\u3040-\u9fff]{0,12}\d+(?:[-−0-9]|丁目|番地?|号)*"
    r"|[\u4e00-\u9fff]{2,12}(?:路|街|大道|巷|丁目)\s?\d+(?:[-−番]\d+)*[号號]?"
    r"|〒?\s?\b\d{3}-\d{4}\b(?=\s?[\u3040-\u9fff]{2})"
    r"|(?:[\uac00-\ud7a3]{1,8}[시도구군동]\s){1,4}[\uac00-\ud7a3\d]{1,10}[로길]\s?\d{1,4}(?:-\d+)?"
    r"|\b(?:P\.?\s?O\.?\s?[Bb]ox|Postfach|Postbus|Postboks|B\.?P\.?|Casilla|Apartado|Caixa Postal)"
    r"\s\d{1,6}(?:\s\d\d){0,3}\b"
)
_POSTCODE = re.compile(
    r"\b(?:[A-Z]{1,2}\d[A-Z\d]?\s\d[A-Z]{2}|[A-Z]\d[A-Z]\s?\d[A-Z]\d|[1-9]\d{3}\s(?!AM|PM|US|EU|UK)[A-Z]{2}"
    r"|[A-Z]{2}\s\d{5}(?:-\d{4})?|\d{5}-\d{3}|D-\d{5})\b"
)


def find_identifiers(text: str) -> Iterator[Found]:
    """Yield the identifiers in *text*, longest kinds first; spans may overlap."""
    for pattern, kind in _SHAPES:
        yield from ((*match.span(), kind) for match in pattern.finditer(text))
    for match in _URL.finditer(text):
        if _NAMED_URL.search(match[0]):
            yield *match.span(), URL
    for match in _NUMBERED.finditer(text):
        yield *match.span(1), ACCOUNT
    for match in _DIGITS.finditer(text):
        if _is_number(match[0]) and not _UNIT.match(text, match.end()):
            yield *match.span(), PHONE if _looks_dialled(match[0]) else ACCOUNT
    for match in _SPOKEN.finditer(text):
        if _is_spoken(match[0]):
            yield *match.span(), PHONE


_SHAPES = (
    (_EMAIL, EMAIL),
    (_ADDRESS, ADDRESS),
    (_IP, IP),
    (_IBAN, ACCOUNT),
    (_CODE, ACCOUNT),
    (_POSTCODE, ADDRESS),
    (_HANDLE, HANDLE),
)


def identity(kind: str, surface: str) -> str:
    """Return the common form of an identifier's spellings: its digits and letters."""
    folded = surface.casefold()
    if kind == EMAIL:
        folded = re.sub(rf"{_AT}", "@", re.sub(_DOT, ".", folded, flags=re.I), flags=re.I)
    elif kind in (PHONE, ACCOUNT):
        folded = re.sub(r"[a-z]+", lambda word: _SAID.get(word[0], word[0]), folded)
    return re.sub(r"[\W_]+", "", folded).removeprefix("00")


def _is_number(text: str) -> bool:
    return not _NO_NUMBER.fullmatch(text.strip("()")) and "--" not in text


def _looks_dialled(text: str) -> bool:
    digits = sum(map(str.isdigit, text))
    card = digits >= 13 and _passes_luhn([int(c) for c in text if c.isdigit()])
    social = re.fullmatch(r"\d{3}-\d{2}-\d{4}", text)
    return not card and not social and digits <= 15 and (digits < len(text) or text[0] in "+0")


def _passes_luhn(digits: list[int]) -> bool:
    """Return whether *digits* have the check digit of a card (ISO/IEC 7812-1, annex B)."""
    doubled = [sum(divmod(2 * d, 10)) if place % 2 else d for place, d in enumerate(digits[::-1])]
    return sum(doubled) % 10 == 0


def _is_spoken(text: str) -> bool:
    words = [word for word in re.findall(r"\w+", text.casefold()) if not word.isdigit()]
    return len(words) >= 3 and sum(word not in _TENS for word in words) >= 3
