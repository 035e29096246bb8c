"""Material of a collection's calls: lines with an id each, as prompts show findings and themes."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain

from runner.answers.clustering import Merge, groups_at
from runner.answers.findings import flat
from runner.answers.prompt_text import wrap
from runner.answers.themes import WORDS, Joined
from runner.providers.offline.language.sentences import words
from runner.record.collection_findings import GroundedFinding, linkage_of

FILL = 0.95  # of the token budget: joined lines may have more tokens than the sum
HEAD_TOKENS = 60  # of the tags and headings around the lines

Ids = tuple[str, ...]
Mask = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Cluster:
    """Findings about one statement: those *for_* it, and those *against* it.

    *title* is empty until a model has named it; *quote* has the words of one finding, *merged* the
    merges that made it.
    """

    title: str
    statement: str
    quote: str
    for_: Ids
    against: Ids = ()
    merged: tuple[Joined, ...] = ()

    @property
    def findings(self) -> Ids:
        """Its findings on both sides, each once."""
        return tuple(dict.fromkeys((*self.for_, *self.against)))


@dataclass(frozen=True)
class Sheet:
    """The *text* of a call, which shows *inputs* findings or themes.

    *left_out* describes what it omits, *ids* what it names.
    """

    text: str
    inputs: int
    left_out: Ids = ()
    ids: Mapping[str, Cluster] = field(default_factory=dict)


def line(fields: Mapping[str, object], quote: str = "", number: int = 0) -> str:
    """Return a line of findings; its quote is cited as segment *number*."""
    body = " | ".join(f"{key}: {flat(value)}" for key, value in fields.items() if value != "")
    cited = flat(quote).replace('"', "'")
    return f"- {body}" + (f' {{S{number:04d} "{cited}"}}' if quote else "")


def sheet(title: str, key: str, lines: Iterable[str], inputs: int, left_out: Ids = ()) -> Sheet:
    """Return the sheet of *lines* between tags, in the format of prompts and the offline model."""
    body = "\n".join([f"# {title}", "", "## collection", f"### {key}", *lines])
    return Sheet(wrap("context", body), inputs, left_out)


def grouped(
    found: Sequence[GroundedFinding], threshold: float, embedded: Sequence[Sequence[float]] = ()
) -> tuple[list[Cluster], list[Merge]]:
    """Return *found* with alike ones merged, and all merges; see `linkage_of`."""
    made, clusters = linkage_of(found, embedded), list[Cluster]()
    for places in groups_at(threshold, len(found), made):
        members = [found[place] for place in places]
        merged: tuple[Joined, ...] = ()
        if len(members) > 1:
            by = "words and embeddings" if embedded else "words"
            why = f"alike by their {by} from {threshold:g} on"
            merged = (Joined(WORDS, tuple((each.id,) for each in members), why),)
        ids = tuple(each.id for each in members)
        clusters.append(Cluster("", members[0].shown, members[0].quote, ids, (), merged))
    return clusters, made


def rejoined(clusters: Sequence[Cluster]) -> list[Cluster]:
    """Return unnamed *clusters*, with those of the same words merged."""
    same: dict[tuple[str, ...], list[Cluster]] = {}
    for cluster in clusters:
        key = tuple(words(cluster.statement)) or (cluster.statement,)
        same.setdefault(key, []).append(cluster)

    def joined(first: Cluster, *others: Cluster) -> Cluster:
        parts = tuple(each.for_ for each in (first, *others))
        earlier = (step for each in (first, *others) for step in each.merged)
        merged = (*earlier, Joined(WORDS, parts, "same words"))
        return replace(first, for_=tuple(chain(*parts)), merged=merged) if others else first

    return [joined(*every) for every in same.values()]


def finding_line(found: GroundedFinding) -> str:
    """Return the line of one finding, for counting its tokens."""
    return line({"id": "F000.00", "text": found.shown}, found.quote, 1000)


def theme_line(cluster: Cluster, mask: Mask, name: str = "T000", number: int = 1000) -> str:
    """Return the line of a theme, whose words are restored, or of a finding, whose are not."""
    title, statement = cluster.title, cluster.statement
    alike = f"{len(cluster.for_)} findings" if len(cluster.for_) > 1 and not title else ""
    shown = mask(statement) if title else statement
    about = {"id": name, "title": mask(title), "text": shown, "alike": alike}
    return line(about, cluster.quote, number)


def room_of(budget: int) -> int:
    """Return the tokens for lines in a call's *budget*."""
    return max(1, int(budget * FILL) - HEAD_TOKENS)


def of_findings(clusters: Sequence[Cluster], found: Mapping[str, GroundedFinding]) -> Sheet:
    """Return the material that shows *clusters* of findings, and every other wording in them."""
    lines, ids = list[str](), dict[str, Cluster]()
    for number, cluster in enumerate(clusters, 1):
        name, members = f"F{number}", [found[each] for each in cluster.for_]
        ids[name] = cluster
        alike = f"{len(members)} findings" if len(members) > 1 else ""
        about = {"id": name, "text": cluster.statement, "alike": alike}
        lines.append(line(about, cluster.quote, number))
        shown = {tuple(words(members[0].shown))}
        for part, member in enumerate(members if alike else (), 1):
            own, wording = f"{name}.{part}", tuple(words(member.shown))
            ids[own] = Cluster("", member.shown, member.quote, (member.id,))
            if wording not in shown:
                shown.add(wording)
                lines.append(line({"id": own, "text": member.shown}, member.quote, number))
    inputs = sum(len(each.for_) for each in clusters)
    return replace(sheet("Findings of several transcripts", "findings", lines, inputs), ids=ids)


def of_themes(clusters: Sequence[Cluster], mask: Mask) -> Sheet:
    """Return the material that shows *clusters* as themes, or findings, of earlier calls."""
    ids = {f"{'T' if c.title else 'F'}{number}": c for number, c in enumerate(clusters, 1)}
    lines = [theme_line(c, mask, name, n) for n, (name, c) in enumerate(ids.items(), 1)]
    title = "Themes of parts of the transcripts"
    return replace(sheet(title, "themes", lines, len(clusters)), ids=ids)
