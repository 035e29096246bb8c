"""Response: text, usage, cost and tier in litellm's ModelResponse, without impossible values."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from runner.answers.reply import beside
from runner.base.json import at
from runner.base.usage import Usage

# Upper bounds of the tokens that providers add: their own prompts, and hidden reasoning.
ADDED_PROMPT = 10_000
ADDED_REPLY = 100_000
CHARS_PER_TOKEN = 20  # more are implausible: ordinary text has 1 to 5
_MAX_USD = 0.01  # for a token; the highest price in litellm's map is below it
_LEAST = 0.1  # of the known price: hosts of one model differ by less


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
    called = [str(getattr(call, "arguments", None) or "") for call in calls]
    reasoning = getattr(message, "reasoning_content", None) or getattr(message, "reasoning", None)
    return beside(message.content or "\n".join(filter(None, called)), str(reasoning or ""))


@dataclass(frozen=True, slots=True)
class CallSize:
    """Tokens of one call by our own count (*prompt*, *reply*), with bounds of both.

    *reply_limit* is the requested limit of the reply, to which providers may add. *written_1h* says
    that cache entries were requested for an hour.
    """

    prompt: Callable[[], int]
    reply: Callable[[], int]
    reply_limit: int
    max_prompt: int
    max_reply: int
    min_prompt: int = 0
    min_reply: int = 0
    written_1h: bool = False


def usage_of(raw: Any, size: CallSize) -> Usage:
    """Return the usage in *raw*, litellm's object or a mapping; its `corrected` lists corrections.

    An impossible count is replaced by our own or by the more expensive reading, so that a call is
    never charged less than it can have cost. A missing usage is estimated.
    """
    notes, raw = list[str](), fields_of(raw)
    prompt = _count(notes, raw, "prompt_tokens", size.max_prompt, least=size.min_prompt)
    most, least = size.max_reply, size.min_reply
    reply = _count(notes, raw, "completion_tokens", most, size.reply_limit, least)
    total = _count(notes, raw, "total_tokens", size.max_prompt + size.max_reply)
    if not prompt and not reply and not total and not notes:
        return Usage(size.prompt(), size.reply(), estimated=True)
    details = fields_of(raw.get("completion_tokens_details"))
    reasoning = _count(notes, details, "reasoning_tokens", size.max_reply)
    if reasoning and (reasoning > reply or total - prompt >= reply + reasoning):
        notes.append(f"reasoning_tokens={reasoning} are not in completion_tokens={reply}")
        reply += reasoning
    if not prompt and (prompt := max(size.prompt(), total - reply)):
        notes.append(f"prompt_tokens estimated as {prompt}")
    if not reply and (reply := max(size.reply(), total - prompt)):
        notes.append(f"completion_tokens estimated as {reply}")
    if total > prompt + reply:  # Gemini's by OpenAI's format: hidden reasoning
        notes.append(f"total_tokens={total} exceed {prompt} + completion_tokens={reply}")
        reply = total - prompt
    of_prompt = _prompt_usage(notes, prompt, raw, size)
    of_reply = {"completion_tokens": reply, "reasoning_tokens": reasoning}
    return replace(of_prompt, **of_reply, estimated=bool(notes), corrected="; ".join(notes))


def _prompt_usage(notes: list[str], prompt: int, raw: Mapping[str, Any], size: CallSize) -> Usage:
    """Return the usage of a prompt of so many tokens: also those cached and written."""
    details = fields_of(raw.get("prompt_tokens_details"))
    newer = details.get("cache_write_tokens")
    name = "cache_write_tokens" if newer else "cache_creation_tokens"
    cached = _count(notes, details, "cached_tokens", size.max_prompt)
    written = _count(notes, details, name, size.max_prompt, prompt)
    if cached + written > prompt:  # the prompt's own count may be wrong, too
        notes.append(f"cached_tokens={cached} + {written} exceed prompt_tokens={prompt}")
        prompt, cached = max(prompt, size.prompt()), 0
        written = min(written, prompt)
    lifetimes = details.get("cache_creation_token_details")
    hour = _count(notes, fields_of(lifetimes), "ephemeral_1h_input_tokens", written, written)
    if size.written_1h and lifetimes is None:
        hour = written
    return Usage(prompt, 0, cached, written, cache_write_1h_tokens=hour)


def _count(
    notes: list[str],
    holder: Mapping[str, Any],
    name: str,
    limit: int,
    beyond: int = 0,
    least: int = 0,
) -> int:
    """Return the tokens called *name*, *beyond* if above *limit*, 0 if missing or impossible.

    A count of 0 is a missing one; any other below *least* is impossible.
    """
    value = holder.get(name)
    tokens = 0 if value is None else token_count(value)
    if tokens == 0 or (tokens is not None and least <= tokens <= limit):
        return tokens
    notes.append(f"{name}={_shown(value)} cannot be true")
    return beyond if tokens and tokens > limit else 0


def cost_of(response: Any, tokens: int, priced: float | None) -> tuple[float | None, str]:
    """Return the US dollars of a call of so many *tokens*, and why a reported cost is rejected.

    OpenRouter, Perplexity and proxies report a cost, which holds unless it is impossible or far
    below *priced*, the cost by known prices; without one, *priced* holds.
    """
    usage = getattr(response, "usage", None)
    value = getattr(usage, "cost", None)
    if value is None:
        hidden = getattr(response, "_hidden_params", None)
        value = at(hidden, "additional_headers", "llm_provider-x-litellm-response-cost")
    if value is None:
        return priced, ""
    value = at(value, "total_cost") if isinstance(value, Mapping) else value  # Perplexity's
    try:
        cost = float(value)
    except (TypeError, ValueError):
        cost = math.nan
    if getattr(usage, "is_byok", False) is True:  # OpenRouter's fee; the host bills its part itself
        beside = at(getattr(usage, "cost_details", None), "upstream_inference_cost")
        cost += beside if isinstance(beside, int | float) else math.nan
    if 0 <= cost <= 1 + tokens * _MAX_USD and cost >= _LEAST * (priced or 0.0):
        return cost, ""
    return priced, f"cost={_shown(value)} cannot be true"


def served_tier(response: Any) -> str:
    """Return the service tier that the provider reports, in OpenAI's field or another's."""
    hidden = getattr(response, "_hidden_params", None)
    traffic = at(hidden, "provider_specific_fields", "traffic_type")
    usage = getattr(response, "usage", None)
    tiers = (*(getattr(each, "service_tier", None) for each in (response, usage)), traffic)
    return next((tier for tier in tiers if isinstance(tier, str)), "")


def _shown(value: Any) -> str:
    """Return a provider's *value* if it is a number; a text may be, or begin, a key."""
    return str(value)[:20] if isinstance(value, int | float) else "(no number)"


def fields_of(holder: Any) -> Mapping[str, Any]:
    """Return the fields of *holder*; to ask one of pydantic's models for a missing one is slow."""
    if isinstance(holder, Mapping):
        return holder
    extra = getattr(holder, "__pydantic_extra__", None)
    return {**getattr(holder, "__dict__", {}), **(extra or {})}


def token_count(value: Any) -> int | None:
    """Return *value*, a number or its text, rounded up to a whole number; None if impossible."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        return math.ceil(float(value))
    except (ValueError, OverflowError):  # no number, NaN or infinity
        return None
