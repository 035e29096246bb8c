"""Base of every room: errors, text, secrets, files, tables, tokens, threads, virtual time."""
