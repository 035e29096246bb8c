"""report.html of a batch: the results of all its files on one page."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from runner.answers.themes import FILE as THEMES
from runner.answers.themes import Collection, read_collection
from runner.base.errors import ConfigError, one_line
from runner.base.format import count, plural, share, usd
from runner.base.json import at, number, read_json, text
from runner.base.text import by_number
from runner.record.batch_directory import INSIGHTS_TABLE, REPORT, TABLE, rows_of, runs_of
from runner.record.run_directory import CODEBOOK
from runner.reports.export.codings import CODINGS, PROJECT
from runner.reports.report import summary
from runner.reports.report.brief import ACTIONS, Brief, BriefItem
from runner.reports.report.findings import ShownInsight
from runner.reports.report.nodes import models_of
from runner.reports.report.page import each_once, found_in
from runner.reports.report.render import link_to, render, script_of
from runner.reports.stored_run import StoredRun, counts_of, read_run
from runner.transcript.inputs import root_of

MAX_FILES = 500  # whose answers are read and shown; results.csv has all
MAX_INSIGHTS = 300
TABLES = (TABLE, INSIGHTS_TABLE, "collection/answers.csv")
VERDICTS = {**summary.VERDICTS, "unreadable": ("bad", "Unreadable", "the file cannot be read")}


@dataclass(frozen=True, slots=True)
class BatchFile:
    """One file: its row of results, and its findings, None without an answer.

    *link* leads to its report, None without one; *fault* says why something is missing.
    """

    name: str
    title: str
    link: str | None
    tone: str
    status: str
    fault: str
    row: Mapping[str, Any]
    brief: Brief | None = None
    speakers: tuple[str, ...] = ()
    analyzers: tuple[str, ...] = ()


def files_of(run: StoredRun, first: Callable[[StoredRun], None] | None = None) -> list[BatchFile]:
    """Return what was found in the first MAX_FILES files of the batch *run*; raise OSError.

    *first* is called with each run before the link to its page is looked for.
    """
    known = set(runs_of(run.path))
    read = [_file(row, run.path, known, first) for row in islice(rows_of(run.path), MAX_FILES)]
    return sorted(read, key=lambda file: by_number(file.name))


def batch_page(run: StoredRun, read: Sequence[BatchFile]) -> str:
    """Return the content of report.html for the batch *run* with its `files_of`; raise OSError."""
    return render(
        "batch.html",
        name=root_of(text(at(run.metadata, "transcript", "name"))).name or run.name,
        run=run,
        **script_of("filter.js"),
        models=models_of(run),
        about_batch=_about(run, read),
        actions_title=ACTIONS,
        speakers_of=speakers_of,
        banner=summary.banner_of(run, ()),
        faults=[file for file in read if file.fault],
        files=read,
        left_out=len(rows_of(run.path)) - len(read),
        file_names=[file.name for file in read if file.brief],
        analyzers=each_once(file.analyzers for file in read),
        **_found_in(read),
        figures=_figures(run),
        themes=link_to(run.path / "collection" / REPORT, run.path),
        collection=read_collection(read_json(run.path / THEMES)) or Collection("", ""),
        tables=[name for name in TABLES if link_to(run.path / name, run.path)]
        + [CODINGS, PROJECT, CODEBOOK] * bool(text(run.config.get("codebook"))),
    )


def _found_in(files: Sequence[BatchFile]) -> dict[str, Any]:
    briefs = [(file, file.brief) for file in files if file.brief]
    actions = [
        _found(file, item, part.node.name)
        for file, brief in briefs
        for part in brief.sections
        if part.title == ACTIONS
        for item in part.items
    ]
    actions.sort(key=lambda found: (not found["item"].who, found["item"].who.casefold()))
    insights = [_found(file, i, *i.analyzers) for file, brief in briefs for i in brief.insights]
    insights = [found for found in insights if found["item"].quotes] or insights
    insights.sort(key=lambda found: -(found["item"].confidence or 0))
    sure = [found for found in insights if not found["item"].is_doubtful] or insights
    return {
        "actions": actions,
        "insights": sure[:MAX_INSIGHTS],
        "insights_left": len(insights) - len(sure[:MAX_INSIGHTS]),
        "speakers": each_once([file.speakers for file in files] + [a["speakers"] for a in actions]),
    }


def _file(
    row: Mapping[str, Any],
    batch: Path,
    known: set[Path],
    first: Callable[[StoredRun], None] | None,
) -> BatchFile:
    name, status = text(row.get("transcript")), text(row.get("status"))
    tone, shown, meaning = VERDICTS.get(status, ("warn", status or "Unknown", "no known status"))
    fault = text(row.get("error")) or ("" if status == "completed" else meaning)
    name = one_line(name)
    path = batch / text(row.get("run"))
    try:
        run = read_run(path) if path in known else None
    except ConfigError as error:  # it was killed or altered
        run, fault = None, fault or str(error)
    if run is None:
        return BatchFile(name, name, None, tone, shown, fault, row)
    if first is not None:
        first(run)
    nodes, places, brief = found_in(run)
    speakers = tuple(dict.fromkeys(each.speaker for each in places.values() if each.speaker))
    answered = tuple(node.name for node in nodes if node.status == "ok")
    title, link = run.about("title") or name, link_to(path / REPORT, batch)
    return BatchFile(name, title, link, tone, shown, fault, row, brief, speakers, answered)


def speakers_of(item: BriefItem | ShownInsight) -> tuple[str, ...]:
    """Return the people quoted in *item* or concerned by it."""
    who = item.who.split(", ") if isinstance(item, BriefItem) else []
    quoted = (quote.place.speaker for quote in item.quotes)
    return tuple(dict.fromkeys(filter(None, (*who, *quoted))))


def _found(file: BatchFile, item: BriefItem | ShownInsight, *analyzers: str) -> dict[str, Any]:
    """Return the findings in a file, by analyzer, as facts for the template."""
    return {"file": file, "item": item, "analyzers": analyzers, "speakers": speakers_of(item)}


def _about(run: StoredRun, files: Sequence[BatchFile]) -> list[str]:
    people = len(each_once(file.speakers for file in files))
    day = text(run.metadata.get("started_at"))[:10]
    about = [plural(sum(counts_of(run.metadata).values()), "file")]
    about += [plural(people, "speaker name")] if people else []
    return about + ([f"read on {day}"] if day else [])


def _figures(run: StoredRun) -> list[tuple[str, str, str]]:
    """Return name, value and explanation of the main figures."""
    counts, quotes = counts_of(run.metadata), run.grounded
    good, total = counts["ok"], sum(counts.values())
    received, asked = (count(run.took.get(key)) for key in ("succeeded", "total"))
    found = f"{count(quotes.get('grounded'))} of {count(quotes.get('quotes'))} quotes"
    cost, rest = number(run.totals.get("cost_usd")), summary.figures_of(run, ())
    answers = f"with all answers; {received} of {asked} answers received"
    return [
        ("Files", f"{count(good)} of {count(total)}", answers),
        *(each for each in rest if each[0] not in ("Analyzers", "Grounding")),
        ("Grounding", share(quotes.get("rate")), f"{found} are in the transcripts"),
        *([("Cost of a file", usd(cost / total), "on average")] if cost and total else []),
    ]
