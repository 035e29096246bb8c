"""The shipped configuration; this file makes the folder a package that Hydra can find."""
