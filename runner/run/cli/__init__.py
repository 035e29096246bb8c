"""The command line before Hydra: arguments, completion, errors, and commands that only read."""
