"""The account of one node's calls: every attempt, its time, what was used and paid."""

from collections.abc import Callable
from dataclasses import dataclass, field

from runner.base.usage import Usage
from runner.providers.request import Completion


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request as sent: *outcome* is `ok` or the kind of failure; times in seconds."""

    outcome: str
    latency_s: float
    status: int | None = None
    wait_s: float = 0.0  # waited after it, before the next one


@dataclass(slots=True)
class CallLog:
    """What one node's calls took and cost so far; the client writes, the run reads.

    *queue_wait_s* is time spent waiting to be admitted, *parked_s* the part of it in which the
    provider was down, *latency_s* time inside attempts. *note* is told what a journal has to
    keep; *unit* names the node among all that share a gate.
    """

    note: Callable[..., object] | None = None
    unit: str = ""
    queue_wait_s: float = 0.0
    parked_s: float = 0.0
    latency_s: float = 0.0
    attempts: list[Attempt] = field(default_factory=list)
    usage: Usage = field(default_factory=Usage)
    began: float | None = None  # loop time of this conversation's first attempt
    before: int = 0  # attempts of earlier conversations, with other models or about other parts
    parts_s: list[float] = field(default_factory=list)  # latency of each part read beside it

    def add(self, completion: Completion) -> None:
        """Count a reply that was paid for."""
        self.usage += completion.usage

    def begin(self) -> None:
        """Start another conversation: its requests and its time are counted anew."""
        self.before, self.began = len(self.attempts), None

    def absorb(self, part: "CallLog") -> None:
        """Count the calls of a part of this node, which ran beside its other parts."""
        self.parts_s.append(part.latency_s)
        self.queue_wait_s += part.queue_wait_s
        self.parked_s += part.parked_s
        self.attempts += part.attempts
        self.usage += part.usage

    def tell(self, event: str, attempt: int, **facts: object) -> None:
        """Pass *event* of that attempt, counted from 1, on to the journal, if there is one."""
        if self.note is not None:
            self.note(event, attempt=attempt, **facts)
