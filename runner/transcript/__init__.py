"""Transcripts: files of common layouts, encodings and formats, read into numbered segments."""
