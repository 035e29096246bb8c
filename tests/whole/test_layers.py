"""Who may import whom, how long things may be, and what may lie in the root."""

from __future__ import annotations

import ast
import re
import subprocess
from collections import Counter
from functools import cache
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]
RUNNER = sorted((ROOT / "runner").rglob("*.py"))
ANALYZERS = sorted((ROOT / "analyzers").glob("*.py"))
MODULES = [*RUNNER, *ANALYZERS]
MAX_FUNCTION_LINES = 40
MAX_MODULE_LINES = 300


# A room imports only rooms that stand before it here.
ROOMS = (
    *("base", "config", "transcript", "answers", "providers"),
    *("job", "calls", "record", "reports", "run"),
)
MAX_ENTRIES = 13  # at the top of runner/
MAX_MAIN_LINES = 20


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


@cache
def imported(path: Path) -> list[tuple[int, str]]:
    """Return line and dotted name of every import statement, inside functions too.

    `from package import name` counts as `package.name`: *name* may be a module.
    """
    found: list[tuple[int, str]] = []
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found += [(node.lineno, f"{node.module}.{alias.name}") for alias in node.names]
    return found


def importers(package: str) -> list[str]:
    return [
        name_of(path)
        for path in MODULES
        if any(name.split(".")[0] == package for _, name in imported(path))
    ]


def room_of(dotted: str) -> str:
    return dotted.split(".")[1]


def upward(path: Path) -> list[str]:
    """Return the imports of *path* that leave its room for one that stands behind it."""
    room = path.relative_to(ROOT / "runner").parts[0]
    allowed = ROOMS[: ROOMS.index(room) + 1]
    return [
        f"{name_of(path)}:{line} imports {name}"
        for line, name in imported(path)
        if name.startswith("runner.") and room_of(name) not in allowed
    ]


def test_a_room_imports_only_rooms_before_it() -> None:
    inside = [path for path in RUNNER if path.parent != ROOT / "runner"]

    assert [] == [line for path in inside for line in upward(path)]


def test_an_import_against_the_order_is_found_even_inside_a_function(tmp_path: Path) -> None:
    (tmp_path / "job").mkdir()
    module = ROOT / "runner" / "job" / "graph.py"
    text = module.read_text() + "\n\ndef late():\n    from runner.run.plan.plan import make_plan\n"
    planted = tmp_path / "graph.py"
    planted.write_text(text)
    names = [name for _, name in imported(planted)]

    assert "runner.run.plan.plan.make_plan" in names
    assert "run" not in ROOMS[: ROOMS.index("job") + 1]


def test_no_files_import_one_another_in_a_circle() -> None:
    modules = {".".join(path.relative_to(ROOT).with_suffix("").parts) for path in RUNNER}
    below = {
        name_of(path)[:-3].replace("/", "."): {
            each if each in modules else each.rpartition(".")[0] for _, each in imported(path)
        }
        for path in RUNNER
    }
    count = 0
    while count != (count := len(below)):  # without what imports, or is imported by, none of them
        needed = set().union(*below.values())
        below = {m: needs for m, needs in below.items() if needs & below.keys() and m in needed}

    assert [] == sorted(below)


def test_the_top_of_the_runner_is_small() -> None:
    entries = {name.split("/")[1] for name in tracked() if name.startswith("runner/")}

    assert {"__init__.py", "__main__.py", *ROOMS} == entries
    assert len(entries) <= MAX_ENTRIES
    assert len((ROOT / "runner/__main__.py").read_text().splitlines()) <= MAX_MAIN_LINES


def test_no_class_name_is_used_twice() -> None:
    names = Counter(
        node.name
        for path in RUNNER
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.ClassDef)
    )

    assert [] == [name for name, count in names.items() if count > 1]


def test_the_runner_knows_no_analyzer() -> None:
    assert [] == [n for n in importers("analyzers") if n.startswith("runner/")]


def test_hydra_stays_at_the_edge() -> None:
    assert importers("hydra") == [
        "runner/reports/compare/planned_jobs.py",
        "runner/run/cli/command_line.py",
        "runner/run/cli/compose.py",
        "runner/run/cli/hydra_errors.py",
        "runner/run/command.py",
        "runner/run/hydra_job.py",
        "runner/run/resume_arguments.py",
        "runner/run/resume_sweep.py",
    ]
    assert importers("omegaconf") == [
        "runner/config/resolve.py",
        "runner/job/build.py",
        "runner/providers/simulated/__main__.py",
        "runner/run/cli/command_line.py",
        "runner/run/cli/compose.py",
        "runner/run/cli/hydra_errors.py",
        "runner/run/command.py",
        "runner/run/hydra_job.py",
        "runner/run/resume.py",
        "runner/run/resume_sweep.py",
    ]


def test_litellm_is_imported_by_nobody_at_start() -> None:
    for path in MODULES:
        top = [n for n in tree_of(path).body if isinstance(n, ast.ImportFrom)]

        assert not any((n.module or "").startswith("litellm") for n in top)


def test_only_the_provider_room_makes_calls() -> None:
    callers = [name_of(p) for p in MODULES if re.search(r"\.acompletion\(", p.read_text())]

    assert len(callers) == 1
    assert callers[0].startswith("runner/providers/litellm/")


def lines_of(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Return the lines of a function's body, without its docstring."""
    body = function.body
    if isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant):
        body = body[1:]
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def test_modules_and_functions_stay_short() -> None:
    functions = [
        (name_of(path), node.name, lines_of(node))
        for path in MODULES
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    modules = [(name_of(path), len(path.read_text().splitlines())) for path in MODULES]

    assert len(functions) > len(MODULES)
    assert [] == [each for each in functions if each[-1] > MAX_FUNCTION_LINES]
    assert [] == [each for each in modules if each[-1] > MAX_MODULE_LINES]


def test_every_analyzer_has_its_three_files_and_no_other_lies_there() -> None:
    stems = {p.stem for p in (ROOT / "conf/analyzer").glob("*.yaml")} - {"base"}
    prompts = {p.stem for p in (ROOT / "analyzers").glob("[a-z]*.md")}
    modules = {p.stem for p in ANALYZERS} - {"__init__", "_analyzer"}

    assert stems == prompts == modules


def test_every_yaml_says_what_it_is_and_where_it_merges() -> None:
    for path in (ROOT / "conf").rglob("*.yaml"):
        text = path.read_text()
        if "defaults:" in text:
            assert "_self_" in text or "override" in text, path
        if "@package" in text:
            assert text.startswith("# @package"), path


def tracked() -> list[str]:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode != 0:
        pytest.skip("not a git checkout")
    return listed.stdout.split("\n")[:-1]


def test_the_root_holds_only_what_the_design_lists() -> None:
    found = {path.split("/")[0] for path in tracked()}

    assert found <= {
        ".ci",
        ".gitignore",
        "ARCHITECTURE.md",
        "CHANGELOG.md",
        "SECURITY.md",
        "CONTRIBUTING.md",
        "LICENSE",
        "Makefile",
        "README.md",
        "analyzers",
        "benchmarks",
        "colloquy",
        "conf",
        "docs",
        "hydra_plugins",
        "outputs",
        "pyproject.toml",
        "requirements-run.lock",
        "requirements.lock",
        "runner",
        "samples",
        "tests",
    }


LOCKS = ("requirements-run.lock", "requirements.lock")  # for `make run`; and for development


def pins_of(name: str) -> set[tuple[str, str]]:
    return set(re.findall(r"^([a-z0-9._-]+)==(\S+)", (ROOT / name).read_text(), re.MULTILINE))


def test_what_runs_is_a_part_of_what_is_tested() -> None:
    run, tested = map(pins_of, LOCKS)

    assert run < tested
    assert {"litellm", "hydra-core", "hatchling"} <= dict(run).keys()
    assert {"pytest", "mypy", "ruff", "hypothesis"} & dict(run).keys() == set()


@pytest.mark.parametrize("name", LOCKS)
def test_the_lock_has_hashes_and_neither_addresses_nor_the_stolen_releases(name: str) -> None:
    lock, pins = (ROOT / name).read_text(), pins_of(name)

    assert len(pins) > 60
    assert lock.count("--hash=sha256:") >= len(pins)
    assert "://" not in lock
    assert dict(pins)["litellm"] not in {"1.82.7", "1.82.8"}


@pytest.mark.parametrize(
    ("python", "hydra"), [("3.11", "1.3."), ("3.12", "1.3."), ("3.13", "1.3."), ("3.14", "1.4.")]
)
def test_each_python_gets_one_hydra_which_starts_on_it(python: str, hydra: str) -> None:
    here = {"python_version": python, "python_full_version": f"{python}.0"}
    for name in LOCKS:
        pins = re.findall(r"^(?:hydra-core|omegaconf)==.*(?= \\$)", (ROOT / name).read_text(), re.M)
        wanted = [r for r in map(Requirement, pins) if not r.marker or r.marker.evaluate(here)]

        assert ["hydra-core", "omegaconf"] == [each.name for each in wanted]
        assert str(wanted[0].specifier).startswith(f"=={hydra}")


def test_no_path_of_a_machine_is_committed() -> None:
    for name in tracked():
        text = (ROOT / name).read_text(encoding="utf-8", errors="replace")

        assert not re.search(r"/(root|home/\w+|work)/", text), name


def test_tests_share_helpers_and_no_test_imports_another() -> None:
    tests = {path.stem: path for path in (ROOT / "tests").rglob("test_*.py")}
    rooms = {path.name for path in (ROOT / "tests").iterdir() if path.is_dir()}

    assert [] == [
        f"{name_of(path)}:{line} imports {name}"
        for path in (ROOT / "tests").rglob("*.py")
        for line, name in imported(path)
        if set(name.split(".")) & tests.keys()
    ]
    assert {*ROOMS, "helpers", "whole"} == rooms - {"__pycache__"}


def test_the_tests_of_runs_lie_as_its_modules_do() -> None:
    tests, rooms = (
        {path.name for path in (ROOT / name / "run").iterdir() if path.is_dir()}
        for name in ("tests", "runner")
    )

    assert rooms - {"__pycache__"} == tests - {"__pycache__"}
