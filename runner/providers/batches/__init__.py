"""Batch endpoints of providers: many requests sent as one, answered within hours, at half price."""
