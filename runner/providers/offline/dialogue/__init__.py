"""Dialogue: what speakers do with their sentences, read from a transcript."""
