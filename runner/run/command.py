"""Command `colloquy`: composes with Hydra, runs a job or a sweep, ends with one exit code."""

import os
import re
import shlex
import signal
import sys
from collections.abc import Callable, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from runner.base import errors
from runner.base.command import prepare_streams, print_bug, print_error, settle_streams
from runner.base.errors import ColloquyError, ConfigError, as_known
from runner.base.regular_files import SHELL, as_given
from runner.base.text import JSON_LINES, print_stderr, to_terminal
from runner.record.signature import sign_stored
from runner.run import remote
from runner.run.cli import command_line, completion
from runner.run.cli.arguments import versions_line
from runner.run.cli.compose import hydra_main, register_resolvers
from runner.run.cli.hydra_errors import explained
from runner.run.hydra_job import Job, hydra_job, job_directory

_KEY_ENV = re.compile(r"api_key_env=(\w+)")


class _Terminated(KeyboardInterrupt):
    """SIGTERM or SIGHUP arrived while no run handled signals."""


def main() -> None:
    """Run the command line and exit; README lists the exit codes."""
    os.umask(0o077)
    prepare_streams()
    _handle_signals()
    # Hydra then raises instead of printing and exiting with 1 for everything.
    os.environ["HYDRA_FULL_ERROR"] = "1"
    SHELL.folder = None
    JSON_LINES.wanted = any(each.endswith("console=json") for each in sys.argv[1:])
    codes: list[int] = []
    try:
        _run(codes)
    except KeyboardInterrupt as interrupt:
        if not codes or codes[-1] not in (errors.EXIT_INTERRUPTED, errors.EXIT_TERMINATED):
            ended = isinstance(interrupt, _Terminated)
            codes.append(errors.EXIT_TERMINATED if ended else errors.EXIT_INTERRUPTED)
            print_stderr("colloquy: interrupted")
    except SystemExit as end:  # of Hydra's argument parser
        code = end.code if isinstance(end.code, int) else errors.EXIT_OK
        codes.append(errors.EXIT_CONFIG if code == 1 else code)  # as Hydra ends
    except Exception as error:  # noqa: BLE001 - a bug is reported too, with keys redacted
        codes.append(_report(error))
    sys.exit(settle_streams(command_line.worst_exit_code(codes)))


def _run(codes: list[int]) -> None:
    given = sys.argv[1:]
    if {"--help", "-h"} & set(given):
        print(command_line.help_page())
    elif "--version" in given:
        print(versions_line())
    elif completion.is_query(given):
        completion.complete(lambda: _hydra_main(codes))
    else:
        sys.argv[1:] = arguments = command_line.expand_arguments(given)
        command_line.check_arguments(arguments)
        register_resolvers()
        if any(argument.startswith("resume=") for argument in arguments):
            resume(arguments, codes)
        else:
            _hydra_main(codes)


def _report(error: Exception) -> int:
    """Print *error* in one line, a bug with a traceback, without keys; return its exit code."""
    if isinstance(error, BrokenPipeError):  # the reader of a plan or of help has closed the pipe
        return errors.EXIT_OK
    known = None if isinstance(error, ColloquyError) else explained(error)
    if (known := known or as_known(error)) is not None:
        return print_error(known)
    return print_bug(_KEY_ENV.findall(" ".join(sys.argv)))


def _handle_signals() -> None:
    """Let signals raise an exception until a run installs its own handlers."""
    # A shell that starts a process with `&` sets SIGINT to be ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)

    def terminate(*_: object) -> None:
        raise _Terminated

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, terminate)


def _hydra_main(codes: list[int]) -> None:
    jobs = _Jobs(codes)
    try:
        with remote.collecting_exit_codes(jobs, codes):
            _compose(jobs)
        if not codes and remote.SWEEPS.get():
            raise ConfigError("the sweep has no run: expected at least one value of each key")
    finally:  # also after a failed job or a signal
        for sweep in jobs.sweeps:
            _compare(sweep, codes)
        for sweep in remote.SWEEPS.get({}):
            if sweep not in jobs.sweeps:
                remote.remove_unstarted(sweep)


def _compose(jobs: "_Jobs") -> None:
    def task(cfg: DictConfig) -> Any:
        return jobs.run(cfg)

    task.__module__ = "__main__"
    vars(task)["jobs"] = jobs  # read by the pooled launcher
    hydra_main(task)()


class _Jobs:
    """Runs each job when Hydra calls the task; the pooled launcher collects jobs first.

    With *in_sweep*, single runs are missing jobs of a sweep.
    """

    def __init__(self, codes: list[int], *, in_sweep: bool = False) -> None:
        self.sweeps: dict[Path, None] = {}
        self.origin: remote.Origin | None = None  # set once a launcher pickles this
        self._in_sweep = in_sweep
        self._codes = codes

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle as the RemoteJobs that run jobs in another process; see `remote`."""
        self.origin = self.origin or remote.Origin()
        for sweep in (sweep for sweep, planned in remote.SWEEPS.get({}).items() if not planned):
            sign_stored(sweep)
        return remote.make_remote_jobs, (self.origin,)

    @cached_property
    def session(self) -> Any:
        from runner.run.session import Session  # imported late for a fast --help

        return Session(self._codes)

    def run(self, cfg: DictConfig) -> Any:
        try:
            return self.session.run(self._job(cfg))
        except Exception as error:  # noqa: BLE001 - Hydra would add lines of its own
            self._codes.append(_report(error))
            return None

    def collect(self, jobs: list[Job]) -> Callable[[DictConfig], None]:
        """Return a task function that only adds to *jobs*."""
        return lambda cfg: jobs.append(self._job(cfg))

    def run_all(self, jobs: Sequence[Job], limit: int) -> list[Any]:
        """Run *jobs*, at most *limit* at a time; return their objectives."""
        return list(self.session.run_all(jobs, limit))

    def _job(self, cfg: DictConfig) -> Job:
        JSON_LINES.wanted |= OmegaConf.select(cfg, "output.console") == "json"
        sweeping = HydraConfig.get().mode == RunMode.MULTIRUN
        sweep = job_directory().parent
        if sweeping and not OmegaConf.select(cfg, "plan") and sweep not in self.sweeps:
            sign_stored(sweep)
            self.sweeps[sweep] = None
        return hydra_job(cfg, in_sweep=sweeping or self._in_sweep)


def _compare(sweep: Path, codes: Sequence[int]) -> None:
    """Compare the runs of *sweep*; say how to finish it if *codes* have a run that may go on."""
    from runner.reports.compare.write import after_sweep
    from runner.reports.report.write import try_write_index

    after_sweep(sweep)
    if sweep.parent.name == "sweeps":
        try_write_index(sweep.parent.parent)
    if set(codes) - {errors.EXIT_OK, errors.EXIT_CONFIG, errors.EXIT_INPUT}:
        path = shlex.quote(str(as_given(sweep, "")))
        print_stderr(to_terminal(f"colloquy: to finish the sweep: colloquy resume={path}"))


def resume(arguments: Sequence[str], codes: list[int]) -> None:
    """Finish the run or the sweep that `resume=DIR` among *arguments* names.

    In a sweep, finishes incomplete runs, starts missing ones and compares all. Exit codes are
    added to *codes*.
    """
    from runner.run.execute import resume_job
    from runner.run.resume import read_resumption
    from runner.run.resume_arguments import enter_start
    from runner.run.resume_sweep import read_sweep

    arguments = enter_start(arguments)
    jobs, sweep = _Jobs(codes, in_sweep=True), read_sweep(arguments)
    if sweep is None:
        resumption = read_resumption(arguments)
        JSON_LINES.wanted |= resumption.job.settings.output.console == "json"
        jobs.session.run(partial(resume_job, resumption))
        return
    if not sweep.finish and not sweep.start:
        line = f"colloquy: nothing to do: every run in {sweep.path} is complete"
        unknown = "; which others were planned is unknown, so none is started"
        print_stderr(to_terminal(line + ("" if sweep.known else unknown)))
    try:
        for missing in sweep.finish:
            try:
                resumption = read_resumption(missing, permitted=True)
            except ColloquyError as error:  # continue with the others
                codes.append(print_error(error))
            else:
                jobs.session.run(partial(resume_job, resumption))
        for missing in sweep.start:
            sys.argv[1:] = missing
            _compose(jobs)
    finally:
        _compare(sweep.path, codes)
