"""Collection run: the stages of a batch that read all its transcripts, and their themes.json."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import structlog

from runner.answers.clustering import curve
from runner.answers.outcome import ANSWERED, Outcome, run_status
from runner.answers.themes import FILE, Collection, read_collection
from runner.base.errors import EXIT_OK
from runner.base.format import first_of, plural
from runner.base.json import read_json
from runner.base.threads import offload
from runner.calls.client import Client
from runner.calls.schedule import run_graph
from runner.config.model_facts import OFFLINE
from runner.job.build import collection_job
from runner.job.collection_stages import AGREEMENTS, OUTLIERS, SYNTHESIS, THEMES, kind_of
from runner.job.graph import Node
from runner.job.job import BatchJob, Job
from runner.record.benchmark import benchmark
from runner.record.collection_findings import CollectionFindings, collect_findings
from runner.record.history import Histories, expected_durations, write_history
from runner.record.reuse import StoredAnswers
from runner.record.run_directory import RunDirectory
from runner.reports.collection.facts import source_of_quote
from runner.run.averages import mean_of, try_store
from runner.run.collection.bounds import readable
from runner.run.collection.caller import Caller, Finder
from runner.run.collection.contrasts import Agreements, Outliers
from runner.run.collection.forecast import why_skipped
from runner.run.collection.state import State
from runner.run.collection.synthesis import Synthesizer
from runner.run.collection.themes import Themes
from runner.run.nodes.evaluation import escalations
from runner.transcript.redact.stand_ins import StandIns
from runner.transcript.warnings import hardly_english

_NAMED = 6  # files in a note
SKIPPED = "skipped"  # status of a collection with nothing to compare
DONE = ANSWERED | {SKIPPED}
_FINDERS: Mapping[str, type[Finder]] = {
    THEMES: Themes,
    AGREEMENTS: Agreements,
    OUTLIERS: Outliers,
    SYNTHESIS: Synthesizer,
}

log = structlog.get_logger("colloquy.collection")


@dataclass(frozen=True, slots=True)
class CollectionResult:
    """Result of a collection; *about* is for the batch's metadata.json, *analyzers* its figures."""

    status: str
    exit_code: int
    about: Mapping[str, Any]
    analyzers: Mapping[str, Any] = field(default_factory=dict)
    note: str = ""


def is_collected(batch: Path) -> bool:
    """Return whether *batch* has a finished collection."""
    found = read_collection(read_json(batch / FILE))
    return found is not None and found.status in DONE


async def collect(
    batch: BatchJob,
    directory: RunDirectory,
    clients: Mapping[str, Client],
    stored: StoredAnswers,
    histories: Histories,
) -> CollectionResult:
    """Run the collection stages of *batch* into *directory* through *clients*.

    Raises only on a full disk or cancellation; a failed call is a status.
    """
    settings = batch.settings
    job = collection_job(batch)
    stand_ins = StandIns(job.redaction)
    if job.redaction:
        job = replace(job, redaction=stand_ins)
    reads = {name for node in job.pipeline.nodes for name in node.reads}
    nodes = [node for node in batch.pipeline.nodes if node.name in reads]

    masking = stand_ins.masking(settings.transcript) if job.redaction else None
    evidence = await offload(collect_findings, directory.path, list(batch.inputs), nodes, masking)
    log.info("collection.started", read=len(evidence.read), findings=len(evidence.findings))
    if why := why_skipped(batch, len(evidence.read)):
        if evidence.unread:
            first = evidence.unread[0]
            why += f"; {len(evidence.unread)} not read, the first: {first.file}: {first.why}"
        skipped = Collection("", SKIPPED, evidence.read, evidence.unread, unused=evidence.unused)
        await _write(directory, skipped)
        return CollectionResult(SKIPPED, EXIT_OK, {"status": SKIPPED, "why": why}, note=why)
    firsts = {node.name: job.chain(node)[0].settings.name for node in job.pipeline.nodes}
    expected = expected_durations(
        {name: histories[model].get(name) for name, model in firsts.items()},
        {name: settings.analyzers[name].max_tokens for name in firsts},
    )
    caller = Caller(job, clients, directory, stored, expected)
    caller.recorder.pages.places.update(_places(evidence))
    try:
        return await _run(batch, caller, State(evidence))
    except BaseException as error:
        await caller.recorder.break_off(error, EXIT_OK)
        raise


async def _run(batch: BatchJob, caller: Caller, state: State) -> CollectionResult:
    if caller.stored.previous is not None:
        await offload(caller.stored.previous.keep_dropped, caller.job.pipeline.nodes)
    await caller.fits.begin()
    await run_graph(caller.job.pipeline, partial(_work, caller, state))
    await caller.recorder.settle()
    every = {f"{n} {at}": one for n, of in caller.outcomes.items() for at, one in enumerate(of)}
    made = {name: one for name, one in every.items() if one.status != "skipped"}
    status, code = run_status(made) if made else ("completed", EXIT_OK)  # nothing to read
    order = {node.name: place for place, node in enumerate(caller.job.pipeline.nodes)}
    ledger = sorted(caller.ledger, key=lambda r: (order[r.node.partition("/")[0]], r.level, r.node))
    choices = (each.partition("=") for each in batch.overrides)
    collection = Collection(
        next((value for key, _, value in choices if key == "pipeline"), ""),
        status,
        state.evidence.read,
        state.evidence.unread,
        tuple(state.themes),
        tuple(state.contradictions),
        tuple(state.agreements),
        tuple(state.outliers),
        tuple(sorted(state.synthesis, key=lambda each: order[each.analyzer])),
        tuple(state.unassigned),
        state.evidence.unused,
        batch.settings.collection.threshold,
        tuple(ledger),
        curve(state.merges),
        (*_missing(caller, state.evidence), *_notes(caller.job, state.evidence)),
    )
    await _write(caller.directory, collection)
    await _keep_history(caller)
    about = _figures(collection, caller, every)
    log.info("collection.finished", **about)
    wall_s = caller.recorder.elapsed_s()
    measured = benchmark(caller.job, caller.recorder.timings, wall_s, None, alone=False)
    words = "; ".join((_in_words(about), *collection.notes))
    return CollectionResult(status, code, about, measured["analyzers"], words)


async def _keep_history(caller: Caller) -> None:
    for node in caller.job.pipeline.nodes:
        if calls := caller.measured.get(node.name):
            model = caller.job.chain(node)[0].settings.name
            mean = {node.name: mean_of(calls)}
            await try_store(write_history, caller.job.root, model, mean)


async def _write(directory: RunDirectory, found: Collection) -> None:
    await directory.write_pages({FILE: await offload(readable, found)})


async def _work(caller: Caller, state: State, node: Node, _: Mapping[str, object]) -> None:
    finder = _FINDERS[kind_of(caller.job.analyzers[node.name])]
    with structlog.contextvars.bound_contextvars(stage=node.stage):
        await caller.run(node, finder(caller, node, state).find)


def _places(evidence: CollectionFindings) -> dict[str, str]:
    """Return speaker and place of each quote by its words; of equal ones, the first and a count."""
    by_quote: dict[str, dict[str, None]] = {}
    for quote in (quote for found in evidence.findings.values() for quote in found.quotes):
        words = quote.quote.replace('"', "'")
        by_quote.setdefault(words, {})[source_of_quote(quote)] = None
    return {
        words: first + (f", and {len(more)} more" if more else "")
        for words, (first, *more) in by_quote.items()
    }


def _figures(found: Collection, caller: Caller, every: Mapping[str, Outcome]) -> dict[str, Any]:
    listed = ("read", "unread", "themes", "contradictions", "agreements", "outliers", "unassigned")
    counts = {name: len(getattr(found, name)) for name in listed}
    calls = {"calls": sum(row.status != "not_run" for row in found.ledger), "reused": caller.reused}
    more = escalations(every) or {}
    names = {"escalated": "escalated", "mended": "mended", "escalation_usd": "cost_usd"}
    escalated = {name: more[key] for name, key in names.items() if more}
    return {"status": found.status, **counts, **calls, **escalated}


def _missing(caller: Caller, evidence: CollectionFindings) -> Iterator[str]:
    """Yield what was not answered: the counts are without it."""
    lost = sum(row.status != "ok" for row in caller.ledger)
    part = [each.file for each in evidence.read if each.status not in ANSWERED]
    effect = "themes, counts and silent files are without what they would have found"
    if lost:
        yield f"{lost} of {plural(len(caller.ledger), 'call')} got no answer: {effect}"
    if part:
        named = first_of(part, _NAMED)
        yield f"some analyzers did not answer for {plural(len(part), 'file')} ({named}): {effect}"


def _notes(job: Job, evidence: CollectionFindings) -> Iterator[str]:
    """Yield what is to be known of *evidence* that an offline model reads."""
    models = (job.chain(node)[0] for node in job.pipeline.nodes)
    if not any(model.settings.name.startswith(OFFLINE) for model in models):
        return
    foreign = {*evidence.foreign}
    others = (each for each in evidence.findings.values() if each.file not in foreign)
    quotes = (quote.quote for each in others for quote in each.quotes)
    if len(foreign) == len(evidence.read) or hardly_english(quotes):
        what, where = "the transcripts do", "here"
    elif not foreign:
        return
    else:
        named = first_of(evidence.foreign, _NAMED)
        what = f"{len(foreign)} of {plural(len(evidence.read), 'file')} ({named}) do"
        where = "in these files"
    yield (
        f"{what} not look like English, the only language that the offline model reads: what is "
        f"missing {where} was not recognised, which does not mean that nobody says it"
    )


def _in_words(about: Mapping[str, Any]) -> str:
    counts = [plural(about["themes"], "theme"), plural(about["contradictions"], "contradiction")]
    counts += [plural(about["outliers"], "outlier")]
    read, calls = plural(about["read"], "transcript"), plural(about["calls"], "call")
    read += f", {about['unread']} not read" if about["unread"] else ""
    reused = f", {about['reused']} reused" if about["reused"] else ""
    reused += f", {about['escalated']} escalated" if "escalated" in about else ""
    return f"collection {about['status']}: {', '.join(counts)} in {read}; {calls}{reused}"
