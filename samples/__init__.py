"""Transcripts that ship; this file makes the folder a package that can be read from."""
