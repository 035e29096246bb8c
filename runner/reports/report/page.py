"""report.html: one run on one page, without scripts or external resources."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from runner.base.json import amount, at, mapping, number, text
from runner.record.transcript_pages import clock
from runner.reports.report.calls import read_session
from runner.reports.report.findings import Findings, Places, findings_of, places_of, quotes_of
from runner.reports.report.ledger import chunked_of, faults_of, ledgers_of, noted_events
from runner.reports.report.matrix import RATINGS
from runner.reports.report.nodes import NodeFacts, models_of, nodes_of
from runner.reports.report.render import render
from runner.reports.report.summary import (
    banner_of,
    facts_of,
    figures_of,
    predictions_of,
    shared_slots,
)
from runner.reports.report.timeline import LABEL, WIDTH, critical_of, timeline_of
from runner.reports.stored_run import StoredRun

MAX_CITING = 12  # analyzers named at a segment
OPEN_NODES = 16  # up to so many analyzers' findings are unfolded


@dataclass(frozen=True, slots=True)
class SpokenSegment:
    """A segment as shown; *cited* are nodes whose insights cite it, *more* counts the others."""

    anchor: str
    id: str
    speaker: str
    time: str
    words: str
    cited: Sequence[NodeFacts]
    more: int


@dataclass(frozen=True, slots=True)
class NodeUsage:
    """One node's tokens and cost with the widths of their bars in per cent of the largest."""

    node: NodeFacts
    prompt: float
    cached: float
    reply: float
    cost_usd: float | None
    widths: tuple[float, float, float]
    cost_width: float


def report_page(run: StoredRun) -> str:
    """Return the content of report.html."""
    nodes, places = nodes_of(run), places_of(run.transcript)
    findings = [findings_of(node, places) for node in nodes]
    session = read_session(run.path)
    critical = critical_of(run.took)
    name = run.transcript.name if run.transcript else at(run.metadata, "transcript", "name")
    return render(
        "report.html",
        name=text(name) or run.name,
        run=run,
        models=models_of(run),
        nodes={node.name: node for node in nodes},
        banner=banner_of(run, nodes),
        figures=figures_of(run, nodes),
        shared=shared_slots(run),
        predictions=predictions_of(run),
        recorded=run.predicted.get("recorded") is True,
        facts=facts_of(run),
        findings=sorted(findings, key=lambda found: not found.node.final),
        open_nodes=len(nodes) <= OPEN_NODES,
        ratings=RATINGS,
        quotes_of=lambda item: quotes_of(item.get("evidence"), places),
        timeline=timeline_of(nodes, session, critical),
        session=session,
        critical=[node for name in critical for node in nodes if node.name == name],
        critical_s=number(run.took.get("critical_path_s")),
        chart={"label": LABEL, "width": WIDTH},
        used=used_of(nodes),
        grounding=[(n, g) for n in nodes if (g := mapping(n.record.get("grounding")))],
        grounding_total=mapping(run.grounding.get("total")),
        ledgers=ledgers_of(run.path, (node.stage for node in nodes)),
        chunked=chunked_of(run.path, nodes),
        faults=faults_of(nodes),
        requests=sum(len(node.attempts) for node in nodes),
        events=noted_events(run.path),
        spoken=spoken_of(run, places, findings),
    )


def used_of(nodes: Sequence[NodeFacts]) -> list[NodeUsage]:
    """Return the nodes that used tokens, in their order."""
    tokens = {node.name: node.tokens for node in nodes}
    largest = max((sum(each) for each in tokens.values()), default=0.0) or 1.0
    costs = {node.name: number(_cost(node)) for node in nodes}
    highest = max((cost or 0.0 for cost in costs.values()), default=0.0) or 1.0
    used = []
    for node in nodes:
        prompt, cached, reply = tokens[node.name]
        if prompt + cached + reply:
            widths = (100 * cached / largest, 100 * prompt / largest, 100 * reply / largest)
            cost = costs[node.name]
            width = 100 * amount(cost) / highest
            used.append(NodeUsage(node, prompt, cached, reply, cost, widths, width))
    return used


def _cost(node: NodeFacts) -> Any:
    timed = "cost_usd" in node.timing
    return node.timing.get("cost_usd") if timed else node.record.get("cost_usd")


def spoken_of(run: StoredRun, places: Places, findings: Sequence[Findings]) -> list[SpokenSegment]:
    """Return the transcript's segments with the nodes that cite them."""
    citing: dict[str, list[NodeFacts]] = {}
    for found in findings:
        for anchor in found.cited:
            citing.setdefault(anchor, []).append(found.node)
    spoken = []
    for place, segment in enumerate(run.transcript.segments if run.transcript else (), 1):
        anchor, start = f"seg-{place}", number(segment.start_s)
        cited = citing.get(anchor, [])
        spoken.append(
            SpokenSegment(
                anchor,
                text(segment.id),
                text(segment.speaker),
                "" if start is None else clock(max(0.0, start)),
                text(segment.text),
                cited[:MAX_CITING],
                max(0, len(cited) - MAX_CITING),
            )
        )
    return spoken
