"""Run directories in which files are pipes, devices, links, bombs or far too large."""

from __future__ import annotations

import asyncio
import builtins
import io
import os
import shutil
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import chdir, redirect_stderr, redirect_stdout
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import orjson
import pytest
from helpers import job
from helpers.batches import execute_batch, many, write_all
from helpers.processes import colloquy
from helpers.runs import execute, simulated
from helpers.sessions import session

from colloquy import load
from runner.base import json, regular_files
from runner.base.command import print_error
from runner.base.errors import ColloquyError, ConfigError, OutputError, TranscriptError, as_known
from runner.base.files import write_in_place
from runner.record.history import read_history
from runner.record.reuse import PreviousSession, keep_answer
from runner.record.run_directory import RunDirectory
from runner.record.store import Store
from runner.reports.compare.write import main as compare
from runner.reports.export.mlflow import log_runs
from runner.reports.export.spans import run_span
from runner.reports.live.view import Tail, live_table_of
from runner.reports.report.write import main as report
from runner.reports.review.server import main as review
from runner.reports.status import main as status
from runner.reports.stored_run import find_runs, read_run
from runner.reports.verify import main as verify
from runner.reports.whatif.command import main as whatif
from runner.run.execute import resume_job
from runner.run.resume import read_resumption
from runner.run.resume_sweep import read_sweep
from runner.transcript import inputs
from runner.transcript.inputs import find_inputs

SECRET = "what the other folder says"
EACH = int(os.environ.get("COLLOQUY_HOSTILE_KINDS", "3"))  # kinds at each file; 13 are all
WATCHDOG_S = 600  # a hang ends the test and not the suite
MAX_MEMORY = 300 * 1024 * 1024
DOCUMENTED = {0, 2, 3, 4, 7, 8, 9}
RUN, BATCH = Path("sweeps/mine/0"), Path("batch")


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a sweep's run and a batch, and a folder that is none of their business."""
    made = tmp_path_factory.mktemp("stored")
    home, outside = made / "home", made / "elsewhere"
    home.mkdir()
    with chdir(home):
        execute(job("pipeline=transcript_analysis", "output.console=quiet"), into=str(RUN))
        write_all(2)
        execute_batch(many("output.console=quiet"))
    (home / RUN / "superseded").mkdir()
    (home / "sweeps/mine/multirun.yaml").write_text("hydra: {}\n")
    shutil.copytree(home / RUN, outside)
    for file in filter(Path.is_file, outside.rglob("*")):
        if file.suffix == ".json":
            value = orjson.loads(file.read_bytes())
            if isinstance(value, dict):
                file.write_bytes(orjson.dumps({**value, "name": SECRET, "status": SECRET}))
    return made


@pytest.fixture
def home(stored: Path, tmp_path: Path) -> Iterator[Path]:
    """Return a copy of it; the working directory is in it."""

    def hung(*_: object) -> None:
        raise AssertionError("a hang")

    shutil.copytree(stored, tmp_path, symlinks=True, dirs_exist_ok=True)
    handler = signal.signal(signal.SIGALRM, hung)
    signal.alarm(WATCHDOG_S)
    try:
        with chdir(tmp_path / "home"):
            yield tmp_path / "home"
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, handler)


def listening(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(os.path.relpath(path))


def sparse(path: Path, size: int = 1 << 40) -> None:
    with path.open("wb") as file:
        file.truncate(size)


def bomb(path: Path) -> None:
    lines = ["a0: &a0 [x, x]", *(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 60))]
    path.write_text("\n".join(lines) if path.suffix == ".yaml" else "[" * 200_000)


def values(path: Path) -> None:
    """Write what takes forty times its size in memory."""
    start = b"" if path.suffix == ".jsonl" else b"["
    path.write_bytes(start + b'{"a":{}},' * 1_500_000)


KINDS: dict[str, Callable[[Path], Any]] = {
    "pipe": os.mkfifo,
    "socket": listening,
    "directory": Path.mkdir,
    "link to a device": partial(lambda path: path.symlink_to("/dev/zero")),
    "link to stdin": lambda path: path.symlink_to("/dev/stdin"),
    "link to itself": lambda path: path.symlink_to(path.name),
    "link to another file": lambda path: path.symlink_to(
        Path("../elsewhere/metadata.json").absolute()
    ),
    "sparse": sparse,
    "line without end": partial(sparse, size=1 << 29),
    "deep": lambda path: path.write_text("[" * 200_000),
    "bomb": bomb,
    "values": values,
    "a record of a run that fits": lambda path: path.write_text("{}\n" * 100_000),
}
OF_A_RUN = (
    *("metadata.json", "journal.jsonl", "run.lock", "COMPLETED", "grounding.json", "report.html"),
    *("transcript.json", "transcript.md", "config/resolved.yaml", "config/composed.yaml"),
    *("config/overrides.json", "config/prompts.json", "logs/events.jsonl", "logs/benchmark.json"),
    *("intermediate/stage_a/say_means.json", "intermediate/stage_a/say_means.md"),
    *("context/stage_b_ledger.json", "final/meeting_notes.md", ".reserve", ".tmp.x.json.1.ab"),
    "../multirun.yaml",
)
OF_A_BATCH = (
    *("metadata.json", "journal.jsonl", "results.jsonl", "results.csv", "config/inputs.json"),
    "logs/events.jsonl",
)
FOLDERS = ("config", "intermediate", "intermediate/stage_a", "context", "logs", "final")


def ended(work: Callable[[], Any]) -> tuple[int, str]:
    """Return exit code and standard error of *work*, as the installed script has them."""
    said = io.StringIO()
    with redirect_stderr(said), redirect_stdout(io.StringIO()):
        try:
            code = work() or 0
        except SystemExit as end:
            code = int(str(end.code or 0))
        except (ColloquyError, OSError) as error:
            code = print_error(as_known(error) or ConfigError("a bug"))
    return code, said.getvalue()


def called(command: Callable[[], Any], *arguments: str) -> int:
    sys.argv = ["command", *arguments]
    return int(command() or 0)


def resumed(path: Path) -> int:
    arguments = [f"resume={path}", "output.console=quiet", "trusted=true"]
    if (sweep := read_sweep(arguments)) is not None:
        return len(sweep.finish) * 0
    resumption = read_resumption(arguments)
    return session(lambda shared: resume_job(resumption, shared), simulated)[0]


def traced(path: Path) -> None:
    run_span(read_run(path))


def logged(path: Path) -> None:
    log_runs([path], MagicMock())


def loaded(path: Path) -> None:
    load(path)


def watched(path: Path) -> None:
    live_table_of(path)
    Tail(path / "journal.jsonl").lines()


COMMANDS: dict[str, Callable[[Path], Any]] = {
    "report": lambda path: report([str(path)]),
    "compare": lambda path: called(compare, str(path), "--out", "compared"),
    "whatif": lambda path: called(whatif, str(path), "max_concurrent=1..3"),
    "verify": lambda path: called(verify, str(path)),
    "status": lambda path: called(status, str(path)),
    "review": lambda path: called(review, str(path), "--list"),
    "load": loaded,
    "traces": traced,
    "mlflow": logged,
    "live": watched,
    "resume": resumed,
    "resume of a sweep": lambda path: resumed(path.parent),
}


class Watch:
    """Knows which files outside of the run were opened, and whether they have changed."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self.opened = folder, list[str]()
        self._before = self._state()
        inodes = {(s.st_dev, s.st_ino) for s in map(Path.stat, folder.rglob("*"))}

        def watching(real: Callable[..., Any]) -> Callable[..., Any]:
            def opening(file: Any, *args: Any, **named: Any) -> Any:
                made = real(file, *args, **named)
                about = os.fstat(made if isinstance(made, int) else made.fileno())
                if (about.st_dev, about.st_ino) in inodes:
                    self.opened.append(str(file))
                return made

            return opening

        for place, name in ((os, "open"), (io, "open"), (builtins, "open")):
            monkeypatch.setattr(place, name, watching(getattr(place, name)))

    def _state(self) -> dict[Path, tuple[int, int, int]]:
        return {
            path: (about.st_size, about.st_mtime_ns, about.st_nlink)
            for path in [self.folder, *self.folder.rglob("*")]
            if (about := path.lstat())
        }

    @property
    def findings(self) -> list[Any]:
        """What was read or written there."""
        after = self._state()
        both = self._before.keys() | after.keys()
        changed = [str(p) for p in both if self._before.get(p) != after.get(p)]
        return self.opened + changed


def clear_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5")


def memory(name: str = "VmHWM") -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(name)).split()[1]) * 1024


def attack(path: Path, watch: Watch, commands: dict[str, Callable[[Path], Any]]) -> None:
    """Run *commands* on *path*; each ends as documented and leaves alone what is outside."""
    clear_peak()
    before = memory("VmRSS")
    faults = []
    for name, command in commands.items():
        code, said = ended(partial(command, path))
        lines = said.strip().splitlines()
        documented = DOCUMENTED | {1} if name == "verify" else DOCUMENTED
        if "Traceback" in said or code not in documented:
            faults.append((name, code, said[-300:]))
        if name != "verify" and len(lines) > 1 + 2 * name.startswith("resume"):
            faults.append((name, code, lines))
    pages = [page for page in (path / "report.html", path.parent / "index.html") if page.is_file()]

    assert [] == faults
    assert [] == watch.findings
    assert [] == [str(page) for page in pages if SECRET in page.read_text()]
    assert memory() - before < MAX_MEMORY


def cases(files: tuple[str, ...]) -> list[Any]:
    """Return each file with EACH kinds, so that each kind is at several files."""
    kinds = list(KINDS)
    return [
        pytest.param(file, kind, id=f"{file}: {kind}")
        for number, file in enumerate(files)
        for kind in [kinds[(number + 5 * step) % len(kinds)] for step in range(EACH)]
    ]


@pytest.mark.parametrize(("file", "kind"), cases(OF_A_RUN))
def test_a_file_of_a_run_may_be_anything(
    file: str, kind: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = RUN / file
    place.unlink(missing_ok=True)
    KINDS[kind](place)
    attack(RUN, Watch(home.parent / "elsewhere", monkeypatch), COMMANDS)


@pytest.mark.parametrize(("file", "kind"), cases(OF_A_BATCH))
def test_a_file_of_a_batch_may_be_anything(
    file: str, kind: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = BATCH / file
    place.unlink(missing_ok=True)
    KINDS[kind](place)
    attack(BATCH, Watch(home.parent / "elsewhere", monkeypatch), COMMANDS)


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_folder_of_a_run_that_leads_elsewhere_is_neither_read_nor_written(
    folder: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = home.parent / "elsewhere"
    shutil.rmtree(RUN / folder)
    (RUN / folder).symlink_to(elsewhere / folder)
    code, said = ended(lambda: report([str(RUN)]))

    assert 2 == code
    assert f"colloquy-report: {RUN / folder} is a link, expected a directory\n" == said

    attack(RUN, Watch(elsewhere, monkeypatch), COMMANDS)


MEMBERS = ("runs", "runs/*", "runs/*/*", *(f"runs/*/*/{name}" for name in FOLDERS[1:5]))


@pytest.mark.parametrize("pattern", MEMBERS)
def test_a_folder_of_a_batch_that_leads_elsewhere_is_neither_read_nor_written(
    pattern: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = home.parent / "elsewhere"
    folder = sorted(BATCH.glob(pattern))[0]
    shutil.move(folder, elsewhere / "moved")
    folder.symlink_to(elsewhere / "moved")
    for completed in (*BATCH.rglob("COMPLETED"), *elsewhere.rglob("COMPLETED")):
        completed.unlink()
    attack(BATCH, Watch(elsewhere, monkeypatch), COMMANDS)


def writes(directory: RunDirectory) -> dict[str, Callable[[], Any]]:
    """Return the ways to change what is in the folders of a run directory."""
    path, node = directory.path, job().pipeline.nodes[0]
    previous, page = PreviousSession(path), f"final/{node.name}.md"
    pages = {page: "x", "context/x.md": "x", "logs/benchmark.json": {}}
    return {
        "answer superseded": lambda: keep_answer(path, node, None),
        "answer restored, or damaged and set aside": lambda: previous.record(node, "0" * 64),
        "record": lambda: asyncio.run(
            directory.write_node(node.stage, node.name, dict, [page], lambda _: None)
        ),
        **{name: partial(write_page, directory, name, page) for name, page in pages.items()},
        "job": lambda: directory.write_job(job()),
    }


def write_page(directory: RunDirectory, name: str, page: Any) -> None:
    asyncio.run(directory.write_pages({name: page}))


TARGETS = ("config", "intermediate", "intermediate/stage_a", "context", "logs", "final")


@pytest.mark.parametrize("damaged", [False, True])
@pytest.mark.parametrize("folder", [*TARGETS, "superseded", "superseded/stage_a"])
def test_no_write_follows_a_folder_that_became_a_link(
    folder: str, damaged: bool, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = home.parent / "elsewhere"
    for place in (elsewhere, RUN):
        (place / "superseded/stage_a").mkdir(parents=True, exist_ok=True)
        if damaged:
            (place / f"intermediate/stage_a/{job().pipeline.nodes[0].name}.json").write_text("{")
    directory = RunDirectory.reopen(RUN)
    shutil.rmtree(RUN / folder)
    (RUN / folder).symlink_to(elsewhere / folder)
    watch = Watch(elsewhere, monkeypatch)
    refused = []
    for name, write in writes(directory).items():
        try:
            write()
        except OSError:
            refused.append(name)
    directory.close()

    assert refused or damaged
    assert [] == [each for each in watch.findings if each not in watch.opened]


@pytest.mark.parametrize("name", ["journal.jsonl", "run.lock", "logs/events.jsonl"])
def test_a_file_that_has_another_name_elsewhere_is_not_written_in_place(
    name: str, home: Path
) -> None:
    other = home.parent / "elsewhere" / name
    (RUN / name).unlink()
    other.touch()
    (RUN / name).hardlink_to(other)
    (RUN / "COMPLETED").unlink()
    before = other.read_bytes()
    code, said = ended(lambda: resumed(RUN))

    assert (8, before) == (code, other.read_bytes())
    assert f"{RUN / name} is not a regular file with this name alone" in said


def test_a_page_of_a_batch_that_has_another_name_elsewhere_is_not_written_in_place(
    tmp_path: Path,
) -> None:
    (tmp_path / "mine").write_text("mine")
    (tmp_path / "page").hardlink_to(tmp_path / "mine")
    with pytest.raises(OSError, match="page is not a regular file with this name alone"):
        write_in_place(tmp_path / "page", b"theirs")

    assert "mine" == (tmp_path / "mine").read_text()


def test_a_sweep_whose_job_leads_elsewhere_is_not_resumed(home: Path) -> None:
    write_yaml = {
        "hydra": {
            "sweep": {"subdir": "${hydra.job.num}"},
            "sweeper": {"_target_": "hydra._internal.BasicSweeper", "params": None},
            "overrides": {"task": ["repeat=1,2,3"]},
        }
    }
    (RUN.parent / "multirun.yaml").write_bytes(orjson.dumps(write_yaml))
    (RUN.parent / "1").symlink_to(home.parent / "elsewhere" / "final")
    with pytest.raises(ConfigError, match="mine/1 is a link, expected the directory of a job"):
        read_sweep([f"resume={RUN.parent}"])


def test_folders_without_end_or_bound_are_searched_to_a_bound(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "loop").symlink_to(home)
    deep = home / "/".join(["d"] * 400)
    deep.mkdir(parents=True)

    assert [Path("batch"), Path("sweeps/mine/0")] == find_runs(Path())

    monkeypatch.setattr(regular_files, "MAX_ENTRIES", 9)
    for number in range(10):
        (RUN / f"intermediate/stage_a/{number}.json").touch()
    code, said = ended(lambda: report([str(RUN)]))

    assert 2 == code
    assert f"colloquy-report: {RUN}/intermediate/stage_a has more than 9 entries\n" == said


def test_an_entry_of_the_store_and_the_history_may_be_anything(home: Path) -> None:
    key = "ab" + "0" * 62
    for number, plant in enumerate(KINDS.values()):
        store = home / f"store{number}"
        (store / "ab").mkdir(parents=True)
        plant(store / "ab" / f"{key}.json")
        plant(store / "history.json")

        assert Store(store).get(key) is None
        assert {} == read_history(store, "offline/extractive")

    (home / "linked").mkdir()
    (home / "linked/ab").symlink_to(home.parent / "elsewhere")
    record = RUN / "intermediate/stage_a/say_means.json"
    with pytest.raises(OSError, match="linked/ab is a link"):
        Store(home / "linked").put(key, record)


def test_more_files_than_a_batch_may_have_are_refused(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = many()

    assert 2 == len(find_inputs(made.settings))

    monkeypatch.setattr(inputs, "MAX_INPUTS", 1)
    with pytest.raises(ConfigError, match="there are more than 1 files"):
        find_inputs(made.settings)


def test_a_transcript_that_could_not_be_read_again_is_refused_before_anything_is_sent(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(json, "MAX_VALUES", 100)
    with pytest.raises(TranscriptError, match=r"sample1 is too long for transcript\.json: more"):
        execute(job(), into="refused")


def test_a_run_whose_transcript_was_a_pipe_is_resumed_with_what_was_read(home: Path) -> None:
    (RUN / "COMPLETED").unlink()
    os.mkfifo("talk.txt")
    for name in ("composed", "resolved"):
        file = RUN / f"config/{name}.yaml"
        file.write_text(file.read_text().replace("pkg://samples/sample1.md", "talk.txt"))

    assert "path: talk.txt" in (RUN / "config/resolved.yaml").read_text()
    assert 0 == ended(lambda: resumed(RUN))[0]


def test_a_new_run_and_a_new_sweep_follow_no_link(home: Path) -> None:
    elsewhere = home.parent / "elsewhere"
    before = sorted(elsewhere.rglob("*"))
    Path("new").symlink_to(elsewhere / "context")
    with pytest.raises(OutputError, match="new is a link, expected the name of a new directory"):
        RunDirectory.create(Path("new"))
    Path("many/multirun.yaml").symlink_to(elsewhere / "written.yaml")
    done = colloquy("-m", "repeat=1,2", "hydra.sweep.dir=many", cwd=home)

    assert (8, 1) == (done.returncode, done.stderr.count("\n"))
    assert "many/multirun.yaml is a link, expected no such file" in done.stderr
    assert before == sorted(elsewhere.rglob("*"))
