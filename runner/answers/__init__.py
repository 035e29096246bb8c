"""Answers: shape and validation, grounding, findings, contexts, Markdown."""
