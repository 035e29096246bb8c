"""The offline model as a litellm custom provider: it answers by reading, in this process."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from runner.catalog import OFFLINE_WINDOW
from runner.errors import one_line
from runner.offline.document import Document, read_document
from runner.tokens import tokenizer_for

PROVIDER = "offline"
MODEL = "offline/extractive"

Reading = Callable[[Document], Mapping[str, Any]]


def register(litellm: Any, readings: Mapping[str, Reading]) -> None:
    """Make `offline/…` models known to *litellm*; *readings* answer by schema name."""
    handler = make_handler(litellm, readings)
    litellm.custom_provider_map = [{"provider": PROVIDER, "custom_handler": handler}]
    if MODEL not in litellm.model_cost:
        litellm.register_model(
            {
                MODEL: {
                    "litellm_provider": PROVIDER,
                    "mode": "chat",
                    "max_input_tokens": OFFLINE_WINDOW,
                    "input_cost_per_token": 0.0,
                    "output_cost_per_token": 0.0,
                    "cache_read_input_token_cost": 0.0,
                    "cache_creation_input_token_cost": 0.0,
                    "supports_response_schema": True,
                }
            }
        )


def make_handler(litellm: Any, readings: Mapping[str, Reading]) -> Any:
    """Return the CustomLLM; its class can only be made once litellm is imported."""

    from litellm.llms.custom_llm import CustomLLMError

    class OfflineReader(litellm.CustomLLM):  # type: ignore[misc]
        """Reads the prompt and answers in the shape that the response format names."""

        async def acompletion(
            self,
            model: str,
            messages: Sequence[Mapping[str, Any]],
            model_response: Any,
            optional_params: Mapping[str, Any],
            **_: Any,
        ) -> Any:
            prompt = "\n".join(_text(m["content"]) for m in messages if m["role"] != "system")
            name = _schema_name(optional_params)
            try:
                reply = await asyncio.to_thread(_answer, readings[name], prompt)
            except Exception as error:
                message = one_line(f"offline reading of {name}: {type(error).__name__}: {error}")
                raise CustomLLMError(status_code=400, message=message) from error
            usage = await asyncio.to_thread(_usage, litellm, messages, reply)
            model_response.choices[0].message.content = reply
            model_response.choices[0].finish_reason = "stop"
            model_response.model = model
            model_response.usage = usage
            return model_response

    return OfflineReader()


def _answer(reading: Reading, prompt: str) -> str:
    return json.dumps(reading(read_document(prompt)), ensure_ascii=False)


def _usage(litellm: Any, messages: Sequence[Mapping[str, Any]], reply: str) -> Any:
    tokenizer = tokenizer_for(MODEL)
    asked = sum(tokenizer.count(_text(message["content"])) for message in messages)
    answered = tokenizer.count(reply)
    return litellm.Usage(
        prompt_tokens=asked, completion_tokens=answered, total_tokens=asked + answered
    )


def _schema_name(optional_params: Mapping[str, Any]) -> str:
    wanted = optional_params.get("response_format") or {}
    return str(wanted.get("json_schema", {}).get("name", ""))


def _text(content: Any) -> str:
    if isinstance(content, list):
        return "".join(str(part.get("text", "")) for part in content)
    return str(content)
