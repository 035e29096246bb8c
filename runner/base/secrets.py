"""Keys stay in the environment: refused in arguments, taken out of whatever is written or shown."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from runner.base.errors import ConfigError

MASK = "***"
MIN_CHARS = 8  # a shorter value would be found in ordinary text

_NAMES = re.compile(r"(?i)(?:^|_)(?:key|token|secret|password|credentials)(?:$|_)")
_SHAPES = re.compile(
    # OpenAI, Anthropic, OpenRouter, LiteLLM; words joined by hyphens hold no digit
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
    """The values of this process's keys, from its environment."""

    values: tuple[str, ...] = ()

    def redact(self, text: str) -> str:
        """Return *text* with every key, and everything shaped like one, masked."""
        return _SHAPES.sub(MASK, _IN_URL.sub(rf"\1{MASK}", self.redact_values(text)))

    def redact_values(self, text: str) -> str:
        """Return *text* with every key masked; what only looks like one may be what was said."""
        for value in self.values:
            text = text.replace(value, MASK)
        return text

    def redact_all(self, value: Any) -> Any:
        """Redact every string inside lists and mappings, keys included."""
        if isinstance(value, str):
            return self.redact(value)
        if isinstance(value, Mapping):
            return {self.redact_all(key): self.redact_all(body) for key, body in value.items()}
        if isinstance(value, list | tuple):
            return [self.redact_all(item) for item in value]
        return value

    def found_in(self, data: bytes) -> bool:
        """Return whether one of the values stands in *data*."""
        return any(value.encode() in data for value in self.values)


def secrets_of(
    environment: Mapping[str, str] | None = None,
    *,
    key_env: str | None = None,
    key_envs: Collection[str] = (),
) -> Secrets:
    """Return what *key_env*, *key_envs* and variables named like keys hold, the longest first."""
    found = os.environ if environment is None else environment
    known = {key_env, *key_envs}
    held = (v for name, v in found.items() if name in known or _NAMES.search(name))
    values = {value for value in held if len(value) >= MIN_CHARS}
    return Secrets(tuple(sorted(values, key=len, reverse=True)))


def refuse_secrets(arguments: Iterable[str], secrets: Secrets) -> None:
    """Raise ConfigError, without showing it, where an argument holds a key.

    To be called before Hydra, which writes overrides to disk and into directory names.
    """
    for argument in arguments:
        name, _, value = argument.partition("=")
        if _looks_like_key_setting(name, value) or secrets.redact(argument) != argument:
            raise ConfigError(
                f"'{secrets.redact(name)}' holds what looks like a key, which would be written "
                f"to disk: put it into an environment variable and name that with "
                f"model.api_key_env=NAME"
            )


def _looks_like_key_setting(name: str, value: str) -> bool:
    stem = name.rsplit(".", 1)[-1].lstrip("+~")
    return bool(value) and stem in ("api_key", "key", "token", "password", "secret")
