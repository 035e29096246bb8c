"""Embeddings of the simulated provider: hashed parts of words, so that similar texts are near."""

import math
from collections.abc import Mapping
from typing import Any
from zlib import crc32

from runner.providers.offline.language.sentences import words
from runner.providers.simulated.tokens import token_ids

_DIMENSIONS = 256
_GRAM = 4  # characters


def embeddings(body: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return OpenAI's reply to *body*, None if that has no texts.

    Equal texts have equal vectors; words count by their runs of four characters, so that forms of a
    word are similar.
    """
    texts, dimensions = body.get("input"), body.get("dimensions", _DIMENSIONS)
    texts = [texts] if isinstance(texts, str) else texts
    if not isinstance(texts, list) or not texts or not all(isinstance(t, str) for t in texts):
        return None
    if not isinstance(dimensions, int) or not 0 < dimensions <= 4096:
        return None
    rows = [
        {"object": "embedding", "index": place, "embedding": _vector(text, dimensions)}
        for place, text in enumerate(texts)
    ]
    tokens = sum(len(token_ids(text)) for text in texts)
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    return {"object": "list", "data": rows, "model": body.get("model"), "usage": usage}


def _vector(text: str, dimensions: int) -> list[float]:
    sums = [0.0] * dimensions
    for word in words(text) or [text]:
        padded = f"^{word}$"
        grams = [padded[n : n + _GRAM] for n in range(max(1, len(padded) - _GRAM + 1))]
        for gram in grams:
            found = crc32(gram.encode("utf-8", "replace"))
            sums[found % dimensions] += (1 if found >> 31 else -1) / len(grams)
    length = math.hypot(*sums) or 1.0
    return [value / length for value in sums] if any(sums) else [1.0, *sums[1:]]
