"""Cache keys: a digest of all that is sent in a call and of the model."""

from typing import Any

import orjson

from runner.base.text import digest, own_version
from runner.config.model_facts import OFFLINE
from runner.config.schema import ModelSettings
from runner.providers.request import Request

KEY_VERSION = 1


def request_key(
    request: Request, model: ModelSettings, repeat: int, *, grounded: bool = False
) -> str:
    """Return the SHA-256 hex of *request* as it is sent to *model*.

    Concurrency, timeouts, retries and budgets are not part of it: they do not change an
    answer. *repeat* numbers samples of the same call; *grounded* answers may have been repaired
    after absent quotes.
    """
    own = request.own_schema or request.schema
    sent: dict[str, Any] = {
        "version": KEY_VERSION,
        "messages": request.messages,
        "max_tokens": request.max_tokens,
        "temperature": request.temperature,
        "schema": None if request.schema is None else [request.node, own],
        "model": model.name,
        "api_base": None if model.simulate else model.api_base,
        "params": model.params,
        "repeat": repeat,
    }
    if request.own_schema is not None:
        sent["shared"] = True  # the analyzers that share change no answer
    named = {"effort": model.effort, "base_model": model.base_model}  # which decide what is sent
    sent |= {key: value for key, value in named.items() if value is not None}
    if grounded:
        sent["grounded"] = True
    if model.name.startswith(OFFLINE):
        sent["reader"] = own_version()  # the answer comes from our code
    return digest(orjson.dumps(sent, option=orjson.OPT_SORT_KEYS).decode())


def payload_digest(record: Any) -> str:
    """Return the SHA-256 hex of a stored record without its own `sha256`."""
    body = {name: value for name, value in record.items() if name != "sha256"}
    return digest(orjson.dumps(body, option=orjson.OPT_SORT_KEYS).decode())
