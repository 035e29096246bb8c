"""What a page of HTML is made of, and what holds of every report."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from benchmarks.report import synthetic_run
from runner.record.store import payload_digest
from runner.reports.report.render import script_of
from runner.reports.report.write import write_report

FILTER = script_of("filter.js")
POLICY = (
    f"default-src 'none'; script-src '{FILTER['script_digest']}'; style-src 'unsafe-inline'; "
    "img-src data:; base-uri 'none'; form-action 'none'"
)


HOSTILE = (
    "<script>alert(1)</script><img src=x onerror=alert(2)>\" onmouseover=\"alert(3)' x='"
    "</style></title></details></svg><a href=javascript:alert(4)>go</a> {{ 7*7 }} {% raw %}"
    "<iframe src=//evil.example></iframe>]]>--><!-- \x1b[31mred\x1b]8;;http://evil/\x07 \u202egnp"
)


VOID = {"meta", "link", "br", "line", "path", "input"}


class Seen(HTMLParser):
    """What a page is made of; it must be well formed."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.said: list[str] = []
        self.open: list[str] = []
        self.headings: list[int] = []
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag not in VOID:
            self.open.append(tag)
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        for name, value in attrs:
            self.attributes.append((tag, name, value or ""))
            if name == "id":
                self.ids.append(value or "")
            if tag == "a" and name == "href":
                self.links.append(value or "")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, (tag, self.getpos())

    @property
    def words(self) -> str:
        return "".join(self.said)

    def handle_data(self, data: str) -> None:
        if self.open[-1:] == ["script"]:
            assert data == FILTER["script"]
        elif self.open[-1:] != ["style"]:
            self.said.append(data)


def page_of(path: Path) -> tuple[str, Seen]:
    """Write the report and check what holds of every one of them."""
    text = write_report(path).read_text(encoding="utf-8")
    seen = Seen(text)
    policies = [v for tag, name, v in seen.attributes if (tag, name) == ("meta", "content")]

    assert POLICY in policies
    assert not {"iframe", "img", "object", "embed", "base"} & set(seen.tags)
    assert seen.tags.count("script") == 1
    assert not [name for _, name, _ in seen.attributes if name.startswith("on")]
    addresses = [v for _, n, v in seen.attributes if n in ("href", "src", "action", "xlink:href")]
    assert {a for a in addresses if not a.startswith("#")} == {"data:,"}
    assert "url(" not in text
    assert "@import" not in text
    assert len(seen.ids) == len(set(seen.ids))
    assert {link[1:] for link in seen.links} <= set(seen.ids)
    assert all(b <= a + 1 for a, b in zip([0, *seen.headings], seen.headings, strict=False))
    return text, seen


def record_of(path: Path, name: str, **fields: Any) -> None:
    """Change a stored record, with its digest, as somebody who made the directory could."""
    (file,) = path.glob(f"intermediate/*/{name}.json")
    record = {**json.loads(file.read_bytes()), **fields}
    file.write_text(json.dumps({**record, "sha256": payload_digest(record)}))


def matrix(ranked: bool = True) -> dict[str, Any]:
    cell = {"hypothesis": "H1", "evidence": "E1", "consistency": "II", "reason": "It rained."}
    data: dict[str, Any] = {
        "question": "Which?",
        "hypotheses": [{"id": "H1", "statement": "One"}, {"id": "H2", "statement": "Two"}],
        "evidence": [{"id": "E1", "text": "A fact", "credibility": "high", "evidence": []}],
        "matrix": [cell, {**cell, "hypothesis": "H2", "consistency": "CC", "reason": ""}],
    }
    if ranked:
        first = {"hypothesis": "H2", "inconsistency": 0, "against": [], "supporting": ["E1"]}
        data["ranking"] = [first, {"hypothesis": "H1", "inconsistency": 2, "against": ["E1"]}]
    return data


QUOTE = {"segment": "S0003", "quote": "I say sentence 2", "match": "exact"}


def insight(words: str, confidence: float) -> dict[str, Any]:
    told = {"text": words, "confidence": confidence, "category": "next_step"}
    return {**told, "analyzers": ["analyzer_001"], "evidence": [QUOTE]}


def batch_by_hand(path: Path) -> Path:
    """Make a batch of four files: two are read, one cannot be, one run has not begun to write."""
    rows: list[dict[str, Any]] = []
    for name, owner, sure in (("a", "Zoe", 0.5), ("b", "Ann", 0.9)):
        run = synthetic_run(path / f"runs/0{len(rows)}/{name}-1", 4)
        action = {"what": f"Call {name}", "owner": owner, "due": "Friday", "evidence": [QUOTE]}
        record_of(run, "analyzer_000", structured_data={"action_items": [action]})
        record_of(
            run, "analyzer_001", structured_data={"decisions": [{"what": f"Decided in {name}"}] * 7}
        )
        record_of(
            run, "analyzer_002", structured_data={"headline": f"All of {name}", "summary": "Talk."}
        )
        (run / "insights.json").write_text(json.dumps([insight(f"Seen in {name}", sure)]))
        rows.append({"run": f"runs/0{len(rows)}/{name}-1", "status": "completed"})
    (path / "runs/02/d-1").mkdir(parents=True)
    rows.append({"run": "runs/09/c-1", "status": "unreadable", "error": "the file is empty"})
    rows.append({"run": "runs/02/d-1", "status": "interrupted"})
    named = zip("abcd", rows, strict=True)
    lines = [{"event": "run.ended", "transcript": f"{name}.txt", **row} for name, row in named]
    (path / "results.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    (path / "results.csv").touch()
    (path.parent / "talks").mkdir()
    told = {"kind": "batch", "status": "partial", "started_at": "2026-11-28T22:00:00+00:00"}
    told |= {"transcript": {"name": f"{path.parent}/talks"}, "files": {"total": 4, "completed": 2}}
    told |= {"grounding": {"quotes": 10, "grounded": 9, "rate": 0.9}}
    (path / "metadata.json").write_text(json.dumps(told))
    return path
