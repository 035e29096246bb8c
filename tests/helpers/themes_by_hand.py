"""A batch with a collection, made by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from runner.answers.themes import FILE
from runner.job.attributes import FILE as ATTRIBUTES

RUNS = {"a.txt": "runs/00/a-1", "b.txt": "runs/01/b-1"}


def quote(file: str, side: str = "for", **told: Any) -> dict[str, Any]:
    place = {"file": file, "run": RUNS.get(file, "runs/77/x"), "segment": "S0003", "start_s": 3.0}
    said = {"speaker": "Speaker 3", "quote": f"I say it in {file}", "match": "exact"}
    return {**place, **said, "side": side, **told}


def theme(id_: str, title: str, for_: str, against: str = "", **told: Any) -> dict[str, Any]:
    """Return a theme with a speaker for it in each file of *for_*, letters, and one against."""
    sides = {
        "for": [f"{letter}.txt" for letter in for_],
        "against": [f"{x}.txt" for x in against],
    }
    voices = {
        side: [{"file": f, "speaker": "Speaker 3"} for f in files] for side, files in sides.items()
    }
    files = [*sides["for"], *sides["against"]]
    return {
        **{"id": id_, "title": title, "statement": f"All of {title}.", "files": files, **voices},
        "speakers": [*voices["for"], *voices["against"]],
        "silent": sorted({f"{x}.txt" for x in "abefgh"} - set(files)),
        "quotes": [quote(f, side) for side, held in sides.items() for f in held],
        "findings": [f"{RUNS['a.txt']}/needs/0"],
        "merged": [{"by": "words", "parts": [[f"{RUNS['a.txt']}/needs/0"]], "reason": "0.9"}],
        **told,
    }


def collection(**told: Any) -> dict[str, Any]:
    read = [
        {"file": f"{x}.txt", "run": RUNS.get(f"{x}.txt", ""), "speakers": ["Speaker 3"]}
        for x in "abefgh"
    ]
    side = {"position": "Yes", "quotes": [quote("a.txt")]}
    return {
        **{"version": 1, "pipeline": "interviews", "status": "completed", "read": read},
        "unread": [{"file": "c.txt", "why": "the file is empty"}],
        "themes": [theme("T01", "Time", "ab", "e"), theme("T02", "Team", "efgh")],
        "contradictions": [
            {
                "id": "C01",
                "statement": "Is there time?",
                "sides": [side, {**side, "position": "No"}],
                "themes": ["T01"],
            }
        ],
        "agreements": [{"id": "A01", "statement": "Teams matter", "quotes": [quote("b.txt")]}],
        "outliers": [{"file": "b.txt", "speaker": None, "finding": "x", "text": "A lift"}],
        "synthesis": [{"analyzer": "synthesis", "text": "See T01 and T99.", "themes": ["T01"]}],
        "ledger": [{"level": 0, "node": "themes", "inputs": 7, "left_out": ["2 findings"]}],
        "threshold": 0.5,
        "threshold_curve": [{"threshold": t / 10, "groups": t, "largest": 1} for t in range(1, 9)],
        **told,
    }


SITES = {
    "names": ["site", "who"],
    "files": {"a.txt": ["N"], "b.txt": ["N"], "e.txt": ["S"], "f.txt": ["S"], "g.txt": ["s"]},
}


def with_collection(batch: Path, data: Any, attributes: Any = None, pages: str = "plain") -> Path:
    """Give *batch*, as `batch_by_hand` makes it, the themes *data*; write no page."""
    (batch / FILE).parent.mkdir()
    (batch / FILE).write_text(json.dumps(data))
    (batch / "config").mkdir()
    (batch / "config/resolved.yaml").write_text(f"output: {{pages: {pages}}}\n")
    if attributes is not None:
        (batch / ATTRIBUTES).write_text(json.dumps(attributes))
    return batch
