"""A frozen job: graph, models, windows and parts, and every check before a run."""
