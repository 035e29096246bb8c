"""State of a collection: the results of its stages so far."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from runner.answers.clustering import Merge
from runner.answers.themes import AGAINST, Accord, Contradiction, Outlier, Synthesis, Theme
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
        made = [
            self.evidence.theme(c.title, c.statement, c.findings, c.against, c.merged)
            for c in clusters
            if c.title
        ]
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


def side_of(theme: Theme, side: str) -> Ids:
    """Return the findings on one side of *theme*."""
    if side == AGAINST:
        return theme.against_findings
    opposed = set(theme.against_findings)
    return tuple(name for name in theme.findings if name not in opposed)
