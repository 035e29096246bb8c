"""Tables and pages of a collection's themes."""
