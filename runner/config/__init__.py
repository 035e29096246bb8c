"""Configuration: schema of the settings, resolution, and facts about models."""
