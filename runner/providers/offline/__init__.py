"""The offline model: a classical extractive reader, without network or key."""
