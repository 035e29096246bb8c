"""How long a run's page takes to write and how large it is: 8 and 800 analyzers.

    python -m benchmarks.report [--repeats N]

The runs are made up: two stages, five insights an analyzer with two quotes each, structured data
with evidence, a journal with a retry for every fifth analyzer. Medians over the repeats.
"""

import argparse
import statistics
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson

from runner.base.files import as_json
from runner.base.usage import USAGE_FIGURES
from runner.record.run_directory import SCHEMA_VERSION
from runner.record.store import payload_digest
from runner.reports.report.write import write_index, write_report

SIZES = (8, 800)
SEGMENTS = 400
BEGAN = datetime(2026, 11, 24, 7, 0, tzinfo=UTC)
SLOTS = 8


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    print("| analyzers | quotes | report.html | seconds | kB an analyzer |")
    print("| ---: | ---: | ---: | ---: | ---: |")
    with tempfile.TemporaryDirectory() as folder:
        for size in SIZES:
            path = synthetic_run(Path(folder) / "runs" / f"run_{size}", size)
            times = [timed(path) for _ in range(options.repeats)]
            kilobytes = (path / "report.html").stat().st_size / 1000
            print(
                f"| {size} | {size * 12} | {kilobytes:,.0f} kB | {statistics.median(times):.2f} "
                f"| {kilobytes / size:.1f} |"
            )
        write_index(Path(folder))


def timed(path: Path) -> float:
    """Return the seconds that writing the page takes."""
    begun = time.perf_counter()
    write_report(path)
    return time.perf_counter() - begun


def synthetic_run(path: Path, nodes: int) -> Path:
    """Make a completed run of *nodes* analyzers in *path* and return it."""
    names = [f"analyzer_{place:03d}" for place in range(nodes)]
    stages = {"stage_a": names[: nodes // 2], "stage_b": names[nodes // 2 :]}
    for folder in ("config", "logs", "intermediate/stage_a", "intermediate/stage_b"):
        (path / folder).mkdir(parents=True)
    quotes = [f"I say sentence {place} of the talk." for place in range(SEGMENTS)]
    (path / "transcript.json").write_bytes(as_json(_transcript(quotes)))
    timings = {name: _timing(place) for place, name in enumerate(names)}
    for stage, members in stages.items():
        for name in members:
            record = _record(name, stage, quotes, timings[name])
            (path / "intermediate" / stage / f"{name}.json").write_bytes(as_json(record))
    metadata = {
        "schema_version": SCHEMA_VERSION,
        "status": "completed",
        "exit_code": 0,
        "started_at": BEGAN.isoformat(timespec="milliseconds"),
        "transcript": {"name": "made-up", "segments": SEGMENTS},
        "model": "openai/simulated",
        "stages": {s: {"analyzers": dict.fromkeys(m, "ok")} for s, m in stages.items()},
        "totals": {"attempts": nodes, "prompt_tokens": 900 * nodes, "cost_usd": 0.001 * nodes},
    }
    (path / "metadata.json").write_bytes(as_json(metadata))
    run = {"wall_s": 9.0, "ideal_s": 8.5, "efficiency": 0.94, "critical_path": [names[0]]}
    (path / "logs" / "benchmark.json").write_bytes(as_json({"run": run, "analyzers": timings}))
    (path / "journal.jsonl").write_bytes(_journal(timings))
    return path


def _transcript(quotes: list[str]) -> dict[str, Any]:
    segments = [
        {"id": f"S{n:04d}", "speaker": f"Speaker {n % 5}", "start_s": n, "end_s": None, "text": q}
        for n, q in enumerate(quotes, 1)
    ]
    return {"name": "made-up", "format": "text", "sha256": "0" * 64, "segments": segments}


def _record(name: str, stage: str, quotes: list[str], timing: dict[str, Any]) -> dict[str, Any]:
    place = int(name[-3:])

    def evidence(at: int) -> dict[str, Any]:
        at = (place * 7 + at) % SEGMENTS
        return {"segment": f"S{at + 1:04d}", "quote": quotes[at], "match": "exact"}

    insights = [
        {
            "text": f"Insight {number} of {name}: the speakers do not mean the same by it.",
            "confidence": 0.5 + number / 20,
            "category": "shared_view",
            "evidence": [evidence(number), evidence(number + 5)],
        }
        for number in range(5)
    ]
    data = {"gaps": [{"said": "One thing", "meant": "another", "evidence": [evidence(1)]}] * 2}
    record = {
        "schema_version": SCHEMA_VERSION,
        "analyzer": name,
        "stage": stage,
        "status": "ok",
        "error": None,
        "missing": {},
        "key": "0" * 64,
        "insights": insights,
        "structured_data": data,
        "raw_output": "{}",
        "finish_reason": "stop",
        "grounding": {"quotes": 12, "exact": 12, "near": 0, "absent": 0, "moved": 0, "rate": 1.0},
        "attempts": timing["attempts"],
    }
    return {**record, "sha256": payload_digest(record)}


def _timing(place: int) -> dict[str, Any]:
    start = float(place // SLOTS)
    ok = {"outcome": "ok", "latency_s": 0.5, "status": None, "wait_s": 0.0}
    failed = {"outcome": "transient", "latency_s": 0.2, "status": 500, "wait_s": 0.1}
    return {
        "status": "ok",
        "ready_s": 0.0,
        "done_s": start + 0.9,
        "latency_s": 0.5,
        "attempts": [ok] if place % 5 else [failed, ok],
        "prompt_tokens": 900,
        "completion_tokens": 100 + place % 50,
        "cached_tokens": 500,
        "cost_usd": 0.001,
    }


def _journal(timings: dict[str, dict[str, Any]]) -> bytes:
    lines: list[tuple[float, dict[str, Any]]] = [(0.0, {"event": "run.started"})]
    for place, (name, timing) in enumerate(timings.items()):
        at = float(place // SLOTS)
        for number, attempt in enumerate(timing["attempts"], 1):
            about = {"analyzer": name, "attempt": number}
            ended = "call.finished" if attempt["outcome"] == "ok" else "call.failed"
            lines.append((at, {"event": "call.started", **about}))
            at += attempt["latency_s"]
            used = {key: timing[key] for key in USAGE_FIGURES} if ended == "call.finished" else {}
            lines.append((at, {"event": ended, "kind": attempt["outcome"], **about, **used}))
            at += attempt["wait_s"]
    lines.sort(key=lambda line: line[0])
    last = lines[-1][0]
    lines.append((last, {"event": "run.finished", "status": "completed", "exit_code": 0}))
    return b"".join(
        orjson.dumps({"at": (BEGAN + timedelta(seconds=at)).isoformat(), **line}) + b"\n"
        for at, line in lines
    )


if __name__ == "__main__":
    main()
