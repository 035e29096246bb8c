"""Call log: attempts, waiting times, tokens and cost of one node's calls."""

from collections.abc import Callable
from dataclasses import dataclass, field

from runner.base.usage import Usage
from runner.providers.request import Completion


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request that was sent: *outcome* is `ok` or the kind of failure; times in seconds.

    *first_token_s* is measured for calls that others waited for. *delivery* is `live`, `flex` or
    `batch`, *batch* the provider's id of that, and *live_usd* what the reply would have cost live,
    None where no price is known.
    """

    outcome: str
    latency_s: float
    status: int | None = None
    wait_s: float = 0.0  # between it and the next one
    first_token_s: float | None = None
    delivery: str = "live"
    batch: str | None = None
    live_usd: float | None = 0.0


@dataclass(slots=True)
class CallLog:
    """Time and cost of one node's calls so far; the client writes it, the run reads it.

    *queue_wait_s* is time spent waiting for admission, *parked_s* the part of it during which
    the provider was down, *latency_s* time inside attempts. *note* writes an event to the
    journal; *unit* names the node among all callers that share a gate, and *sent_as* among the
    runs of its job, in every session. *reserve* makes room on the disk for the record of one more
    reply of at most so many tokens, or raises NotRunError; *keep* keeps the reply to the request
    with a key until that record is stored, and *earlier_reply* returns that of a killed session.
    """

    note: Callable[..., object] | None = None
    unit: str = ""
    sent_as: str = ""
    queue_wait_s: float = 0.0
    parked_s: float = 0.0
    latency_s: float = 0.0
    attempts: list[Attempt] = field(default_factory=list)
    usage: Usage = field(default_factory=Usage)
    charged_tokens: int = 0  # upper bounds for attempts without a reply that may be billed …
    charged_usd: float = 0.0  # … and for replies without a price
    began: float | None = None  # loop time of the first attempt of this conversation
    earlier: int = 0  # attempts of earlier conversations, with other models or about other parts
    parts_s: list[float] = field(default_factory=list)  # latency of each part that ran beside it
    reserve: Callable[["CallLog", int], None] = lambda _, __: None
    keep: Callable[[str, Completion], None] = lambda _, __: None
    earlier_reply: Callable[[str], Completion | None] = lambda _: None

    @property
    def replies(self) -> int:
        """Replies of this conversation so far."""
        return sum(attempt.outcome == "ok" for attempt in self.attempts[self.earlier :])

    def waits_after(self, kind: str) -> list[float]:
        """Return the seconds waited after each failure of *kind* in this conversation."""
        return [a.wait_s for a in self.attempts[self.earlier :] if a.outcome == kind]

    def start_conversation(self) -> None:
        """Start a conversation, which has its own limits of attempts and time."""
        self.earlier, self.began = len(self.attempts), None

    def absorb(self, part: "CallLog") -> None:
        """Add the calls of a part of this node, which ran concurrently with its other parts."""
        self.parts_s.append(part.latency_s)
        self.queue_wait_s += part.queue_wait_s
        self.parked_s += part.parked_s
        self.attempts += part.attempts
        self.usage += part.usage
        self.charge(part.charged_tokens, part.charged_usd)

    def charge(self, tokens: int, usd: float) -> None:
        """Count the upper bounds of usage that the provider does not report."""
        self.charged_tokens += tokens
        self.charged_usd += usd

    def record(self, event: str, attempt: int, **facts: object) -> None:
        """Write *event* of an attempt, counted from 1, to the journal if there is one."""
        if self.note is not None:
            self.note(event, attempt=attempt, **facts)
