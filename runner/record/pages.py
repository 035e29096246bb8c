"""The pages of a run for people: one for each answer, the transcript, and all insights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import structlog

from runner.answers.insights import aggregate, as_csv, as_markdown
from runner.answers.outcome import Outcome
from runner.base.text import now_iso
from runner.job.graph import Node
from runner.job.job import Job
from runner.job.parts import owner_of
from runner.record.node_record import outcome_page
from runner.record.transcript_pages import front_matter, linked, transcript_page

log = structlog.get_logger("colloquy.run")


@dataclass(frozen=True)
class Pages:
    """Renders pages of the run called *run*; every segment id in them leads to the transcript."""

    job: Job
    run: str
    _ids: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        ids = frozenset(segment.id for segment in self.job.transcript.segments)
        object.__setattr__(self, "_ids", ids)

    def path(self, node: Node) -> str:
        """Return where *node*'s page stands in the run directory."""
        final = self.job.settings.stages[node.stage].final
        return f"final/{node.name}.md" if final else f"intermediate/{node.stage}/{node.name}.md"

    def page(self, node: Node, outcome: Outcome) -> str:
        """Return *node*'s page; a fault in rendering must not lose an answer that was paid for."""
        body = ""
        if outcome.answer is not None:
            try:
                final = self.job.settings.stages[node.stage].final
                analyzer = self.job.analyzers[owner_of(node)]
                body = analyzer.markdown(outcome.answer, fields_first=final)
            except (Exception, SystemExit):
                log.exception("page.failed", analyzer=node.name)
                body = f"# {node.name}\n\nThis answer could not be shown; it is in its JSON file.\n"
        return self._dressed(outcome_page(node, outcome, body), self.path(node), node.name)

    def transcript(self) -> str:
        """Return transcript.md."""
        return transcript_page(self.job.transcript, self.job.settings.output.pages)

    def insights(self, outcomes: Mapping[str, Outcome]) -> dict[str, Any]:
        """Return the aggregated insights as files: JSON-able data, or text, by name."""
        answers = {n: o.answer for n, o in outcomes.items() if o.answer is not None}
        merged = aggregate(answers)
        page = as_markdown(merged, len(answers))
        return {
            "insights.json": merged,
            "insights.csv": as_csv(merged),
            "insights.md": self._dressed(page, "insights.md", "insights"),
        }

    def _dressed(self, page: str, path: str, title: str) -> str:
        """Return *page* with links, and in Obsidian's style with properties."""
        style = self.job.settings.output.pages
        page = linked(page, self._ids, "../" * path.count("/"), style)
        if style != "obsidian":
            return page
        facts = {
            "title": f"{title}: {self.job.transcript.name}",
            "date": now_iso()[:10],
            "transcript": self.job.transcript.name,
            "model": self.job.main.settings.name,
            "run": self.run,
            "tags": ["colloquy", title.partition("/")[0]],
        }
        return front_matter(facts) + page
