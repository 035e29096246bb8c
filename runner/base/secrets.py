"""Secrets: refused in command-line arguments, masked in everything that is written or shown."""

import os
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from runner.base.errors import ConfigError

MASK = "***"
MIN_CHARS = 8  # a shorter value would occur in ordinary text

_KEY_SETTINGS = ("api_key", "key", "token", "password", "secret")
_NAMES = re.compile(r"(?i)(?:^|_)(?:key|token|secret|password|credentials)(?:$|_)")
_PATHS = ("COLLOQUY_SIGNING_KEY",)  # names a file
_SHAPES = re.compile(
    # OpenAI, Anthropic, OpenRouter, LiteLLM; the digit excludes hyphenated words
    r"\bsk-(?=[A-Za-z_-]{0,60}\d)[A-Za-z0-9_-]{16,}"
    r"|\bAIza[A-Za-z0-9_-]{30,}"  # Google
    r"|\bA(?:KIA|SIA)[A-Z0-9]{16}\b"  # Amazon
    r"|\bgh[opsu]_[A-Za-z0-9]{30,}"  # GitHub
    r"|\bgsk_[A-Za-z0-9]{20,}"  # Groq
    r"|(?i:\bBearer\s{1,8}(?=[A-Za-z._~+/-]{0,60}\d)[A-Za-z0-9._~+/-]{16,})"
    r"|-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----"
    r"(?:[A-Za-z0-9+/=\s\\]*(?:-----END [A-Z ]{0,40}PRIVATE KEY-----)?)"
)
_IN_URL = re.compile(r"(?i)([?&](?:api[_-]?key|key|token|access_token|sig)=)[^&\s\"']+")


@dataclass(frozen=True, slots=True)
class Secrets:
    """The values of keys in this process's environment."""

    values: tuple[str, ...] = ()

    def redact(self, text: str) -> str:
        """Return *text* with keys, and text shaped like one, masked."""
        return _SHAPES.sub(MASK, _IN_URL.sub(rf"\1{MASK}", self.redact_values(text)))

    def redact_values(self, text: str) -> str:
        """Return *text* with known keys masked; key-like words may be quotes of a speaker."""
        for value in self.values:
            text = text.replace(value, MASK)
        return text

    def redact_all(self, value: Any) -> Any:
        """Return *value* with every string in it redacted, including the keys of mappings."""
        if isinstance(value, str):
            return self.redact(value)
        if isinstance(value, Mapping):
            return {self.redact_all(key): self.redact_all(body) for key, body in value.items()}
        if isinstance(value, list | tuple):
            return [self.redact_all(item) for item in value]
        return value

    def found_in(self, data: bytes) -> bool:
        """Return whether *data* contains one of the values."""
        return any(value.encode() in data for value in self.values)


def secrets_of(
    environment: Mapping[str, str] | None = None,
    *,
    key_env: str | None = None,
    key_envs: Collection[str] = (),
) -> Secrets:
    """Return the values of *key_env*, *key_envs* and variables named like keys, longest first."""
    variables = os.environ if environment is None else environment
    named = {key_env, *key_envs}
    keys = (
        value
        for name, value in variables.items()
        if name in named or (_NAMES.search(name) and name not in _PATHS)
    )
    values = {value for value in keys if len(value) >= MIN_CHARS}
    return Secrets(tuple(sorted(values, key=len, reverse=True)))


def refuse_secrets(arguments: Iterable[str], secrets: Secrets) -> None:
    """Raise ConfigError, which does not show the key, if an argument contains one.

    Call it before Hydra, which writes overrides to disk and into directory names.
    """
    for argument in arguments:
        name, _, value = argument.partition("=")
        is_key = value and name.rsplit(".", 1)[-1].lstrip("+~") in _KEY_SETTINGS
        if is_key or secrets.redact(argument) != argument:
            raise ConfigError(
                f"'{secrets.redact(name)}' contains what looks like a key, which would be written "
                f"to disk: set an environment variable to it and name that with "
                f"model.api_key_env=NAME"
            )
