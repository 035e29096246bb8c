"""Grounding: checks the quotes of an answer against the transcript."""
