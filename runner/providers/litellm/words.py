"""Words of providers and of litellm that the transport knows, from words.toml."""

from runner.base.files import packaged

WORDS = packaged(__package__, "words.toml")
