"""The documentation: every command runs as printed, every key, file and link it names exists."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib.util import find_spec
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import yaml
from helpers import job, serving

from runner.offline.document import read_document
from runner.settings import known_keys
from runner.simulate import schema_name

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
PAGES = {
    str(path.relative_to(ROOT)): path.read_text(encoding="utf-8")
    for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
}
OTHERS = ("ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "outputs/README.md")
TEXTS = PAGES | {name: (ROOT / name).read_text(encoding="utf-8") for name in OTHERS}
WARM = str(ROOT / "tests/warm_commands.py")

# One worker runs these tests, so that the commands are forked from one process.
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("documentation")]

Shell = Callable[..., subprocess.CompletedProcess[str]]


def blocks(language: str, text: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def inline(text: str) -> list[str]:
    """Return what *text* has in backticks, outside its blocks."""
    return re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", text, flags=re.M | re.S))


def program(path: Path, text: str) -> None:
    path.write_text(f"#!/bin/bash\n{text}\n")
    path.chmod(0o755)


@pytest.fixture(scope="module")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return a folder with the commands that the documentation uses.

    Those of the project are forked from a process that has imported everything. pip, make and
    litellm only check what they are given.
    """
    folder = tmp_path_factory.mktemp("bin")
    door = folder / "door"
    call = shlex.join([sys.executable, "-SE", WARM, "call", str(door)])
    for name in PROJECT["scripts"]:
        program(folder / name, f'exec {call} {name} "$@"')
    module = PROJECT["scripts"]["colloquy-simulate"].partition(":")[0]
    program(folder / "colloquy-simulate", f'exec {sys.executable} -m {module} "$@"')
    extras = "|".join(f"'install -e .[{extra}]'" for extra in PROJECT["optional-dependencies"])
    program(folder / "pip", f'case "$*" in {extras}) ;; *) exit 1 ;; esac')
    program(folder / "make", f'case "$*" in {"|".join(TARGETS)}) ;; *) exit 1 ;; esac')
    program(folder / "litellm", 'test "$1" = --config && test -f "$2"')
    (folder / "activate").write_text(f'PATH="{folder}:$PATH"\n')
    server = subprocess.Popen(
        [sys.executable, WARM, "serve", str(door)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    try:
        while not door.exists():
            assert server.poll() is None
            with pytest.raises(subprocess.TimeoutExpired):
                server.wait(0.05)
        yield folder
    finally:
        server.terminate()
        server.wait()


@pytest.fixture(scope="module")
def shell(tools: Path) -> Shell:
    """Return what runs a text as a bash script in a folder."""

    def run(folder: Path, script: str, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", "-eo", "pipefail", "-c", f"trap 'jobs -p | xargs -r kill' EXIT\n{script}"],
            cwd=folder,
            env={**os.environ, "PATH": f"{tools}:{os.environ['PATH']}", **more},
            capture_output=True,
            text=True,
        )

    return run


@pytest.fixture(scope="module")
def finished(shell: Shell, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the run RUN, the batch BATCH and the sweep SWEEP."""
    folder = tmp_path_factory.mktemp("finished")
    write_transcripts(folder)
    done = shell(
        folder,
        "colloquy transcript=meeting.vtt\ncolloquy transcript=talks\n"
        "colloquy -m transcript=meeting.vtt processing.max_concurrent=1,4",
    )
    assert done.returncode == 0, done.stderr
    for kind, name in (("runs", "RUN"), ("batches", "BATCH"), ("sweeps", "SWEEP")):
        (made,) = (folder / "outputs" / kind).iterdir()
        made.rename(made.with_name(name))
    return folder


def write_transcripts(folder: Path) -> None:
    (folder / "meeting.vtt").write_text(
        "WEBVTT\n\n00:01.000 --> 00:05.000\n<v Ann>We should wait, because the pump failed.\n\n"
        "00:05.000 --> 00:09.000\n<v Bo>If we wait, then we lose the contract.\n"
    )
    (folder / "talks" / "later").mkdir(parents=True)
    for name in ("talks/one.txt", "talks/later/two.txt"):
        (folder / name).write_text(
            f"Ann: This is {name}.\n\nBo: We should wait, unless it rains.\n"
        )


@pytest.fixture
def workplace(tools: Path, finished: Path, tmp_path: Path) -> Path:
    """Return a clone as the documentation assumes it: its environment, transcripts and runs."""
    folder = tmp_path / "workplace"
    shutil.copytree(finished, folder)
    (folder / ".venv").mkdir()
    (folder / ".venv/bin").symlink_to(tools)
    return folder


def write_files(folder: Path, text: str) -> None:
    """Write the blocks of a page that begin with the name of a file."""
    for block in (*blocks("markdown", text), *blocks("yaml", text)):
        named = re.match(r"(?:<!--|#) ([\w/.]+)", block)
        assert named is not None
        path = folder / named[1]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block.split("\n", 1)[1])


@contextmanager
def collector() -> Iterator[tuple[str, list[str]]]:
    """Run an OTLP collector on loopback; yield its address and the paths it was sent."""
    received: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            received.append(self.path)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Print nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", received
        server.shutdown()


def offline_reply(body: Mapping[str, Any]) -> str:
    """Answer a provider's request as the offline model would."""
    prompt = body["messages"][-1]["content"]
    return json.dumps(readings()[schema_name(body)](read_document(prompt)))


@cache
def readings() -> dict[str, Callable[..., Any]]:
    """Return what the offline model answers with, by analyzer."""
    return {name: analyzer.reader() for name, analyzer in job().analyzers.items()}


@pytest.mark.parametrize("page", [name for name in PAGES if blocks("sh", PAGES[name])])
def test_every_command_of_a_page_succeeds(page: str, shell: Shell, workplace: Path) -> None:
    """Only addresses and ports are replaced, and the simulated provider answers sooner."""
    text = PAGES[page]
    write_files(workplace, text)
    asked: list[str] = []

    def reply(body: Mapping[str, Any]) -> str:
        asked.append(schema_name(body))
        return offline_reply(body)

    with serving(reply) as url, collector() as (traces, received):
        replaced = {
            "http://127.0.0.1:8000/v1": url,
            "http://localhost:4318": traces,
            "port=8089": "port=0",
            "model=simulated": "model=simulated model.simulate.latency_s=0.02 "
            "model.simulate.per_token_s=0",
        }
        output = ""
        for block in blocks("sh", text):
            script = block
            for printed, real in replaced.items():
                script = script.replace(printed, real)
            done = shell(workplace, script, OPENAI_BASE_URL=url)
            output += done.stderr

            assert done.returncode == 0, f"{block}\n{done.stdout}{done.stderr}"

    commands = [line for block in blocks("sh", text) for line in block.split("\n")]
    live = [line for line in commands if "model=openai" in line or "model=vllm" in line]
    assert len(asked) == 8 * len([line for line in live if "plan=true" not in line])
    assert bool(received) == ("traces" in text and "colloquy-traces" in text)
    for extra in re.findall(r"pip install -e '\.\[(\w+)\]'", output):
        assert f"pip install -e '.[{extra}]'" in text or f"`{extra}`" in text
    runs = [path.parent for path in (workplace / "outputs").glob("**/metadata.json")]
    assert [run for run in runs if not (run / "COMPLETED").exists()] == []


def test_make_run_runs_the_sample(tmp_path: Path) -> None:
    """In a copy, with this environment in place of the one that make would set up."""
    copy = tmp_path / "copy"
    shutil.copytree(
        ROOT, copy, ignore=shutil.ignore_patterns(".venv", ".git", "outputs", ".*_cache")
    )
    (copy / ".venv").symlink_to(Path(sys.prefix))
    (copy / ".venv" / ".ready").touch()
    done = subprocess.run(["make", "run"], cwd=copy, capture_output=True, text=True)

    assert done.returncode == 0, done.stderr
    assert "status=completed exit=0 ok=8 failed=0" in done.stderr


def test_the_readme_is_for_half_an_hour_and_names_every_page() -> None:
    text = PAGES["README.md"]

    assert text.count("\n") <= 220
    assert [page for page in PAGES if page != "README.md" and f"({page})" not in text] == []


@pytest.mark.parametrize("name", TEXTS)
def test_every_target_command_and_module_named_exists(name: str) -> None:
    text = TEXTS[name]
    printed = "\n".join([*blocks("sh", text), *inline(text)])
    modules = set(re.findall(r"python -m ([a-z_.]+)", "" if name == "CHANGELOG.md" else printed))

    assert set(re.findall(r"^make ([a-z-]+)", printed, re.MULTILINE)) <= TARGETS
    assert set(re.findall(r"\bcolloquy-[a-z]+\b", text)) <= set(PROJECT["scripts"])
    assert [module for module in modules if find_spec(module) is None] == []


@pytest.mark.parametrize("name", TEXTS)
def test_every_link_and_file_named_leads_somewhere(name: str) -> None:
    text = TEXTS[name]
    folder = (ROOT / name).parent
    for target, anchor in re.findall(r"\]\((?!https?://)([^)#]*)#?([^)]*)\)", text):
        page = (folder / target).resolve() if target else ROOT / name
        assert page.exists(), target
        if anchor:
            titles = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
            anchors = [re.sub(r"[^\w -]", "", t.lower()).replace(" ", "-") for t in titles]
            assert anchor in anchors, (target, anchor)
    for path in re.findall(r"`((?:tests|docs|conf|benchmarks|runner)/[\w/]+\.\w+)`", text):
        assert "NAME" in path or (ROOT / path).exists(), path


@pytest.mark.parametrize("name", PAGES)
def test_every_key_named_exists(name: str) -> None:
    sections = "|".join(("transcript", "model", "processing", "batch", "budget", "grounding"))
    keys = re.findall(rf"(?<![\w/.])((?:{sections}|output)(?:\.[a-z_]+)+)(?=[=`])", PAGES[name])
    free = ("model.params.", "model.simulate.faults.")
    keys = [key for key in keys if not key.startswith(free) and not key.endswith(".json")]

    assert [key for key in keys if not exists(key)] == []


def exists(key: str) -> bool:
    *above, last = key.split(".")
    return last in known_keys(above)


def table() -> dict[str, str]:
    """Return the defaults in the tables of keys, by key."""
    text = PAGES["docs/configuration.md"].partition("\n## Keys\n")[2]
    rows = re.findall(r"^\| `([\w.]+)` \| (.+?) \| .+ \|$", text, re.MULTILINE)
    return {key: default.strip("`") for key, default in rows}


def test_the_table_of_keys_is_complete() -> None:
    expected = set()
    for name in known_keys([]):
        below = known_keys([name])
        if name in ("analyzers", "stages"):
            inner = known_keys([name, "NAME"])
            nested = [f"context.{key}" for key in known_keys([name, "NAME", "context"])]
            expected |= {f"{name}.NAME.{key}" for key in [*inner, *nested]} - {
                f"{name}.NAME.context"
            }
        else:
            expected |= {f"{name}.{key}" for key in below} or {name}
    expected |= {f"model.simulate.{key}" for key in known_keys(["model", "simulate"])}

    assert expected == set(table())


def test_every_default_in_the_table_is_that_of_the_configuration() -> None:
    plain, simulated = job().settings, job("model=simulated").settings
    for key, shown in table().items():
        if "NAME" in key:
            continue
        value: Any = simulated if key.startswith("model.simulate.") else plain
        for part in key.split("."):
            value = getattr(value, part)

        assert yaml.safe_load(shown) == value or shown == value, key


def test_the_commands_in_comments_and_running_text_name_keys_and_choices() -> None:
    """Comments that continue with a backslash are one command."""
    texts = {name: "\n".join(inline(text)) for name, text in TEXTS.items()}
    for path in (ROOT / "conf").rglob("*.yaml"):
        comments = re.findall(r"^ *# ?(.*)$", path.read_text(encoding="utf-8"), re.MULTILINE)
        texts[path.name] = "\n".join(comments).replace("\\\n", "")
    commands = {
        (name, command)
        for name, text in texts.items()
        for command in re.findall(r"\bcolloquy((?: +[\w'~+./-]+=\S+)+)", text)
    }
    wrong = [(name, command) for name, command in commands if not all(map(known, words(command)))]

    assert len(commands) > 20
    assert wrong == []


def words(command: str) -> list[str]:
    return [word.lstrip("+~") for word in shlex.split(command)]


def known(word: str) -> bool:
    """Return whether a word of a command line names a key, or a choice of a group."""
    key, _, value = word.partition("=")
    group = ROOT / "conf" / key
    if group.is_dir() and re.fullmatch(r"[a-z_,]+", value):
        return all((group / f"{choice}.yaml").exists() for choice in value.split(","))
    return group.is_dir() or exists(key) or key == "resume" or key.startswith("hydra")


def test_the_pages_have_no_gap() -> None:
    assert [name for name, text in TEXTS.items() if re.search(r"@[A-Z]+@", text)] == []
