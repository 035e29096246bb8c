"""Synthesis: transcript and findings joined into minutes, threads and risks."""
