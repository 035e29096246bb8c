"""Fields of records by the meaning of their names: who says what, and when."""

import itertools
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from runner.base.json import listing, mappings
from runner.base.text import to_safe_text
from runner.transcript.model import space_between
from runner.transcript.words import TABLES

Record = Mapping[str, object]

_RANKS = {
    role: {n: i for i, n in enumerate(names.split())} for role, names in TABLES["records"].items()
}
_TOKENS = {"text": "text transcript caption", "speaker": "speaker participant talker"}
_PARTS = "words elements segs seg sentences tokens terms items parts runs lines result"
_BEST = ("alternatives", "nbest", "hypotheses")
_PERSON = "realname name displayname fullname username label speaker user id role"
_UNITS = {name: float(size) for size, names in TABLES["units"].items() for name in names.split()}
_NOBODY = frozenset(("", "UU", "null", "None", "nan", "NaN", "N/A"))  # UU: Speechmatics
_MARKER = re.compile(r"[Mm]arker \d{1,4}$")  # of an editor of sound
_SPACED = 0.2  # of single words and parts of words, if they bring their spaces along
_MANY = 200  # keys, which are values and not fields
_TOKEN = re.compile(r"[A-Z]?[^\W_A-Z]+|[A-Z]+(?![a-z])")


@lru_cache(4096)
def simple_name(key: str) -> tuple[str, float]:
    """Return *key* in lower case without punctuation and unit, and the units per second, or 0."""
    tokens = [token.lower() for token in _TOKEN.findall(key[:80])]
    unit = _UNITS.get(tokens[-1], 0.0) if len(tokens) > 1 else 0.0
    return "".join(tokens[:-1] if unit else tokens), unit


@dataclass(frozen=True, slots=True)
class Fields:
    """The keys of a list of records by role, the first choice first."""

    keys: Mapping[str, tuple[str, ...]]
    parts: str | None = None
    best: str | None = None
    known: frozenset[str] = field(default_factory=frozenset)

    def first(self, role: str, record: Record) -> tuple[str, object]:
        """Return the key and the value that *record* has for *role*, or ("", None)."""
        for key in self.keys[role]:
            value = record.get(key)
            if value is not None and value != "":
                return key, value
        return "", None


def fields_of(records: Iterable[Record]) -> Fields:
    """Return the fields of *records*."""
    return fields_named(itertools.chain.from_iterable(records))


def fields_named(keys: Iterable[str]) -> Fields:
    """Return the fields of records with these *keys*."""
    found = tuple(dict.fromkeys(keys))
    return _fields(found) if len(found) < _MANY else _fields.__wrapped__(found)


@lru_cache(256)
def _fields(found: tuple[str, ...]) -> Fields:
    names = {key: simple_name(key)[0] for key in found}
    keys = {}
    for role, ranks in _RANKS.items():
        ranked = sorted((ranks[name], key) for key, name in names.items() if name in ranks)
        keys[role] = tuple(key for _, key in ranked)
    for role, tokens in _TOKENS.items():
        if not keys[role]:
            wanted = tokens.split()
            keys[role] = tuple(key for key, name in names.items() if any(t in name for t in wanted))
    lists = (key for name in _PARTS.split() for key, simple in names.items() if simple == name)
    best = (key for key, simple in names.items() if simple in _BEST)
    known = frozenset(itertools.chain(*keys.values()))
    return Fields(keys, next(lists, None), next(best, None), known)


def best_of(record: Record, fields: Fields) -> tuple[Record, Fields] | None:
    """Return the first alternative of *record* with its fields, None if it has none."""
    best = mappings(listing(record.get(fields.best) if fields.best else None)[:1])
    return (best[0], fields_of(best)) if best else None


def text_of(record: Record, fields: Fields) -> str | None:
    """Return the words of *record* or its best alternative, None without any."""
    for key in fields.keys["text"]:
        value = record.get(key)
        if (text := value if isinstance(value, str) else _text(value)) is not None:
            return text
    if best := best_of(record, fields):
        return text_of(*best)
    parts = parts_of(record, fields)
    return joined(parts) if parts else None


def _text(value: object) -> str | None:
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        parts = listing(value.get("parts"))  # of a chat
        plain = any(isinstance(part, str) for part in parts)
        return _text(parts) if plain else text_of(value, fields_of([value]))
    if isinstance(value, list) and all(isinstance(each, str | dict) for each in value):
        texts = [each if isinstance(each, str) else _text(each.get("text")) for each in value]
        return join_words([text or "" for text in texts]) if any(texts) else None
    return None


def parts_of(record: Record, fields: Fields) -> list[Record]:
    """Return the words or sentences that *record*, or its best alternative, lists."""
    parts = record.get(fields.parts) if fields.parts else None
    if isinstance(parts, list):
        return mappings(parts)
    best = best_of(record, fields)
    return parts_of(*best) if best else []


def joined(parts: Sequence[Record]) -> str:
    """Return the text of *parts*."""
    fields = fields_of(parts)
    return join_words([text_of(part, fields) or "" for part in parts])


def own_spaces(words: Sequence[str]) -> bool:
    """Return whether *words*, or parts of words, include the spaces between them."""
    spaced = sum(word[:1].isspace() or word[-1:].isspace() for word in words)
    return spaced > max(1, len(words) * _SPACED) and all(len(word.split()) < 2 for word in words)


def join_words(words: Sequence[str], own: bool | None = None) -> str:
    """Join *words*; *own* tells whether they include their spaces, if that is known."""
    pieces: list[str] = []
    before = ""
    own = own_spaces(words) if own is None else own
    for word in words:
        if before and word and not own and not _touch(before, word):
            pieces.append(" ")
        pieces.append(word)
        before = word or before
    return "".join(pieces)


def _touch(before: str, word: str) -> bool:
    if before[-1].isspace() or word[0].isspace():
        return True
    if not word[0].isalnum() and word[0] not in "([{\"'“‘«¿¡-–—$€£#@&+<*_~/\\":
        return True
    return not space_between(before, word)


def speaker_of(value: object) -> str | None:
    """Return the name in *value*: a text, a number, or an object with a name."""
    if isinstance(value, dict):
        found = {simple_name(key)[0]: each for key, each in value.items() if each not in (None, "")}
        return speaker_of(next((found[name] for name in _PERSON.split() if name in found), None))
    if isinstance(value, list) and len(value) == 1:
        return speaker_of(value[0])
    if isinstance(value, str):
        return _name(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return f"Speaker {value}"
    return None


@lru_cache(4096)
def _name(text: str) -> str | None:
    name = " ".join(to_safe_text(text).split())
    if name in _NOBODY or not name.strip("-=<>*|!") or _MARKER.match(name):
        return None
    return f"Speaker {name}" if name.isdecimal() and len(name) < 4 else name


def is_interim(record: Record, fields: Fields) -> bool:
    """Return whether *record* is a partial result that a final one replaces."""
    for key in fields.keys["final"]:
        value, name = record.get(key), simple_name(key)[0]
        if isinstance(value, bool):
            return value if "partial" in name else not value
        if isinstance(value, str) and ("partial" in value.lower() or value.lower() == "interim"):
            return True
    return str(record.get("status")).lower() in ("partial", "interim")
