"""report.html: one run on one page, which loads nothing and is complete without its script."""

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from runner.answers.coverage import cited_segments
from runner.base.json import at, listing, mapping, mappings, section, text
from runner.reports.report import ledger, summary
from runner.reports.report.brief import Brief, brief_of
from runner.reports.report.findings import Findings, Places, findings_of, places_of, quotes_of
from runner.reports.report.nodes import NodeFacts, merged_insights, models_of, nodes_of, question_of
from runner.reports.report.render import address_of, render, script_of
from runner.reports.report.timeline import read_session, timeline_of
from runner.reports.stored_run import StoredRun

WEB = ("http://", "https://")


@lru_cache(maxsize=1)
def found_in(run: StoredRun) -> tuple[Sequence[NodeFacts], Places, Brief]:
    """Return what a run's own page and that of its batch show of it, made once for both."""
    media = text(at(run.config, "transcript", "media"))  # of the web, or a path
    link = address_of(Path(media), run.path) if media and not media.startswith(WEB) else media
    nodes, places = nodes_of(run), places_of(run.transcript, link)
    return nodes, places, brief_of(nodes, run, merged_insights(run, nodes), places)


def report_page(run: StoredRun) -> str:
    """Return the content of report.html."""
    nodes, places, brief = found_in(run)
    name = text(at(run.metadata, "transcript", "name"))
    day, title = text(run.metadata.get("started_at"))[:10], run.about("title")
    return render(
        "report.html",
        name=title or name or run.name,
        source=[each for each in (title and name, f"read on {day}" if day else "") if each],
        run=run,
        **script_of("filter.js"),
        models=models_of(run),
        nodes={node.name: node for node in nodes},
        banner=summary.banner_of(run, nodes),
        brief=brief,
        **_what_was_found(run, nodes, places),
        **_how_it_ran(run, nodes),
    )


def _what_was_found(run: StoredRun, nodes: Sequence[NodeFacts], places: Places) -> dict[str, Any]:
    findings = [findings_of(node, places) for node in nodes]
    return {
        "findings": sorted(findings, key=lambda found: not found.node.final),
        "codes": codes_of(nodes),
        "speakers": each_once(one.speakers for f in findings for one in f.insights),
        "labels": each_once([one.category] for f in findings for one in f.insights),
        "question_of": partial(question_of, run),
        "quotes_of": lambda item: quotes_of(item.get("evidence"), places),
        "covered": ledger.covered_of(run, nodes, places),
        "where": places,
        "citing": citing_of(findings),
    }


def _how_it_ran(run: StoredRun, nodes: Sequence[NodeFacts]) -> dict[str, Any]:
    session = read_session(run.path)
    by_name = {node.name: node for node in nodes}
    critical = dict.fromkeys(text(name) for name in listing(run.took.get("critical_path")))
    grounded = [
        *((n, n.record.get("grounding")) for n in nodes),
        (None, run.grounding.get("total")),
    ]
    return {
        "figures": summary.figures_of(run, nodes),
        "shared": summary.shared_slots(run),
        "predictions": summary.predictions_of(run),
        "facts": summary.facts_of(run),
        "timeline": timeline_of(nodes, session, critical),
        "session": session,
        "critical": [by_name[name] for name in critical if name in by_name],
        "used": [(n, u) for n in nodes if (u := session.used.get(n.name)) and u.tokens],
        "grounding": [(node, g) for node, held in grounded if (g := mapping(held))],
        "checks": mappings(run.checks.get("checks")),
        "ledgers": ledger.ledgers_of(run.path, (node.stage for node in nodes)),
        "kept_and_dropped": ledger.kept_and_dropped,
        "few_kept": ledger.few_kept,
        "chunked": ledger.chunked_of(run.path, nodes),
        "faults": ledger.faults_of(nodes),
        "events": ledger.noted_events(run.path),
    }


def each_once(names: Iterable[Sequence[str]]) -> list[str]:
    """Return all *names* in order, each once."""
    return sorted({name for each in names for name in each if name})


def codes_of(nodes: Sequence[NodeFacts]) -> list[tuple[str, int, int]]:
    """Return the codes of a codebook that answers use, those of most segments first.

    Each with the number of its codings, and of segments in which their words were found.
    """
    codings = Counter[str]()
    segments: dict[str, set[str]] = {}
    for node in nodes:
        for item in mappings(section(node.record, "structured_data").get("codings")):
            codings[code := text(item.get("code"))] += 1
            segments.setdefault(code, set()).update(cited_segments(item.get("evidence")))
    counts = [(code, n, len(segments[code])) for code, n in codings.items()]
    return sorted(counts, key=lambda each: (-each[2], each[0].casefold()))


def citing_of(findings: Sequence[Findings]) -> dict[str, list[NodeFacts]]:
    """Return the nodes whose insights cite a segment, by the segment's anchor."""
    citing: dict[str, list[NodeFacts]] = {}
    for found in findings:
        places = (quote.place for insight in found.insights for quote in insight.quotes)
        for anchor in {place.anchor for place in places if place.anchor}:
            citing.setdefault(anchor, []).append(found.node)
    return citing
