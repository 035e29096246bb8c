"""Token bucket: an amount per minute with a burst, computed from times that the caller passes."""

from dataclasses import dataclass

NEGLIGIBLE_S = 1e-9  # a shorter wait is the rounding of clock readings


@dataclass(slots=True)
class Withdrawal:
    """*amount* units taken at *at_s*; *final* is False while the amount is an estimate."""

    at_s: float
    amount: float
    final: bool


class TokenBucket:
    """Refills *per_minute* / 60 units a second up to a capacity of *burst_s* seconds' worth.

    The capacity is at least 1 unit and the bucket starts full at time 0. A request for more than
    the capacity may pass once the bucket is full; the level is negative afterwards, so that the
    rate holds and nothing waits for ever. The state is one time, at which the bucket is full
    again (the generic cell rate algorithm, ITU-T I.371), so refilling adds no rounding. Times
    are in seconds, ≥ 0, and ascend.
    """

    def __init__(self, per_minute: float, burst_s: float) -> None:
        self.per_second = per_minute / 60
        self.capacity = max(1.0, self.per_second * burst_s)
        self._full_at_s = 0.0
        self.pending: list[Withdrawal] = []  # from the oldest estimate on
        self._full_before_s = 0.0  # when the bucket would be full without those

    def full_in_s(self, now_s: float) -> float:
        """Return the seconds until the bucket is full, ≥ 0."""
        return max(0.0, self._full_at_s - now_s)

    def level(self, now_s: float) -> float:
        """Return the units left at *now_s*, at most the capacity; negative while in debt."""
        return self.capacity - self.full_in_s(now_s) * self.per_second

    def wait_s(self, now_s: float, amount: float) -> float:
        """Return the seconds until *amount* units may be taken, 0 for now."""
        spare_s = (self.capacity - min(amount, self.capacity)) / self.per_second
        wait_s = self.full_in_s(now_s) - spare_s
        return wait_s if wait_s > NEGLIGIBLE_S else 0.0

    def take(self, now_s: float, amount: float, *, final: bool = True) -> Withdrawal:
        """Take *amount* units at any level; one that is not *final* has to be settled."""
        withdrawal = Withdrawal(now_s, amount, final)
        if not self.pending:
            self._full_before_s = self._full_at_s
        if self.pending or not final:
            self.pending.append(withdrawal)
        self._full_at_s = self._after(self._full_at_s, withdrawal)
        return withdrawal

    def settle(self, withdrawal: Withdrawal, amount: float) -> None:
        """Make the level what it would be had *amount*, not the estimate, been taken."""
        withdrawal.amount, withdrawal.final = amount, True
        while self.pending and self.pending[0].final:
            self._full_before_s = self._after(self._full_before_s, self.pending.pop(0))
        self._full_at_s = self._full_before_s
        for each in self.pending:
            self._full_at_s = self._after(self._full_at_s, each)

    def _after(self, full_at_s: float, withdrawal: Withdrawal) -> float:
        return max(full_at_s, withdrawal.at_s) + withdrawal.amount / self.per_second
