"""Redaction: names and identifiers become stand-ins before anything is sent, and come back."""
