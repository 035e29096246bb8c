"""The command `colloquy`; `python -m runner` is the same."""

from runner.run.entry_points import main

if __name__ == "__main__":
    main()
