"""The command `colloquy`; `python -m runner` is the same."""

from runner.run.commands import main

if __name__ == "__main__":
    main()
