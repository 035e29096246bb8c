"""The command `colloquy`: compose with Hydra, run once or as a sweep, end with one exit code."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import hydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

from runner.cli import expand_arguments, explain_hydra_error, worst_exit_code
from runner.errors import EXIT_CONFIG, EXIT_INTERRUPTED, ColloquyError
from runner.text import say, to_terminal


def main() -> None:
    """Run the command line; the process's exit code is documented in the README."""
    os.umask(0o077)
    # A shell that starts us with `&` has SIGINT ignored; a user who sends one means it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # Hydra then raises instead of printing and exiting with 1 for everything.
    os.environ["HYDRA_FULL_ERROR"] = "1"
    arguments = expand_arguments(sys.argv[1:])
    sys.argv[1:] = arguments
    codes: list[int] = []
    try:
        register_resolvers()
        _hydra_main(codes)
    except KeyboardInterrupt:
        codes.append(EXIT_INTERRUPTED)
        say("colloquy: interrupted")
    except Exception as error:
        line = explain_hydra_error(error)
        if line is None:
            raise
        say(f"colloquy: {line}")
        codes.append(EXIT_CONFIG)
    sys.exit(worst_exit_code(codes))


def _hydra_main(codes: list[int]) -> None:
    def task(cfg: DictConfig) -> float | None:
        return _run_job(cfg, codes)

    task.__module__ = "__main__"
    wrapped: Callable[[], None] = hydra.main(
        version_base="1.3", config_path="pkg://conf", config_name="config"
    )(task)
    wrapped()


def _run_job(cfg: DictConfig, codes: list[int]) -> float | None:
    """Run one job; its exit code is appended, never raised, so that a sweep goes on."""
    from runner.execute import execute_job  # after composing: keeps --help and errors quick

    hydra_config = HydraConfig.get()
    folders = [
        Path(source.path)
        for source in hydra_config.runtime.config_sources
        if source.schema == "file" and source.provider != "schema"
    ]
    # As typed: an override that names ${oc.env:…} must not put its value into a file.
    typed = OmegaConf.to_container(hydra_config.overrides.task, resolve=False)
    overrides = [str(override) for override in typed] if isinstance(typed, list) else []
    given = Path(hydra_config.runtime.output_dir)
    here = given.resolve() == Path.cwd().resolve()
    try:
        code, objective = asyncio.run(
            execute_job(
                cfg,
                config_folders=folders,
                overrides=overrides,
                run_path=None if here else given,
            )
        )
    except ColloquyError as error:
        say(f"colloquy: {to_terminal(str(error))}")
        codes.append(error.exit_code)
        return None
    codes.append(code)
    return objective


def register_resolvers() -> None:
    """Make `${utc:}` and `${short_id:}` known to the configuration."""
    from datetime import UTC, datetime

    OmegaConf.register_new_resolver(
        "utc",
        lambda: datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ"),
        use_cache=True,
        replace=True,
    )
    OmegaConf.register_new_resolver(
        "short_id", lambda: os.urandom(3).hex(), use_cache=True, replace=True
    )


if __name__ == "__main__":
    main()
