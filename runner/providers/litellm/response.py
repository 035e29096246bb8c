"""Response: text, cost and tier from litellm's ModelResponse."""

import math
from collections.abc import Iterator
from typing import Any

from runner.answers.reply import beside
from runner.base.json import mapping
from runner.providers.litellm.usage import shown

_MAX_USD = 0.01  # for a token; the highest price in litellm's map is below it


def text_of(response: Any) -> tuple[str, str]:
    """Return the reply's text and finish reason; a reply without choices is empty, and billed."""
    if not response.choices:
        return "", "no choices"
    choice = response.choices[0]
    extra = getattr(choice.message, "provider_specific_fields", None) or {}
    refusal = extra.get("refusal")
    text = refusal or _content_of(choice.message)
    return text, "refusal" if refusal else str(choice.finish_reason or "")


def _content_of(message: Any) -> str:
    """Return the text of *message*: its content, else a tool call's arguments, else reasoning."""
    calls = [getattr(call, "function", None) for call in getattr(message, "tool_calls", None) or ()]
    calls.append(getattr(message, "function_call", None))
    called = [str(getattr(call, "arguments", None) or "") for call in calls]
    reasoning = getattr(message, "reasoning_content", None) or getattr(message, "reasoning", None)
    return beside(message.content or "\n".join(filter(None, called)), str(reasoning or ""))


def reported_cost(response: Any, tokens: int) -> tuple[float | None, str]:
    """Return the US dollars that OpenRouter or a proxy reports for a call of so many *tokens*.

    None if there is no such report, or why it is rejected.
    """
    hidden = getattr(response, "_hidden_params", None) or {}
    headers = hidden.get("additional_headers") or {}
    value = getattr(getattr(response, "usage", None), "cost", None)
    value = headers.get("llm_provider-x-litellm-response-cost") if value is None else value
    if value is None:
        return None, ""
    try:
        cost = float(value)
    except (TypeError, ValueError):
        cost = math.nan
    usage = getattr(response, "usage", None)
    if getattr(usage, "is_byok", False) is True:  # OpenRouter's fee; the host bills its part itself
        beside = getattr(usage, "cost_details", None)
        beside = mapping(beside).get("upstream_inference_cost")
        cost += beside if isinstance(beside, int | float) else math.nan
    if 0 <= cost <= 1 + tokens * _MAX_USD:
        return cost, ""
    return None, f"cost={shown(value)} cannot be true"


def served_tiers(response: Any) -> Iterator[str]:
    """Yield the service tier that the provider reports, in OpenAI's field or another's."""
    hidden = getattr(response, "_hidden_params", None) or {}
    traffic = (hidden.get("provider_specific_fields") or {}).get("traffic_type")
    usage = getattr(response, "usage", None)
    for tier in (*(getattr(each, "service_tier", None) for each in (response, usage)), traffic):
        if isinstance(tier, str):
            yield tier
