"""Import of litellm (seconds of CPU), with its network requests and log handlers disabled."""

import gc
import importlib
import logging
import os
from importlib.util import find_spec
from typing import Any, NoReturn

from runner.base.errors import ConfigError, did_you_mean
from runner.config.model_facts import map_entries, map_entry
from runner.config.provider_facts import PROVIDERS

_HERE = "localhost,127.0.0.1,::1"


def load_litellm() -> Any:
    """Return litellm, with its network requests, banners and log handlers disabled."""
    for name in ("LITELLM_LOCAL_MODEL_COST_MAP", "LITELLM_LOCAL_ANTHROPIC_BETA_HEADERS"):
        os.environ[name] = "True"  # both are fetched from the network otherwise
    for name in ("no_proxy", "NO_PROXY"):  # what a server here is sent stays on this machine
        if _HERE not in (named := os.environ.get(name, "")):
            os.environ[name] = f"{named},{_HERE}".lstrip(",")
    collects = gc.isenabled()
    gc.disable()  # looking for garbage takes a fifth of the time, and there is none
    try:
        litellm: Any = importlib.import_module("litellm")
    finally:
        if collects:
            gc.enable()
    litellm.suppress_debug_info = True
    litellm.telemetry = False
    litellm.DEFAULT_MAX_RETRIES = 0  # which `embedding` uses if it is given 0
    http: Any = importlib.import_module("litellm.llms.custom_httpx.http_handler")
    # Some providers use litellm's own clients, which follow redirects and repeat requests, and
    # whose sessions and transports unpack a reply of any size.
    handler = http.AsyncHTTPHandler
    handler.follow_redirects = property(lambda _: False, lambda *_: None)
    handler.single_connection_post_request = _not_again
    handler.create_async_transport = handler._create_async_transport = staticmethod(_transport)
    for name in ("LiteLLM", "LiteLLM Router", "LiteLLM Proxy"):
        logging.getLogger(name).handlers.clear()  # records reach the run's log by propagation
    return litellm


def check_provider(name: str, api_base: str | None) -> None:
    """Raise ConfigError for a model *name* that litellm cannot call.

    Neither litellm nor the user has its provider, or a package for its API is missing. Imports
    litellm only for a rare provider or API.
    """
    named, entry = name.split("/", 1)[0], map_entry(name) or {}
    if named == "vertex_ai" and not all(map(_is_installed, ("google", "google.auth"))):
        needs = "for whose credentials litellm needs packages: pip install google-auth requests"
        raise ConfigError(f"model {name!r} is one of Google Cloud, {needs}")
    known = named in PROVIDERS or any(key.startswith(f"{named}/") for key in map_entries())
    if known and "responses" not in (entry.get("mode"), *name.split("/")[1:-1]):
        return
    litellm = load_litellm()
    try:
        litellm.get_llm_provider(name, api_base=api_base)
    except Exception as error:
        listed = [str(getattr(each, "value", each)) for each in litellm.provider_list]
        near = did_you_mean(named, listed).partition("; known")[0]
        message = f"model {name!r}: litellm has no provider {named!r}{near}"
        raise ConfigError(message) from error
    if by_responses(litellm, name) and not _is_installed("mcp"):
        why = "is called through OpenAI's Responses API, for which litellm needs a package"
        raise ConfigError(f"model {name!r} {why}: pip install mcp")


def _is_installed(module: str) -> bool:
    return find_spec(module) is not None


def by_responses(litellm: Any, name: str) -> bool:
    """Return whether litellm calls the model *name* through OpenAI's Responses API."""
    if name.partition("/")[2].startswith("responses/"):
        return True
    try:
        return bool(litellm.get_model_info(name)["mode"] == "responses")
    except Exception:  # noqa: BLE001 - litellm raises a plain Exception for an unknown model
        return False


def load_openai(litellm: Any, provider: str) -> None:
    """Import OpenAI's client, half a second of CPU, if `acompletion` asks *provider* with it."""
    if provider in {"openai", "azure", *litellm.openai_compatible_providers}:
        importlib.import_module("openai.resources")
        client: Any = importlib.import_module("openai._base_client")
        client.INITIAL_RETRY_DELAY = 0.0  # before retries that litellm requests, and we refuse


def _transport(ssl_context: Any = None, ssl_verify: Any = None, shared_session: Any = None) -> Any:
    """Return a transport over *shared_session*, or over sessions like it."""
    from runner.providers.litellm.session import open_session  # aiohttp, with litellm only

    http: Any = importlib.import_module("litellm.llms.custom_httpx.aiohttp_transport")
    verified = False if ssl_context is None and ssl_verify is False else ssl_context
    transport = http.LiteLLMAiohttpTransport(open_session, ssl_verify=verified)
    if shared_session is not None:
        transport.client, transport._owns_session = shared_session, False
    return transport


async def _not_again(*_: Any, **__: Any) -> NoReturn:
    """Re-raise a lost connection: the request may have arrived, and litellm would repeat it."""
    raise  # litellm calls this in an except block
