"""A configuration for one input, composed as the command line would."""

from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from typing import Any

from runner.base.errors import ConfigError
from runner.run.cli import command_line
from runner.run.cli.compose import compose_config, register_resolvers
from runner.transcript.decode import fault, nearest_file

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
        line = command_line.explain_hydra_error(error)
        if line is None:
            raise
        if line.startswith(f"transcript={transcript}: no such choice"):
            near = nearest_file(Path(transcript))
            raise fault(transcript, f"no such file or folder{near}") from error
        raise ConfigError(line) from error
