"""Messages of a prompt: parts are joined, or marked where a prompt cache needs marks."""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from runner.answers.analyzer import Message
from runner.base.text import digest

# The end of a prefix for the prompt cache: Claude's mark, and OpenAI's since GPT-5.6.
_CLAUDE_MARK = {"cache_control": {"type": "ephemeral"}}
_OPENAI_MARK = {"prompt_cache_breakpoint": {"mode": "explicit"}}
# As job.wrap writes it; its id is a digest of the content, which cannot contain its end.
_TRANSCRIPT = re.compile(r'<transcript id="(\w+)">\n')


def text_parts(message: Message) -> list[str]:
    """Return the texts of *message*, in order."""
    content = message["content"]
    return [content] if isinstance(content, str) else [str(part["text"]) for part in content]


def joined(message: Message) -> dict[str, Any]:
    """Return *message* with its text parts as one string: the same tokens for less work."""
    return {**message, "content": "".join(text_parts(message))}


def cut_transcript(text: str) -> list[str]:
    """Return *text* cut after the transcript that it begins with, if any."""
    if begin := _TRANSCRIPT.match(text):
        close = f'\n</transcript id="{begin[1]}">\n\n'
        if (end := text.find(close, begin.end())) >= 0:
            cut = end + len(close)
            return [text[:cut], *filter(None, [text[cut:]])]
    return [text] if text else []


def prefix_digest(messages: Sequence[Message]) -> str:
    """Return a digest of what most calls share: all up to the transcript, or the first part."""
    texts: list[str] = []
    for message in messages:
        parts = text_parts(message)
        if message["role"] == "user":
            return _digest((*texts, parts[0]))
        texts += parts
    return _digest(tuple(texts))


@lru_cache(8)  # each holds a transcript
def _digest(texts: tuple[str, ...]) -> str:
    return digest("\0".join([*texts[:-1], *cut_transcript("".join(texts[-1:]))[:1]]), 32)


def without(messages: Sequence[Message], text: str) -> tuple[Message, ...]:
    """Return *messages* without the parts that are *text*."""
    return tuple(
        message
        if isinstance(message["content"], str)
        else {**message, "content": [p for p in message["content"] if p["text"] != text]}
        for message in messages
    )


def in_user_message(messages: Sequence[Message]) -> tuple[Message, ...]:
    """Return *messages* with the system's text at the beginning of the first user message."""
    system = [part for m in messages if m["role"] == "system" for part in text_parts(m)]
    user, *others = (message for message in messages if message["role"] != "system")
    texts = ["\n\n".join([*system, ""]), *text_parts(user)]
    return {**user, "content": [{"type": "text", "text": text} for text in texts]}, *others


def marked(messages: Sequence[Message], model: str, cache: str = "auto") -> list[dict[str, Any]]:
    """Return *messages*, marked for *model* where the system message and the shared part end.

    The shared part is the first part of the first user message; all other parts are joined. If it
    continues after a transcript, that end is marked, too: other stages share the prefix up to it.
    *cache* is the lifetime of the cache entries: `1h`, else the provider's own.
    """
    mark = _CLAUDE_MARK if "claude" in model else _OPENAI_MARK
    if cache == "1h" and "claude" in model:
        mark = {"cache_control": {**_CLAUDE_MARK["cache_control"], "ttl": "1h"}}
    shaped = [joined(message) for message in messages]
    for message, sent in zip(messages, shaped, strict=True):
        first, *rest = text_parts(message)
        if message["role"] == "system":
            sent["content"] = [{"type": "text", "text": sent["content"], **mark}]
        elif message["role"] == "user":
            cut = cut_transcript(first) or [first]
            sent["content"] = [{"type": "text", "text": text, **mark} for text in cut]
            sent["content"] += [{"type": "text", "text": "".join(rest)}] if rest else []
            break
    return shaped
