"""Argumentation: claims of earlier findings, how they relate, and what follows."""
