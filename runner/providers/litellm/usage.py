"""Usage: what a provider says that a call took, believed only where it can be true."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from runner.base.usage import Usage

# Tokens that providers add to what is sent and asked for: their own prompts, hidden reasoning.
ADDED_PROMPT = 10_000
ADDED_REPLY = 100_000


@dataclass(frozen=True, slots=True)
class CallSize:
    """What one call can have used: our *prompt* and *reply* counts, and upper bounds of both.

    *max_reply* is the reply's limit that was asked for, to which providers may add.
    """

    prompt: Callable[[], int]
    reply: Callable[[], int]
    max_reply: int
    most_prompt: int
    most_reply: int


@dataclass(slots=True)
class _Reader:
    """Reads counts, and notes those that cannot be true."""

    notes: list[str] = field(default_factory=list)

    def count(self, holder: Any, name: str, most: int, instead: int = 0) -> int:
        """Return the tokens called *name*; 0 where there are none or they cannot be true.

        *instead* of more than *most*.
        """
        said = _get(holder, name)
        if said is None:
            return 0
        tokens = token_count(said)
        if tokens is None or not 0 <= tokens <= most:
            self.notes.append(f"{name}={str(said)[:20]} cannot be true")
            return instead if tokens and tokens > most else 0
        return tokens


def usage_of(raw: Any, size: CallSize) -> tuple[Usage, tuple[str, ...]]:
    """Return the usage that *raw*, litellm's object or a mapping, states, and its corrections.

    What cannot be true is replaced by our own count or by the more expensive reading, so that no
    lie makes a call cheaper than it can have been. A missing usage is estimated.
    """
    reader = _Reader()
    prompt = reader.count(raw, "prompt_tokens", size.most_prompt)
    reply = reader.count(raw, "completion_tokens", size.most_reply, size.max_reply)
    if not prompt and not reply and not reader.notes:
        return Usage(size.prompt(), size.reply(), estimated=True), ()
    total = reader.count(raw, "total_tokens", size.most_prompt + size.most_reply)
    reply, reasoning = _with_reasoning(raw, reader, size, total - prompt, reply)
    if not prompt and (prompt := max(size.prompt(), total - reply)):
        reader.notes.append(f"prompt_tokens estimated as {prompt}")
    if not reply and (reply := max(size.reply(), total - prompt)):
        reader.notes.append(f"completion_tokens estimated as {reply}")
    details = _get(raw, "prompt_tokens_details")
    cached = reader.count(details, "cached_tokens", size.most_prompt)
    written = reader.count(details, _written_name(details), size.most_prompt)
    if cached + written > prompt:  # then the prompt's own count is doubtful, too
        reader.notes.append(f"cached_tokens={cached} + {written} exceed prompt_tokens={prompt}")
        prompt, cached = max(prompt, size.prompt()), 0
        written = min(written, prompt)
    lifetimes = _get(details, "cache_creation_token_details")
    hour = reader.count(lifetimes, "ephemeral_1h_input_tokens", written)
    usage = Usage(
        prompt,
        reply,
        cached,
        written,
        estimated=bool(reader.notes),
        reasoning_tokens=reasoning,
        cache_write_1h_tokens=hour,
    )
    return usage, tuple(reader.notes)


def _with_reasoning(
    raw: Any, reader: _Reader, size: CallSize, beside_prompt: int, reply: int
) -> tuple[int, int]:
    """Return reply tokens with all reasoning tokens among them, and these.

    *beside_prompt* are the tokens of the total that are not the prompt's: where they hold the
    reasoning beside the reply, or the reply cannot hold it, the two are added.
    """
    details = _get(raw, "completion_tokens_details")
    reasoning = reader.count(details, "reasoning_tokens", size.most_reply)
    if reasoning and (reasoning > reply or beside_prompt >= reply + reasoning):
        reader.notes.append(f"reasoning_tokens={reasoning} are not in completion_tokens={reply}")
        reply += reasoning
    return reply, reasoning


def _written_name(details: Any) -> str:
    name = "cache_write_tokens"
    return name if _get(details, name) else "cache_creation_tokens"


def _get(holder: Any, name: str) -> Any:
    return holder.get(name) if isinstance(holder, Mapping) else getattr(holder, name, None)


def token_count(said: Any) -> int | None:
    """Return *said* as a whole number, rounded up; digits as text are read. None if it is none."""
    if isinstance(said, str):
        try:
            said = float(said)
        except ValueError:
            return None
    if isinstance(said, bool) or not isinstance(said, int | float) or not math.isfinite(said):
        return None
    return math.ceil(said)
