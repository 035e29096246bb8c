"""Conversation with a model: a call, and repairs or repeats after replies without an answer."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Generic, TypeVar

import structlog

from runner.answers.analyzer import Message
from runner.answers.json_repair import loops
from runner.answers.reply import BESIDE, find
from runner.base.errors import AnswerError, CallError
from runner.providers.request import Completion, Request

MAX_REQUESTS = 2
# Kinds of invalid reply that are requested again; a refusal is not.
REPEATED = ("invalid_output", "ungrounded", "empty", "truncated")

T = TypeVar("T")
Messages = tuple[Message, ...]
Repair = Callable[[Messages, str, str], Messages]  # as `Analyzer.repair`

log = structlog.get_logger("colloquy.ask")


@dataclass(frozen=True, slots=True)
class _Usable(Generic[T]):
    """The usable part of a reply that is no full answer; *whole*: the reply was not truncated."""

    part: T
    whole: bool

    @classmethod
    def of(cls, error: CallError) -> "_Usable[T] | None":
        """Return what *error* keeps of its reply, None for nothing."""
        if not isinstance(error, AnswerError) or error.kept is None:
            return None
        return cls(error.kept, error.kind != "truncated")


@dataclass
class Conversation:
    """Requests until a reply is an answer.

    *rejected* holds the other replies, *used_earlier* why one of them is the answer after all.
    *repair* appends a reply and its fault to messages; *longest* returns the limit on a reply's
    tokens, None where it is unknown.
    """

    repair: Repair
    request: Request
    longest: Callable[[Request], int | None] = lambda _: None
    rejected: list[dict[str, Any]] = field(default_factory=list)
    used_earlier: str = ""

    async def answer(
        self,
        call: Callable[[Request], Awaitable[Completion]],
        read: Callable[[Completion], Awaitable[T]],
    ) -> T:
        """Return the result of *read* on a reply; raise CallError where no reply is an answer.

        A partly usable reply (`AnswerError.kept`) is used if no other is better: of two, the later
        one, unless only that was truncated.
        """
        best: _Usable[T] | None = None
        while True:
            try:
                completion = await call(self.request)
                check_complete(completion)
                return await read(completion)
            except CallError as error:  # a further name would make a reference cycle
                usable = _Usable[T].of(error)
                improves = usable is not None and (best is None or usable.whole or not best.whole)
                best = usable if improves else best
                request = self._next(error) if isinstance(error, AnswerError) else None
                if isinstance(error, AnswerError) and (request is not None or not improves):
                    self._reject(error)
                if request is not None:
                    self.request = request
                elif best is None:
                    raise
                else:
                    if not improves:
                        self.used_earlier = f"another request gave no better reply: {error}"
                    return best.part

    def _reject(self, error: AnswerError) -> None:
        kind, fault = error.kind, str(error)
        self.rejected.append({"kind": kind, "error": fault, "raw_output": error.text})
        log.warning("answer.rejected", analyzer=self.request.node, kind=kind, error=fault)

    def _next(self, error: AnswerError) -> Request | None:
        """Return the next request, or None if another one cannot help."""
        if len(self.rejected) + 1 >= MAX_REQUESTS or error.kind not in REPEATED or not error.again:
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


def cut_error(completion: Completion, kept: Any = None) -> AnswerError:
    """Return the error for a truncated reply with the complete part *kept*.

    A reply that loops is not requested again: a longer one would loop, too.
    """
    tokens = f"{completion.usage.completion_tokens} tokens"
    where = f"at {tokens}" if completion.finish_reason == "length" else "within its object"
    again = not loops(completion.text)
    advice = "raise max_tokens" if again else "it repeats itself to the end"
    message = f"the reply was cut {where}: {advice}"
    if not find(completion.text.partition(f"<{BESIDE}>")[0]).text.strip():
        advice = "raise model.max_tokens, or" if again else "it repeats itself to the end;"
        message = f"reasoning used up the {tokens} of the reply: {advice} lower model.effort"
    return AnswerError("truncated", message, text=completion.text, kept=kept, again=again)


def check_complete(completion: Completion) -> None:
    """Raise AnswerError for a reply that was refused or is empty."""
    reason, text = completion.finish_reason, completion.text
    which = f" ({completion.stopped})" if completion.stopped.lower() not in ("", reason) else ""
    if reason == "content_filter":
        message = f"the provider's filter stopped the reply{which}: another model may answer"
        raise AnswerError("refused", f"{message}, see model.fallbacks", text="")
    if reason == "refusal":
        message = text.strip() or "it gives no reason; see model.fallbacks"
        raise AnswerError("refused", f"the model refuses: {message}", text=text)
    if not text.strip() and reason == "length":
        raise cut_error(completion)
    if not text.strip():
        raise AnswerError("empty", f"the provider returned an empty reply{which}", text="")
