"""Verification of how a collection was made: its calls, groups, curve and model texts."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from runner.answers import themes
from runner.answers.clustering import Merge, curve, groups_at
from runner.answers.themes import FILE, ONLY_WORDS, WORDS, Collection, LedgerRow
from runner.base.errors import one_line
from runner.base.json import strings_in
from runner.config.schema import Settings
from runner.job.graph import Node
from runner.providers.offline.language.sentences import words
from runner.record.collection_findings import GroundedFinding, linkage_of, place_of
from runner.record.reuse import read_record
from runner.record.store import Store
from runner.record.vectors import FOLDER, Vector, stored_vector, vector_key

_CALL = re.compile(r"\w{1,200}(/\w{1,400})?")
MAX_JOINED = 5_000  # findings of a call, whose merges take time quadratic in their number


@dataclass(frozen=True)
class Calls:
    """The calls of a collection in *batch*: *found* findings, by its *nodes*."""

    batch: Path
    settings: Settings
    stored: Collection
    found: Mapping[str, GroundedFinding]
    nodes: Sequence[Node]
    unmade: list[str] = field(default_factory=list)  # why groups and curve are not made again

    def faults(self) -> Iterator[str]:
        """Yield the faults of the ledger, groups, curve and model texts."""
        yield from self._rows()
        for node in self.nodes:
            if not node.needs:  # it finds the themes
                yield from self._leaves(node)
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

    def _leaves(self, node: Node) -> Iterator[str]:
        """Yield differences between the runs and the leaf calls, their groups and the curve."""
        mine = [each for each in self.found.values() if each.analyzer in node.reads]
        by_place: dict[str, list[GroundedFinding]] = {}
        for each in mine:
            by_place.setdefault(place_of(each.file), []).append(each)
        own = (f"{node.name}/leaf_", node.name)
        rows = [row for row in self.stored.ledger if row.level == 0 and row.node.startswith(own)]
        total = sum(row.inputs for row in rows)
        if total != len(mine) or len(rows) > len(mine):
            yield f"ledger: {node.name} read {total} findings, the runs give {len(mine)}"
            return
        leaves = list(_parts(rows, sorted(by_place.items())))
        for row, found in zip(rows, leaves, strict=True):
            if len(found) != row.inputs:
                yield f"ledger: {row.node} read {row.inputs} findings, its files have {len(found)}"
                return
        if self.stored.threshold != self.settings.collection.threshold:
            yield f"threshold is {self.stored.threshold:g}, not collection.threshold"
        made = []
        for row, found in zip(rows, leaves, strict=True):
            vectors = self._compared(row, found)
            if isinstance(vectors, str):
                self.unmade.append(vectors)
                return
            made.append(linkage_of(found, vectors))
        if self.stored.threshold_curve != curve(zip(map(len, leaves), made, strict=True)):
            yield "threshold_curve is not that of the findings"
        yield from self._grouped(leaves, made)

    def _compared(self, row: LedgerRow, found: Sequence[GroundedFinding]) -> str | list[Vector]:
        """Return the vectors compared in a call, none if words alone were, or why they are lost."""
        if len(found) > MAX_JOINED:
            return f"{row.node} read more than {MAX_JOINED:,} findings"
        if not self.settings.collection.embeddings or ONLY_WORDS in row.left_out:
            return []
        keys = [vector_key(self.settings, each.shown) for each in found]
        stores = [Store(self.batch / FOLDER), Store(self.batch.resolve().parents[1] / "store")]
        every = [next(filter(None, (stored_vector(s, key) for s in stores)), None) for key in keys]
        vectors = [each for each in every if each is not None]
        if lost := len(keys) - len(vectors):
            return f"{lost:,} of {len(keys):,} vectors compared by {row.node} are not stored"
        if len({len(each) for each in vectors}) > 1:
            return f"the stored vectors compared by {row.node} differ in length"
        return vectors

    def _grouped(
        self, leaves: Sequence[Sequence[GroundedFinding]], made: Sequence[Sequence[Merge]]
    ) -> Iterator[str]:
        """Yield the merges by words in themes that the findings of *leaves* do not imply."""
        groups = {
            frozenset(found[place].id for place in places)
            for found, merges in zip(leaves, made, strict=True)
            for places in groups_at(self.stored.threshold, len(found), merges)
        }
        for theme in self.stored.themes:
            for step in theme.merged:
                heads = [self.found.get(part[0] if part else "") for part in step.parts]
                same = {each and (tuple(words(each.shown)) or each.shown) for each in heads}
                whole = frozenset(name for part in step.parts for name in part)
                if step.by == WORDS and whole not in groups and (len(same) > 1 or None in same):
                    yield f"{theme.id}: findings joined by words are not alike by them"

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


def _parts(
    rows: Sequence[LedgerRow], by_place: Sequence[tuple[str, Sequence[GroundedFinding]]]
) -> Iterator[list[GroundedFinding]]:
    """Yield the findings that each of *rows* read by its place in the tree of calls."""
    leaves = [row.node.partition("/leaf_")[2].partition("_") for row in rows]
    # The bits of its files, and its number if it is a part of a file, else 0.
    places = [(p, int(n) if n.isdecimal() and len(n) < 9 else 0) for p, _, n in leaves]
    for row, (prefix, part) in zip(rows, places, strict=True):
        inside = [f for place, held in by_place if place.startswith(prefix) for f in held]
        same = (
            (n, other.inputs) for other, (p, n) in zip(rows, places, strict=True) if p == prefix
        )
        start = sum(inputs for n, inputs in same if n < part)
        yield inside[start : start + row.inputs] if part else inside


def _texts(batch: Path, node: Node) -> Iterator[str]:
    """Yield the texts in the intact answers of *node*, at the length that a collection keeps."""
    folder = batch / "intermediate" / node.stage
    for file in (folder / f"{node.name}.json", *sorted((folder / node.name).glob("*.json"))):
        fault, record = read_record(file)
        if fault is None and record["status"] == "ok":
            for text in strings_in([record.get("structured_data"), record.get("insights")]):
                whole = " ".join(text.split())
                title, stated, why = themes.MAX_TITLE, themes.MAX_STATEMENT, themes.MAX_REASON
                cut = (one_line(whole, most) for most in (title, stated, why))
                yield from (whole, *cut, one_line(whole, stated)[:title])


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
