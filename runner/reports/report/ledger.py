"""Contexts of stages, parts and coverage of the transcript, and faults of calls."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import islice, zip_longest
from pathlib import Path
from typing import Any

import orjson

from runner.answers.context import scarcity
from runner.answers.coverage import BINS, CITED, MAX_STRETCHES, SILENT, USED
from runner.answers.second_answer import describe_additions
from runner.base.json import amount, at, listing, mapping, mappings, number, read_json, text
from runner.base.regular_files import files_in, folders_in, read_lines
from runner.record.reuse import read_record
from runner.reports.report.findings import Places, SegmentPlace
from runner.reports.report.nodes import NodeFacts, joined
from runner.reports.report.render import label, title_of
from runner.reports.stored_run import StoredRun

_EVENTS = re.compile(
    rb'"(?:breaker\.|(?:limit\.lowered|model\.failed|parameter\.refused|effort\.rounded'
    rb'|record\.damaged|node\.crashed|transcript\.sanitised)")'
)
HEIGHT = 100  # of the strip of coverage, whose parts are 1 wide
_FACTS = ("analyzer", "model", "kind", "error", "reason", "fault", "limit", "removed_chars")


def ledgers_of(path: Path, stages: Iterable[str]) -> list[tuple[str, Mapping[str, Any]]]:
    """Return name and content of each intact ledger in *path*, a run, in the order of *stages*."""
    ending = "_ledger.json"
    files = {f.name.removesuffix(ending): f for f in files_in(path / "context", ending)}
    order = {stage: place for place, stage in enumerate(dict.fromkeys(stages))}
    places = {name: order.get(name.partition(".")[0], len(order)) for name in files}
    found = ((name, read_json(files[name])) for name in sorted(files, key=lambda n: (places[n], n)))
    return [(name, ledger) for name, ledger in found if ledger]


def kept_and_dropped(section: Mapping[str, Any]) -> tuple[int, str]:
    """Return how many items of a ledger's *section* were kept; kinds and counts of the others."""
    items = mappings(section.get("items"))
    lost = [item for item in items if item.get("kept") is not True]
    kinds = ((text(item.get("key")).replace("_", " "), text(item.get("priority"))) for item in lost)
    counts = Counter(f"{key} ({priority})" for key, priority in kinds)
    return len(items) - len(lost), ", ".join(f"{n} × {what}" for what, n in counts.items())


def few_kept(ledger: Mapping[str, Any]) -> str | None:
    """Return `1 of 40 findings` if a context keeps so few, else None."""
    kept, dropped = (amount(ledger.get(f"items_{which}")) for which in ("kept", "dropped"))
    return scarcity(int(kept), int(dropped))


def chunked_of(path: Path, nodes: Sequence[NodeFacts]) -> list[Mapping[str, Any]]:
    """Return the analyzers in *path* that read in parts, with the outcome of each part."""
    by_name = {node.name: node for node in nodes}
    parts: dict[str, list[Mapping[str, Any]]] = {}
    folders = (each for stage in folders_in(path / "intermediate") for each in folders_in(stage))
    files = (file for folder in folders for file in files_in(folder, ".json"))
    for file in (file for file in files if file.name.startswith("part_")):
        fault, record = read_record(file)
        error = mapping(record.get("error"))
        part = {
            "name": file.stem.replace("_", " "),
            "status": "damaged" if fault else text(record.get("status")),
            "insights": len(mappings(record.get("insights"))),
            "fault": fault or joined(label(error.get("kind")), error.get("message")),
        }
        parts.setdefault(file.parent.name, []).append(part)
    return [
        {"node": node, "total": int(amount(node.record.get("parts"))) or len(read), "parts": read}
        for name, read in parts.items()
        if (node := by_name.get(name))
    ]


def faults_of(nodes: Sequence[NodeFacts]) -> Sequence[Mapping[str, Any]]:
    """Return the nodes with faults: failed attempts by kind, pauses in seconds, invalid replies.

    `marks` say how its answer was found in the reply, empty for plain JSON.
    """
    found = []
    for node in nodes:
        codes = (
            (label(a.get("outcome")), number(a.get("status")))
            for a in node.attempts
            if a.get("outcome") != "ok"
        )
        kinds = Counter(k if code is None else f"{k} (HTTP {code:.0f})" for k, code in codes)
        replies = mappings(node.record.get("rejected"))
        fault = {
            "failed": ", ".join(f"{count} × {kind}" for kind, count in kinds.items()),
            "parked_s": amount(node.timing.get("parked_s")),
            "rejected": [joined(label(each.get("kind")), each.get("error")) for each in replies],
            "marks": "; ".join(map(text, listing(node.record.get("reply_notes")))),
        }
        if any(fault.values()):
            pause_s = sum(amount(a.get("wait_s")) for a in node.attempts)
            found.append({**fault, "node": node, "pause_s": pause_s})
    return found


def noted_events(path: Path, limit: int = 50) -> list[str]:
    """Return log lines on breakers, limits and fallback models, at most *limit*."""
    file = path / "logs" / "events.jsonl"
    shown: list[str] = []
    with suppress(OSError):
        for line in islice(filter(_EVENTS.search, read_lines(file)), limit):
            with suppress(ValueError):
                event = mapping(orjson.loads(line))
                known = (key for key in _FACTS if event.get(key) is not None)
                details = ", ".join(f"{label(key)} {label(event[key])}" for key in known)
                if name := text(event.get("event")):
                    shown.append(joined(title_of(name.replace(".", " ")), details))
    return shown


def covered_of(
    run: StoredRun, nodes: Sequence[NodeFacts], places: Places
) -> Mapping[str, Any] | None:
    """Return *run*'s coverage.json as facts for the template, None without one; shares 0 to 1."""
    stored = run.coverage
    if not mapping(stored.get("total")):
        return None
    shares = [(kind, mapping(at(stored, "total", kind))) for kind in (CITED, USED, SILENT)]
    strip = {  # per cent of the parts of the transcript
        kind: [min(100.0, amount(each)) for each in listing(at(stored, "strip", kind))[:BINS]]
        for kind in (CITED, USED)
    }
    stretches, questions = (
        mappings(stored.get(key))[:MAX_STRETCHES]
        for key in ("silent_stretches", "unanswered_questions")
    )
    by_analyzer = mapping(stored.get("analyzers"))
    return {
        "shares": [
            (k, number(s.get("segment_rate")), number(s.get("token_rate"))) for k, s in shares
        ],
        "areas": list(_areas(strip[CITED], strip[USED])),
        "height": HEIGHT,
        "width": max(map(len, strip.values())),
        "stretches": [(each, _places(each, places, "first", "last")) for each in stretches],
        "more_stretches": int(amount(stored.get("more_stretches"))),
        "questions": [(each, _places(each, places, "segment")) for each in questions],
        "more_questions": int(amount(stored.get("more_questions"))),
        "analyzers": [
            (n, mapping(by_analyzer[n.name]), describe_additions(n.record.get("asked_again")))
            for n in nodes
            if n.name in by_analyzer
        ],
    }


def _areas(cited: Sequence[float], used: Sequence[float]) -> Iterator[tuple[str, str]]:
    """Yield kind and SVG path of each area: that of all in use, and before it that of the cited."""
    both = [c + u for c, u in zip_longest(cited, used, fillvalue=0.0)]
    for kind, tops in ((USED, both), (CITED, cited)):
        steps = "".join(f"V{max(0.0, HEIGHT - top):g}h1" for top in tops)
        yield kind, f"M0,{HEIGHT}{steps}V{HEIGHT}Z"


def _places(stored: Mapping[str, Any], places: Places, *keys: str) -> list[SegmentPlace]:
    """Return the places of the segments that *stored* names, each once."""
    names = dict.fromkeys(text(stored.get(key)) for key in keys)
    return [places.get(name, SegmentPlace(name)) for name in names]
