"""Terms of questions and of texts, for retrieval without a language model."""

import re
from collections import Counter
from collections.abc import Iterable, Set
from difflib import get_close_matches
from functools import cache, lru_cache
from itertools import pairwise
from threading import get_ident
from typing import Any

from runner.providers.offline.language.lexicon import ASKING_WORDS, PROMPT_WORDS
from runner.providers.offline.language.sentences import content_words, stem, words

_SKIPPED = frozenset(map(stem, ASKING_WORDS | PROMPT_WORDS))
_UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\u0e00-\u0e7f\uac00-\ud7af]{2,}")

_NAME = re.compile(r"\w+(?:['’-]\w+)*['’]?")
_ASIDE = re.compile(r"\b(?:(?:when|while) \w+ing|during)\b[^,?]*", re.IGNORECASE)
_ASIDE_WEIGHT = 0.3
_MIN_RESPELT, _LIKE = 5, 0.8  # letters of a misspelt word; likeness to the one meant


def terms_of(text: str) -> frozenset[str]:
    """Return the terms of *text*: stems and, of scripts without spaces, pairs of characters.

    Stems are those of Porter's second algorithm for English, which joins `decide` and `decision`
    with few others; words of other languages change little.
    """
    pairs = (a + b for run in _UNSPACED.findall(text) for a, b in pairwise(run))
    return frozenset((*map(_root, content_words(text)), *pairs))


def asked_terms(question: str, named: Iterable[str] = ()) -> frozenset[str]:
    """Return the terms that *question* is about, else all its terms.

    Names of speakers *named* in it are left out: people seldom say their own.
    """
    every = terms_of(question)
    rest = every - frozenset(map(_root, _SKIPPED))
    return rest.difference(*map(terms_of, named)) or rest or every


def respelt(question: str, known: Set[str], said: Iterable[str]) -> dict[str, str]:
    """Return words of *question* without a *known* term, each with the likest word *said*."""
    asked, near = asked_terms(question), dict[str, str]()
    for word in words(question):
        if len(word) >= _MIN_RESPELT and terms_of(word) & asked - known:
            alike = [each for each in said if each[0] == word[0]]
            near |= zip([word], get_close_matches(word, alike, 1, _LIKE), strict=False)
    return near


def named_in(question: str, speakers: Iterable[str]) -> frozenset[str]:
    """Return the *speakers* that *question* names.

    It has all words of the name, or one capitalised word that no other name has: `Morgan` names
    Julie Morgan MS, `Grad F` Speaker F.
    """
    said = [_plain(word) for word in _NAME.findall(question)]
    lower, capital = {w.lower() for w in said}, {w.lower() for w in said[1:] if w[0].isupper()}
    parts = {who: {_plain(w).lower() for w in _NAME.findall(who)} for who in {*speakers}}
    shared = Counter(word for each in parts.values() for word in each)
    return frozenset(
        who
        for who, each in parts.items()
        if each and (each <= lower or any(shared[word] == 1 for word in each & capital))
    )


def asked_weights(question: str, named: Iterable[str] = ()) -> dict[str, float]:
    """Return the terms that *question* is about with their weights, 0 to 1.

    Terms that only locate a part of the talk, as in `when discussing the budget`, weigh less.
    """
    asked, main = asked_terms(question, named), terms_of(_ASIDE.sub(" ", question))
    return {term: 1.0 if term in main else _ASIDE_WEIGHT for term in sorted(asked)}


def _plain(word: str) -> str:
    return re.sub(r"['’]s?$", "", word)


@lru_cache(maxsize=1 << 16)  # 0.1 ms a word
def _root(word: str) -> str:
    return str(_stemmer(get_ident()).stemWord(word))


@cache
def _stemmer(thread: int) -> Any:  # noqa: ARG001 - part of the cache key: each thread has its own
    import snowballstemmer  # here, since few commands need it

    return snowballstemmer.stemmer("english")
