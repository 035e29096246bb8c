"""Disguises of secrets: escapes, encodings, other letters or separators; found and masked."""

import html
import re
import sys
import unicodedata
from base64 import b64encode
from collections.abc import Iterator
from functools import lru_cache
from urllib.parse import unquote

_MIN_LETTERS = 4
_FEW_LETTERS = 6  # fewer may occur in a text by chance, even with digits
_CERTAIN_LETTERS = 12  # ordinary words in a row do not equal so many by chance
_ROUNDS = 8  # of escapes inside escapes
_CHUNK = 256  # characters: the time to normalise grows with the square of combining marks
# In this order, so that the end of one is not read as part of another. Each begins with a single
# character, for speed.
_ESCAPES = (
    re.compile(
        r"\\(?:u([dD][89abAB][0-9A-Fa-f]{2})\\u([dD][c-fC-F][0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})"
        r"|x([0-9A-Fa-f]{2})|U([0-9A-Fa-f]{8})|u\{([0-9A-Fa-f]{1,6})\}|[0-3][0-7]{2}|[abfnrtv\\\"'/])"
    ),
    re.compile(r"%(?:u([0-9A-Fa-f]{4})|[0-9A-Fa-f]{2}(?:%[0-9A-Fa-f]{2})*)"),
    re.compile(r"&#?[A-Za-z0-9]{1,32};?"),
    re.compile(r"</?[A-Za-z][^<>]{0,99}>"),
)
_OTHER = re.compile("[^\\x00-\\x7f]")
_ODD = re.compile(r"\d|[a-z][A-Z]|[A-Z][A-Z]+[a-z]")  # in no ordinary word
_LOWER = bytes(range(256)).lower()
_NO_LETTERS = bytes(byte for byte in range(256) if not bytes([byte]).isalnum())

# Letters and digits of a disguise, and its text if the punctuation counts, else None.
Forms = tuple[tuple[bytes, str | None], ...]
Spans = list[tuple[int, int]]  # of each character: where it began and ended in the original


@lru_cache(64)
def _forms_of(values: tuple[str, ...]) -> Forms:
    return tuple({form: None for value in values for form in _forms(value)})


def _forms(value: str) -> Iterator[tuple[bytes, str | None]]:
    plain, encoded = _ascii(value), value.encode(errors="surrogateescape")
    forms = [plain, _unescaped(plain), encoded.hex()]
    for before in range(3):  # bytes of other text in the group of three that Base64 encodes
        data = b"\0" * before + encoded
        base64 = b64encode(data).decode()
        forms.append(base64[(0, 2, 3)[before] : len(data) * 8 // 6])
    for form in forms:
        letters = _letters(form)
        ordinary = len(letters) < _CERTAIN_LETTERS and not _ODD.search(form)
        if len(letters) >= _MIN_LETTERS:
            exact = ordinary or letters.isdigit() or len(letters) < _FEW_LETTERS
            yield letters, form.lower() if exact else None


def mask_disguised(text: str, values: tuple[str, ...], mask: str) -> str:
    """Return *text* with *mask* for every disguised one of *values*.

    They are recognised by their ASCII letters and digits, in any case, with any others
    between them; values that are a number or a short word, by their punctuation too. The search
    takes some 20 ns per character.
    """
    forms = _forms_of(values)
    plain = None
    for rounds in (0, _ROUNDS) if forms else ():
        before, plain = plain, _unescaped(_ascii(text), rounds)
        if plain == before:  # it has no escapes
            break
        letters = _letters(plain)
        if any(each in letters for each, _ in forms):
            text = _masked(text, forms, mask, rounds)
    return text


def _ascii(text: str) -> str:
    """Return *text* in ASCII: letters in other forms replaced, everything else removed."""
    if text.isascii():
        return text
    chunks = (text[at : at + _CHUNK] for at in range(0, len(text), _CHUNK))
    plain = "".join(unicodedata.normalize("NFKD", chunk) for chunk in chunks)
    return plain.encode("ascii", "ignore").decode()


def _letters(plain: str) -> bytes:
    """Return the letters, in lower case, and digits of ASCII text."""
    return plain.encode().translate(_LOWER, _NO_LETTERS)


def _unescaped(plain: str, rounds: int = _ROUNDS) -> str:
    """Return ASCII text with the meaning of every escape in it."""
    for _ in range(rounds):
        before = plain
        for escape in _ESCAPES:
            plain = _ascii(escape.sub(_meaning, plain))
        if plain == before:
            break
    return plain


def _meaning(escape: re.Match[str]) -> str:
    """Return the meaning of *escape*; empty for white space and tags."""
    text = escape[0]
    if not text.isascii():
        return _ascii(text)
    if escape.lastindex == 2:  # of a character beyond the first 65,536
        high, low = int(escape[1], 16), int(escape[2], 16)
        return chr(0x10000 + (high - 0xD800) * 0x400 + low - 0xDC00)
    if escape.lastindex:
        point = int(escape[escape.lastindex], 16)
        return chr(point) if point <= sys.maxunicode else ""
    if text[0] == "%":
        return unquote(text)
    if text[0] == "&":
        return html.unescape(text)
    if text[1:].isdigit():
        return chr(int(text[1:], 8))
    return "" if text[0] == "<" or text[1:].isalpha() else text[1:]


def _masked(text: str, forms: Forms, mask: str, rounds: int) -> str:
    """Return *text* with *mask* for what is found in it after *rounds* of unescaping."""
    traced = _traced(_OTHER, text, [(at, at + 1) for at in range(len(text))])
    for escape in _ESCAPES * rounds:
        traced = _traced(_OTHER, *_traced(escape, *traced))
    parts: list[str] = []
    done = 0
    for start, end in sorted(_found(*traced, forms)):
        if start >= done:
            parts += text[done:start], mask
        done = max(done, end)
    return "".join([*parts, text[done:]])


def _traced(escape: re.Pattern[str], text: str, spans: Spans) -> tuple[str, Spans]:
    """Return *text* with the meaning of each *escape*; *spans* are its characters' places."""
    parts: list[str] = []
    origins: Spans = []
    done = 0
    for match in escape.finditer(text):
        start, end = match.span()
        meaning = _meaning(match)
        parts += text[done:start], meaning
        origins += spans[done:start] + [(spans[start][0], spans[end - 1][1])] * len(meaning)
        done = end
    return "".join([*parts, text[done:]]), origins + spans[done:]


def _found(plain: str, spans: Spans, forms: Forms) -> Iterator[tuple[int, int]]:
    """Yield where disguises begin and end in the original."""
    letters = _letters(plain)
    owners = [at for at, character in enumerate(plain) if character.isalnum()]
    for wanted, exact in forms:
        at = letters.find(wanted)
        while at >= 0:
            first, last = owners[at], owners[at + len(wanted) - 1]
            if exact is None or plain[first : last + 1].lower() in exact:
                yield spans[first][0], spans[last][1]
            at = letters.find(wanted, at + 1)
