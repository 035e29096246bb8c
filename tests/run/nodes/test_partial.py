"""Stage B on every subset of stage A, lenient and strict, in virtual time."""

from __future__ import annotations

from functools import cache

import pytest
from helpers import job
from helpers.runs import STAGE_A, STAGE_B, execute, failing, load, prompt_of

from runner.base.errors import EXIT_NOTHING, EXIT_OK, EXIT_PARTIAL, CallError
from runner.job.job import Job

SUBSETS = [
    tuple(name for bit, name in enumerate(STAGE_A) if subset >> bit & 1) for subset in range(16)
]


@cache
def made_job(strict: bool) -> Job:
    """Return the job; making it takes longer than running it."""
    return job(f"processing.strict={str(strict).lower()}")


def code_of(lost: tuple[str, ...], strict: bool) -> int:
    """Return the exit code that reliability.md, 2.1 rows 57 and 58, asks for."""
    if not lost:
        return EXIT_OK
    return EXIT_NOTHING if strict or len(lost) == 4 else EXIT_PARTIAL


@pytest.mark.parametrize("strict", [False, True], ids=["lenient", "strict"])
@pytest.mark.parametrize("lost", SUBSETS, ids=lambda lost: "+".join(lost) or "none")
def test_what_stage_b_does_without_these(lost: tuple[str, ...], strict: bool) -> None:
    made = made_job(strict)
    faults = {name: CallError("timeout", "late") for name in lost}
    result, path, transport = execute(made, failing(faults))
    asked = [request for request in transport.requests if request.node in STAGE_B]
    called = not lost or (len(lost) < 4 and not strict)
    statuses = {name: outcome.status for name, outcome in result.outcomes.items()}

    assert statuses == {
        **{name: "error" if name in lost else "ok" for name in STAGE_A},
        **dict.fromkeys(STAGE_B, "ok" if called else "skipped"),
    }
    assert sorted(request.node for request in asked) == (sorted(STAGE_B) if called else [])
    assert all(f"{name} (timeout)" in prompt_of(request) for request in asked for name in lost)
    assert result.exit_code == code_of(lost, strict)
    assert (path / "COMPLETED").exists() is (not lost)
    for name in STAGE_B:
        record = load(f"intermediate/stage_b/{name}.json")

        assert record["degraded"] is bool(lost)
        assert record["missing"] == dict.fromkeys(lost, "timeout")
        assert (record["error"] is None) is called
        assert called or record["error"]["kind"] == ("upstream" if len(lost) == 4 else "strict")
    for name in STAGE_A:
        assert load(f"intermediate/stage_a/{name}.json")["degraded"] is False


@pytest.mark.parametrize("strict", [False, True], ids=["lenient", "strict"])
def test_metadata_tells_of_each_stage_what_came_of_it(strict: bool) -> None:
    made = made_job(strict)
    _, _path, _ = execute(made, failing({"say_means": CallError("timeout", "late")}))
    metadata = load("metadata.json")

    assert metadata["exit_code"] == (EXIT_NOTHING if strict else EXIT_PARTIAL)
    assert metadata["status"] == "partial"
    assert metadata["stages"]["stage_a"]["analyzers"]["say_means"] == "error"
    assert set(metadata["stages"]["stage_b"]["analyzers"].values()) == {
        "skipped" if strict else "ok"
    }
