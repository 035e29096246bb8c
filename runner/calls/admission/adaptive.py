"""How many calls a provider is given at once: additive increase, multiplicative decrease."""

START = 8
CUT = 0.5
COOLDOWN_S = 10.0
SATURATED = 0.8  # of the limit must have been in use for a round to prove anything
_SMALLEST_ROUND = 4


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
        """Count a call that is now in flight."""
        self.in_flight += 1
        self._peak = max(self._peak, self.in_flight)

    def left(self) -> None:
        """Count a call that has ended, however it did."""
        self.in_flight -= 1

    def set_ceiling(self, ceiling: int) -> None:
        """Allow so many in flight; what a cut has taught is kept."""
        if self._slow_start:
            self.limit = max(self.limit, min(START, ceiling))
        self.ceiling = ceiling
        self.limit = max(1, min(self.limit, ceiling))

    def succeeded(self, now: float, *, first_try: bool) -> None:
        """Count a success; grow at the end of a clean round."""
        if not first_try or now <= self._cool_until:
            return
        self._successes += 1
        if self._successes < max(_SMALLEST_ROUND, self.limit):
            return
        if self._peak >= SATURATED * self.limit:
            self.limit = min(self.ceiling, self.limit * 2 if self._slow_start else self.limit + 1)
        self._start_round()

    def throttled(self, now: float, retry_after_s: float | None) -> bool:
        """Cut the limit unless it was cut just now; return whether it was."""
        if now <= self._cool_until:
            return False
        self._cool_until = now + max(COOLDOWN_S, retry_after_s or 0.0)
        self._slow_start = False
        self.halve()
        return True

    def halve(self) -> None:
        """Halve the limit, not below 1."""
        self.limit = max(1, int(self.limit * CUT))
        self._start_round()

    def _start_round(self) -> None:
        self._successes = 0
        self._peak = self.in_flight
