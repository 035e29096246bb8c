"""The plan of a run before anything is spent, and how it is printed."""
