"""What is wrong with a model's settings, found before anything is sent."""

from __future__ import annotations

import ipaddress
import os
from urllib.parse import urlsplit

from runner.catalog import OFFLINE, ModelFacts
from runner.errors import ConfigError
from runner.secrets import secrets_of
from runner.settings import ModelSettings, Settings

# What is set elsewhere, or would add retries and replies that nobody counts.
RESERVED = {
    *("api_base", "api_key", "drop_params", "fallbacks", "max_retries", "max_tokens", "messages"),
    *("base_url", "client", "context_window_fallback_dict", "functions", "model_list", "tools"),
    *("model", "n", "num_retries", "response_format", "shared_session", "stream", "timeout"),
}

# Providers that are servers of one's own, and where such a server usually listens.
NO_ADDRESS = {"litellm_proxy": "http://127.0.0.1:4000", "hosted_vllm": "http://127.0.0.1:8000/v1"}


def check_model(settings: Settings, facts: ModelFacts) -> None:
    """Raise ConfigError where the model cannot be called as the settings say."""
    model = settings.model
    _check_environment(model)
    if model.name.startswith(OFFLINE) and model.reply_format == "text":
        raise ConfigError(
            "model.reply_format='text': the offline model answers by schema; expected 'auto'"
        )
    if (model.input_usd_per_mtok is None) != (model.output_usd_per_mtok is None):
        raise ConfigError("model.input_usd_per_mtok and output_usd_per_mtok go together")
    for name in sorted(RESERVED & set(model.params)):
        raise ConfigError(f"model.params.{name}: this is not for params; use the model's own keys")
    _check_address(model)
    if settings.budget.max_cost_usd is not None and facts.input_usd_per_mtok is None:
        raise ConfigError(
            f"budget.max_cost_usd={settings.budget.max_cost_usd:g}: no price is known of "
            f"{model.name}: set model.input_usd_per_mtok and model.output_usd_per_mtok, or cap "
            f"budget.max_tokens instead"
        )


def _check_environment(model: ModelSettings) -> None:
    """Refuse to start without what the provider reads from the environment."""
    if model.api_key_env and not os.environ.get(model.api_key_env):
        raise ConfigError(
            f"model.api_key_env names {model.api_key_env}, which is not set: export it, "
            f"or use model=offline, which needs no key"
        )
    provider = model.name.split("/", 1)[0]
    for name in _required(model):
        if not os.environ.get(name):
            raise ConfigError(
                f"{name} is not set, and {provider} needs it (model.requires_env): export it, "
                f"or use model=offline, which needs none"
            )


def _required(model: ModelSettings) -> list[str]:
    """Return the further variables; one that holds the address stands in for model.api_base."""
    given = model.api_base is not None
    return [name for name in model.requires_env if not (given and name.endswith("_API_BASE"))]


def _check_address(model: ModelSettings) -> None:
    """Refuse a missing address, and to send a key in the clear beyond this machine."""
    provider = model.name.split("/", 1)[0]
    if model.api_base is None and provider in NO_ADDRESS:
        raise ConfigError(
            f"model.api_base is null, and {provider} has no address of its own: add "
            f"model.api_base={NO_ADDRESS[provider]} or where your server is"
        )
    told = {name: os.environ.get(name, "") for name in _required(model)}
    for name, address in {"model.api_base": model.api_base or "", **told}.items():
        if "://" in address:
            _check_url(name, address, model)


def _check_url(name: str, url: str, model: ModelSettings) -> None:
    try:
        address = urlsplit(url)
    except ValueError as error:
        raise ConfigError(f"{name}: {error}") from error
    holds_key = secrets_of(key_env=model.api_key_env).redact(url) != url
    if holds_key or address.username or address.password:
        raise ConfigError(f"{name} holds a password or a key: use model.api_key_env instead")
    plain = address.scheme == "http" and not model.allow_http
    if plain and not _is_loopback(address.hostname or ""):
        raise ConfigError(
            f"{name}={url}: plain http beyond this machine would show the "
            f"transcript and the key to the network: use https, or model.allow_http=true"
        )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
