"""Rate limits of a simulated account per minute, reported in OpenAI's headers."""

from runner.base.token_bucket import TokenBucket

BURST_S = 10.0  # a whole minute's worth at once would hide bursts that a real account refuses
# Refused and failed requests count, too (OpenAI help 5955604); the amount is our assumption.
FAILED_REQUEST = 0.25


class AccountLimits:
    """The two limits of an account; None: no limit and no headers."""

    def __init__(self, rpm: int | None, tpm: int | None) -> None:
        limits = {"requests": rpm, "tokens": tpm}
        self._limits = {unit: limit for unit, limit in limits.items() if limit is not None}
        self._buckets = {unit: TokenBucket(n, BURST_S) for unit, n in self._limits.items()}

    def wait_s(self, tokens: int, now_s: float) -> float:
        """Return the seconds until a request of *tokens*, reply included, may pass."""
        amounts = {"requests": 1, "tokens": tokens}
        waits = (bucket.wait_s(now_s, amounts[unit]) for unit, bucket in self._buckets.items())
        return max(waits, default=0.0)

    def take(self, tokens: int, now_s: float) -> None:
        """Count one answered request of *tokens*."""
        amounts = {"requests": 1, "tokens": tokens}
        for unit, bucket in self._buckets.items():
            bucket.take(now_s, amounts[unit])

    def take_failed(self, now_s: float) -> None:
        """Count one failed request; failures never take the level below minus one burst."""
        if bucket := self._buckets.get("requests"):
            room = max(0.0, bucket.level(now_s) + bucket.capacity)
            bucket.take(now_s, min(FAILED_REQUEST, room))

    def headers(self, now_s: float) -> dict[str, str]:
        """Return `x-ratelimit-limit-*`, `-remaining-*` and `-reset-*` (until full) at *now_s*."""
        headers = {}
        for unit, bucket in self._buckets.items():
            headers[f"x-ratelimit-limit-{unit}"] = str(self._limits[unit])
            headers[f"x-ratelimit-remaining-{unit}"] = str(max(0, int(bucket.level(now_s) + 1e-9)))
            headers[f"x-ratelimit-reset-{unit}"] = duration(bucket.full_in_s(now_s))
        return headers


def duration(seconds: float) -> str:
    """Return *seconds* as OpenAI writes durations: `120ms`, `1.5s`, `6m0s`."""
    if seconds < 1:
        return f"{max(0, round(seconds * 1000))}ms"
    minutes, rest = divmod(round(seconds, 3), 60)
    return f"{int(minutes)}m{round(rest, 3):g}s" if minutes else f"{round(rest, 3):g}s"
