"""Served facts: what a self-hosted server reports about its model, before the first call."""

import re
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from runner.base.json import mapping, mappings, number, parse_json
from runner.config.learned import LearnedFacts, believed_factor, believed_window
from runner.config.provider_facts import provider_facts
from runner.config.schema import ModelSettings

TIMEOUT_S = 3.0  # per request; after one without an answer, no more are sent
_MAX_BYTES = 4_000_000
SAMPLE_CHARS = 40_000  # of text whose tokens the server counts
_MIN_TOKENS = 300  # in such a text
_NAMES = ("n_ctx", "max_model_len", "context_length", "loaded_context_length")
_NUM_CTX = re.compile(r"^num_ctx\s+(\d{3,9})\s*$", re.MULTILINE)
_MAX_SLOTS = 4096


def _fetch(base: str, key: str | None, path: str, body: Mapping[str, Any] | None = None) -> Any:
    """Return the JSON of the reply of the server at *base*; raise OSError or ValueError.

    No redirect is followed: it could lead to a host that is not configured.
    """
    import httpx  # takes long, and few runs ask

    trusted = ssl.create_default_context()  # the system's certificates, as for calls
    headers = {"Accept-Encoding": "identity"}
    if key:
        headers["Authorization"] = f"Bearer {key}"
    method, raw, end = "POST" if body else "GET", b"", time.monotonic() + TIMEOUT_S
    try:
        with (
            httpx.Client(
                trust_env=False, verify=trusted, timeout=TIMEOUT_S, headers=headers
            ) as client,
            client.stream(method, base + path, json=body) as reply,
        ):
            for chunk in reply.iter_raw():
                raw += chunk
                if time.monotonic() > end:  # it drips, or streams without an end
                    raise TimeoutError(f"no whole reply in {TIMEOUT_S:g} s")
                if len(raw) > _MAX_BYTES:
                    break
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise OSError(str(error)) from error
    if reply.status_code != 200 or len(raw) > _MAX_BYTES:
        raise ValueError(f"status {reply.status_code}, {len(raw):,} bytes")
    return parse_json(raw)


def is_self_hosted(model: ModelSettings) -> bool:
    """Return whether a self-hosted server, which reports its window, serves *model*."""
    own = provider_facts(model.name.partition("/")[0]).self_hosted
    return own and model.simulate is None and model.api_base is not None


def learn_served(
    model: ModelSettings, learned: LearnedFacts, key: str | None, sample: str, counted: int
) -> None:
    """Ask the server of *model* for its window and slots, and how many tokens *sample* has.

    *counted* are the tokens of *sample* by our count. Facts that it omits stay unchanged. A
    window in the settings is only lowered: a smaller one than the server's may be meant.
    """
    parts = urlsplit(model.api_base or "")
    path = parts.path.rstrip("/").removesuffix("/v1")
    ask = partial(_fetch, urlunsplit((parts.scheme, parts.netloc, path, "", "")), key)
    name = model.name.partition("/")[2]
    try:
        found = next(_windows(ask, name, learned, sends_size="num_ctx" in model.params), None)
    except OSError:  # no server: the first call reports why
        return
    if found is not None:
        window, source = found
        if model.context_window is None or window < model.context_window:
            learned.window, learned.source = window, source
    if counted >= _MIN_TOKENS:
        with suppress(OSError, ValueError):
            body = {"model": name, "content": sample, "prompt": sample}  # llama.cpp's, vLLM's
            reply = mapping(ask("/tokenize", body))
            listed = reply.get("tokens")
            tokens = number(reply.get("count")) or (len(listed) if isinstance(listed, list) else 0)
            if tokens:
                learned.factor = believed_factor(tokens / counted)


def _windows(
    ask: Callable[..., Any], name: str, learned: LearnedFacts, *, sends_size: bool
) -> Iterator[tuple[int, str]]:
    """Yield the windows that a server reports, with the path of each; raise OSError."""
    with suppress(ValueError):
        props = mapping(ask("/props"))  # llama.cpp
        slots = number(props.get("total_slots"))
        learned.slots = int(slots) if slots and 1 <= slots <= _MAX_SLOTS else None
        yield from _named(mapping(props.get("default_generation_settings")), "/props")
    for path in ("/v1/models", "/api/v0/models"):  # LM Studio's second has it, once it is loaded
        with suppress(ValueError):
            listed = mappings(mapping(ask(path)).get("data"))
            named = [each for each in listed if each.get("id") == name]
            for each in named or (listed if len(listed) == 1 else ()):
                yield from _named({**mapping(each.get("meta")), **each}, path)
    with suppress(ValueError):
        shown = mapping(ask("/api/show", {"model": name}))  # Ollama
        match = _NUM_CTX.search(str(shown.get("parameters") or ""))
        if match and not sends_size:  # calls that send a size get that one
            yield from _named({"n_ctx": int(match[1])}, "num_ctx in /api/show")
        for key, value in mapping(shown.get("model_info")).items():
            if key.endswith(".context_length"):
                yield from _named({"n_ctx": value}, "/api/show")


def _named(facts: Mapping[str, Any], path: str) -> Iterator[tuple[int, str]]:
    for name in _NAMES:
        if (window := believed_window(number(facts.get(name)))) is not None:
            yield window, path
            return
