"""Predicts the wall-clock time of a recorded run under other settings."""
