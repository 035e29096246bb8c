"""Batch delivery: collects requests until no more can be made, then sends them together."""
