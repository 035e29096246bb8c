"""Terms of questions and of what may answer them, for retrieval without a language model."""

import re
from itertools import pairwise

from runner.providers.offline.language.lexicon import ASKING_WORDS, PROMPT_WORDS
from runner.providers.offline.language.sentences import content_words, stem

_SKIPPED = frozenset(map(stem, ASKING_WORDS | PROMPT_WORDS))
_UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\u0e00-\u0e7f\uac00-\ud7af]{2,}")


def terms_of(text: str) -> frozenset[str]:
    """Return the terms of *text*: stems and, of scripts without spaces, pairs of characters."""
    pairs = (a + b for run in _UNSPACED.findall(text) for a, b in pairwise(run))
    return frozenset((*content_words(text), *pairs))


def asked_terms(question: str) -> frozenset[str]:
    """Return the terms that *question* is about; all its terms where it has no other."""
    every = terms_of(question)
    return every - _SKIPPED or every
