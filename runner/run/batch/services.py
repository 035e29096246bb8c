"""Services shared by the runs of a batch, and the batch's result."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from runner.base.loop_lag import Lag
from runner.calls.admission.limits import Admission
from runner.calls.client import Client
from runner.run.stop import Stop


@dataclass(frozen=True, slots=True)
class BatchServices:
    """Services that all runs of a batch share.

    *clients* are by model name; *admission*, *stop* and *lag* belong to the event loop.
    """

    clients: Mapping[str, Client]
    admission: Admission
    stop: Stop
    lag: Lag | None = None

    def out(self) -> int:
        """Return how many calls wait for pending batches."""
        deliverers = {id(c.deliverer): c.deliverer for c in self.clients.values()}.values()
        return sum(each.collector.count_waiting() for each in deliverers if each is not None)


@dataclass(frozen=True, slots=True)
class BatchResult:
    """Result of a batch; *counts* are files by their names in the last console line."""

    status: str
    exit_code: int
    counts: Mapping[str, int]
    benchmark: Mapping[str, Any]
