"""When a call may be made: `limits` is where all wait, for slots, a `gate` and the `budget`.

A gate is what calls with one model and key share: `adaptive` concurrency, a `breaker`, `rates`.
"""
