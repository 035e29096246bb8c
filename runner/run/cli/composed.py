"""A configuration for one input, composed as the command line would."""

from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from typing import Any

from runner.run.cli import command_line, hydra_errors
from runner.run.cli.compose import compose_config, register_resolvers

_COMPOSING = Lock()  # Hydra keeps what it composes in globals


def composed(
    transcript: str, given: Sequence[str], folders: Sequence[Path] = ()
) -> tuple[Any, list[str]]:
    """Return the configuration that reads *transcript*, and Hydra's overrides.

    *given* are overrides as typed, *folders* those of `--config-dir`. Raises ConfigError, or
    TranscriptError where *transcript* is neither a file or folder nor a choice of configuration.
    """
    typed = command_line.expand_arguments([f"transcript={transcript}", *given])
    command_line.check_arguments(typed)
    searched = [
        f"hydra.searchpath=[{','.join(command_line.quote(f'file://{f}') for f in folders)}]"
    ]
    try:
        with _COMPOSING:
            register_resolvers()
            return compose_config(*typed, *(searched if folders else [])), typed
    except Exception as error:
        known = hydra_errors.explained(error)
        if known is None:
            raise
        raise known from error
