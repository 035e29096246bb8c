"""Job: the frozen plan of a run (graph, models, windows, parts) and the checks before it."""
