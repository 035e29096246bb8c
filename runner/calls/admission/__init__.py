"""Admission of calls: a queue (`limits`) for slots, the budget (`budget`) and a gate (`gate`).

All calls with one model and key share a gate: adaptive concurrency (`adaptive`), a circuit
breaker (`breaker`) and rate limits.
"""
