"""Words of providers and of litellm that the transport knows, from words.toml."""

import re

from runner.base.files import packaged

WORDS = packaged(__package__, "words.toml")
SAYS = {what: re.compile("|".join(w), re.IGNORECASE) for what, w in WORDS["says"].items()}
