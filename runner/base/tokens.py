"""Token counting with the vocabularies that litellm ships, without importing litellm."""

import math
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import tiktoken

from runner.base.files import package_folder

# OpenAI moved from cl100k to o200k with gpt-4o; earlier chat models keep cl100k.
_CL100K = ("gpt-4-", "gpt-3.5")
_OPENAI = ("gpt-", "chatgpt-", "o1", "o3", "o4")
CHARS_PER_TOKEN = 3  # where no vocabulary can be loaded; low, so that it over-counts
# No token of either vocabulary spans these places: both patterns join line feeds to what precedes
# them, and to nothing after them but white space and slashes (tiktoken_ext/openai_public.py).
_LINE_END = re.compile(r"\n(?=[^\s/])")
MAX_LINES = 1 << 16  # lines whose tokens are cached, by vocabulary


@dataclass(frozen=True, slots=True)
class Tokenizer:
    """Counts tokens."""

    encoding: str
    exact: bool  # else it is the nearest published vocabulary

    def count(self, text: str) -> int:
        """Return the number of tokens in *text*, by cached lines; special tokens count as text."""
        if not _is_installed(self.encoding):
            return math.ceil(len(text) / CHARS_PER_TOKEN)
        return sum(map(_line_counter(self.encoding), token_lines(text)))

    @property
    def codec(self) -> tiktoken.Encoding | None:
        """The vocabulary, None where it is not installed; loading it takes a third of a second."""
        return tiktoken.get_encoding(self.encoding) if _is_installed(self.encoding) else None


def tokenizer_for(model: str) -> Tokenizer:
    """Return the tokenizer of a litellm model string such as `openai/gpt-4o-mini`."""
    name = model.rsplit("/", 1)[-1].lower().removeprefix("ft:")
    older = name == "gpt-4" or name.startswith(_CL100K)
    encoding = "cl100k_base" if older else "o200k_base"
    if not _is_installed(encoding):
        return Tokenizer(f"characters/{CHARS_PER_TOKEN}", exact=False)
    return Tokenizer(encoding, exact=name.startswith(_OPENAI))


def token_lines(text: str) -> list[str]:
    """Cut *text* into lines whose tokens, one line after another, are the tokens of *text*."""
    *lines, last = _LINE_END.split(text)
    return [f"{line}\n" for line in lines] + [last]


@lru_cache
def _line_counter(encoding: str) -> Callable[[str], int]:
    encode = tiktoken.get_encoding(encoding).encode_ordinary
    return lru_cache(MAX_LINES)(lambda line: len(encode(line)))


@lru_cache
def _is_installed(encoding: str) -> bool:
    """Return whether litellm's folder has *encoding*, and point tiktoken to that folder."""
    litellm = package_folder("litellm")
    if litellm is None or encoding not in tiktoken.list_encoding_names():
        return False
    folder = litellm / "litellm_core_utils" / "tokenizers"
    if folder.is_dir():
        os.environ["TIKTOKEN_CACHE_DIR"] = str(folder)
    return folder.is_dir()
