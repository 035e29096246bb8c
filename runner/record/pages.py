"""Pages of a run for readers: one per answer, the transcript, and all insights."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import structlog
import yaml

from runner.answers.insights import COLUMNS, aggregate, as_markdown, placed, rows_of
from runner.answers.markdown import heading, md
from runner.answers.outcome import Outcome
from runner.answers.second_answer import describe_additions
from runner.base.json import mapping, rebuilt
from runner.base.tables import as_rows
from runner.base.text import now_iso, to_terminal
from runner.config.model_facts import OFFLINE
from runner.job.graph import Node
from runner.job.job import Job
from runner.job.parts import owner_of
from runner.record.word_document import as_docx
from runner.transcript.model import Segment, Transcript

# A code fence, or the id of a segment; each begins with one character, for speed.
_FENCE_OR_ID = re.compile(
    r"`(?<=^`)(`{2,})[^\n]*\n.*?^`\1`*[ ]*$|S(?<![\w\[#^]S)\d{4,}\b", re.MULTILINE | re.DOTALL
)

log = structlog.get_logger("colloquy.run")


@dataclass(frozen=True)
class Pages:
    """Renders the pages of the run called *run*; segment ids in them link to the transcript.

    Word documents, which are sent elsewhere, have no links: they name speaker and time.
    """

    job: Job
    run: str
    places: dict[str, str] = field(default_factory=dict)  # of other transcripts' quotes, by words

    @cached_property
    def _sources(self) -> dict[str, str]:
        """Speaker, time and id of each segment, by its id."""
        return {
            each.id: ", ".join(filter(None, (each.speaker, each.place, each.id)))
            for each in self.job.transcript.segments
        }

    @cached_property
    def _starts(self) -> dict[str, str]:
        """The start and the place of each segment, empty where they are unknown, by id."""
        return {segment.id: segment.place for segment in self.job.transcript.segments}

    def paths(self, node: Node, *, earlier: bool = False) -> tuple[str, ...]:
        """Return the paths of *node*'s pages, Markdown first; *earlier* adds one left in Word."""
        if not self.job.settings.stages[node.stage].final:
            return (f"intermediate/{node.stage}/{node.name}.md",)
        in_word = earlier or self.job.settings.output.pages == "docx"
        return tuple(f"final/{node.name}{end}" for end in (".md", *[".docx"] * in_word))

    def pages(self, node: Node, outcome: Outcome) -> dict[str, str | bytes]:
        """Return *node*'s pages by path; a failure to render one must not lose a paid answer."""
        path, *in_word = self.paths(node)
        page = outcome_page(node, outcome, self._body(node, outcome))
        made: dict[str, str | bytes] = {path: self._finished(page, path, node.name)}
        title = f"{heading(node.name)}: {self.job.transcript.name}"
        for name in in_word:
            try:
                made[name] = as_docx(page, lambda id_: self._sources.get(id_, id_), title)
            except Exception as error:
                log.exception("page.failed", analyzer=node.name, error=repr(error))
        return made

    def _body(self, node: Node, outcome: Outcome) -> str:
        if outcome.answer is None:
            return ""
        try:
            final = self.job.settings.stages[node.stage].final
            analyzer = self.job.analyzers[owner_of(node)]
            answer = _placed(outcome.answer, self.places) if self.places else outcome.answer
            return analyzer.markdown(answer, fields_first=final)
        except BaseException as error:
            log.exception("page.failed", analyzer=node.name, error=repr(error))
            return f"# {node.name}\n\nThis answer could not be shown; it is in its JSON file.\n"

    def insights(self, outcomes: Mapping[str, Outcome]) -> dict[str, Any]:
        """Return the aggregated insights by file name, as data for JSON or as text."""
        answers = {n: o.answer for n, o in outcomes.items() if o.answer is not None}
        merged = aggregate(answers)
        placed(merged, self.job.transcript.segments)
        page = as_markdown(merged, len(answers))
        per = self.job.settings.output.insights_csv
        rows = rows_of(map(vars, merged), self.job.transcript.name, per)
        return {
            "insights.json": merged,
            "insights.csv": as_rows([COLUMNS, *rows]),
            "insights.md": self._finished(page, "insights.md", "insights"),
        }

    def _finished(self, page: str, path: str, title: str) -> str:
        """Return *page* with links and, in Obsidian's style, with front matter."""
        style, name = self.job.settings.output.pages, to_terminal(self.job.transcript.name)
        page = linked(page, self._starts, "../" * path.count("/"), style)
        if style != "obsidian":
            return page
        facts = {
            "title": f"{title}: {name}",
            "date": now_iso()[:10],
            "transcript": name,
            "model": self.job.main.settings.name,
            "run": self.run,
            "tags": ["colloquy", title.partition("/")[0]],
        }
        return front_matter(facts) + page


def _placed(value: Any, places: Mapping[str, str]) -> Any:
    """Return an answer whose quotes cite their place among *places* instead of a segment."""

    def placed(each: Any) -> Any:
        quote = mapping(each).get("quote")
        if not isinstance(quote, str) or "segment" not in each or not quote:
            return each
        place = places.get(quote) or next((p for q, p in places.items() if quote in q), None)
        return {**each, "segment": place or each["segment"]}

    return rebuilt(value, placed)


def outcome_page(node: Node, outcome: Outcome, body: str) -> str:
    """Return a node's page: *body*, its model and missing inputs, or the error."""
    if outcome.answer is None:
        return f"# {node.name}\n\n**{outcome.status}** ({outcome.kind}): {md(outcome.error)}\n"
    model = outcome.model or "nobody"
    kind = ", an extractive baseline, not a language model" if model.startswith(OFFLINE) else ""
    body += f"\n---\nAnswered by {model}{kind}.\n"
    if marks := outcome.notes.get("reply_notes"):
        body += f"How its reply was read: {md('; '.join(marks))}.\n"
    if second := describe_additions(outcome.notes.get("asked_again")):
        body += f"It was {md(second)} (at the ends of the lists).\n"
    if outcome.missing:
        absent = ", ".join(f"{name} ({why})" for name, why in outcome.missing.items())
        body += f"Degraded: answered without {absent}.\n"
    return body


def linked(page: str, starts: Mapping[str, str], up: str, style: str) -> str:
    """Return *page* with every segment id among *starts* outside code fences as a link.

    The start follows the id if it is known. *up* is the path to transcript.md's folder.
    """

    def link(match: re.Match[str]) -> str:
        name = match[0]
        if name not in starts:
            return name
        at = f" {starts[name]}" if starts[name] else ""
        if style == "obsidian":
            return f"[[transcript#^{name}|{name}]]{at}"
        return f"[{name}]({up}transcript.md#{name.lower()}){at}"

    return _FENCE_OR_ID.sub(link, page)


def transcript_page(transcript: Transcript, style: str) -> str:
    """Return transcript.md: a paragraph for each segment, with its id as anchor."""
    lines = [f"# {md(transcript.name)}", ""]
    for segment in transcript.segments:
        lines += [_paragraph(segment, style), ""]
    return "\n".join(lines)


def _paragraph(segment: Segment, style: str) -> str:
    speaker = f"**{md(segment.speaker)}:** " if segment.speaker else ""
    at = f" ({md(segment.place)})" if segment.place else ""
    if style == "obsidian":
        return f"`{segment.id}`{at} {speaker}{md(segment.text)} ^{segment.id}"
    return f'<a id="{segment.id.lower()}"></a>`{segment.id}`{at} {speaker}{md(segment.text)}'


def front_matter(facts: Mapping[str, Any]) -> str:
    """Return *facts* as YAML front matter, the properties of note-taking programs."""
    body = yaml.safe_dump(dict(facts), sort_keys=False, allow_unicode=True)
    return f"---\n{body}---\n\n"
