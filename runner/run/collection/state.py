"""State of a collection: the results of its stages so far."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from runner.answers.clustering import Merge
from runner.answers.themes import (
    AGAINST,
    FOR,
    Accord,
    Contradiction,
    Outlier,
    Synthesis,
    Theme,
    ThemeQuote,
    Voice,
)
from runner.record.collection_findings import CollectionFindings
from runner.run.collection.material import Cluster, Ids


@dataclass
class State:
    """Results of the stages that have ended, by the kinds of themes.json.

    *merges* are those of the findings of each call, for the curve.
    """

    evidence: CollectionFindings
    themes: list[Theme] = field(default_factory=list)
    unassigned: list[str] = field(default_factory=list)
    contradictions: list[Contradiction] = field(default_factory=list)
    agreements: list[Accord] = field(default_factory=list)
    outliers: list[Outlier] = field(default_factory=list)
    synthesis: list[Synthesis] = field(default_factory=list)
    merges: list[tuple[int, Sequence[Merge]]] = field(default_factory=list)

    def set_themes(self, clusters: Sequence[Cluster]) -> None:
        """Set the themes that findings of two or more files share; the rest is unassigned."""
        made = [self._theme(cluster) for cluster in clusters if cluster.title]
        shared = [theme for theme in made if len(theme.files) > 1]
        shared.sort(key=lambda t: (-len(t.files), -len(t.speakers), t.title, t.findings))
        self.themes = [replace(theme, id=f"T{n:02d}") for n, theme in enumerate(shared, 1)]
        used = {name for theme in shared for name in theme.findings}
        known = dict.fromkeys(name for cluster in clusters for name in cluster.findings)
        self.unassigned = [name for name in known if name not in used]

    def add(self, contrast: Contradiction | Accord) -> None:
        """Add a contradiction or an agreement, with the next id."""
        if isinstance(contrast, Contradiction):
            number = len(self.contradictions) + 1
            self.contradictions.append(replace(contrast, id=f"C{number:02d}"))
        else:
            self.agreements.append(replace(contrast, id=f"A{len(self.agreements) + 1:02d}"))

    def _theme(self, cluster: Cluster) -> Theme:
        quotes = (*self.quotes(cluster.for_), *self.quotes(cluster.against, AGAINST))
        files = tuple(sorted({quote.file for quote in quotes}))
        named = set(files)
        return Theme(
            "",
            cluster.title,
            cluster.statement,
            files,
            voices_of(quotes),
            voices_of(quote for quote in quotes if quote.side == FOR),
            voices_of(quote for quote in quotes if quote.side == AGAINST),
            tuple(each.file for each in self.evidence.read if each.file not in named),
            quotes,
            cluster.findings,
            cluster.against,
            cluster.merged,
        )

    def quotes(self, findings: Iterable[str], side: str = FOR) -> tuple[ThemeQuote, ...]:
        """Return the quotes of *findings*, each once."""
        findings_by_id = self.evidence.findings
        quotes = (replace(q, side=side) for name in findings for q in findings_by_id[name].quotes)
        return tuple(dict.fromkeys(quotes))


def voices_of(quotes: Iterable[ThemeQuote]) -> tuple[Voice, ...]:
    """Return the speakers of *quotes*, each once, in order."""
    voices = {(quote.file, quote.speaker) for quote in quotes}
    ordered = sorted(voices, key=lambda each: (each[0], each[1] or ""))
    return tuple(Voice(file, speaker) for file, speaker in ordered)


def side_of(theme: Theme, side: str) -> Ids:
    """Return the findings on one side of *theme*."""
    opposed = set(theme.against_findings)
    if side == AGAINST:
        return theme.against_findings
    return tuple(name for name in theme.findings if name not in opposed)
