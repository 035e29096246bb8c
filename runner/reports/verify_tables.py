"""Verification of tables and pages: compares them with the files that they were made from."""

import csv
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import unescape
from itertools import chain, zip_longest
from pathlib import Path
from typing import Any

from runner.answers.insights import COLUMNS as INSIGHT_COLUMNS
from runner.answers.outcome import ANSWERED
from runner.base.errors import ColloquyError, one_line
from runner.base.format import plural
from runner.base.json import MAX_BYTES, at, mappings, read_json, read_list, section, text
from runner.base.regular_files import kind_of, read_lines, read_regular
from runner.base.tables import as_rows
from runner.base.text import to_safe_text
from runner.base.usage import USAGE_FIGURES
from runner.record.batch_directory import (
    INSIGHTS_TABLE,
    REPORT,
    TABLE,
    insights_by_run,
    is_batch,
    rows_of,
    runs_of,
    transcripts_of,
)
from runner.record.result_row import COLUMNS
from runner.transcript.model import Segment

_NAMES = re.compile(r"_|S\d{4}")


def faults_of_pages(
    run: Path, records: Mapping[str, Mapping[str, Any]], segments: Sequence[Segment]
) -> Iterator[tuple[str, str]]:
    """Yield the pages of *run* that lack a segment or an insight of its records, and the first.

    The rest of a page is not compared: every version has another. Raises OSError.
    """

    def insights(stored: Any) -> list[str]:
        return [text(each.get("text")) for each in mappings(stored)]

    own = {name: insights(record.get("insights")) for name, record in records.items()}
    pages = {f"intermediate/{records[name]['stage']}/{name}.md": own[name] for name in own}
    pages |= {f"final/{name}.md": told for name, told in own.items()}
    pages["insights.md"] = insights(read_list(run / "insights.json"))
    pages["transcript.md"] = [segment.text for segment in segments]
    pages |= {} if is_batch(run) else {REPORT: [*chain.from_iterable(own.values())]}
    for page, told in pages.items():
        if kind_of(run / page) == "file" and (lost := _lost(run / page, told)):
            again = "; colloquy-report writes it again" if page == REPORT else ""
            yield page, f"lacks {one_line(lost, 60)!r}{again}"


def _lost(page: Path, told: Sequence[str]) -> str | None:
    """Return the first of the texts *told* that *page* lacks, but for names, shown otherwise."""
    words = read_regular(page, MAX_BYTES).decode(errors="replace")
    shown, at = _plain(unescape(words) if page.suffix == ".html" else words), 0
    for each in map(_plain, told):
        place = shown.find(each, at)  # most are in order
        place = shown.find(each) if place < 0 else place
        if place < 0 and not _NAMES.search(each):
            return each
        at = max(at, place)
    return None


def _plain(words: str) -> str:
    return " ".join(to_safe_text(words).replace("\\", "").split())  # which Markdown escapes with


def faults_of_insights(path: Path) -> Iterator[str]:
    """Yield what insights.csv of a run or batch has otherwise than insights.json of the runs."""
    name = text(at(read_json(path / "metadata.json"), "transcript", "name"))
    runs = transcripts_of(path) if is_batch(path) else {path: name}
    for per in ("insight", "evidence"):  # by `output.insights_csv`
        rows = chain.from_iterable(insights_by_run(runs, per))
        if not (fault := _difference(path / INSIGHTS_TABLE, INSIGHT_COLUMNS, rows)):
            return
    yield fault


def faults_of_rows(batch: Path) -> Iterator[str]:
    """Yield the rows of a complete batch's results that its runs contradict."""
    try:
        rows = {text(row.get("run")): row for row in rows_of(batch)}
        names = {run: run.relative_to(batch).as_posix() for run in runs_of(batch)}
    except (OSError, ColloquyError):
        return  # reported by others
    for run, name in names.items():
        told = read_json(run / "metadata.json")
        own = {"status": told.get("status"), "quotes": at(told, "grounding", "quotes")}
        own |= {figure: at(told, "totals", figure) for figure in USAGE_FIGURES}
        for key, value in own.items() if name in rows else ():
            if value is not None and value != rows[name].get(key):
                yield f"{name}: {key} is {rows[name].get(key)!r}, its metadata.json says {value!r}"
    if (batch / TABLE).is_file():
        cells = ([row.get(name) for name in COLUMNS] for row in rows.values())
        if fault := _difference(batch / TABLE, COLUMNS, cells):
            yield f"{TABLE}: {fault}"
    files = section(read_json(batch / "metadata.json"), "files")
    read = Counter(text(row.get("status")) for row in rows.values())
    for status in sorted(files.keys() & {*ANSWERED, "partial", "failed"}):
        if files[status] != read[status]:
            yield f"{read[status]} {status}, but metadata.json says {files[status]!r}"


def _difference(file: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return how a table, perhaps a large one, differs from *rows* first, "" for not at all."""
    made = csv.DictReader(as_rows([row]) for row in chain([columns], rows))
    stated, given, fault = 0, 0, ""
    try:
        found = csv.DictReader(line.decode(errors="replace") for line in read_lines(file))
        for one, other in zip_longest(found, made):
            stated, given = stated + (one is not None), given + (other is not None)
            if one is None or other is None or fault:
                continue
            keys = [key for key in other if key in one or key == "transcript"]
            if key := next((key for key in keys if one.get(key) != other[key]), None):
                cells = (one_line(repr(row.get(key)), 60) for row in (one, other))
                fault = "{} of {} is {}, not {}".format(key, other["transcript"], *cells)
    except (OSError, csv.Error):
        return "is not a table"
    return fault if stated == given else f"has {plural(stated, 'row')}, expected {given}"
