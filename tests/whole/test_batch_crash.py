"""Every file operation of a batch as the one at which the process dies or the disk fails.

In CI every STRIDE-th operation is tried; COLLOQUY_CRASH_STRIDE=1 tries all.
"""

from __future__ import annotations

import asyncio
import errno
import os
from collections import Counter
from contextlib import chdir
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import pytest
from helpers.batches import NODES, many, write_all
from helpers.crashing import answers_in, damage, received, run_batch
from helpers.faulty_fs import KILLED, REAL, FaultyFileSystem
from helpers.runs import prompt_of, simulated

from benchmarks.crashes import in_child
from runner.base.errors import EXIT_OK, EXIT_OUTPUT
from runner.base.usage import Usage
from runner.job.job import BatchJob
from runner.providers.request import Completion, Request, Transport
from runner.record.run_directory import RESOLVED
from runner.reports.verify import verify

STRIDE = int(os.environ.get("COLLOQUY_CRASH_STRIDE", "61"))
FILES = 3
ANSWERS = "runs/*/*/intermediate/*/*.json"
REPLIES: dict[tuple[str, str], str] = {}


@dataclass
class Heard(Transport):
    """A transport that notes each call in a file outside the batch, and answers."""

    counted: int

    async def complete(self, request: Request, timeout_s: float) -> Completion:
        key = request.node, prompt_of(request)
        REAL["write"](self.counted, orjson.dumps(key) + b"\n")
        await asyncio.sleep(1.0)
        if key not in REPLIES:
            REPLIES[key] = simulated(request)
        return Completion(REPLIES[key], "stop", Usage(100, 20, 10, cost_usd=0.001))


@dataclass
class Trial:
    """A batch in *path* that takes as many processes as it takes."""

    path: Path
    made: BatchJob
    codes: list[int] = field(default_factory=list)

    def session(self, system: FaultyFileSystem | None = None) -> bool:
        """Start or take up the batch in a new process; return whether *system* struck."""
        if self.path.exists() and not (self.path / RESOLVED).exists():
            self.path = self.path.with_name(f"{self.path.name}-anew")
        told = self.path.with_suffix(".reached")

        def work() -> int:
            with self.path.with_suffix(".calls").open("ab") as calls:
                with system or FaultyFileSystem() as used:
                    code = run_batch(self.made, self.path, Heard(calls.fileno()))
                if used.reached:
                    told.touch()
                return code

        self.codes.append(in_child(work, self.path.with_suffix(".log")))
        return self.codes[-1] == KILLED or told.exists()

    @property
    def calls(self) -> Counter[bytes]:
        return Counter(self.path.with_suffix(".calls").read_bytes().splitlines())


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> BatchJob:
    folder = tmp_path_factory.mktemp("batches")
    with chdir(folder):
        write_all(FILES)
        job: Any = many("output.console=quiet", "transcript.path=" + str(folder / "many"))
    undisturbed = folder / "undisturbed"
    with (folder / "calls").open("wb") as calls:
        heard = Heard(calls.fileno())
        code = run_batch(job, undisturbed, heard)  # here, for its forks to find all loaded

    assert (EXIT_OK, []) == (code, verify(undisturbed))

    return job


def operations(offset: int) -> range:
    return range(1 + offset % STRIDE, 5000, STRIDE)


def test_a_batch_killed_at_any_operation_is_finished_and_repeats_no_call_with_a_reply(
    made: BatchJob, tmp_path: Path
) -> None:
    for at in operations(0):
        trial = Trial(tmp_path / f"batch-{at}", made)
        if not trial.session(FaultyFileSystem(at)):
            break
        had, asked = received(trial.path), trial.calls.total()
        harmed = damage(trial.path)
        trial.session()

        assert [KILLED, EXIT_OK] == trial.codes, at
        assert [] == harmed, at
        assert FILES * NODES == answers_in(trial.path, ANSWERS), at
        assert FILES * NODES >= had + trial.calls.total() - asked, at
        assert [] == verify(trial.path), at

    assert [EXIT_OK] == trial.codes


@pytest.mark.parametrize(
    ("code", "forever"), [(errno.ENOSPC, False), (errno.EIO, True), (errno.EROFS, True)]
)
def test_a_disk_that_fails_at_any_operation_of_a_batch_tears_nothing(
    made: BatchJob, tmp_path: Path, code: int, forever: bool
) -> None:
    for at in operations(3 * code + 5 * forever):
        trial = Trial(tmp_path / f"batch-{at}", made)
        if not trial.session(FaultyFileSystem(at, code, forever)):
            break
        harmed = damage(trial.path)
        stored, asked = answers_in(trial.path, ANSWERS), trial.calls.total()
        if trial.codes[0] != EXIT_OK or verify(trial.path):
            trial.session()

        assert trial.codes[0] in (EXIT_OK, EXIT_OUTPUT), at
        assert EXIT_OK == trial.codes[-1], at
        assert [] == harmed, at
        assert FILES * NODES == answers_in(trial.path, ANSWERS), at
        assert FILES * NODES >= stored + trial.calls.total() - asked, at
        assert [] == verify(trial.path), at

    assert [EXIT_OK] == trial.codes
