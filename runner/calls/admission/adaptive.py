"""Adaptive concurrency: additive increase, multiplicative decrease of the calls in flight."""

START = 8
CUT = 0.5
COOLDOWN_S = 10.0
SATURATED = 0.8  # share of the limit that a round must have used for the limit to grow
_MIN_ROUND = 4  # successes


class AdaptiveLimit:
    """A limit between 1 and *ceiling* calls in flight (AIMD, Chiu and Jain 1989).

    A round is as many first-try successes as the limit; a clean, saturated one doubles the
    limit until the first cut and adds one afterwards. A throttled call halves it, once per
    cooldown. Times in seconds.
    """

    def __init__(self, ceiling: int) -> None:
        self.ceiling = ceiling
        self.limit = min(START, ceiling)
        self.in_flight = 0
        self._slow_start = True
        self._successes = 0
        self._peak = 0
        self._cool_until = float("-inf")

    def entered(self) -> None:
        """Count a call that has started."""
        self.in_flight += 1
        self._peak = max(self._peak, self.in_flight)

    def set_ceiling(self, ceiling: int) -> None:
        """Set the ceiling; a limit that has been cut does not rise with it."""
        if self._slow_start:
            self.limit = max(self.limit, min(START, ceiling))
        self.ceiling = ceiling
        self.limit = max(1, min(self.limit, ceiling))

    def succeeded(self, now: float, *, first_try: bool) -> None:
        """Count a success; raise the limit at the end of a clean, saturated round."""
        if not first_try or now <= self._cool_until:
            return
        self._successes += 1
        if self._successes < max(_MIN_ROUND, self.limit):
            return
        if self._peak >= SATURATED * self.limit:
            self.limit = min(self.ceiling, self.limit * 2 if self._slow_start else self.limit + 1)
        self._start_round()

    def throttled(self, now: float, retry_after_s: float | None) -> bool:
        """Halve the limit unless within the last cut's cooldown; return whether it was halved."""
        if now <= self._cool_until:
            return False
        self._cool_until = now + max(COOLDOWN_S, retry_after_s or 0.0)
        self._slow_start = False
        self.halve()
        return True

    def halve(self) -> None:
        """Halve the limit, to at least 1, and start a round."""
        self.limit = max(1, int(self.limit * CUT))
        self._start_round()

    def _start_round(self) -> None:
        self._successes = 0
        self._peak = self.in_flight
