"""Policy over calls: admission, retries, scheduling, the account of each call."""
