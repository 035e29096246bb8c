"""Answers: their shape and validation, grounding, findings, contexts, Markdown."""
