"""Words by which transcripts are read, from words.toml."""

from runner.base.files import packaged
from runner.transcript.model import words_of

_LISTS = packaged(__package__, "words.toml")
TABLES = {name: words for name, words in _LISTS.items() if not isinstance(words, str)}
PATTERNS = {name: "".join(parts.split()) for name, parts in TABLES["patterns"].items()}
WORDS = {name: words_of(words) for name, words in _LISTS.items() if name not in TABLES}
