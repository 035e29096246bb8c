"""Ledger of batches: the records that must be durable before and after each step."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from runner.calls.admission.limits import Cost


@dataclass(slots=True)
class LedgerBatch:
    """A batch that was or will be sent: its requests' *keys*, and its provider's *id* once sent.

    *at* is the time of the last of these records, in seconds since 1970; *collected*: all its
    results are stored. *provider* has it, "" for an unknown one.
    """

    mark: str
    keys: Collection[str]
    at: float
    id: str = ""
    collected: bool = False
    provider: str = ""


@dataclass(slots=True)
class HeldCall:
    """A call of an earlier session in the batch with *mark*, None before it is in a batch.

    *most* is its reservation in the journal, released once it is *settled*: True by a reply, False
    by a failure. *taken*: its answer is committed. *asked*: a call of this session
    waits for it.
    """

    most: Cost
    mark: str | None = None
    settled: bool | None = None
    taken: bool = False
    asked: bool = False


class Ledger(Protocol):
    """The batches of one model in a run's or batch's directory; its writes raise OSError."""

    batches: dict[str, LedgerBatch]

    def claim(self, key: str) -> HeldCall | None:
        """Return the unclaimed call of an earlier session with *key*."""

    def wanted(self, batch: LedgerBatch) -> set[str]:
        """Return the keys whose results in *batch* may be asked for."""

    async def intend(self, mark: str, keys: Sequence[str]) -> LedgerBatch:
        """Note durably that *keys* are about to be sent as one batch."""

    async def submitted(self, batch: LedgerBatch, id: str) -> None:
        """Note durably that the provider has the batch."""

    async def refused(self, batch: LedgerBatch) -> None:
        """Note durably that the provider does not have it, so that its calls are in no batch."""

    async def keep(self, mark: str, lines: Sequence[bytes]) -> None:
        """Store the raw results durably, in place of those that were there."""

    async def collected(self, batch: LedgerBatch) -> None:
        """Note durably that all its results are stored."""

    def results(self, mark: str) -> Iterator[bytes]:
        """Yield the stored results."""

    def forget(self, mark: str) -> None:
        """Remove the stored results: the answers in them are committed."""
