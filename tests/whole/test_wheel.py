"""The installed wheel, in another directory, with a user's own configuration."""

from __future__ import annotations

import json
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest
from helpers.documentation import blocks

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install a wheel, built from an sdist, into a fresh environment; return its python.

    Dependencies come from this environment; its own editable install of the project does not,
    because a path named in a .pth file is not searched for further .pth files.
    """
    folder = tmp_path_factory.mktemp("wheel")
    (sdist,) = build("sdist", ROOT, folder)
    with tarfile.open(sdist) as archive:
        archive.extractall(folder, filter="data")
    (source,) = folder.glob("colloquy_runner-*/")
    (wheel,) = build("wheel", source, folder)
    venv.create(folder / "venv", with_pip=False)
    (site,) = (folder / "venv").glob("lib/python*/site-packages")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    (site / "dependencies.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    return folder / "venv" / "bin" / "python"


def build(what: str, source: Path, into: Path) -> list[Path]:
    command = [sys.executable, "-m", "hatchling", "build", "-t", what, "-d", str(into)]
    subprocess.run(command, cwd=source, check=True, capture_output=True)
    return [*into.glob({"sdist": "*.tar.gz", "wheel": "*.whl"}[what])]


def run(python: Path, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(python), *arguments], cwd=cwd, capture_output=True, text=True, timeout=600
    )


def test_the_wheel_holds_what_a_run_needs_and_no_tests(installed: Path) -> None:
    (site,) = installed.parents[1].glob("lib/python*/site-packages")
    files = [path.relative_to(site).as_posix() for path in site.rglob("*") if path.is_file()]
    packages = ("runner", "colloquy", "analyzers", "conf", "samples", "hydra_plugins")
    listed = subprocess.run(
        ["git", "ls-files", "--", *packages], cwd=ROOT, capture_output=True, text=True
    )

    assert {
        "analyzers/_system.md",
        "analyzers/say_means.md",
        "conf/config.yaml",
        "conf/pipeline/two_stage.yaml",
        "hydra_plugins/colloquy_pooled/__init__.py",
        "runner/reports/report/templates/report.html",
        "runner/reports/report/templates/comparison.html",
        "analyzers/_repair.md",
        "runner/providers/offline/language/cues.txt",
        "samples/sample1.md",
        "colloquy/SKILL.md",
        *listed.stdout.split(),
    } <= set(files)
    assert not any("tests" in name for name in files)


def test_it_runs_elsewhere_with_an_analyzer_of_the_users_own(
    installed: Path, tmp_path: Path
) -> None:
    mine = tmp_path / "mine"
    (mine / "analyzer").mkdir(parents=True)
    (mine / "analyzers").mkdir()
    (mine / "analyzer" / "risk_register.yaml").write_text(
        "defaults: [base, _self_]\n\nstage: stage_b\n"
    )
    (mine / "analyzers" / "risk_register.md").write_text("Which risks does the talk name?\n")
    done = run(
        installed,
        "-m",
        "runner",
        "--config-dir",
        "mine",
        "+analyzer@analyzers.risk_register=risk_register",
        cwd=tmp_path,
    )
    (path,) = (tmp_path / "outputs" / "runs").iterdir()
    record = json.loads((path / "intermediate/stage_b/risk_register.json").read_bytes())

    assert done.returncode == 0, done.stderr
    assert "ok=9 failed=0" in done.stdout
    assert record["insights"]


def test_its_command_is_declared(installed: Path, tmp_path: Path) -> None:
    code = (
        "from importlib.metadata import entry_points\n"
        "(e,) = {e.value for e in entry_points(group='console_scripts') if e.name == 'colloquy'}\n"
        "print(e)\n"
    )

    assert run(installed, "-c", code, cwd=tmp_path).stdout == "runner.__main__:main\n"


def test_a_reader_of_another_package_is_found_and_its_suffix_searched(
    installed: Path, tmp_path: Path
) -> None:
    """The reader in docs/transcripts.md, installed as pip installs it."""
    page = (ROOT / "docs" / "transcripts.md").read_text()
    (code,) = blocks("python", page)
    (entry,) = blocks("toml", page)
    (site,) = installed.parents[1].glob("lib/python*/site-packages")
    (site / "tilde_reader.py").write_text(code)
    info = site / "tilde_reader-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: tilde-reader\nVersion: 1.0\n")
    group = tomllib.loads(entry)["project"]["entry-points"]["colloquy.readers"]
    lines = (f"{name} = {value}\n" for name, value in group.items())
    (info / "entry_points.txt").write_text("[colloquy.readers]\n" + "".join(lines))
    (tmp_path / "call.txt").write_text("TILDE\n1.5 ~ Ana ~ Is it dry?\n3 ~ Ben ~ No.\n")
    read = (
        "from pathlib import Path\n"
        "from runner.transcript.read import read, suffixes\n"
        "transcript = read(Path('call.txt')).transcript\n"
        "turns = [(s.speaker, s.start_s, s.text) for s in transcript.segments]\n"
        "print(transcript.format, turns, '.tilde' in suffixes())\n"
    )

    shown = run(installed, "-c", read, cwd=tmp_path)

    expected = "tilde [('Ana', 1.5, 'Is it dry?'), ('Ben', 3.0, 'No.')] True\n"

    assert ("", expected) == (shown.stderr, shown.stdout)
