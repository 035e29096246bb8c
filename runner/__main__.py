"""The command `colloquy`; `python -m runner` is the same."""

import sys


def main() -> None:
    """Run the command line; Ctrl-C while Python still imports it is no traceback."""
    try:
        from runner.run.command import main as command
    except KeyboardInterrupt:
        sys.exit(130)
    command()


if __name__ == "__main__":
    main()
