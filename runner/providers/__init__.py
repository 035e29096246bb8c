"""The way to a provider: requests, messages, and the transports that make one call."""
