"""Questions to a corpus: `colloquy-ask`."""
