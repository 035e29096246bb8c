"""Identifiers in running text: addresses, numbers of telephones and accounts, written or spoken."""

import re
from collections.abc import Iterator

from runner.base.files import packaged
from runner.transcript.redact.lexicon import ANY, LEXICON

Found = tuple[int, int, str]  # start, end, kind
KINDS = ("EMAIL", "PHONE", "ACCOUNTNR", "ADDRESS", "URL", "IP", "HANDLE")
EMAIL, PHONE, ACCOUNT, ADDRESS, URL, IP, HANDLE = KINDS

_WORDS, _TENS = (frozenset(LEXICON[name].split()) for name in ("digits", "tens"))
_SAID = dict(zip(LEXICON["digits"].split(), "000123456789", strict=False))  # the English ones
_TABLE = packaged(__package__, "identifiers.toml")
_PARTS = {
    "TOP": "|".join(LEXICON["top"].split()),
    "STREET": "|".join(LEXICON["streets"].split()),
    "WORD": "|".join(sorted(_WORDS | _TENS, key=len, reverse=True)),
    "NUMBERED": ANY["numbered"],
}


def _filled(pattern: str) -> str:
    return re.sub(r"\{([A-Z_]+)\}", lambda name: _PARTS[name[1]], pattern)


for _name, _pattern in _TABLE["parts"].items():
    _PARTS[_name] = _filled(_pattern)
_PATTERNS = {
    name: [re.compile(_filled(pattern)) for pattern in patterns]
    for name, patterns in _TABLE["shapes"].items()
}


def _matches(name: str, text: str) -> Iterator[re.Match[str]]:
    for pattern in _PATTERNS[name]:
        yield from pattern.finditer(text)


def find_identifiers(text: str) -> Iterator[Found]:
    """Yield the identifiers in *text*; spans may overlap."""
    for kind in (EMAIL, ADDRESS, IP, ACCOUNT, HANDLE):
        yield from ((*match.span(), kind) for match in _matches(kind, text))
    for match in _matches(URL, text):
        if any(_matches("NAMED_URL", match[0])):
            yield *match.span(), URL
    for match in _matches("NUMBERED", text):
        yield *match.span(1), ACCOUNT
    for match in _matches("DIGITS", text):
        plain = match[0].strip("()")
        other = "--" in plain or any(p.fullmatch(plain) for p in _PATTERNS["NO_NUMBER"])
        if not other and not any(p.match(text, match.end()) for p in _PATTERNS["UNIT"]):
            yield *match.span(), PHONE if _looks_dialled(match[0]) else ACCOUNT
    for match in _matches("SPOKEN", text):
        words = [word for word in re.findall(r"\w+", match[0].casefold()) if not word.isdigit()]
        if sum(word not in _TENS for word in words) >= 3:
            yield *match.span(), PHONE


def identity(kind: str, surface: str) -> str:
    """Return the common form of an identifier's spellings: its digits and letters."""
    folded = surface.casefold()
    if kind == EMAIL:
        folded = re.sub(_PARTS["AT"], "@", re.sub(_PARTS["DOT"], ".", folded))
    elif kind in (PHONE, ACCOUNT):
        folded = re.sub(r"[a-z]+", lambda word: _SAID.get(word[0], word[0]), folded)
    return re.sub(r"[\W_]+", "", folded).removeprefix("00")


def _looks_dialled(text: str) -> bool:
    digits = sum(map(str.isdigit, text))
    card = digits >= 13 and _passes_luhn([int(c) for c in text if c.isdigit()])
    social = re.fullmatch(r"\d{3}-\d{2}-\d{4}", text)
    return not card and not social and digits <= 15 and (digits < len(text) or text[0] in "+0")


def _passes_luhn(digits: list[int]) -> bool:
    """Return whether *digits* have the check digit of a card (ISO/IEC 7812-1, annex B)."""
    doubled = [sum(divmod(2 * d, 10)) if place % 2 else d for place, d in enumerate(digits[::-1])]
    return sum(doubled) % 10 == 0
