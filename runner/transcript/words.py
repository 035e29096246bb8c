"""Words by which transcripts are read, from words.toml."""

from runner.base.files import packaged
from runner.transcript.model import words_of

_LISTS = packaged(__package__, "words.toml")
PATTERNS = {name: "".join(parts.split()) for name, parts in _LISTS.pop("patterns").items()}
RECORDS: dict[str, str] = _LISTS.pop("records")
WORDS = {name: words_of(words) for name, words in _LISTS.items()}
