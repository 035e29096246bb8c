"""What litellm makes of a provider's reply of the plain form, by its own code and price list."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

import aiohttp
import orjson


class Reader:
    """Reads what *model*'s *provider* answers to chat completions.

    *name* is litellm's of the model, *model* the provider's.
    """

    def __init__(self, litellm: Any, name: str) -> None:
        self._litellm = litellm
        self._name = name
        self._model, self._provider, *_ = litellm.get_llm_provider(name)
        self._config = litellm.ProviderConfigManager.get_provider_chat_config(
            model=self._model, provider=litellm.LlmProviders(self._provider)
        )
        self._convert = importlib.import_module("litellm.utils").convert_to_model_response_object
        self._log = SimpleNamespace(post_call=lambda *_, **__: None, model_call_details={})
        self._unpriced: set[str] = set()

    def read(self, response: aiohttp.ClientResponse, raw: bytes, *, by_sdk: bool) -> Any:
        """Return litellm's response of the body *raw*, None where it is not of the plain form.

        *by_sdk* says that the OpenAI client, and not litellm's own, would have been asked.
        """
        if response.status != 200:
            return None
        if response.headers.get("Content-Encoding", "identity") != "identity":
            raw = _decoded(response, raw)
        try:
            body = orjson.loads(raw)
        except ValueError:
            return None
        if not _is_plain(body):
            return None
        headers = {name.lower(): value for name, value in response.headers.items()}
        with suppress(Exception):  # whatever it raises, it will raise again
            return self._made(body, headers) if by_sdk else self._transformed(body, headers)
        return None

    def cost(self, read: Any, tier: Any) -> float | None:
        """Return US dollars by the price list; None where it does not hold the model.

        *tier* is the service tier that was asked for, or None.
        """
        if read.model in self._unpriced:
            return None
        try:
            cost: float = self._litellm.response_cost_calculator(
                response_object=read,
                model=self._name,
                custom_llm_provider=self._provider,
                call_type="acompletion",
                optional_params={"service_tier": tier},
            )
        except Exception:  # noqa: BLE001 - litellm has no class for it
            self._unpriced.add(read.model)
            return None
        return cost

    def _empty(self, body: Mapping[str, Any]) -> Any:
        made = self._litellm.ModelResponse()
        if body.get("usage") is None:
            made.usage = self._litellm.Usage()
        made._hidden_params.update(custom_llm_provider=self._provider, region_name=None)
        return made

    def _made(self, body: Mapping[str, Any], headers: dict[str, str]) -> Any:
        made = self._empty(body)
        if self._provider != "openai":
            made.model = f"{self._provider}/{self._model}"
        return self._convert(
            response_object=body,
            model_response_object=made,
            hidden_params={"headers": headers},
            _response_headers=headers,
        )

    def _transformed(self, body: Mapping[str, Any], headers: dict[str, str]) -> Any:
        raw = SimpleNamespace(status_code=200, headers=headers, text="", json=lambda: body)
        return self._config.transform_response(
            model=self._model,
            raw_response=raw,
            model_response=self._empty(body),
            logging_obj=self._log,
            request_data={},
            messages=[],
            optional_params={},
            litellm_params={},
            encoding=None,
        )


def _is_plain(body: Any) -> bool:
    """Return whether *body* is one choice that says a text, and nothing unusual beside it."""
    choices = body.get("choices") if isinstance(body, dict) else None
    if not isinstance(choices, list) or len(choices) != 1 or body.get("error") is not None:
        return False
    choice = choices[0]
    message = choice.get("message") if isinstance(choice, dict) else None
    return (
        isinstance(message, dict)
        and message.get("role") == "assistant"
        and isinstance(message.get("content"), str)
        and isinstance(choice.get("finish_reason"), str)
        and not message.get("tool_calls")
        and not message.get("function_call")
        and isinstance(body.get("usage"), dict | None)
    )


def _decoded(response: aiohttp.ClientResponse, raw: bytes) -> bytes:
    """Undo the body's compression as httpx does it for litellm."""
    httpx = importlib.import_module("httpx")
    whole = httpx.Response(response.status, headers=response.headers, content=raw)
    content: bytes = whole.content
    return content
