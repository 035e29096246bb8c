"""Conversation with a model: a call, and repairs or repeats after replies without an answer."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import structlog

from runner.answers.analyzer import Message
from runner.base.errors import AnswerError
from runner.providers.request import Completion, Request

# Further requests after a reply of each kind; none after a refusal.
REPEATS = {"invalid_output": 2, "ungrounded": 1, "empty": 2, "truncated": 1}

T = TypeVar("T")
Messages = tuple[Message, ...]
Repair = Callable[[Messages, str, str], Messages]  # as `Analyzer.repair`

log = structlog.get_logger("colloquy.ask")


@dataclass
class Conversation:
    """Requests until a reply is an answer; *rejected* holds the other replies.

    *repair* appends a reply and its fault to messages; *longest* returns the limit on a reply's
    tokens, None where it is unknown.
    """

    repair: Repair
    request: Request
    longest: Callable[[Request], int | None] = lambda _: None
    rejected: list[dict[str, Any]] = field(default_factory=list)

    async def answer(
        self,
        call: Callable[[Request], Awaitable[Completion]],
        read: Callable[[Completion], Awaitable[T]],
    ) -> T:
        """Return the result of *read* on a reply; raise CallError where no reply is an answer."""
        while True:
            completion = await call(self.request)
            try:
                check_complete(completion)
                return await read(completion)
            except AnswerError as error:
                request, facts = self._next(error), {"kind": error.kind, "error": str(error)}
                self.rejected.append({**facts, "raw_output": error.text})
                log.warning("answer.rejected", analyzer=self.request.node, **facts)
                if request is None:
                    raise
                self.request = request

    def _next(self, error: AnswerError) -> Request | None:
        """Return the next request, or None where another one cannot help."""
        count = sum(reply["kind"] == error.kind for reply in self.rejected)
        if count >= REPEATS.get(error.kind, 0):
            return None
        if error.kind == "truncated":
            limit = self.longest(self.request)
            tokens = min(2 * self.request.max_tokens, 2**31 if limit is None else limit)
            longer = tokens > self.request.max_tokens
            return replace(self.request, max_tokens=tokens) if longer else None
        if error.kind in ("invalid_output", "ungrounded"):
            messages = self.repair(self.request.messages, error.text, str(error))
            repair = replace(self.request, messages=messages)
            limit = self.longest(repair)
            if limit is None or limit >= repair.max_tokens:
                return repair
            log.warning("repair.skipped", analyzer=repair.node, room=limit, error=str(error))
            return None
        return self.request

    def notes(self) -> Mapping[str, Any]:
        """Return the rejected replies as a record stores them."""
        return {"rejected": self.rejected} if self.rejected else {}


def check_complete(completion: Completion) -> None:
    """Raise AnswerError for a reply that was refused, cut off or empty."""
    reason, text = completion.finish_reason, completion.text
    if reason == "content_filter":
        raise AnswerError("refused", "the provider's filter stopped the reply", text="")
    if reason == "refusal":
        raise AnswerError("refused", f"the model refuses: {text}", text=text)
    if reason == "length":
        cut = f"the reply was cut at {completion.usage.completion_tokens} tokens: raise max_tokens"
        raise AnswerError("truncated", cut, text=text)
    if not text.strip():
        raise AnswerError("empty", "the provider returned an empty reply", text="")
