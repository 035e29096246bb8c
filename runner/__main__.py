"""The command `colloquy`; `python -m runner` is the same."""

from runner.run.command import main

__all__ = ["main"]

if __name__ == "__main__":
    main()
