"""When a call may be made: `limits` is where all wait, for slots, a `gate` and the `budget`.

What calls with one model and key share is a gate: `adaptive` concurrency, a `breaker`, rates.
"""
