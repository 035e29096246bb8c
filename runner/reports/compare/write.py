"""Writer of `comparison.*` and the merged `results.csv`, after a sweep or by `colloquy-compare`."""

import shlex
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import orjson

from runner.base.command import Arguments, command
from runner.base.errors import writable
from runner.base.files import make_directory, write_bytes, write_json
from runner.base.regular_files import as_given, kind_of
from runner.base.tables import as_rows
from runner.base.text import now_iso, print_stderr, to_terminal
from runner.record.batch_directory import REPORT, rows_of
from runner.record.result_row import COLUMNS
from runner.reports.compare import text
from runner.reports.compare.compare import Comparison, compare
from runner.reports.compare.notes import MERGED, batches_of
from runner.reports.compare.plots import PlotBar, PlotPoint, bars, scatter
from runner.reports.compare.rows import Group, RunRow
from runner.reports.compare.spread import spread
from runner.reports.report.render import address_of, link_to, render
from runner.reports.report.write import INDEX
from runner.reports.stored_run import is_run

USAGE = """\
usage: colloquy-compare DIR... [--out DIR]

Compares the runs in and below every DIR: time, cost and quality per setting, the settings that
differ, and which differences are significant. Prints the table and writes comparison.json, .csv,
.md and .html into --out; by default beside the jobs if DIR is one sweep, else into ./comparison.

Exit codes: 0 compared, 2 a path without a run, 8 the output cannot be written."""
SCHEMA_VERSION = 1
SPREADS = ("wall_s", "cost_usd", "checks_rate", "quality")  # with their spread, others as medians


def write_comparison(comparison: Comparison, folder: Path, *, indexed: bool = False) -> None:
    """Write the four files into *folder*, and the results of all batches as one table.

    *indexed* says that an index of all runs is written afterwards. Raises OutputError.
    """
    pages = {
        "comparison.csv": text.as_csv(comparison),
        "comparison.md": text.as_markdown(comparison),
        "comparison.html": as_html(comparison, folder, indexed=indexed),
    }
    if batches := batches_of(comparison.rows):
        lines = ((row, line) for row in batches for line in rows_of(row.path))
        rows = ([row.name, *(line.get(column) for column in COLUMNS)] for row, line in lines)
        pages[MERGED] = as_rows([("batch", *COLUMNS), *rows])
    with writable(folder):
        make_directory(folder)
        write_json(folder / "comparison.json", as_dict(comparison))
        for name, page in pages.items():
            write_bytes(folder / name, page.encode("utf-8", "replace"))


def after_sweep(folder: Path) -> None:
    """Compare the sweep in *folder*, write the files there and print them on its console.

    An error here is one line and does not change the exit code of the sweep.
    """
    try:
        comparison = compare([folder])
        write_comparison(comparison, folder, indexed=True)
        configs = [row.settings for row in comparison.rows if row.settings]
        consoles = {config.get("output.console") for config in configs}
        given = configs[0].get("output.dir", "/") if configs else "/"
        where = str(as_given(folder, given) / "comparison.html")
        if "json" in consoles:
            print_stderr(orjson.dumps({"event": "comparison.written", "path": where}).decode())
        elif consoles != {"quiet"}:
            print_stderr(f"\n{text.as_terminal(comparison)}")
            print_stderr(to_terminal(f"comparison={where}"))
    except Exception as error:  # noqa: BLE001 - the sweep is already done
        why = f"{type(error).__name__}: {error}"
        again = shlex.join(("colloquy-compare", str(as_given(folder, ""))))
        line = f"colloquy: no comparison of {folder}: {why}; once that is fixed: {again}"
        print_stderr(to_terminal(line))


def as_dict(comparison: Comparison) -> dict[str, Any]:
    """Return the content of comparison.json: unrounded figures, None if unknown."""
    return {
        "schema_version": SCHEMA_VERSION,
        "written_at": now_iso(),
        "keys": comparison.keys,
        "settings": [_group(group) for group in comparison.groups],
        "runs": [_row(comparison, row) for row in comparison.rows],
        "pairs": [asdict(pair) for pair in comparison.pairs],
        "verdict": comparison.verdict,
        "themes": [asdict(pair) for pair in comparison.themes],
        "right_or_wrong": asdict(comparison.assessment),
        "notes": comparison.notes,
    }


def _group(group: Group) -> dict[str, Any]:
    return {
        "label": group.label,
        "told": group.settings,
        "runs": len(group.rows),
        "measured": len(group.measured),
        **{
            name: found and (asdict(found) if name in SPREADS else found.median)
            for name, found in group.spreads.items()
        },
        "speed_up": group.speed_up,
        "baseline": group.baseline and group.baseline.label,
        "front": group.front,
    }


def _row(comparison: Comparison, row: RunRow) -> dict[str, Any]:
    group = comparison.homes.get(row.path)
    return {
        **{name: str(getattr(row, name)) for name in ("path", "name", "status", "reason")},
        "setting": group.label if group else None,
        **row.figures,
        "speed_up": group and group.speed_up_of(row),
        "measured": row.measured,
        "deterministic": row.deterministic,
    }


def as_html(comparison: Comparison, folder: Path, *, indexed: bool = False) -> str:
    """Return comparison.html for *folder*, with links to existing reports."""
    home = folder.resolve()
    above = home.parent.parent / INDEX  # of a sweep
    index = address_of(above, home) if indexed else link_to(above, home)
    return render(
        "comparison.html",
        links=[link_to(row.path / REPORT, folder) for row in comparison.rows],
        index=index if home.parent.name == "sweeps" else None,
        plots=plots(comparison),
        **text.page_facts(comparison),
    )


MAX_BARS = 40
WALL = (
    "Wall-clock seconds per setting (bars; repeats: median, and a line from the fastest to the "
    "slowest). The vertical mark is the ideal: the same calls without overhead."
)
SPEED_UP = "Speed-up over the sequential baseline, which is the vertical mark."


def plots(comparison: Comparison) -> list[tuple[str, dict[str, Any]]]:
    """Return caption and content of every plot with data, for the first MAX_BARS settings."""
    groups, found = comparison.groups[:MAX_BARS], []
    if any(group.middle("wall_s") is not None for group in groups):
        walls = [PlotBar(g.label, g.spreads["wall_s"], g.middle("ideal_s")) for g in groups]
        found.append((WALL, bars("wall", "Wall-clock time", "wall-clock seconds", walls)))
    if speed_ups := [(g.label, g.speed_up) for g in groups if g.speed_up is not None]:
        rows = [PlotBar(label, spread([times]), 1.0) for label, times in speed_ups]
        found.append((SPEED_UP, bars("speed", "Speed-up", "times as fast", rows)))
    if not comparison.sharded:
        found += _trade(groups)
    cut = f" The first {MAX_BARS} settings." if len(comparison.groups) > MAX_BARS else ""
    return [(caption + cut, plot) for caption, plot in found]


def _trade(groups: Sequence[Group]) -> list[tuple[str, dict[str, Any]]]:
    """Return cost, or time if none is known, against quality; empty without a trade-off."""
    priced = any(group.middle("cost_usd") for group in groups)
    name, unit = ("cost_usd", "US dollars") if priced else ("wall_s", "wall-clock seconds")
    dots = [
        PlotPoint(number, group.label, x, y, group.front is True)
        for number, group in enumerate(groups, 1)
        if (x := group.middle(name)) is not None and (y := group.middle("quality")) is not None
    ]
    if len({dot.x for dot in dots}) < 2 or len({dot.y for dot in dots}) < 2:
        return []
    title = f"{'Cost' if priced else 'Time'} against quality"
    why = "" if priced else " No cost is known, or all are 0, so time is shown."
    where = " Numbers are those of the table; points too close to others have none."
    if any(dot.front for dot in dots):
        where += " Filled points are on the front."
    return [(f"{title}.{where}{why}", scatter("trade", title, (unit, "quality"), dots))]


def _compare(given: Arguments) -> None:
    paths = [Path(word) for word in given.words]
    only = paths[0]
    in_sweep = len(paths) == 1 and not is_run(only) and kind_of(only / "multirun.yaml") == "file"
    out = Path(given.options.get("--out", only if in_sweep else "comparison"))
    comparison = compare(paths)
    write_comparison(comparison, out)
    print(text.as_terminal(comparison))
    print(to_terminal(f"comparison={out / 'comparison.html'}"))


main = command("colloquy-compare", USAGE, _compare, options=("--out",))
