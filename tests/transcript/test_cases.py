"""Small transcripts as people's tools write them; they are on the developers' machines only."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from runner.transcript.read import read

CASES = Path(__file__).resolve().parents[3] / "shared" / "cases"
EXPECTED = CASES / "expected.json"


def listed() -> list[str]:
    """Return the cases whose turns are listed, with speakers and starts."""
    if not EXPECTED.is_file():
        return []
    cases = json.loads(EXPECTED.read_text())
    return [
        name
        for name, case in cases.items()
        if isinstance(case["right"], list) and all(isinstance(t, list) for t in case["right"])
    ]


def folded(turns: list[list[Any]]) -> list[list[Any]]:
    """Join neighbouring turns of one speaker, whose cues may be read as one turn."""
    joined: list[list[Any]] = []
    for speaker, start, text in turns:
        if joined and joined[-1][0] == speaker:
            joined[-1][2] += f" {text}"
        else:
            joined.append([speaker, start, text])
    return joined


@pytest.mark.parametrize("name", listed() or [""])
def test_a_case_reads_as_its_turns(name: str) -> None:
    if not name:
        pytest.skip("no cases on this machine")
    right = json.loads(EXPECTED.read_text())[name]["right"]

    segments = read(CASES / name).transcript.segments
    actual = [[each.speaker, each.start_s, each.text] for each in segments]

    assert folded(right) == folded(actual)
