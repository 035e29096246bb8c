"""Running: nodes, conversations, runs, batches, sweeps, resumption and the command line."""
