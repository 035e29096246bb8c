"""Call: what the attempts of one call to a model share."""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from runner.calls.admission.limits import Limit, Ticket
from runner.calls.call_log import CallLog
from runner.calls.flex import FlexDelivery
from runner.providers.request import Request


@dataclass(slots=True)
class Call:
    """State that the attempts of one call share."""

    request: Request
    slots: Limit
    calls: CallLog
    ticket: Ticket
    way: FlexDelivery
    failures: Counter[str] = field(default_factory=Counter)
    key: str = ""  # of the request, for batches
    steps: int = 1  # calls from here to the end of its run
    parked: bool = False  # the last failure was an outage and uses up no retry
    expected_s: float | None = None  # by earlier runs
    number: int = 1  # of its latest attempt
    is_double: bool = False  # of one that is late
    begun: float | None = None  # loop time of the first token, if others wait for it

    def begin(self, waiting: Callable[[], object]) -> None:
        """Note when the reply began, and notify the waiting caller."""
        if self.begun is None:
            self.begun = asyncio.get_running_loop().time()
        waiting()
