"""A key is put wherever one could get by mistake; then every byte that is left is searched."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from helpers import serving
from helpers.processes import colloquy

from runner.providers.simulated.faults import FaultResponse

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
CANARY = "sk-canary-4711-0123456789abcdef"
UNSHAPED = "canary/4711+without.a.shape"  # in the environment only its value gives it away


def places_of(canary: str, done: subprocess.CompletedProcess[str], folder: Path) -> list[str]:
    """Return where the canary is: streams, file names, files."""
    found = [name for name in ("stdout", "stderr") if canary in getattr(done, name)]
    for path in folder.rglob("*"):
        inside = path.is_file() and canary.encode() in path.read_bytes()
        if canary in str(path) or inside:
            found.append(str(path))
    return found


@pytest.mark.parametrize(
    "arguments",
    [
        (f"+model.params.x={CANARY}",),
        (f"model.api_key={CANARY}", "-m", "repeat=0,1"),
        (f"+api_key={UNSHAPED}", f"output.dir=runs-{CANARY}"),
        (f"model.api_base=http://127.0.0.1:9/v1?key={UNSHAPED}", "model=simulated"),
    ],
)
def test_a_key_among_the_arguments_ends_it_before_anything_is_written(
    arguments: tuple[str, ...], tmp_path: Path
) -> None:
    done = colloquy(*arguments, cwd=tmp_path)

    assert 2 == done.returncode
    assert [] == places_of(CANARY, done, tmp_path)
    assert [] == places_of(UNSHAPED, done, tmp_path)
    assert [] == list(tmp_path.iterdir())
    assert "environment variable" in done.stderr
    assert 1 == done.stderr.count("\n")


def test_a_key_that_the_provider_repeats_is_nowhere(tmp_path: Path) -> None:
    """One node gets it in a 400, where cutting the message would halve it, one in a 500, one in
    its replies and the last in a 401."""
    told = f"rejected: Authorization: Bearer {UNSHAPED} for https://h/v1?key=hunter2 {CANARY}"

    def fault(status: int, padding: int) -> FaultResponse:
        error = {"message": f"{'x' * padding} {told}", "code": "bad", "key": UNSHAPED}
        return FaultResponse(status, {"x-request-id": UNSHAPED}, json.dumps({"error": error}))

    faults = [fault(400, 440), fault(500, 0), None, None, None, fault(401, 0)]
    with serving(lambda _: f"My key is {UNSHAPED}.", faults=faults) as address:
        done = colloquy(
            "model=openai",
            f"model.api_base={address}",
            "model.api_key_env=OUR_PROVIDER",
            "model.max_retries=0",
            "processing.mode=sequential",
            "reuse=off",
            cwd=tmp_path,
            OUR_PROVIDER=UNSHAPED,
        )
    events = next(tmp_path.rglob("events.jsonl")).read_text()

    assert 5 == done.returncode, done.stderr
    for secret in (UNSHAPED[:12], CANARY[:12], "hunter2"):
        assert [] == places_of(secret, done, tmp_path)
    assert ["bad_request", "transient", "auth"] == [
        json.loads(line)["kind"] for line in events.strip().split("\n") if "call.failed" in line
    ]
    assert events.count("answer.rejected") == 3 - 1


def test_a_key_in_the_message_of_a_bug_is_not_shown(tmp_path: Path) -> None:
    program = f"""
import runner.run.command as it
def fail(_): raise AttributeError("\\x1b]0;x\\x07 " + {UNSHAPED!r})
it.cli.check_arguments = fail
it.main()
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": str(ROOT), "MY_TOKEN": UNSHAPED},
        cwd=tmp_path,
        capture_output=True,
        check=False,
    )

    assert 1 == done.returncode
    assert b"AttributeError: ]0;x ***" in done.stderr
    assert UNSHAPED.encode() not in done.stderr.split(b"AttributeError")[-1]
