"""Verification of collection/themes.json: recomputes its ids, quotes and counts from the runs."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, replace
from itertools import chain
from pathlib import Path

from runner.answers.outcome import ANSWERED
from runner.answers.themes import FILE, Collection, ThemeQuote, read_collection
from runner.base.errors import ColloquyError, one_line
from runner.base.json import load_json, read_json, read_yaml, section, text
from runner.config.schema import validate
from runner.job.graph import collection_pipeline, make_pipeline
from runner.record.batch_directory import rows_of
from runner.record.collection_findings import CollectionFindings, GroundedFinding, collect_findings
from runner.record.run_directory import COMPLETED, RESOLVED
from runner.reports.collection.facts import facts_of
from runner.reports.collection.tables import TABLES
from runner.reports.stored_run import read_run
from runner.reports.verify_calls import Calls
from runner.transcript.inputs import Input
from runner.transcript.redact.null_redaction import NullRedaction
from runner.transcript.redact.stand_ins import StandIns

_TRUTH = (
    "titles, statements, reasons and the synthesis are a model's words, taken from its answers, "
    "whose truth is not checked"
)
_LISTS = ("findings", "quotes", "files", "silent", "speakers", "for_", "against")


def collection_faults(batch: Path, notes: list[str] | None = None) -> list[str]:
    """Return the faults of a batch's collection, a line each; empty if it is sound or has none.

    *notes* gets what cannot be checked. A file that is not JSON is not reported here. Raises
    OSError, and ColloquyError for what cannot be redacted again.
    """
    there = (batch / FILE).is_file()
    try:
        stored = read_collection(load_json(batch / FILE)) if there else None
        settings = validate(read_yaml(batch / RESOLVED))
        pipeline = make_pipeline(settings.stages, settings.analyzers)
        joint = collection_pipeline(settings.stages, settings.analyzers)
    except (ValueError, ColloquyError):
        return []
    if not there:
        lost = joint.nodes and (batch / COMPLETED).is_file() and (batch / "runs").is_dir()
        return ["is missing, but the batch is complete"] if lost else []
    if stored is None:
        return ["it is not in the format of a collection"]
    reads = {name for node in joint.nodes for name in node.reads}
    named = {each.file: each.run for each in stored.read}
    for row in rows_of(batch):  # also of files that are said to be unread
        if run := text(row.get("run")):
            named.setdefault(text(row.get("transcript")), run)
    inputs = [Input(Path(file), file, run) for file, run in named.items()]
    for run in named.values():
        if not (batch / run).resolve().is_relative_to((batch / "runs").resolve()):
            return [f"{run!r} is not a run of this batch"]
    nodes = [node for node in pipeline.nodes if node.name in reads]
    is_masked = settings.transcript.redact != "off"
    masking = StandIns(NullRedaction()).masking(settings.transcript) if is_masked else None
    evidence = collect_findings(batch, inputs, nodes, masking)
    found = evidence.findings
    calls = Calls(batch, settings, stored, found, joint.nodes)
    grouped = {name for node in joint.nodes if not node.needs for name in node.reads}  # by themes
    faults = [
        *_unread(stored, evidence, len(inputs)),
        *_theme_faults(stored, evidence),
        *_other_faults(stored, found),
        *_left(stored, {f.id for f in found.values() if f.analyzer in grouped}, evidence.unused),
        *(calls.faults() if stored.ledger else ()),
        *(_stated_faults(batch, stored) if (batch / COMPLETED).is_file() else ()),
    ]
    if notes is not None and stored.ledger:
        notes += [_TRUTH, *(f"groups and curve are not made again: {why}" for why in calls.unmade)]
    return faults


def _stated_faults(batch: Path, stored: Collection) -> Iterator[str]:
    """Yield the counts of metadata.json and the tables that differ from themes.json."""
    about = section(read_json(batch / "metadata.json"), "collection")
    for name in about.keys() & {each.name for each in fields(stored)} - {"status"}:
        if about[name] != (count := len(getattr(stored, name))):
            yield f"it has {count} {name}, but metadata.json says {one_line(repr(about[name]), 20)}"
    if (facts := facts_of(read_run(batch))) is None:
        return
    for name, make in TABLES.items():
        file, data = (batch / FILE).with_name(name), make(facts).encode()
        if file.is_file() and (file.stat().st_size != len(data) or file.read_bytes() != data):
            yield f"it does not match {name}, which colloquy-report rebuilds"


def _unread(stored: Collection, evidence: CollectionFindings, files: int) -> Iterator[str]:
    read = {each.file: each for each in evidence.read}
    named = {each.file: each for each in stored.read}
    for name in sorted(read.keys() - named.keys()):
        yield f"{name} is not among the files that were read"
    for name in sorted(read.keys() & named.keys()):
        if set(read[name].speakers) != set(named[name].speakers):
            yield f"{name}: its speakers are not those of its transcript"
    if files and not named and not stored.unread:
        yield f"no file is read or unread, but the batch has {files}"
    if len(named) < len(stored.read):
        yield "a file was read twice"


def _left(stored: Collection, grouped: set[str], unused: int) -> Iterator[str]:
    """Yield duplicate themes, and wrong counts of findings in no theme."""
    ids = [theme.id for theme in stored.themes]
    if twice := next((name for name in ids if ids.count(name) > 1), None):
        yield f"{twice} appears twice"
    if stored.unused != unused:
        yield f"unused is {stored.unused}, the runs give {unused}"
    left = grouped - {name for theme in stored.themes for name in theme.findings}
    made = stored.status in ANSWERED or stored.themes or stored.unassigned
    if made and (set(stored.unassigned) != left or len(stored.unassigned) != len(left)):
        yield f"unassigned are {len(stored.unassigned)}, the runs give {len(left)}"


def _theme_faults(stored: Collection, evidence: CollectionFindings) -> Iterator[str]:
    """Yield the lists of themes that differ from those of their findings."""
    evidence = replace(evidence, read=stored.read)
    fewer = any(row.node == FILE for row in stored.ledger)  # the runs have further quotes
    for theme in stored.themes:
        named = (*theme.findings, *theme.against_findings)
        if lost := next((name for name in named if name not in evidence.findings), None):
            yield f"{theme.id}: {lost!r} is not a finding with a verified quote"
            continue
        made = evidence.theme("", "", theme.findings, theme.against_findings, ())
        if not set(theme.quotes) <= set(made.quotes):
            yield f"{theme.id}: a quote is not one of its findings"
        for key in _LISTS:
            stated, counted = getattr(theme, key), getattr(made, key)
            same = set(stated) == set(counted) and len(stated) == len(counted)
            if not same and not (fewer and key == "quotes"):
                counts = f"{len(stated)}, its findings give {len(counted)}"
                yield f"{theme.id}: {key.strip('_')} are {counts}"


def _other_faults(stored: Collection, found: Mapping[str, GroundedFinding]) -> Iterator[str]:
    ids = {theme.id for theme in stored.themes}
    rows: Iterator[tuple[str, Iterable[str], Iterable[ThemeQuote], Iterable[str]]] = chain(
        ((c.id, s.findings, s.quotes, c.themes) for c in stored.contradictions for s in c.sides),
        ((each.id, each.findings, each.quotes, each.themes) for each in stored.agreements),
        (("an outlier", [each.finding], each.quotes, ()) for each in stored.outliers),
        [("unassigned", stored.unassigned, (), ())],
    )
    for name, findings, quotes, themes in rows:
        if lost := next((each for each in findings if each not in found), None):
            yield f"{name}: {lost!r} is not a finding with a verified quote"
            continue
        if not set(quotes) <= {quote for each in findings for quote in found[each].quotes}:
            yield f"{name}: a quote is not one of its findings"
        if lost := next((each for each in themes if each not in ids), None):
            yield f"{name}: there is no theme {lost!r}"

    for alone in stored.outliers:
        if alone.finding in found and alone.text != found[alone.finding].text:
            yield f"an outlier: its text is not that of {alone.finding!r}"
