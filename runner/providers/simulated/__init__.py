"""The simulated provider: an OpenAI-compatible loopback server whose behaviour is configured."""
