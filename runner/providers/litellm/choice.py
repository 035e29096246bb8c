"""Transport choice: litellm's provider configuration over HTTP, or `acompletion`."""

import os
from typing import Any

import aiohttp

from runner.providers.litellm.http import HttpCalls
from runner.providers.litellm.loading import by_responses
from runner.providers.litellm.route import ADDRESSES, ModelRoute
from runner.providers.litellm.words import WORDS

_LOCAL = ("hosted_vllm", "litellm_proxy")  # have no default address
_KNOWN = WORDS["litellm"]


def http_calls(litellm: Any, route: ModelRoute, session: aiohttp.ClientSession) -> HttpCalls | None:
    """Return the HTTP calls of *route* over *session*, None if `acompletion` must make them.

    `acompletion` serves other providers (SigV4 and OAuth among them), parameters and settings
    that change more than the request, models behind OpenAI's Responses API, and versions of
    litellm without the parts that are used here.
    """
    if (
        any(_is_set(getattr(litellm, name, None)) for name in _KNOWN["settings"])
        or any(map(os.environ.get, _KNOWN["variables"]))
        or not route.params.keys() <= set(_KNOWN["params"])
    ):
        return None
    try:
        model, provider, _, base = litellm.get_llm_provider(route.name, api_base=route.api_base)
        if (
            provider not in ADDRESSES
            or route.name != f"{provider}/{model}"
            or (provider in _LOCAL and not base)
            or by_responses(litellm, route.name)
        ):
            return None
        return HttpCalls(litellm, route, session, provider, base)
    except Exception:  # noqa: BLE001 - litellm reports it again at the first call
        return None


def _is_set(value: Any) -> bool:
    """Return whether a setting has a value other than the one that litellm's Gemini code sets."""
    return bool([one for one in value if one != "cache"] if isinstance(value, list) else value)
