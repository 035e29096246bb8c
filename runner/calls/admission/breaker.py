"""Circuit breaker: opens during a provider's outage and probes until the provider answers."""

import math

TRIP = 5  # consecutive transient failures …
UNITS = 3  # … of at least this many units
PROBES_S = (5.0, 10.0, 20.0, 30.0)  # waits before each probe; the last one repeats
GIVE_UP_S = 600.0


class Breaker:
    """Open while the provider is down: one probe at a time is sent, all other calls wait.

    It opens after TRIP consecutive transient failures of UNITS units with no success that
    *started after* the last failure. It closes only on a probe's success: replies to requests
    from before an outage say nothing about it. Failures of a call do not count if another call
    that started after its first failure succeeded, so a few requests that always fail neither
    open the breaker nor are retried without end. Times in seconds.
    """

    def __init__(self) -> None:
        self.opened_at: float | None = None
        self.probing = False
        self._probe_due = 0.0
        self._probes = 0
        self._failures = 0
        self._units: set[str] = set()
        self._first_failure = self._last_failure = -math.inf
        self._last_success = -math.inf  # latest start of a request that succeeded
        self._others_succeed = False
        self._open_before = 0.0

    @property
    def is_open(self) -> bool:
        """Whether calls are parked."""
        return self.opened_at is not None

    def wait_s(self, now: float) -> float:
        """Return seconds until the next call may go, inf while a probe is in flight."""
        if self.opened_at is None:
            return 0.0
        return math.inf if self.probing else max(0.0, self._probe_due - now)

    def open_s(self, now: float) -> float:
        """Return the total seconds for which it has been open, up to *now*."""
        return self._open_before + (0.0 if self.opened_at is None else now - self.opened_at)

    def failed(
        self, unit: str, now: float, *, probe: bool, failing_since: float | None = None
    ) -> bool:
        """Count a transient failure; return whether it counts against the call's retries.

        During an outage it does not, unless other calls succeed meanwhile. *failing_since* is
        the time of the call's first failure, None if this is the first.
        """
        isolated = failing_since is not None and self._last_success >= failing_since
        if self.opened_at is None and not isolated:
            if self._failures == 0:
                self._first_failure = now
            self._failures += 1
            self._units.add(unit)
        if not isolated:
            self._last_failure = now
        if self.opened_at is None and self._failures >= TRIP and len(self._units) >= UNITS:
            self.opened_at, self._probes = now, 0
            self._schedule(now)
        elif probe:
            self.abandoned(now)
        return not self.is_open or isolated or (probe and self._others_succeed)

    def succeeded(self, started: float, now: float, *, probe: bool) -> bool:
        """Count the success of a call that *started* then; return whether the breaker closed."""
        self._last_success = max(self._last_success, started)
        if self.opened_at is None:
            if started >= self._last_failure:
                self._failures = 0
                self._units.clear()
            return False
        if not probe:
            self._others_succeed |= started >= self._first_failure
            return False
        self._open_before += now - self.opened_at
        self.opened_at, self.probing, self._others_succeed = None, False, False
        self._failures = 0
        self._units.clear()
        return True

    def abandoned(self, now: float) -> None:
        """Schedule another probe after one that ended without a result."""
        self.probing = False
        self._schedule(now)

    def gives_up(self, now: float) -> bool:
        """Return whether it has been open for GIVE_UP_S."""
        return self.opened_at is not None and now - self.opened_at >= GIVE_UP_S

    def _schedule(self, now: float) -> None:
        self._probe_due = now + PROBES_S[min(self._probes, len(PROBES_S) - 1)]
        self._probes += 1
