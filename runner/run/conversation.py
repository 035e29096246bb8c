"""One node's conversation with the model: ask, check, and ask again where that can help."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, TypeVar

import structlog

from runner.answers.analyzer import Message
from runner.base.errors import AnswerError
from runner.providers.request import Completion, Request

# How often a reply of each kind is asked for again; a refusal never is.
AGAIN = {"invalid_output": 2, "ungrounded": 1, "empty": 2, "truncated": 1}

T = TypeVar("T")

log = structlog.get_logger("colloquy.ask")


class Mender(Protocol):
    """Puts a reply that does not fit back to the model."""

    def repair(self, messages: tuple[Message, ...], reply: str, fault: str) -> tuple[Message, ...]:
        """Return *messages* with the reply and what is wrong with it."""


@dataclass
class Conversation:
    """What was said until an answer came; *rejected* holds the replies that were none.

    *longest* tells how long a reply to a request can be, None where that is unknown.
    """

    mender: Mender
    request: Request
    longest: Callable[[Request], int | None] = lambda _: None
    rejected: list[dict[str, Any]] = field(default_factory=list)

    async def answer(
        self,
        call: Callable[[Request], Awaitable[Completion]],
        read: Callable[[Completion], Awaitable[T]],
    ) -> T:
        """Return what *read* makes of a reply; raise CallError when there will be no answer."""
        while True:
            completion = await call(self.request)
            try:
                check_complete(completion)
                return await read(completion)
            except AnswerError as error:
                again = self._again(error)
                self.rejected.append(
                    {"kind": error.kind, "error": str(error), "raw_output": error.text}
                )
                if again is None:
                    raise
                log.warning(
                    "answer.rejected",
                    analyzer=self.request.node,
                    kind=error.kind,
                    error=str(error),
                )
                self.request = again

    def _again(self, error: AnswerError) -> Request | None:
        """Return the next request, or None where another one cannot help."""
        before = sum(reply["kind"] == error.kind for reply in self.rejected)
        if before >= AGAIN.get(error.kind, 0):
            return None
        if error.kind == "truncated":
            most = self.longest(self.request)
            wanted = min(2 * self.request.max_tokens, 2**31 if most is None else most)
            longer = wanted > self.request.max_tokens
            return replace(self.request, max_tokens=wanted) if longer else None
        if error.kind in ("invalid_output", "ungrounded"):
            mended = self.mender.repair(self.request.messages, error.text, str(error))
            again = replace(self.request, messages=mended)
            most = self.longest(again)
            return again if most is None or most >= again.max_tokens else None
        return self.request

    def notes(self) -> Mapping[str, Any]:
        """Return what a record says of the replies that were no answer."""
        return {"rejected": self.rejected} if self.rejected else {}


def check_complete(completion: Completion) -> None:
    """Refuse replies that look like success and are not."""
    if completion.finish_reason == "content_filter":
        raise AnswerError("refused", "the provider's filter stopped the reply", text="")
    if completion.finish_reason == "refusal":
        raise AnswerError("refused", f"the model refuses: {completion.text}", text=completion.text)
    if completion.finish_reason == "length":
        raise AnswerError(
            "truncated",
            f"the reply was cut at {completion.usage.completion_tokens} tokens: raise max_tokens",
            text=completion.text,
        )
    if not completion.text.strip():
        raise AnswerError("empty", "the provider returned an empty reply", text="")
