"""Crash the collection stages of planted interviews at every file operation, and finish them.

    python -m benchmarks.planted_crashes [--stride N] [--disk ENOSPC]

A batch is killed as its first collection stage begins. Each trial takes up a copy of it in a
process whose file system (tests/helpers/faulty_fs.py) ends it at operation N, or fails with the
error `--disk`, then in one that finishes it. Time is virtual; calls are counted in a file outside
the batch. The themes must be those of a batch that nothing happened to, and no call whose answer
lay on the disk may be made again.
"""

from __future__ import annotations

import argparse
import asyncio
import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from unittest.mock import patch

from benchmarks.crashes import in_child
from benchmarks.planted_corpus import planted, write
from benchmarks.planted_model import answer
from runner.answers.themes import FILE
from runner.base.errors import EXIT_OK, EXIT_OUTPUT
from runner.base.usage import Usage
from runner.job.build import build_job
from runner.job.job import BatchJob
from runner.providers.request import Completion, Request, Transport
from runner.reports.verify import verify
from runner.run.batch import batch_run
from runner.run.cli.compose import compose_config
from tests.helpers.crashing import answers_in, damage, run_batch
from tests.helpers.faulty_fs import KILLED, REAL, FaultyFileSystem

FILES = 5
BUDGET = 400  # tokens of material, so that themes are reduced in a tree


class CountedModel(Transport):
    """The planted model as a transport; appends a line to the file *counted* for each call."""

    def __init__(self, counted: int) -> None:
        self.counted = counted

    async def complete(self, request: Request, timeout_s: float) -> Completion:
        """Count the call, wait in virtual time, answer."""
        REAL["write"](self.counted, f"{request.node}\n".encode())
        await asyncio.sleep(1.0)
        asked = {"name": request.node.partition("/")[0], "schema": request.schema}
        form = {"type": "json_schema", "json_schema": asked}
        text = answer({"messages": request.messages, "response_format": form})
        return Completion(text, "stop", Usage(100, 20, 10, cost_usd=0.001))


@dataclass
class Subject:
    """A batch before its collection stages, and its final result."""

    job: BatchJob
    path: Path
    themes: bytes = b""
    calls: int = 0
    operations: int = 0


@dataclass
class Trial:
    """A batch in *path* that takes as many processes as it takes; *codes* are theirs."""

    job: BatchJob
    path: Path
    codes: list[int] = field(default_factory=list)
    calls: list[int] = field(default_factory=list)

    def session(
        self, at: int | None = None, code: int | None = None, *, before_collection: bool = False
    ) -> None:
        """Start or resume the batch in a process that dies, or fails with *code*, at *at*."""
        heard, count = self.path.with_suffix(".calls"), self.path.with_suffix(".operations")

        def work() -> int:
            with heard.open("wb") as calls, FaultyFileSystem(at, code) as system:
                if before_collection:
                    with patch.object(batch_run, "collect", lambda *_: os._exit(KILLED)):
                        return run_batch(self.job, self.path, CountedModel(calls.fileno()))
                ended = run_batch(self.job, self.path, CountedModel(calls.fileno()))
            count.write_text(str(system.count))
            return ended

        self.codes.append(in_child(work, self.path.with_suffix(".log")))
        self.calls.append(heard.read_bytes().count(b"\n"))

    @property
    def operations(self) -> int:
        """File operations of the last session, which came to its end."""
        return int(self.path.with_suffix(".operations").read_text())


def prepare(folder: Path, files: int = FILES) -> Subject:
    """Read planted interviews up to the collection; then finish a copy."""
    plan = planted()
    turns = dict(islice(plan.turns.items(), files))
    talks = write(replace(plan, turns=turns), folder / "talks")
    fixed = ("pipeline=interviews", "transcript=file", "output.console=quiet")
    budget = f"stages.across.context.token_budget={BUDGET}"
    job = build_job(compose_config(*fixed, budget, f"transcript.path={talks}"))
    assert isinstance(job, BatchJob)
    begun = Trial(job, folder / "begun")
    begun.session(before_collection=True)
    if begun.codes != [KILLED] or damage(begun.path):
        raise RuntimeError(f"begun: {begun.codes} {damage(begun.path)}")
    subject = Subject(job, begun.path)
    whole = trial_of(subject, folder / "undisturbed")
    whole.session()
    if whole.codes != [0] or verify(whole.path):
        raise RuntimeError(f"undisturbed: {whole.codes} {verify(whole.path)}")
    subject.themes, subject.calls = (whole.path / FILE).read_bytes(), whole.calls[0]
    subject.operations = whole.operations
    return subject


def trial_of(subject: Subject, path: Path) -> Trial:
    """Return a trial on a copy in *path*."""
    shutil.copytree(subject.path, path, symlinks=True)
    return Trial(subject.job, path)


def crashed(
    subject: Subject, folder: Path, stride: int = 1, code: int | None = None
) -> Iterator[tuple[int, list[str]]]:
    """Yield each operation, from 1 in steps of *stride*, and the faults after a kill there.

    With *code* the disk fails with it instead. Ends once a batch finishes undisturbed.
    """
    allowed = [KILLED] if code is None else [EXIT_OK, EXIT_OUTPUT]
    for at in range(1, 2 * subject.operations, stride):
        trial = trial_of(subject, folder / f"batch-{code}-{at}")
        trial.session(at, code)
        if trial.codes == [EXIT_OK] and trial.operations < at:
            return
        stored, harmed = answers_in(trial.path, "intermediate/**/*.json"), damage(trial.path)
        trial.session()
        themes = trial.path / FILE
        claims = {
            f"exit codes {trial.codes}": trial.codes[0] in allowed and trial.codes[1] == EXIT_OK,
            f"torn: {harmed}": not harmed,
            f"{trial.calls[1]} calls where {stored} of {subject.calls} answers were stored": (
                trial.calls[1] <= subject.calls - stored  # fewer where a reply was kept
            ),
            "other themes": themes.is_file() and themes.read_bytes() == subject.themes,
            f"verify: {verify(trial.path)}": not verify(trial.path),
        }
        shutil.rmtree(trial.path)
        yield at, [claim for claim, holds in claims.items() if not holds]


def main() -> None:
    """Crash at all operations and print the faults; exit code 1 if there are any."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("--stride", type=int, default=1, help="crash at every Nth operation")
    parser.add_argument("--disk", choices=("ENOSPC", "EIO"), help="fail with this, do not kill")
    options = parser.parse_args()
    code = getattr(errno, options.disk) if options.disk else None
    with tempfile.TemporaryDirectory() as made:
        subject = prepare(Path(made))
        trials = list(crashed(subject, Path(made), options.stride, code))
    wrong = [(at, faults) for at, faults in trials if faults]
    what = f"{options.disk or 'killed'} {len(trials)} times"
    print(f"{subject.calls} calls in the collection; {what}, {len(wrong)} with a fault")
    for at, faults in wrong:
        print(f"operation {at}: {'; '.join(faults)}")
    raise SystemExit(bool(wrong or not trials))


if __name__ == "__main__":
    main()
