"""Calls to models: clients with admission, retries and scheduling, and a log of each attempt."""
