"""Verification of how a collection was made: its calls, merges and model texts."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from runner.answers.themes import (
    FILE,
    MAX_REASON,
    MAX_STATEMENT,
    MAX_TITLE,
    WORDS,
    Collection,
    LedgerRow,
)
from runner.base.errors import one_line
from runner.base.json import strings_in
from runner.config.schema import Settings
from runner.job.graph import Node
from runner.record.collection_findings import GroundedFinding
from runner.record.reuse import read_record

_CALL = re.compile(r"\w{1,200}(/\w{1,400})?")


@dataclass(frozen=True)
class Calls:
    """The calls of a collection in *batch*: *found* findings, by its *nodes*."""

    batch: Path
    settings: Settings
    stored: Collection
    found: Mapping[str, GroundedFinding]
    nodes: Sequence[Node]

    def faults(self) -> Iterator[str]:
        """Yield the faults of the ledger, merges and model texts."""
        yield from self._rows()
        yield from self._totals()
        yield from self._merges()
        texts = {text for node in self.nodes for text in _texts(self.batch, node)}
        for place, own in _worded(self.stored):
            for text in own:
                if text.strip() and " ".join(text.split()) not in texts:
                    yield f"{place}: {one_line(text, 60)!r} is in no answer of a model"

    def _rows(self) -> Iterator[str]:
        """Yield the faults of single rows of the ledger."""
        stages = {node.name: node.stage for node in self.nodes}
        seen, answered, missing = set[str](), set[int](), list[LedgerRow]()
        for row in self.stored.ledger:
            name = row.node.partition("/")[0]
            if row.node == FILE:  # the quotes that are in the runs only
                continue
            if name not in stages or row.node in seen or not _CALL.fullmatch(row.node):
                what = "appears twice" if row.node in seen else "is not a call"
                yield f"ledger: {row.node!r} {what}"
                continue
            seen.add(row.node)
            if row.tokens_in > row.tokens_budget and row.inputs > 1:
                yield f"ledger: {row.node} read {row.tokens_in} tokens of {row.tokens_budget}"
            file = self.batch / "intermediate" / stages[name] / f"{row.node}.json"
            fault, record = read_record(file)
            if fault is None and record["status"] == "ok":
                answered.add(row.tokens_in)
            elif row.status == "ok":
                missing.append(row)
        for row in missing:
            if row.tokens_in not in answered:  # the same material is asked about once
                yield f"ledger: {row.node} is ok, but has no answer"

    def _totals(self) -> Iterator[str]:
        """Yield the calls that did not read the findings that the runs give, and the threshold."""
        for node in (node for node in self.nodes if not node.needs):  # they find the themes
            mine = sum(each.analyzer in node.reads for each in self.found.values())
            own = (f"{node.name}/leaf_", node.name)
            rows = [r for r in self.stored.ledger if r.level == 0 and r.node.startswith(own)]
            if (total := sum(row.inputs for row in rows)) != mine:
                yield f"ledger: {node.name} read {total} findings, the runs give {mine}"
        if self.stored.threshold != self.settings.collection.threshold:
            yield f"threshold is {self.stored.threshold:g}, not collection.threshold"

    def _merges(self) -> Iterator[str]:
        """Yield the themes that cannot be traced to a call and its findings."""
        calls = {row.node for row in self.stored.ledger}
        for theme in self.stored.themes:
            steps = [{name for part in each.parts for name in part} for each in theme.merged]
            if strange := [s.by for s in theme.merged if s.by != WORDS and s.by not in calls]:
                yield f"{theme.id}: {one_line(strange[0], 60)!r} is not a call of the ledger"
            if not steps or steps[-1] != set(theme.findings):
                yield f"{theme.id}: its last merge is not of its findings"
            elif lost := set().union(*steps) - set(self.found):
                yield f"{theme.id}: {min(lost)!r} was merged, but is not a finding"


def _texts(batch: Path, node: Node) -> Iterator[str]:
    """Yield the texts in the intact answers of *node*, at the length that a collection keeps."""
    folder = batch / "intermediate" / node.stage
    for file in (folder / f"{node.name}.json", *sorted((folder / node.name).glob("*.json"))):
        fault, record = read_record(file)
        if fault is None and record["status"] == "ok":
            for text in strings_in([record.get("structured_data"), record.get("insights")]):
                whole = " ".join(text.split())
                yield whole
                for most in {MAX_TITLE, MAX_STATEMENT, MAX_REASON}:
                    yield one_line(whole, most)
                yield one_line(whole, MAX_STATEMENT)[:MAX_TITLE]


def _worded(stored: Collection) -> Iterator[tuple[str, Iterable[str]]]:
    """Yield the texts of *stored* written by a model, with their places."""
    for theme in stored.themes:
        reasons = (step.reason for step in theme.merged if step.by != WORDS)
        yield theme.id, (theme.title, theme.statement, *reasons)
    for one in stored.contradictions:
        yield one.id, (one.statement, one.reason, *(side.position for side in one.sides))
    yield from ((shared.id, (shared.statement,)) for shared in stored.agreements)
    yield "an outlier", (alone.why for alone in stored.outliers)
    yield from ((said.analyzer, (said.text, *said.insights)) for said in stored.synthesis)
