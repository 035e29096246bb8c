"""Tokens of the simulated model: o200k, encoded line by line with a cache of lines."""

import zlib
from functools import lru_cache

from runner.base.tokens import Tokenizer, token_lines

_TOKENIZER = Tokenizer("o200k_base", exact=True)
CHARS_PER_TOKEN = 4  # where the vocabulary is not installed; OpenAI's rule of thumb for English


def token_ids(text: str) -> list[int]:
    """Return the tokens of *text*; special-token look-alikes are text."""
    return [token for line in token_lines(text) for token in _line_ids(line)]


def truncate(text: str, tokens: int) -> str:
    """Return the first *tokens* tokens of *text*; half a character at the end is dropped."""
    codec = _TOKENIZER.codec
    if codec is None:
        return text[: tokens * CHARS_PER_TOKEN]
    return codec.decode(token_ids(text)[:tokens], errors="ignore")


@lru_cache(maxsize=1 << 15)
def _line_ids(line: str) -> tuple[int, ...]:
    if (codec := _TOKENIZER.codec) is not None:
        return tuple(codec.encode_ordinary(line))
    raw = line.encode("utf-8", "surrogatepass")
    pieces = range(0, len(raw), CHARS_PER_TOKEN)
    return tuple(zlib.crc32(raw[i : i + CHARS_PER_TOKEN]) for i in pieces)
