"""The settings: their schema, how they are resolved, and what is known of models."""
