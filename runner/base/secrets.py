"""Secrets: refused in command-line arguments, masked in everything that is written or shown."""

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runner.base.disguise import mask_disguised
from runner.base.errors import ConfigError
from runner.base.json import read_json, with_texts

MASK = "***"
MIN_CHARS = 8  # a shorter value would occur in ordinary text
MIN_PART_CHARS = 16  # of one of several keys in a value, or of a line of a private key

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_KEYS = {
    *("key", "apikey", "token", "secret", "password", "passwd", "pass", "passphrase", "pwd"),
    *("credential", "credentials", "auth", "authorization", "cookie", "signature", "sig", "dsn"),
    *("bearer", "accesskey", "secretkey", "authkey", "accesstoken", "authtoken", "apitoken"),
}
_VARIABLES = _KEYS | {"keys", "secrets", "headers", "connection"}
_JOINED = re.compile(r"(?i)(?:password|passwd|apikey|secret|token)s?$")
_NAMES_OF_FILES = {"PWD", "COLLOQUY_SIGNING_KEY"}
_ABOUT_KEYS = {"file", "path", "dir", "sock", "url", "parallelism"}
# OpenAI, Anthropic, OpenRouter and LiteLLM (sk-); Groq, Hugging Face, NVIDIA, Perplexity,
# Replicate, xAI; GitHub, GitLab, Slack
_PREFIXES = (
    *("sk-", "gsk_", "hf_", "nvapi-", "pplx-", "r8_", "xai-", "github_pat_", "gho_", "ghp_"),
    *("ghs_", "ghu_", "glpat-", "xoxa-", "xoxb-", "xoxp-"),
)
_SHAPES = re.compile(
    rf"\b(?:{'|'.join(_PREFIXES)})"
    r"(?=[A-Za-z_-]{0,60}\d)[A-Za-z0-9_-]{16,}"  # the digit excludes hyphenated words
    r"|\bAIza[A-Za-z0-9_-]{30,}"  # Google
    r"|\bhf_[A-Za-z]{30,}"
    r"|\bA(?:KIA|SIA)[A-Z0-9]{16}\b"  # Amazon
    r"|\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}"  # JSON web tokens
    r"|(?i:\b(?:Bearer|Basic)\s{1,8}(?=[A-Za-z._~+/-]{0,60}\d)[A-Za-z0-9._~+/-]{16,}=*)"
    r"|-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----"
    r"(?:[A-Za-z0-9+/=\s\\]*(?:-----END [A-Z ]{0,40}PRIVATE KEY-----)?)"
)
# Every shape contains one of these in lower case; searching for them is cheaper than the pattern.
_SHAPE_MARKS = (*_PREFIXES, "aiza", "akia", "asia", "eyj", "bearer", "basic", "-----begin")
_IN_URL = re.compile(
    r"(?i)([?&#](?:[\w.-]*[_.-]|api|access|auth|secret)?"
    r"(?:key|token|secret|password|signature|sig|credential)=)[^&#\s\"']+"
)
_USER_IN_URL = re.compile(r"(?<=://)[^/?#\s@\"'<>]{1,256}@")
_PAIR = re.compile(
    r"(?:^[+~]*|[{\[(,;'\"]\s*|\s(?=[A-Z_]+=))([A-Za-z_][\w.-]*)[\"'\\]*\s*[=:]\s*"
    r"[\"'\\]*(?=([^\s\"'\\,}\])]*))"
)
_NOTHING = frozenset({"", "null", "none", "true", "false", "???"})


@dataclass(frozen=True, slots=True)
class Secrets:
    """The values of keys in this process's environment."""

    values: tuple[str, ...] = ()

    def redact(self, text: str) -> str:
        """Return *text* with keys, and text shaped like one, masked."""
        text = self.redact_values(text)
        if "=" in text:
            text = _IN_URL.sub(rf"\1{MASK}", text)
        if "://" in text:
            text = _USER_IN_URL.sub(f"{MASK}@", text)
        small = text.lower()
        return _SHAPES.sub(MASK, text) if any(mark in small for mark in _SHAPE_MARKS) else text

    def redact_values(self, text: str) -> str:
        """Return *text* with known keys masked; key-like words may be quotes of a speaker."""
        for value in self.values:
            text = text.replace(value, MASK)
        return mask_disguised(text, self.values, MASK)

    def redact_all(self, value: Any, *, shapes: bool = True) -> Any:
        """Return *value*, all its texts and keys redacted, without *shapes* by `redact_values`."""
        return with_texts(value, self.redact if shapes else self.redact_values)

    def found_in(self, data: bytes) -> bool:
        """Return whether *data* contains one of the values, disguised or not."""
        text = data.decode(errors="replace")
        return self.redact_values(text) != text


def secrets_of(*key_envs: str | None) -> Secrets:
    """Return keys in *key_envs*, variables named like keys and Google's files, longest first."""
    keys = [
        value
        for name, value in os.environ.items()
        if name in key_envs or (_is_variable(name) and not os.path.exists(value))  # noqa: PTH110
    ]  # Path.exists raises for a long name
    google = os.environ.get("GOOGLE_APPLICATION_CREDENTIALS", "")
    facts = read_json(Path(os.path.realpath(google)))  # Kubernetes mounts secrets as links
    keys += [str(value) for name, value in facts.items() if names_key(name)]
    values = {value for key in keys for value in _parts(key)}
    return Secrets(tuple(sorted(values, key=lambda value: (-len(value), value))))


def _is_variable(name: str) -> bool:
    words = _words(name)
    named = not _VARIABLES.isdisjoint(words) or _JOINED.search(name)  # PGPASSWORD
    return bool(named) and name not in _NAMES_OF_FILES and words[-1] not in _ABOUT_KEYS


def _words(name: str) -> list[str]:
    """Return the words of `api-key`, `API_KEY` or `apiKey`, in lower case."""
    return [word.lower() for word in _WORD.findall(name)]


def _parts(value: str) -> Iterator[str]:
    """Yield a variable's *value* and the keys in it: those of a list or headers, lines of a PEM."""
    if len(value.strip()) >= MIN_CHARS:
        yield value.strip()
    parts = re.split(r"[\s,;=]+", value)
    yield from (p for p in parts if len(p) >= MIN_PART_CHARS and re.search(r"\d", p))


def names_key(name: str) -> bool:
    """Return whether a setting, header or parameter called *name* holds a key."""
    *before, last = ["", *_words(name)]
    return (last in _KEYS and before[-1:] != ["cache"]) or [*before[-1:], last] == ["key", "id"]


def refuse_secrets(arguments: Iterable[str], secrets: Secrets) -> None:
    """Raise ConfigError, which does not show the key, if an argument contains one.

    Call it before Hydra, which writes overrides to disk and into directory names.
    """
    for argument in arguments:
        pairs = (match.groups() for match in _PAIR.finditer(argument))
        name = next((name for name, value in pairs if _is_key(name, value)), None)
        if name is None and secrets.redact(argument) != argument:
            name = argument.partition("=")[0]
        if name is not None:
            raise _refusal(secrets.redact(name))


def refuse_keys(data: Mapping[str, Any], *texts: str) -> None:
    """Raise ConfigError if the configuration *data*, or one of *texts*, contains a key.

    The variables that `api_key_env` names in it hold keys too, whatever they are called.
    """
    leaves = list(_leaves(data, ""))
    secrets = secrets_of(*(str(v) for path, v in leaves if path.endswith("api_key_env")))
    named = (path for path, v in leaves if _is_key(path.rpartition(".")[2], str(v)))
    where = next(named, None)
    lines = [f"{path}={value}" for path, value in leaves]
    if where is None and any(secrets.redact(text) != text for text in ("\n".join(lines), *texts)):
        found = (line.partition("=")[0] for line in lines if secrets.redact(line) != line)
        where = next(found, "the configuration")
    if where is not None:
        raise _refusal(secrets.redact(where))


def refuse_values(secrets: Secrets, **read: Any) -> None:
    """Raise ConfigError if what was *read* for a setting contains one of *secrets*."""
    for name, value in read.items():
        if secrets.redact_values(text := str(value)) != text:
            raise _refusal(name)


def _leaves(data: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Yield values in *data* by their path; those in lists by the path of the list."""
    if isinstance(data, Mapping):
        for name, value in data.items():
            yield from _leaves(value, f"{path}.{name}" if path else str(name))
    elif isinstance(data, list):
        for value in data:
            yield from _leaves(value, path)
    else:
        yield path, data


def _is_key(name: str, value: str) -> bool:
    """Return whether a setting's *value* is a key by its *name*, or in place of a variable's."""
    if value.lower() in _NOTHING or value.startswith("${"):
        return False
    if value.isdigit() and len(value) < MIN_CHARS and _words(name)[-1:] == ["token"]:
        return False  # max_token, a slip for max_tokens
    return names_key(name) or (name.endswith("api_key_env") and value.upper() != value)


def _refusal(what: str) -> ConfigError:
    return ConfigError(
        f"{what} contains what looks like a key, which would be written to disk: set an "
        f"environment variable to it and name that with model.api_key_env=NAME"
    )
