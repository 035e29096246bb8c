"""Measurements; every performance figure in the documentation comes from here."""
