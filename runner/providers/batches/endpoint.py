"""Endpoint: the interface common to all providers' batch APIs."""

import re
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from runner.base.errors import CallError
from runner.providers.request import Completion, Request

State = Literal["waiting", "running", "ended", "expired", "cancelled", "failed"]
OVER: frozenset[State] = frozenset({"ended", "expired", "cancelled", "failed"})
_OVERFULL = re.compile("token_limit_exceeded|enqueued[ _]token", re.IGNORECASE)  # OpenAI, Azure


@dataclass(frozen=True, slots=True)
class BatchLimits:
    """Limits on a batch: requests, bytes of its file, seconds until a provider lets it expire."""

    requests: int = 50_000
    bytes: int = 100_000_000
    window_s: float = 86_400.0


@dataclass(frozen=True, slots=True)
class SubmittedBatch:
    """A batch as its provider describes it; times are seconds since 1970, None if unknown.

    *counts* are requests by the provider's names, such as `completed` and `failed`; *error* is the
    reason if it failed as a whole, else empty.
    """

    id: str
    state: State
    created_at: float | None = None
    ended_at: float | None = None
    counts: Mapping[str, int] = field(default_factory=dict)
    error: str = ""

    @property
    def is_overfull(self) -> bool:
        """Whether it failed because more tokens were queued than its provider allows."""
        return self.state == "failed" and _OVERFULL.search(self.error) is not None


class BatchEndpoint(Protocol):
    """One model's batch API. Every method makes one attempt and raises CallError if it fails.

    A request is identified by its *key*, at most 64 characters of [A-Za-z0-9_-], which its result
    repeats. A *mark*, of the same characters, is stored with a batch so that a process that died
    after sending finds it again.
    """

    limits: BatchLimits

    async def open(self) -> None:
        """Load the dependencies of the other methods."""

    def line(self, key: str, request: Request) -> bytes:
        """Return *request* as the batch's file or body holds it, without a line end."""

    async def submit(self, lines: Sequence[bytes], mark: str) -> SubmittedBatch:
        """Send *lines* as one batch."""

    async def find(self, mark: str, since: float, keys: Collection[str]) -> SubmittedBatch | None:
        """Return the batch with *mark* that was made after *since* (seconds since 1970), if any.

        Without stored marks (Anthropic), the *keys* of the requests sent identify the batch. Raises
        CallError if that is not known yet, so that absence is never assumed.
        """

    async def status(self, batch: str) -> SubmittedBatch:
        """Return the batch with that id."""

    def results(self, batch: str) -> AsyncIterator[bytes]:
        """Yield the raw lines of the available results, failed requests included, in any order.

        Some providers have none before the batch is over.
        """

    def key_of(self, line: bytes) -> str:
        """Return the key of a result.

        Raises ValueError for a line without one, such as a truncated line. The caller detects
        unknown and repeated keys.
        """

    def read(self, line: bytes, request: Request) -> Completion | CallError:
        """Return the reply in the result of *request*, at batch prices, or its failure."""

    async def cancel(self, batch: str) -> None:
        """Ask the provider to stop the batch; finished requests are kept and billed."""

    async def close(self) -> None:
        """Release connections."""
