"""Crash a run of the eight analyzers at every file operation, finish it, and count the calls.

    python -m benchmarks.crashes [--stride N]

Each trial forks a process whose file system (tests/helpers/faulty_fs.py) ends it at operation N,
then a second one that finishes the run. Time is virtual, answers are the offline model's, and calls
are counted where a provider would count them: in a file outside the run directory.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import orjson

from runner.base.errors import ColloquyError
from runner.base.event_loops import run_virtually
from runner.base.usage import Usage
from runner.calls.client import Client
from runner.calls.retry import RetryPolicy
from runner.job.build import build_job
from runner.job.job import Job
from runner.providers.offline.document import read_document
from runner.providers.offline.readings import find_reading
from runner.providers.request import Completion, Request, Transport
from runner.record.journal import lines_of
from runner.record.reuse import PreviousSession, read_record
from runner.record.run_directory import RESOLVED
from runner.reports.verify import verify
from runner.run.cli.compose import compose_config
from runner.run.execute import ProcessState, execute_job, resume_job
from runner.run.resume import Resumption, read_resumption
from tests.helpers.faulty_fs import KILLED, REAL, FaultyFileSystem

LATENCY_S = (4.0, 3.0, 2.0, 5.0, 3.0, 5.0, 4.0, 2.0)
BROKEN = 99  # a child's own bug

# What a run may leave when it dies at its very end; the next session puts it right.
_UNFINISHED = (": left over by a run that is ", "COMPLETED: is missing, ")


class CountedTransport(Transport):
    """Answers from *replies* and appends the name of every caller to the file *counted*."""

    def __init__(self, subject: Subject, counted: int) -> None:
        self.subject = subject
        self.counted = counted

    async def complete(self, request: Request, timeout_s: float) -> Completion:
        """Count the call, wait in virtual time, answer."""
        REAL["write"](self.counted, f"{request.node}\n".encode())
        await asyncio.sleep(self.subject.latency_s[request.node])
        return Completion(self.subject.reply(request), "stop", Usage(100, 20, 10, cost_usd=0.001))


@dataclass
class Subject:
    """The job that every trial runs; *answers* are those of an undisturbed run."""

    job: Job
    replies: dict[tuple[str, str], str] = field(default_factory=dict)
    answers: dict[str, bytes] = field(default_factory=dict)
    operations: int = 0

    @property
    def latency_s(self) -> Mapping[str, float]:
        """Seconds of virtual time by analyzer."""
        names = (node.name for node in self.job.pipeline.nodes)
        return dict(zip(names, LATENCY_S, strict=False))

    def reply(self, request: Request) -> str:
        """Read as the offline model does, once for each prompt."""
        prompt = "".join(part["text"] for part in request.messages[1]["content"])
        key = request.node, prompt
        if key not in self.replies:
            reader = find_reading(self.job.analyzers[request.node].module)
            self.replies[key] = orjson.dumps(reader(read_document(prompt))).decode()
        return self.replies[key]


@dataclass(frozen=True)
class Session:
    """One process's part in a run: its exit code and the calls that the provider received."""

    code: int
    reached: bool
    calls: tuple[str, ...]
    received: frozenset[str]  # nodes whose reply was in the journal when it began


def prepare(folder: Path, *overrides: str) -> Subject:
    """Build the job, run it undisturbed once, and return it with what came of that."""
    fixed = [f"output.dir={folder / 'outputs'}", "output.console=quiet"]
    job = build_job(compose_config(*fixed, *overrides))
    assert isinstance(job, Job)
    subject = Subject(job)
    with (folder / "undisturbed.calls").open("wb") as calls, FaultyFileSystem() as system:
        code = _session(subject, folder / "undisturbed", calls.fileno())
    if code != 0 or verify(folder / "undisturbed"):
        raise RuntimeError(f"undisturbed: exit code {code}, {verify(folder / 'undisturbed')}")
    subject.answers = answers(folder / "undisturbed")
    subject.operations = system.count
    return subject


def answers(path: Path) -> dict[str, bytes]:
    """Return by file the content that does not depend on interruptions and resumptions."""
    found = {str(p.relative_to(path)): p.read_bytes() for p in _lasting_files(path) if p.is_file()}
    for file in path.glob("intermediate/*/*.json"):
        record = orjson.loads(file.read_bytes())
        kept = ("status", "key", "missing", "insights", "structured_data", "raw_output")
        found[str(file.relative_to(path))] = orjson.dumps({name: record[name] for name in kept})
    return found


def _lasting_files(path: Path) -> Iterator[Path]:
    yield from path.glob("intermediate/*/*.md")
    yield from path.glob("context/*")
    yield from (path / "transcript.json", path / "config" / "prompts.json")


def committed(path: Path) -> frozenset[str]:
    """Return the nodes whose record is on the disk, whole and an answer."""
    files = path.glob("intermediate/*/*.json")
    records = [(file.stem, *read_record(file)) for file in files]
    return frozenset(name for name, fault, r in records if fault is None and r["status"] == "ok")


def received(path: Path) -> frozenset[str]:
    """Return the nodes whose reply is in the journal or, if its line is torn, in a record."""
    ended = (line for line in lines_of(path / "journal.jsonl") if line["event"] == "call.finished")
    return committed(path) | {line["analyzer"] for line in ended}


def damage(path: Path) -> list[str]:
    """Return what `verify` finds beyond what a run that did not end may leave."""
    return [line for line in verify(path) if not any(part in line for part in _UNFINISHED)]


@dataclass
class Trial:
    """A run in *path* that takes as many processes as it takes."""

    subject: Subject
    path: Path
    quick: bool = False  # take the job as it is, without reading the stored configuration
    sessions: list[Session] = field(default_factory=list)

    def session(self, system: FaultyFileSystem | None = None) -> Session:
        """Start or resume the run in a new process on *system*; return when it has ended.

        If too little was written to resume the run, a new one is started, in a
        directory of its own as the program does.
        """
        if self.path.exists() and not (self.path / RESOLVED).exists():
            self.path = self.path.with_name(f"{self.path.name}-anew")
        before, heard = received(self.path), self.path.with_suffix(".calls")
        told = self.path.with_suffix(".reached")
        told.unlink(missing_ok=True)

        def work() -> int:
            with heard.open("wb") as calls, system or FaultyFileSystem() as used:
                code = _session(self.subject, self.path, calls.fileno(), quick=self.quick)
            if used.reached:
                told.touch()
            return code

        code = in_child(work, self.path.with_suffix(".log"))
        calls = tuple(heard.read_text().split())
        self.sessions.append(Session(code, code == KILLED or told.exists(), calls, before))
        return self.sessions[-1]

    @property
    def calls(self) -> int:
        """Calls that the provider got from all sessions."""
        return sum(len(session.calls) for session in self.sessions)

    @property
    def twice(self) -> list[str]:
        """Nodes that were called although they had received a reply."""
        return [name for s in self.sessions for name in s.calls if name in s.received]

    @property
    def whole(self) -> bool:
        """Whether the run has the result of an undisturbed one, in a sound directory."""
        return not verify(self.path) and answers(self.path) == self.subject.answers


def in_child(work: Callable[[], int], log: Path) -> int:
    """Return the exit code of a process that does *work*; what it prints goes to *log*."""
    child = os.fork()
    if child == 0:
        code = BROKEN
        try:
            sys.stdout = sys.stderr = log.open("a", buffering=1)
            code = work()
        except Exception:  # noqa: BLE001 - the log is where it is read
            traceback.print_exc()
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _session(subject: Subject, path: Path, counted: int, *, quick: bool = False) -> int:
    """Start or resume the run in *path* in this process; return the exit code."""
    client = Client(CountedTransport(subject, counted), RetryPolicy(max_retries=0), 60.0)
    shared = ProcessState(clients=lambda *_: {"main": client})
    mask = os.umask(0o077)
    try:
        return _run_or_resume(subject, path, shared, quick=quick)
    except ColloquyError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    finally:
        os.umask(mask)


def _run_or_resume(subject: Subject, path: Path, shared: ProcessState, *, quick: bool) -> int:
    if (path / RESOLVED).exists():
        made = Resumption(subject.job, PreviousSession(path))
        resumption = made if quick else read_resumption([f"resume={path}"])
        code, _ = run_virtually(lambda: resume_job(resumption, shared))
    else:
        code, _ = run_virtually(lambda: execute_job(subject.job, shared, run_path=path))
    return int(code)


def crash_at_every_operation(folder: Path | None = None, stride: int = 1) -> dict[str, int]:
    """Kill at operation 1, 1 + *stride*, … until a run finishes; return sums over all trials."""
    if folder is None:
        with tempfile.TemporaryDirectory() as made:
            return crash_at_every_operation(Path(made), stride)
    subject = prepare(folder)
    nodes = len(subject.job.pipeline.nodes)
    sums = dict.fromkeys(
        ("operations", "crashes", "calls_wanted", "calls_sent", "calls_lost", "called_twice"), 0
    )
    sums["operations"] = subject.operations
    for at in range(1, 2 * subject.operations, stride):
        trial = Trial(subject, folder / f"run-{at}")
        crashed = trial.session(FaultyFileSystem(at)).reached
        harmed = damage(trial.path) if trial.path.exists() else []
        if crashed:
            trial.session()
        if harmed or not trial.whole or trial.sessions[-1].code != 0:
            raise RuntimeError(f"operation {at}: {harmed} {verify(trial.path)} {trial.sessions}")
        if trial.calls < nodes:
            raise RuntimeError(f"operation {at}: {trial.calls} calls were counted, not {nodes}")
        sums["crashes"] += crashed
        sums["calls_wanted"] += nodes
        sums["calls_sent"] += trial.calls
        sums["calls_lost"] += nodes - len(committed(trial.path))
        sums["called_twice"] += len(trial.twice)
        if not crashed:
            return sums
    raise RuntimeError("no run got by")


def main() -> None:
    """Measure and print the sums."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--stride", type=int, default=1, help="crash at every Nth operation")
    began = time.perf_counter()
    for name, value in crash_at_every_operation(stride=parser.parse_args().stride).items():
        print(f"{name.replace('_', ' '):<14} {value:>6}")
    print(f"{'seconds':<14} {time.perf_counter() - began:>6.1f}")


if __name__ == "__main__":
    main()
