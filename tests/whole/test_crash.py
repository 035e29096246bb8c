"""Every file operation of a run as the one at which the process dies or the disk fails.

In CI every STRIDE-th operation is tried; COLLOQUY_CRASH_STRIDE=1 tries all, and
`python -m benchmarks.crashes` kills all eight analyzers at each.
"""

from __future__ import annotations

import errno
import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.faulty_fs import KILLED, FaultyFileSystem

from benchmarks.crashes import BROKEN, Subject, Trial, committed, damage, prepare
from runner.base.errors import EXIT_OK, EXIT_OUTPUT

STRIDE = int(os.environ.get("COLLOQUY_CRASH_STRIDE", "23"))
SMALL = (
    "~analyzer@analyzers.premises_assertions",
    "~analyzer@analyzers.postulate_theorem",
    "~analyzer@analyzers.competing_hypotheses",
    "~analyzer@analyzers.first_principles",
    "~analyzer@analyzers.determining_factors",
)


@pytest.fixture(scope="module")
def subject(tmp_path_factory: pytest.TempPathFactory) -> Subject:
    return prepare(tmp_path_factory.mktemp("undisturbed"), *SMALL)


def operations(subject: Subject, offset: int) -> Iterator[int]:
    """Yield the numbers to fail at; the caller stops where a run does not get that far."""
    yield from range(1 + offset % STRIDE, 2 * subject.operations, STRIDE)


def log_of(trial: Trial) -> str:
    return "\n".join(p.read_text() for p in trial.path.parent.glob("*.log"))


def test_a_run_killed_at_any_operation_is_finished_without_asking_twice(
    subject: Subject, tmp_path: Path
) -> None:
    for at in operations(subject, 0):
        trial = Trial(subject, tmp_path / f"run-{at}")
        first = trial.session(FaultyFileSystem(at))
        if not first.reached:
            break
        harmed = damage(trial.path) if trial.path.exists() else []
        second = trial.session()

        assert (KILLED, EXIT_OK) == (first.code, second.code), f"{at}: {log_of(trial)}"
        assert [] == harmed, at
        assert [] == trial.twice, at
        assert trial.whole, at

    assert not first.reached
    assert trial.whole


@pytest.mark.parametrize(("code", "forever"), [(errno.ENOSPC, False), (errno.EIO, True)])
def test_a_disk_that_fails_at_any_operation_tears_nothing_and_ends_in_exit_8_or_in_answers(
    subject: Subject, tmp_path: Path, code: int, forever: bool
) -> None:
    offset = 2 * (code == errno.EIO) + 4 * forever
    for at in operations(subject, offset):
        trial = Trial(subject, tmp_path / f"run-{at}", quick=True)
        first = trial.session(FaultyFileSystem(at, code, forever))
        if not first.reached:
            break
        harmed = damage(trial.path) if trial.path.exists() else []
        if first.code == EXIT_OUTPUT or not trial.whole:  # what was reserved may be left
            trial.session()

        assert first.code in (EXIT_OK, EXIT_OUTPUT), f"{at}: {log_of(trial)}"
        assert EXIT_OK == trial.sessions[-1].code, f"{at}: {log_of(trial)}"
        assert [] == harmed, at
        assert [] == trial.twice, at
        assert trial.whole, f"{at}: {damage(trial.path)}"

    assert not first.reached


def test_a_finished_run_that_is_spoilt_by_nothing_is_taken_up_without_a_byte_changed(
    subject: Subject, tmp_path: Path
) -> None:
    trial = Trial(subject, tmp_path / "run")
    trial.session()
    before = {p: (p.stat().st_mtime_ns, p.stat().st_size) for p in trial.path.rglob("*")}
    again = trial.session(FaultyFileSystem(1))  # whatever it writes would end it

    assert (EXIT_OK, ()) == (again.code, again.calls)
    assert before == {p: (p.stat().st_mtime_ns, p.stat().st_size) for p in trial.path.rglob("*")}


@pytest.mark.parametrize("seed", range(2))
def test_a_run_killed_again_and_again_only_goes_forward(
    subject: Subject, tmp_path: Path, seed: int
) -> None:
    rng, trial = random.Random(seed), Trial(subject, tmp_path / "run")
    there: frozenset[str] = frozenset()
    for _ in range(60):
        session = trial.session(FaultyFileSystem(rng.randint(30, 110)))
        now = committed(trial.path)

        assert session.code in (KILLED, EXIT_OK), log_of(trial)
        assert there <= now
        there = now
        if session.code == EXIT_OK:
            break

    assert EXIT_OK == trial.sessions[-1].code
    assert len(trial.sessions) > 2
    assert [] == trial.twice
    assert trial.whole


def test_the_harness_tells_a_bug_from_a_crash(subject: Subject, tmp_path: Path) -> None:
    trial = Trial(subject, tmp_path / "run")
    trial.path.mkdir()
    (trial.path / "config").mkdir()
    (trial.path / "config/resolved.yaml").mkdir()
    session = trial.session()

    assert session.code not in (KILLED, BROKEN)
    assert not trial.whole
