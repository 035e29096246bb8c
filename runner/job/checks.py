"""Checks of the settings of models, contexts, traces and pages, before anything is sent."""

import ipaddress
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib.util import find_spec
from typing import Any
from urllib.parse import urlsplit

from runner.answers.analyzer import Analyzer
from runner.answers.shape import dereferenced
from runner.base.command import install_hint
from runner.base.errors import ConfigError, did_you_mean
from runner.base.format import plural
from runner.base.secrets import MIN_CHARS, names_key, secrets_of
from runner.config.model_facts import OFFLINE
from runner.config.schema import ModelSettings, Settings
from runner.job.graph import Node
from runner.job.models import MAIN
from runner.providers.batches.factory import why_not
from runner.providers.litellm.embedding import embedding_model, embedding_route
from runner.providers.litellm.loading import check_provider
from runner.providers.options import check_options
from runner.providers.prices import prices_of

# Set by other keys, or would add retries and replies that are not counted.
_RESERVED = {
    *("api_base", "api_key", "drop_params", "fallbacks", "max_retries", "messages", "stream"),
    *("base_url", "client", "context_window_fallback_dict", "functions", "model_list"),
    *("model", "n", "num_retries", "response_format", "shared_session", "timeout"),
}
# Billed beyond what is reserved for a call: longer or more replies, searches and tools, other
# models and tiers. In any spelling (`maxOutputTokens`) and at any depth, except as limits that
# lie inside `max_tokens`.
_BILLED = {
    *("bestof", "candidatecount", "maxcompletiontokens", "maxgenlen", "maxnewtokens"),
    *("maxoutputtokens", "maxtokencount", "maxtokens", "maxtokenstosample", "npredict"),
    *("numpredict", "numreturnsequences", "prediction", "audio", "modalities", "models"),
    *("enablesearch", "googlesearch", "plugins", "searchparameters", "tools", "websearch"),
    *("websearchoptions", "performanceconfig", "servicetier"),
}
_INSIDE_MAX_TOKENS = ("reasoning", "thinking")
_BILLED_HEADER = re.compile("(?i)service-?tier|request-?type|performanceconfig")

_KEYED = ("anthropic", "groq", "mistral", "openai", "openrouter")  # by PROVIDER_API_KEY alone
# Providers that users host themselves, and the usual address of such a server.
NO_ADDRESS = {"litellm_proxy": "http://127.0.0.1:4000", "hosted_vllm": "http://127.0.0.1:8000/v1"}
# Extras: the key of `output` and its value that need one, the value without it, and its modules.
_EXPORTER = "opentelemetry.exporter.otlp.proto.http.trace_exporter"
_EXTRAS = {
    "docx": ("pages", "docx", "plain", ("docx", "markdown_it")),
    "otel": ("traces", "otlp", "none", ("opentelemetry.sdk.trace", _EXPORTER)),
}


def check_model(name: str, model: ModelSettings, settings: Settings) -> None:
    """Raise ConfigError if model *name* cannot be called with these settings."""
    at = "model" if name == MAIN else f"models.{name}"
    if name == MAIN:
        _check_embeddings(settings)
    if not settings.plan:  # a plan sends nothing
        _check_environment(at, model)
    if model.name.startswith(OFFLINE) and model.reply_format == "text":
        why = "the offline model answers by schema; expected 'auto'"
        raise ConfigError(f"{at}.reply_format='text': {why}")
    if (model.input_usd_per_mtok is None) != (model.output_usd_per_mtok is None):
        raise ConfigError(f"{at}.input_usd_per_mtok and output_usd_per_mtok go together")
    _check_params(f"{at}.params", model.params)
    check_options(at, model)
    if why := why_not(model.delivery, model):
        raise ConfigError(f"{at}.delivery={model.delivery}: {why}")
    _check_address(at, model)
    _check_keys(at, model)
    if not model.name.startswith(OFFLINE):
        check_provider(model.name, model.api_base)
    if model.simulate is not None:
        from runner.providers.simulated.behaviour import check as check_simulated

        check_simulated(model.simulate, f"{at}.simulate.")
    if prices_of(model) is None:
        prices = f"set {at}.input_usd_per_mtok and {at}.output_usd_per_mtok"
        unknown = f"the price of {model.name} is unknown: {prices}"
        if (most := settings.budget.max_cost_usd) is not None:
            raise ConfigError(
                f"budget.max_cost_usd={most:g}: {unknown}, or cap budget.max_tokens instead"
            )
        if "cost_usd" in settings.objective:
            raise ConfigError(f"objective=cost_usd: {unknown}, or minimise total_tokens")


def _check_params(at: str, params: Mapping[str, Any]) -> None:
    """Raise ConfigError for parameters that other keys set, or that are no mapping."""
    for name in ("extra_body", "extra_headers"):
        if not isinstance(value := params.get(name) or {}, Mapping):
            raise ConfigError(f"{at}.{name}={value!r}: expected a mapping")
    for name, value in (params.get("extra_headers") or {}).items():
        if not (isinstance(value, str) and f"{name}{value}".isprintable() and str(name).isascii()):
            raise ConfigError(f"{at}.extra_headers.{name}: expected a text of one line, in quotes")
    headers, body = (params.get(name) or {} for name in ("extra_headers", "extra_body"))
    own = [f"{at}.{key}" for key in params if key in _RESERVED]
    own += [f"{at}.extra_body.{key}" for key in body if key in _RESERVED]
    own += [f"{at}.extra_headers.{key}" for key in headers if _BILLED_HEADER.search(key)]
    for key in (*own, *_billed(at, params)):
        raise ConfigError(f"{key}: not allowed in params; use the keys of the model instead")


def _billed(at: str, params: Any) -> Iterator[str]:
    """Yield the paths of parameters in _BILLED; *at* is the path of *params*."""
    if isinstance(params, Mapping):
        for name, value in params.items():
            key = re.sub(r"[\W_]", "", str(name)).lower()
            if key in _BILLED and str(name) != "service_tier":  # which has a price
                yield f"{at}.{name}"
            elif key not in _INSIDE_MAX_TOKENS:
                yield from _billed(f"{at}.{name}", value)
    for value in params if isinstance(params, list) else ():
        yield from _billed(at, value)


def check_extras(settings: Settings) -> None:
    """Raise ConfigError if an output is configured whose extra is missing."""
    for extra, (key, value, other, _) in _EXTRAS.items():
        if getattr(settings.output, key) == value and not has_extra(extra):
            needed = f"output.{key}={value!r} needs {install_hint(extra)}"
            raise ConfigError(f"{needed}, or use output.{key}={other}")


def has_extra(name: str) -> bool:
    """Return whether the modules of the extra `otel` or `docx` are installed."""
    try:
        return all(find_spec(module) is not None for module in _EXTRAS[name][-1])
    except ModuleNotFoundError:
        return False


def _check_embeddings(settings: Settings) -> None:
    if (name := settings.collection.embeddings) is None:
        return
    at, model = f"collection.embeddings={name}", embedding_model(name, settings.model)
    if name.startswith(OFFLINE):
        raise ConfigError(f"{at}: the offline model has none; expected null or PROVIDER/MODEL")
    check_provider(name, model.api_base)
    key = None if settings.plan or model.simulate else model.api_key_env
    if key and not os.environ.get(key):
        raise ConfigError(f"{at} needs {key}, which is not set: export it, or set it to null")
    most = settings.budget.max_cost_usd
    if most is not None and prices_of(embedding_route(name, settings.model)) is None:
        unknown = f"the price of {at} is unknown: cap budget.max_tokens instead"
        raise ConfigError(f"budget.max_cost_usd={most:g}: {unknown}")


def _check_environment(at: str, model: ModelSettings) -> None:
    if model.api_key_env and not os.environ.get(model.api_key_env):
        unset = f"{at}.api_key_env names {model.api_key_env}, which is not set"
        raise ConfigError(f"{unset}: export it, or use model=offline, which needs no key")
    provider = model.name.split("/", 1)[0]
    keyless = not (model.api_key_env or model.api_base or model.simulate)
    if keyless and provider in _KEYED and not os.environ.get(f"{provider.upper()}_API_KEY"):
        raise ConfigError(
            f"{at}.name={model.name} needs a key, and {at}.api_key_env names no variable: choose "
            f"model={provider} with this name, or export {provider.upper()}_API_KEY"
        )
    if keyless and model.delivery in ("batch", "auto"):
        raise ConfigError(
            f"{at}.delivery={model.delivery}: batches need a key: set {at}.api_key_env"
        )
    for name in _required(model):
        if not os.environ.get(name):
            unset = f"{name} is not set, and {provider} needs it ({at}.requires_env)"
            raise ConfigError(f"{unset}: export it, or use model=offline, which needs none")


def _check_keys(at: str, model: ModelSettings) -> None:
    """Raise ConfigError for a key that is invalid in a header, or too short to be masked.

    A server on this machine may have a short key, which is not masked.
    """
    own = None if model.api_base else f"{model.name.partition('/')[0].upper()}_API_KEY"
    names = [model.api_key_env or own, *filter(names_key, model.requires_env)]
    for name in (n for n in names if n and not n.endswith("_CREDENTIALS")):  # a file's name
        key = os.environ.get(name, "")
        if odd := next((c for c in key if not "!" <= c <= "~"), None):
            what = "white space" if odd.isspace() else "a character that is not printable ASCII"
            raise ConfigError(
                f"the key in {name} has {what} at position {key.index(odd) + 1} of {len(key)}, "
                f'which no request can carry: set it with export {name}="$(cat FILE)", which '
                f"leaves out a line feed at the end, or copy it again"
            )
        local = model.simulate or _is_loopback(urlsplit(model.api_base or "").hostname)
        if 0 < len(key) < MIN_CHARS and not local:
            raise ConfigError(
                f"the key in {name} has {plural(len(key), 'character')}, expected at least "
                f"{MIN_CHARS}: a shorter one cannot be masked; for a server that needs no key, use "
                f"{at}.api_key_env=null"
            )


def _required(model: ModelSettings) -> list[str]:
    """Return the required variables; api_base replaces one that holds the address."""
    return [n for n in model.requires_env if not (model.api_base and n.endswith("_API_BASE"))]


def _check_address(at: str, model: ModelSettings) -> None:
    """Raise ConfigError for a missing address, or one that would send a key unencrypted."""
    provider = model.name.split("/", 1)[0]
    if model.api_base is None and provider in NO_ADDRESS:
        raise ConfigError(
            f"{at}.api_base is null, and {provider} has no default address: add "
            f"{at}.api_base={NO_ADDRESS[provider]} or the address of your server"
        )
    from_env = {name: os.environ.get(name, "") for name in _required(model)}
    for name, address in {f"{at}.api_base": model.api_base or "", **from_env}.items():
        if "://" in address:
            _check_url(name, address, at, model)


def _check_url(name: str, url: str, at: str, model: ModelSettings) -> None:
    try:
        address = urlsplit(url)
    except ValueError as error:
        raise ConfigError(f"{name}: {error}") from error
    holds_key = secrets_of(model.api_key_env).redact(url) != url
    if holds_key or address.username or address.password:
        raise ConfigError(f"{name} contains a password or a key: use {at}.api_key_env instead")
    plain = address.scheme == "http" and not model.allow_http
    if plain and not _is_loopback(address.hostname):
        raise ConfigError(
            f"{name}={url}: plain http beyond this machine would expose the "
            f"transcript and the key: use https, or {at}.allow_http=true"
        )


def _is_loopback(host: str | None) -> bool:
    try:
        address = ipaddress.ip_address(host or "")
    except ValueError:
        return f".{host}".endswith(".localhost")
    return address.is_loopback or address.is_unspecified  # 0.0.0.0 is this machine


def check_structured_keys(nodes: Iterable[Node], analyzers: Mapping[str, Analyzer]) -> None:
    """Raise ConfigError for a key that no upstream answer has: it would select nothing."""
    fields = cache(lambda need: dereferenced(analyzers[need].schema)["properties"])
    for node in nodes:
        if node.context is None:
            continue
        data = (fields(need)["structured_data"] for need in node.needs)
        keys = {key for each in data for key in each.get("properties", ())}
        for key in node.context.include_structured_keys:
            if key not in keys:
                where, near = f"include_structured_keys of {node.name}", did_you_mean(key, keys)
                raise ConfigError(f"{where}: {key!r} is in no answer it reads{near}")
