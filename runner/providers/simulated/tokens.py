"""Text as o200k tokens, line by line, so that what prompts share is encoded once."""

from __future__ import annotations

import re
import zlib
from functools import lru_cache

import tiktoken

from runner.base.tokens import tokenizer_for

CHARS_PER_TOKEN = 4  # where the vocabulary cannot be loaded; OpenAI's rule of thumb for English

# The vocabulary's own pattern never joins a line's end to what follows, unless that is white
# space or a slash: cutting there changes no token.
_LINE_END = re.compile(r"(?<=\n)(?=[^\s/])")


def token_ids(text: str) -> list[int]:
    """Return the o200k tokens of *text*; special-token look-alikes are text."""
    ids: list[int] = []
    for line in _LINE_END.split(text):
        ids += _line_ids(line)
    return ids


def cut(text: str, tokens: int) -> str:
    """Return the first *tokens* tokens of *text*; half a character at the end is dropped."""
    codec = _codec()
    if codec is None:
        return text[: tokens * CHARS_PER_TOKEN]
    return codec.decode(token_ids(text)[:tokens], errors="ignore")


def load() -> None:
    """Load the vocabulary now (half a second) instead of during the first request."""
    token_ids("ready")


@lru_cache(maxsize=1 << 15)
def _line_ids(line: str) -> tuple[int, ...]:
    codec = _codec()
    if codec is not None:
        return tuple(codec.encode_ordinary(line))
    raw = line.encode("utf-8", "surrogatepass")
    pieces = range(0, len(raw), CHARS_PER_TOKEN)
    return tuple(zlib.crc32(raw[i : i + CHARS_PER_TOKEN]) for i in pieces)


@lru_cache
def _codec() -> tiktoken.Encoding | None:
    tokenizer = tokenizer_for("openai/gpt-4o")  # also tells tiktoken where the vocabularies lie
    return tiktoken.get_encoding(tokenizer.encoding) if tokenizer.exact else None
