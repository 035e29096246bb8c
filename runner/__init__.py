"""The generic engine: it runs any declared pipeline and knows no analyzer by name."""

DISTRIBUTION = "colloquy-runner"  # on PyPI, where `colloquy` is another project
