"""Pending batch: one batch at its provider, and the requests that wait for it."""

import asyncio
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

import structlog

from runner.base.errors import CallError
from runner.calls.delivery.ledger import LedgerBatch
from runner.providers.batches.endpoint import BatchEndpoint, SubmittedBatch
from runner.providers.request import Completion, Request, Result

FIRST_POLL_S, LAST_POLL_S, POLL_SHARE = 1.0, 60.0, 0.05  # of the time that a batch is out
STOPPING_POLL_S = 2.0  # of a batch that was cancelled

log = structlog.get_logger("colloquy.delivery")


def failure_of(error: Exception) -> tuple[str, str]:
    """Return kind and message of what ends the work on a batch: a full disk, or a bug; log that."""
    if isinstance(error, OSError):
        return "output", str(error)
    log.exception("batch.crashed")
    return "internal", f"{type(error).__name__}: {error}"


class LateError(Exception):
    """A request goes live because its deadline is near; *out*: its batch may still answer it."""

    def __init__(self, *, out: bool) -> None:
        super().__init__("late")
        self.out = out


@dataclass(eq=False, slots=True)
class WaitingRequest:
    """A request that waits for its reply.

    *rank* orders it in a batch, *tokens* are its prompt's at most, *steps* the calls from here to
    the end of its run. *mark* is its batch's, None before it is in one. Once it *has_left*, for a
    live call, *late* gets the result of its batch. *unsent* batches with it did not arrive.
    """

    key: str
    request: Request
    rank: float
    tokens: int
    steps: int
    late: Callable[[Result], object]
    mark: str | None = None
    has_left: bool = False
    unsent: int = 0
    reply: asyncio.Future[Completion] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )

    def resolve(self, result: Result) -> None:
        """Hand over the reply or the failure."""
        if self.has_left:
            self.late(result)
        elif not self.reply.done():
            if isinstance(result, CallError):
                self.reply.set_exception(result)
            else:
                self.reply.set_result(result)

    def leave(self, *, out: bool) -> None:
        """Let the caller ask live; *out*: a result may still arrive."""
        if not self.reply.done():
            self.has_left = out
            self.reply.set_exception(LateError(out=out))


@dataclass(frozen=True, slots=True)
class TokenQueue:
    """The *tokens* of all pending batches of a model, and the *most* that there may be."""

    tokens: int
    most: float

    @property
    def room(self) -> float:
        """The tokens that a further batch may have."""
        return self.most - self.tokens


@dataclass(eq=False, slots=True)
class PendingBatch:
    """A batch that is pending, or whose results are stored.

    *since* is when this process sent it or took it over. *tokens* count against the provider's
    limit on queued tokens. *leaves_at* is when its requests go live, by the number of their steps,
    in seconds since 1970. *results* are the unclaimed lines, *seen* the keys of all, which reveal
    *torn* downloads. *stopping_at* is when it was cancelled for the deadline; *is_overdue*: for its
    window. *downloads* counts the downloads of its results.
    """

    batch: LedgerBatch
    since: float
    tokens: int = 0
    leaves_at: dict[int, float] = field(default_factory=dict)
    waiting: dict[str, WaitingRequest] = field(default_factory=dict)
    results: dict[str, bytes] = field(default_factory=dict)
    seen: set[str] = field(default_factory=set)
    state: SubmittedBatch | None = None
    is_over: bool = False
    torn: bool = False
    is_overdue: bool = False
    downloads: int = 0
    stopping_at: float | None = None

    def poll_s(self, now: float, least_s: float) -> float:
        """Return the seconds until its state is worth asking for again, at least *least_s*.

        A request that is to go live in between comes first.
        """
        if self.stopping_at is not None:
            return max(STOPPING_POLL_S, least_s)
        wait = min(LAST_POLL_S, max(FIRST_POLL_S, POLL_SHARE * (now - self.batch.at)))
        leaves = min((self.leaves_at[w.steps] for w in self.staying()), default=math.inf)
        return max(0.1, min(max(wait, least_s), leaves - now))

    def staying(self) -> Iterator[WaitingRequest]:
        """Yield the requests that have not gone live."""
        return (each for each in self.waiting.values() if not each.has_left)

    def read(self, endpoint: BatchEndpoint, lines: Iterable[bytes]) -> None:
        """Store *lines*, all results of the batch, by key."""
        self.torn = False
        for line in lines:
            try:
                key = endpoint.key_of(line)
            except ValueError:
                self.torn = True
                continue
            if key in self.batch.keys and key not in self.seen:
                self.seen.add(key)
                self.results[key] = line

    @property
    def is_whole(self) -> bool:
        """Whether every result at its provider is here."""
        ended = self.state is None or self.state.state == "ended"
        return not self.torn and not (ended and len(self.seen) < len(self.batch.keys))

    def why_missing(self) -> CallError:
        """Return the failure of a request without a result."""
        state, reason = self.state, "has no readable result of it"
        ended = state is not None and state.state == "ended"  # it may have been answered
        if self.is_overdue and self.torn:
            reason = "did not end in its window or after cancellation"
        elif state is not None and not ended:
            why = f": {state.error}" if state.error else ""
            reason = f"{state.state} before it was answered{why}"
        kind = "transient" if state is None else state.failure_kind
        return CallError(kind, f"the batch {reason}", billed=self.torn or ended)
