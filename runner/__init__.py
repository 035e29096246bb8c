"""The generic engine: it runs any declared pipeline and knows no analyzer by name."""
