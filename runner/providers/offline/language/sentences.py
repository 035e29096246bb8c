"""Sentences, words and key terms of transcript lines, without a language model."""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass
from functools import lru_cache

from runner.providers.offline.document import Utterance
from runner.providers.offline.language.cues import has
from runner.providers.offline.language.lexicon import (
    ABBREVIATIONS,
    LEADING_MARKERS,
    NOT_NOUNS,
    NOUNS_IN_LY,
    STOP_WORDS,
    pattern,
)
from runner.transcript.warnings import hardly_english

MAX_QUOTE_CHARS = 300
_LONG_CHARS = 290  # a sentence longer than this is cut at clause boundaries
_WORD = re.compile(r"\w+(?:['’-]\w+)*")
_MARKUP = re.compile(r"\{[^{}]*\}|\[[^\[\]]*\]|[{}]")  # {vocalsound}, [laughs]
_TERMINATOR = re.compile(r"(?<![.!?…])[.!?…]++[\"'”’)\]]*(?=\s|$)")
_CUTS = (  # where a long sentence may be cut, best first
    re.compile(r";\s+|\s[–—-]{1,2}\s"),
    re.compile(r",\s+(?=(?:and|but|so|or|which|who|while|whereas|then)\b)", re.IGNORECASE),
    re.compile(r"[,:]\s+"),
    re.compile(r"\s+(?=(?:and|but|so|because|if|when|which|that)\b)", re.IGNORECASE),
    re.compile(r"\s+"),
)
_CLAUSE = pattern("sentences.clause")


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence or, where speech runs on, a clause: a verbatim part of one segment's text.

    *text* has at most MAX_QUOTE_CHARS characters and no markup in braces; *index* counts the
    sentences of the transcript from 0.
    """

    text: str
    segment: str
    speaker: str | None
    index: int


def sentences(lines: Iterable[Utterance]) -> tuple[Sentence, ...]:
    """Split every line into sentences; each is a verbatim substring of its line's text."""
    found: list[Sentence] = []
    for line in lines:
        for text in _split(line.text):
            found.append(Sentence(text, line.segment, line.speaker, len(found)))
    return tuple(found)


def _split(text: str) -> Iterator[str]:
    for chunk in _MARKUP.split(text):
        start = 0
        for match in _TERMINATOR.finditer(chunk):
            if _ends_sentence(chunk, match):
                yield from _cut(chunk[start : match.end()].strip())
                start = match.end()
        yield from _cut(chunk[start:].strip())


def _ends_sentence(chunk: str, match: re.Match[str]) -> bool:
    if match[0] != ".":
        return True
    before = chunk[max(0, match.start() - 20) : match.start()]
    word = before.rsplit(None, 1)[-1] if before.split() else ""
    if before.endswith((" ", "\t")):  # speech corpora set the full stop apart: "a duck ."
        return True
    following = chunk[match.end() : match.end() + 12].lstrip()
    if word.lower() == "no" and not following[:1].isdigit():  # an answer, not "No. 4"
        return True
    if following.partition(" ")[0].lower() in STOP_WORDS and following[:1].isupper():
        return word.lower() not in ABBREVIATIONS
    if word.lower() in ABBREVIATIONS:
        return False
    initial = len(word) == 1 and word.isupper() and word != "I"
    initials = initial or re.search(r"\b\w\.\w$", word)
    return not (initials and following[:1].isalnum())


def _cut(text: str) -> Iterator[str]:
    """Yield *text*, cut near its middle at the best boundary until each part is short."""
    if not any(char.isalnum() for char in text):
        return
    if len(text) <= _LONG_CHARS:
        yield text
        return
    middle = len(text) / 2
    for boundary in _CUTS:
        spots = [m for m in boundary.finditer(text) if 0.25 < m.end() / len(text) < 0.75]
        if spots:
            best = min(spots, key=lambda m: abs(m.end() - middle))
            yield from _cut(text[: best.end()].strip())
            yield from _cut(text[best.end() :].strip())
            return
    yield text[:MAX_QUOTE_CHARS]


def words(text: str) -> list[str]:
    """Return the lower-cased tokens of *text*, function words included."""
    return list(_tokens(text))


@lru_cache(maxsize=8192)  # pure; every reading uses the same sentences several times
def _tokens(text: str) -> tuple[str, ...]:
    return tuple(_WORD.findall(text.lower().replace("’", "'")))


def stem(word: str) -> str:
    """Remove plural, -ing and -ed; a light version of Porter (1980), steps 1a and 1b."""
    word = word.removesuffix("'s")
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = word[:-1]
    for ending in ("ing", "ed"):
        base = word.removesuffix(ending)
        if base != word and len(base) > 2 and any(v in base for v in "aeiouy"):
            doubled = base[-1] == base[-2] and base[-1] not in "lsz"
            word = base[:-1] if doubled else base
            break
    return word.removesuffix("e") if len(word) > 4 else word


@lru_cache(maxsize=8192)
def content_words(text: str) -> tuple[str, ...]:
    """Return the stems of the words of *text* that carry content, in order."""
    kept = (w for w in _tokens(text) if len(w) > 1 and w not in STOP_WORDS)
    return tuple(stem(word) for word in kept)


def similarity(a: str, b: str) -> float:
    """Return the share of common content words, 0 to 1 (cosine of binary vectors)."""
    return cosine(set(content_words(a)), set(content_words(b)))


def cosine(a: Set[str], b: Set[str]) -> float:
    """Return the cosine of two sets as binary vectors, 0 if one is empty."""
    return len(a & b) / math.sqrt(len(a) * len(b)) if a and b else 0.0


def clauses(text: str) -> list[str]:
    """Return the clauses of *text* in order, each a verbatim substring of it."""
    parts = (part.strip() for part in _CLAUSE.split(text))
    return [part for part in parts if part]


_LEADING = re.compile(
    r"^(?:[\s,.;:–—-]|…)*(?:" + "|".join(LEADING_MARKERS) + r")(?=[\s,.;:–—-]|$)[\s,.;:–—-]*",
    re.IGNORECASE,
)
_REPEATED = (
    "the|a|an|to|of|in|on|at|and|but|so|is|are|was|we|you|they|he|she|it|my|our|this|with|for"
)
_FILLER = "[Uu]m+|[Uu]h+|[Ee]rm?|[Ee]h|[Hh]mm+|[Mm]m+"
_INNER = (
    (
        re.compile(rf"(?<!\d)(?:(?:,\s*)?(?<![\w'’&-])(?<!\d )(?:{_FILLER})(?![\w'’&-])(?:\s*,)?)"),
        " ",
    ),
    (re.compile(r",\s*(?:you know|I mean)\s*,"), ","),
    (re.compile(rf"(?<![\w'’&-])((?:{_REPEATED})|I) (?:\1 )+(?=[\w$])"), r"\1 "),  # the the the
    (re.compile(r"\s+([,.;:!?](?!\w))"), r"\1"),
    (re.compile(r"([,;:])(?:\s*[,;:])+"), r"\1"),
    (re.compile(r"\s+"), " "),
)


def strip_fillers(text: str) -> str:
    """Return *text* without fillers, repeated function words and leading discourse markers.

    Every other word stays, single letters, numbers and initials too. Only for generated wording:
    the result is not a verbatim quote.
    """
    cleaned = _MARKUP.sub(" ", text)
    for found, replacement in _INNER:
        cleaned = found.sub(replacement, cleaned)
    return without_markers(cleaned).strip(" ,;:–—")


def without_markers(text: str) -> str:
    """Return *text* without the chain of discourse markers that opens it."""
    text = text.strip()
    for _ in range(6):  # "okay, well, I mean"
        shorter = _LEADING.sub("", text, count=1)
        if shorter == text or len(words(shorter)) < 2:
            break
        text = shorter
    return text


def trim(text: str) -> str:
    """Return *text* without leading discourse markers and closing stops, otherwise verbatim."""
    return without_markers(text).strip(" ,;:–—").rstrip(".").rstrip()


@lru_cache(maxsize=8192)
def is_procedural(text: str) -> bool:
    """Return whether *text* only runs the meeting: turns, thanks, radio checks, greetings."""
    return has("procedural", text)


def is_substantive(sentence: Sentence) -> bool:
    """Return whether *sentence* has content, in English, and is no backchannel or ritual."""
    tokens = words(sentence.text)
    content = {word for word in content_words(sentence.text) if not word.isdigit()}
    enough = (len(tokens) >= 5 and len(content) >= 3) or (len(tokens) >= 6 and len(content) == 2)
    if not enough or is_procedural(sentence.text) or _is_foreign(sentence.text):
        return False
    return len(set(tokens)) / len(tokens) > 0.5  # "roger roger roger" says little


@lru_cache(maxsize=1 << 17)
def _is_foreign(text: str) -> bool:
    said = _tokens(text)
    return hardly_english((text,)) or (len(said) > 6 and STOP_WORDS.isdisjoint(said))


def key_terms(chosen: Sequence[Sentence], n: int, apart: frozenset[str] = frozenset()) -> list[str]:
    """Return up to *n* readable terms of one or two words, most telling first.

    A term scores by how many sentences use it; two-word terms count more, and speakers' own
    names and the words in *apart* are left out, since they are vocatives.
    """
    names = apart | frozenset(word for s in chosen if s.speaker for word in words(s.speaker))
    surface: dict[str, Counter[str]] = defaultdict(Counter)
    spread: Counter[str] = Counter()
    for sentence in chosen:
        terms = terms_in(sentence.text, names)
        spread.update(terms.keys())
        for key, shown in terms.items():
            surface[key][shown] += 1
    scores = {
        key: count * (1.8 if " " in key else 1.0) * math.sqrt(min(len(key), 14))
        for key, count in spread.items()
        if count > 1 or " " not in key or len(chosen) < 4
    }
    picked: list[str] = []
    for key in sorted(scores, key=lambda k: (-scores[k], k)):
        parts = set(key.split())
        if not any(parts & set(done.split()) for done in picked):
            picked.append(key)
        if len(picked) == n:
            break
    return [min(surface[k], key=lambda shown: (-surface[k][shown], shown)) for k in picked]


def terms_in(text: str, names: frozenset[str] = frozenset()) -> dict[str, str]:
    """Return the noun-like words and word pairs of *text*: stems to the words as written.

    *names* are lower-case words to leave out.
    """
    return dict(_terms(text, names))


def _terms(text: str, names: frozenset[str]) -> Iterator[tuple[str, str]]:
    """Yield (stems, words as written) of the noun-like words and pairs of *text*."""
    previous: tuple[str, str, int] | None = None
    for match in _WORD.finditer(text):
        shown = match[0].replace("’", "'").removesuffix("'s")
        low = shown.lower()
        if not is_noun_like(low) or low in names:
            previous = None
            continue
        shown = shown if shown[1:] != shown[1:].lower() or _is_name(text, match) else low
        key = stem(low)
        if previous and match.start() - previous[2] == 1 and previous[0] != key:
            yield f"{previous[0]} {key}", f"{previous[1]} {shown}"
        if not low.endswith(("ing", "ed")):
            yield key, shown
        previous = (key, shown, match.end())


def is_noun_like(word: str) -> bool:
    """Return whether the lower-case *word* may be a noun: it is on no list of other words."""
    if len(word) < 3 or word in STOP_WORDS or word in NOT_NOUNS or "'" in word:
        return False
    return not word[0].isdigit() and (not word.endswith("ly") or word in NOUNS_IN_LY)


def _is_name(text: str, match: re.Match[str]) -> bool:
    """Return whether the match is capitalised inside a sentence, as a name is."""
    before = text[: match.start()].rstrip()
    return match[0][0].isupper() and bool(before) and before[-1] not in ".!?:"
