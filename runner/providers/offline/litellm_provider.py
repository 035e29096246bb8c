"""Offline model as a litellm custom provider, for `model.transport=litellm`."""

from collections.abc import Mapping, Sequence
from typing import Any

from runner.config.model_facts import OFFLINE_WINDOW
from runner.providers.offline.readings import Reading
from runner.providers.offline.transport import MODEL, read_reply

PROVIDER = "offline"


def register(litellm: Any, readings: Mapping[str, Reading]) -> None:
    """Register `offline/…` models at *litellm*; *readings* answer by schema name."""
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
            reply, usage = await read_reply(messages, _schema_name(optional_params), readings)
            model_response.choices[0].message.content = reply
            model_response.choices[0].finish_reason = "stop"
            model_response.model = model
            model_response.usage = litellm.Usage(
                prompt_tokens=usage.prompt_tokens,
                completion_tokens=usage.completion_tokens,
                total_tokens=usage.prompt_tokens + usage.completion_tokens,
            )
            return model_response

    return OfflineReader()


def _schema_name(optional_params: Mapping[str, Any]) -> str:
    wanted = optional_params.get("response_format") or {}
    return str(wanted.get("json_schema", {}).get("name", ""))
