"""report.html: one run on one page, without scripts or external resources."""

from collections.abc import Sequence

from runner.base.json import at, listing, mapping, number, text
from runner.reports.report import ledger, summary
from runner.reports.report.calls import read_session
from runner.reports.report.findings import Findings, findings_of, places_of, quotes_of
from runner.reports.report.matrix import RATINGS
from runner.reports.report.nodes import NodeFacts, models_of, nodes_of
from runner.reports.report.render import render
from runner.reports.report.timeline import LABEL, WIDTH, timeline_of
from runner.reports.stored_run import StoredRun

OPEN_NODES = 16  # up to so many analyzers' findings are unfolded


def report_page(run: StoredRun) -> str:
    """Return the content of report.html."""
    nodes, places = nodes_of(run), places_of(run.transcript)
    findings = [findings_of(node, places) for node in nodes]
    session = read_session(run.path)
    critical = [text(name) for name in listing(run.took.get("critical_path"))]
    name = run.transcript.name if run.transcript else at(run.metadata, "transcript", "name")
    return render(
        "report.html",
        name=text(name) or run.name,
        run=run,
        models=models_of(run),
        nodes={node.name: node for node in nodes},
        banner=summary.banner_of(run, nodes),
        figures=summary.figures_of(run, nodes),
        doubts=[text(line) for line in listing(at(run.metadata, "reading", "warnings"))],
        shared=summary.shared_slots(run),
        predictions=summary.predictions_of(run),
        recorded=run.predicted.get("recorded") is True,
        facts=summary.facts_of(run),
        findings=sorted(findings, key=lambda found: not found.node.final),
        open_nodes=len(nodes) <= OPEN_NODES,
        ratings=RATINGS,
        quotes_of=lambda item: quotes_of(item.get("evidence"), places),
        timeline=timeline_of(nodes, session, critical),
        session=session,
        critical=[node for name in critical for node in nodes if node.name == name],
        critical_s=number(run.took.get("critical_path_s")),
        chart={"label": LABEL, "width": WIDTH},
        used=[node for node in nodes if sum(node.tokens)],
        grounding=[(n, g) for n in nodes if (g := mapping(n.record.get("grounding")))],
        grounding_total=mapping(run.grounding.get("total")),
        ledgers=ledger.ledgers_of(run.path, (node.stage for node in nodes)),
        kept_and_dropped=ledger.kept_and_dropped,
        chunked=ledger.chunked_of(run.path, nodes),
        faults=ledger.faults_of(nodes),
        requests=sum(len(node.attempts) for node in nodes),
        events=ledger.noted_events(run.path),
        segments=run.transcript.segments if run.transcript else (),
        citing=citing_of(findings),
    )


def citing_of(findings: Sequence[Findings]) -> dict[str, list[NodeFacts]]:
    """Return the nodes whose insights cite a segment, by the segment's anchor."""
    citing: dict[str, list[NodeFacts]] = {}
    for found in findings:
        for anchor in found.cited:
            citing.setdefault(anchor, []).append(found.node)
    return citing
