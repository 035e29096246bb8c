"""The result of a batch, and the limit on its runs in progress."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import accumulate, islice
from typing import Any

from runner.calls.client import Client
from runner.calls.client_factory import max_in_flight
from runner.job.job import BatchJob
from runner.transcript.inputs import size_of


@dataclass(frozen=True, slots=True)
class BatchResult:
    """Status, exit code, and the content of benchmark.json of a batch."""

    status: str
    exit_code: int
    benchmark: Mapping[str, Any]


AHEAD = 4  # runs beyond those that fill all slots: their files are read while others call
# Runs whose calls wait in batches: up to so many, of files of so many bytes together. A run takes
# 20 times its file's size in memory, most of it the index of its words.
MAX_WAITING, MAX_WAITING_BYTES = 2000, 32_000_000


def count_waiting(clients: Iterable[Client]) -> int:
    """Return how many calls of *clients* wait for pending batches."""
    found = (client.deliverer for client in clients)
    return sum(each.collector.count_waiting() for each in found if each is not None)


def runs_at_once(job: BatchJob, clients: Iterable[Client]) -> int:
    """Return the limit on the runs of *job* in progress at once."""
    if job.settings.processing.mode == "sequential":
        return 1
    live = max_in_flight(job) + AHEAD
    if any(each.deliverer is not None and each.deliverer.sends for each in clients):
        files = islice(job.inputs.longest_first(), MAX_WAITING)
        sizes = accumulate(size_of(file.path) for file in files)
        live = max(live, sum(size <= MAX_WAITING_BYTES for size in sizes))
    return job.settings.batch.max_active or live
