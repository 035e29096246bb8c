"""Synthesis of a collection: one analyzer's summary of themes, contradictions and outliers."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from runner.answers.themes import Synthesis, ThemeQuote, outlier_id
from runner.base.json import mappings, section, text
from runner.base.text import to_safe_text
from runner.record.collection_findings import MAX_QUOTE, voices_of
from runner.run.collection.caller import Finder
from runner.run.collection.material import line, sheet
from runner.run.collection.replies import Unused, known_ids

MAX_TEXT = 40_000  # characters kept of a reply


class Synthesizer(Finder):
    """Asks the question of *node* about the content of *state*."""

    async def find(self) -> None:
        """Add the synthesis to the state."""
        every = enumerate(self._results(), 1)
        lines = [(id_, self._line(id_, about, quotes, n)) for n, (id_, about, quotes) in every]
        if not lines:
            self.caller.skip(self.node, "there is no theme, contradiction or outlier")
            return
        shown, hidden = self.fitting(lines, lambda each: each[1])
        why = f"not shown, too many for the token budget: {', '.join(id_ for id_, _ in hidden)}"
        title, rows = "What the transcripts say together", (row for _, row in shown)
        material = sheet(title, "collection", rows, len(shown), (why,) if hidden else ())
        read = partial(_read, name=self.node.name, ids=dict(shown))
        synthesis = await self.caller.ask(self.node, "", 0, material, read)
        if synthesis.text or synthesis.insights:
            self.state.synthesis.append(synthesis)

    def _results(self) -> Iterator[tuple[str, dict[str, str], Sequence[ThemeQuote]]]:
        """Yield id, description and quotes of all results, the most shared themes first."""
        state = self.state
        for theme in state.themes:
            about = {
                "title": theme.title,
                "text": theme.statement,
                "files": f"{len(theme.files)} of {len(state.evidence.read)}",
                "speakers": str(len(theme.speakers)),
                "for": str(len(theme.for_)),
                "against": str(len(theme.against)),
            }
            yield theme.id, about, theme.quotes
        for each in state.contradictions:
            counts = ((side.position, len(voices_of(side.quotes))) for side in each.sides)
            sides = "; ".join(f"{position} ({number} speakers)" for position, number in counts)
            about = {"contradiction": each.statement, "sides": sides}
            yield each.id, about, each.sides[0].quotes
        for shared in state.agreements:
            files = len({quote.file for quote in shared.quotes})
            about = {"agreement": shared.statement, "files": str(files)}
            yield shared.id, about, shared.quotes
        for place, alone in enumerate(state.outliers, 1):
            yield outlier_id(place), {"outlier": alone.text, "why": alone.why}, alone.quotes

    def _line(
        self, id_: str, about: Mapping[str, str], quotes: Sequence[ThemeQuote], number: int
    ) -> str:
        quote = self.mask(quotes[0].quote)[:MAX_QUOTE] if quotes else ""
        shown = {"id": id_, **{key: self.mask(value) for key, value in about.items()}}
        return line(shown, quote, number)


def _read(reply: Mapping[str, Any], unused: Unused, name: str, ids: Mapping[str, str]) -> Synthesis:
    fields = section(reply, "structured_data")
    themes = tuple(known_ids(fields.get("themes"), ids, unused))
    summary = to_safe_text(text(fields.get("text"))).strip()[:MAX_TEXT]
    insights = tuple(text(each.get("text")) for each in mappings(reply.get("insights")))
    return Synthesis(name, summary, insights, themes)
