"""The live table of a run on a terminal."""
