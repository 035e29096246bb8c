"""The command `colloquy`: compose with Hydra, run once or as a sweep, end with one exit code."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import traceback
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from runner.cli import check_arguments, expand_arguments, explain_hydra_error, worst_exit_code
from runner.errors import EXIT_BUG, EXIT_CONFIG, EXIT_INTERRUPTED, EXIT_TERMINATED, ColloquyError
from runner.secrets import secrets_of
from runner.text import say, to_safe_text, to_terminal

Job = Callable[[Any], Awaitable[tuple[int, float | None]]]


class _Terminated(KeyboardInterrupt):
    """SIGTERM or SIGHUP came while no run was there to hear it."""


def main() -> None:
    """Run the command line; the process's exit code is documented in the README."""
    os.umask(0o077)
    _hear_signals()
    # Hydra then raises instead of printing and exiting with 1 for everything.
    os.environ["HYDRA_FULL_ERROR"] = "1"
    codes: list[int] = []
    try:
        arguments = expand_arguments(sys.argv[1:])
        check_arguments(arguments)
        sys.argv[1:] = arguments
        register_resolvers()
        if any(argument.startswith("resume=") for argument in arguments):
            _resume(arguments, codes)
        else:
            _hydra_main(codes)
    except KeyboardInterrupt as interrupt:
        if not codes or codes[-1] not in (EXIT_INTERRUPTED, EXIT_TERMINATED):
            ended = isinstance(interrupt, _Terminated)
            codes.append(EXIT_TERMINATED if ended else EXIT_INTERRUPTED)
            say("colloquy: interrupted")
    except ColloquyError as error:
        codes.append(_tell(error))
    except Exception as error:  # noqa: BLE001 - a bug is told too, without keys and codes in it
        line = explain_hydra_error(error)
        if line is None:
            say(to_safe_text(secrets_of().redact(traceback.format_exc())).rstrip())
            codes.append(EXIT_BUG)
        else:
            say(to_terminal(secrets_of().redact(f"colloquy: {line}")))
            codes.append(EXIT_CONFIG)
    sys.exit(worst_exit_code(codes))


def _hear_signals() -> None:
    """Let every signal that ends a process unwind it, until a run has better handlers."""
    # A shell that starts us with `&` has SIGINT ignored; a user who sends one means it.
    signal.signal(signal.SIGINT, signal.default_int_handler)

    def terminate(*_: object) -> None:
        raise _Terminated

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, terminate)


def _hydra_main(codes: list[int]) -> None:
    run = _runner(codes)

    def task(cfg: DictConfig) -> float | None:
        return run(_hydra_job(cfg))

    task.__module__ = "__main__"
    wrapped: Callable[[], None] = hydra.main(
        version_base="1.3", config_path="pkg://conf", config_name="config"
    )(task)
    wrapped()


def _hydra_job(cfg: DictConfig) -> Job:
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
    sweeping = hydra_config.mode == RunMode.MULTIRUN
    return lambda shared: execute_job(
        cfg,
        config_folders=folders,
        overrides=overrides,
        run_path=None if here else given,
        shared=shared,
        in_sweep=sweeping,
    )


def _resume(arguments: Sequence[str], codes: list[int]) -> None:
    from runner.execute import resume_job
    from runner.resume import read_resumption

    resumption = read_resumption(arguments)
    _runner(codes)(lambda shared: resume_job(resumption, shared))


def _runner(codes: list[int]) -> Callable[[Job], float | None]:
    """Return what runs a job to its end; all its jobs share what is known of providers.

    The exit code is appended, never raised, so that a sweep goes on; a signal ends it.
    """
    from runner.execute import Shared

    shared = Shared()

    def run(job: Job) -> float | None:
        loop = asyncio.Runner()
        try:
            code, objective = loop.run(_started(job, shared))
        except ColloquyError as error:
            code, objective = _tell(error), None
        finally:
            if not shared.stop.at_once:
                loop.close()
        codes.append(code)
        if shared.stop.at_once:  # closing the loop would wait for its threads
            sys.stderr.flush()
            os._exit(worst_exit_code(codes))
        if shared.stop.signum is not None:
            raise KeyboardInterrupt
        return objective

    return run


async def _started(job: Job, shared: Any) -> tuple[int, float | None]:
    return await job(shared)


def _tell(error: ColloquyError) -> int:
    say(to_terminal(secrets_of().redact(f"colloquy: {error}")))
    return error.exit_code


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
