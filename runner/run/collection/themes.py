"""Themes of a collection: reduces its findings in a tree of calls without losing any."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from typing import Any

from runner.answers.clustering import similarities
from runner.answers.themes import MAX_REASON, MAX_STATEMENT, MAX_TITLE, ONLY_WORDS, Joined
from runner.base.json import mappings, section
from runner.base.threads import offload
from runner.calls.schedule import gather_all
from runner.providers.offline.language.asking import terms_of
from runner.run.collection.caller import Finder
from runner.run.collection.material import (
    Cluster,
    Ids,
    Sheet,
    grouped,
    of_findings,
    of_themes,
    rejoined,
    theme_line,
)
from runner.run.collection.replies import Unused, known_ids, words_of
from runner.run.collection.tree import File, branches, files_of, fits

_FULL = "ids of the reply that are in too many themes"
_SHARED = 2  # themes of one call that a finding may belong to


@dataclass(frozen=True, slots=True)
class _Part:
    """Clusters of one branch of the tree; *one* call has made them all."""

    clusters: tuple[Cluster, ...]
    one: bool
    level: int


class Themes(Finder):
    """Reduces the findings of *state* to themes by the calls of *node*."""

    async def find(self) -> None:
        """Add the themes, and the findings that belong to none, to the state."""
        self.state.merges.clear()
        findings = self.state.evidence.findings.values()
        own = (each for each in findings if each.analyzer in self.node.reads)
        files = await offload(files_of, own, self.caller.finding_tokens)
        if not files:
            self.caller.skip(self.node, "no transcript has a finding with a verified quote")
            return
        part = await self._merged("", await self._branch("", files))
        self.state.set_themes(part.clusters)

    def _size(self, *clusters: Cluster) -> int:
        return self.caller.tokens(*(theme_line(each, self.mask) for each in clusters))

    async def _branch(self, prefix: str, files: Sequence[File]) -> _Part:
        """Return the clusters of *files*: of one call, else of branches, merged if too many."""
        if fits(files, self.room):
            return await self._leaf(prefix, files)
        below = branches(prefix, files, self.room, self.caller.finding_tokens)
        parts = await gather_all(self._branch(name, part) for name, part in below)
        joint = _beside(parts)
        if self._size(*joint.clusters) > self.room:
            joint = _beside(await gather_all(map(self._merged, (name for name, _ in below), parts)))
        return joint

    async def _leaf(self, prefix: str, files: Sequence[File]) -> _Part:
        """Return the themes of *files* by one call; findings without a theme stay single."""
        findings = [each for file in files for each in file.found]
        shown, settings = [each.shown for each in findings], self.caller.job.settings.collection
        vectors = await self.caller.embedder.vectors(self.node, prefix, shown)
        chars = 20 * sum(map(len, shown))
        clusters, made = await offload(grouped, findings, settings.threshold, vectors, chars=chars)
        self.state.merges.append((len(findings), made))
        material = of_findings(clusters, self.state.evidence.findings)
        if settings.embeddings and not vectors:
            material = replace(material, left_out=(ONLY_WORDS,))
        return await self._asked("leaf", prefix, 0, material, clusters)

    async def _merged(self, prefix: str, part: _Part) -> _Part:
        """Return the clusters of a *part*, merging those that a call finds equal.

        If they do not fit into one call, further calls read the themes so far beside more single
        findings; those never compared stay, and the ledger lists them.
        """
        if part.one:
            return part
        level, alone = part.level + 1, list[Cluster]()
        themes, rest = _parted(part.clusters)
        rest = await offload(rejoined, rest)
        number = 0
        while True:
            number += 1
            fixed, lost = await offload(self._fitting, [], themes)
            shown, rest = await offload(self._fitting, fixed, rest)
            stuck = bool(rest) and not shown and number > 1
            sheet = of_themes([*fixed, *shown], self.mask)
            if missing := len(lost) + len(rest) * (stuck or bool(lost)):
                why = f"{missing} themes and single findings were not compared with the others"
                sheet = replace(sheet, left_out=(f"{why}: too many for the token budget",))
            last = stuck or bool(lost) or not rest
            name = prefix if last else f"{prefix}_{number}"
            answered = await self._asked("merge", name, level, sheet, [*fixed, *shown])
            themes, single = _parted(answered.clusters)
            themes, alone = [*themes, *lost], [*alone, *single]
            if last:
                return _Part((*themes, *alone, *rest), one=True, level=level)

    async def _asked(
        self, what: str, prefix: str, level: int, material: Sheet, clusters: Sequence[Cluster]
    ) -> _Part:
        name = f"{what}_{prefix}" if prefix else ""
        by = f"{self.node.name}/{name}" if name else self.node.name
        read = partial(_read, material=material, by=by)
        themes = await self.caller.ask(self.node, name, level, material, read)
        return _Part((*themes, *_left(clusters, themes, material)), one=True, level=level)

    def _fitting(
        self, fixed: Sequence[Cluster], more: Sequence[Cluster]
    ) -> tuple[list[Cluster], list[Cluster]]:
        """Return what a call can read of *more* beside *fixed*, the most similar, and the rest."""
        left = self.room - self._size(*fixed)
        if self._size(*more) <= left:
            return list(more), []
        near = similarities([terms_of(f"{c.title} {c.statement}") for c in (*fixed, *more)])
        nearest = [max(row.values(), default=0.0) for row in near[len(fixed) :]]
        chosen = set[int]()
        for n in sorted(range(len(more)), key=lambda n: -nearest[n]):
            if (tokens := self._size(more[n])) <= left:
                chosen.add(n)
                left -= tokens
        shown = [c for n, c in enumerate(more) if n in chosen]
        return shown, [c for n, c in enumerate(more) if n not in chosen]


def _parted(clusters: Iterable[Cluster]) -> tuple[list[Cluster], list[Cluster]]:
    every = list(clusters)
    return [c for c in every if c.title], [c for c in every if not c.title]


def _beside(parts: Sequence[_Part]) -> _Part:
    clusters = tuple(cluster for part in parts for cluster in part.clusters)
    return _Part(clusters, one=False, level=max(part.level for part in parts))


def _read(reply: Mapping[str, Any], unused: Unused, material: Sheet, by: str) -> list[Cluster]:
    """Return the themes in a *reply* about *material*.

    An id that is not in the material is dropped, and so is a theme without two findings. A theme of
    an earlier call joins one theme, a finding at most _SHARED.
    """
    themes, times = list[Cluster](), Counter[str]()
    for row in mappings(section(reply, "structured_data").get("themes")):
        title = words_of(row, "title", MAX_TITLE)
        statement = words_of(row, "statement", MAX_STATEMENT) or title
        sides = list[list[str]]()
        for key in ("members", "against"):
            known = known_ids(row.get(key), material.ids, unused)
            most = {name: 1 if material.ids[name].title else _SHARED for name in known}
            free = [n for n in known if times[n] < most[n] and n not in chain(*sides)]
            unused[_FULL] |= dict.fromkeys(name for name in known if name not in free)
            sides.append(free)
        cluster = _joined(title or statement[:MAX_TITLE], statement, sides, material.ids)
        if cluster is None:
            continue
        times.update(chain(*sides))
        parts = tuple(material.ids[name].findings for side in sides for name in side)
        joined = Joined(by, parts, words_of(row, "reason", MAX_REASON))
        themes.append(replace(cluster, merged=(*cluster.merged, joined)))
    return themes


def _joined(
    title: str, statement: str, sides: Sequence[Sequence[str]], ids: Mapping[str, Cluster]
) -> Cluster | None:
    """Return the cluster of the ids on both *sides*; None if it is not a new theme."""
    members, opposed = ([ids[name] for name in side] for side in sides)
    every = [*members, *opposed]
    alone = len(every) == 1 and bool(every[0].title)
    for_ = _each(cluster.for_ for cluster in members) | _each(c.against for c in opposed)
    against = _each(cluster.against for cluster in members) | _each(c.for_ for c in opposed)
    own = [_each(ids[name].for_ for name in side if "." in name) for side in sides]
    for name in for_.keys() & against.keys():  # a part named itself is more specific than its group
        del (for_ if name in own[1] and name not in own[0] else against)[name]
    if not statement or alone or len(for_ | against) < 2 or not for_:
        return None
    merged = tuple(dict.fromkeys(step for cluster in every for step in cluster.merged))
    return Cluster(title, statement, every[0].quote, tuple(for_), tuple(against), merged)


def _each(groups: Iterable[Ids]) -> dict[str, None]:
    return dict.fromkeys(name for group in groups for name in group)


def _left(clusters: Sequence[Cluster], themes: Sequence[Cluster], material: Sheet) -> list[Cluster]:
    """Return the rest of *clusters* in no theme; findings alike in words are split.

    A theme of an earlier call that shares only some of its findings with another stays whole.
    """
    used = {name for theme in themes for name in theme.findings}
    single = {c.for_[0]: c for c in material.ids.values() if len(c.findings) == 1 and c.for_}
    left = list[Cluster]()
    for cluster in clusters:
        rest = [name for name in cluster.findings if name not in used]
        if len(rest) == len(cluster.findings) or (rest and cluster.title):
            left.append(cluster)
        else:
            left += [single[name] for name in rest if name in single]
    return left
