"""Terms of questions and of what may answer them, for retrieval without a language model."""

import re
from collections.abc import Iterable
from functools import cache, lru_cache
from itertools import pairwise
from threading import get_ident
from typing import Any

from runner.providers.offline.language.lexicon import ASKING_WORDS, PROMPT_WORDS
from runner.providers.offline.language.sentences import content_words, stem

_SKIPPED = frozenset(map(stem, ASKING_WORDS | PROMPT_WORDS))
_UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\u0e00-\u0e7f\uac00-\ud7af]{2,}")


def terms_of(text: str) -> frozenset[str]:
    """Return the terms of *text*: stems and, of scripts without spaces, pairs of characters.

    Stems are those of Porter's second algorithm for English, which joins `decide` and `decision`
    with few others; words of other languages lose little by it.
    """
    pairs = (a + b for run in _UNSPACED.findall(text) for a, b in pairwise(run))
    return frozenset((*map(_root, content_words(text)), *pairs))


def asked_terms(question: str, named: Iterable[str] = ()) -> frozenset[str]:
    """Return the terms that *question* is about; all its terms where it has no other.

    Names of speakers that are *named* in it are not: people seldom say their own.
    """
    every = terms_of(question)
    rest = every - frozenset(map(_root, _SKIPPED))
    return rest.difference(*map(terms_of, named)) or rest or every


@lru_cache(maxsize=1 << 16)  # 0.1 ms a word
def _root(word: str) -> str:
    return str(_stemmer(get_ident()).stemWord(word))


@cache
def _stemmer(thread: int) -> Any:  # noqa: ARG001 - it holds the word: each thread has its own
    import snowballstemmer  # here, since few commands need it

    return snowballstemmer.stemmer("english")
