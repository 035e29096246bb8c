"""The offline model: a classical extractive reader behind litellm, without network or key."""
