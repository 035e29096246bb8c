"""Contrasts of a collection: agreements and contradictions between themes, and outliers."""

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from runner.answers.themes import (
    AGAINST,
    FOR,
    MAX_REASON,
    MAX_STATEMENT,
    Accord,
    Contradiction,
    Outlier,
    Position,
    Theme,
)
from runner.base.json import mappings, section
from runner.base.text import digest
from runner.base.threads import offload
from runner.calls.schedule import gather_all
from runner.record.collection_findings import GroundedFinding
from runner.run.collection.caller import Finder
from runner.run.collection.material import Ids, finding_line, line, sheet
from runner.run.collection.replies import Unused, known_ids, words_of
from runner.run.collection.state import side_of
from runner.run.collection.tree import files_of, leaves, packed

EXAMPLES = 4  # findings of each side of a theme that are shown
_FEW = 1  # speakers against a theme that make an outlier …
_MANY = 3  # … where so many are for it


# By id in the material, the findings that it refers to, and their theme.
_Named = Mapping[str, tuple[Ids, str]]


class Agreements(Finder):
    """Finds agreements and contradictions between speakers, by calls of *node*."""

    async def find(self) -> None:
        """Add contradictions and agreements to the state.

        Themes that do not fit into one call are read in several; one more compares all statements.
        """
        if not self.state.themes:
            self.caller.skip(self.node, "there is no theme")
            return
        packs = await offload(self._packs)
        if len(packs) == 1:
            found = await self._ask("", 0, packs[0])
        else:
            asked = (self._ask(f"part_{n:02d}", 0, pack) for n, pack in enumerate(packs, 1))
            found = [each for part in await gather_all(asked) for each in part]
            known = {(type(each), frozenset(each.themes)) for each in found}
            statements = [(theme, 0) for theme in self.state.themes]
            last = await self._ask("", 1, statements)  # may repeat a part's
            found += [e for e in last if (type(e), frozenset(e.themes)) not in known]
        for each in found:
            self.state.add(each)

    def _packs(self) -> list[list[tuple[Theme, int]]]:
        """Return the themes by call, and how many findings of each side there is room for.

        A theme whose statements alone are too long is read without any.
        """

        def tokens(row: tuple[Theme, int]) -> int:
            return self.caller.tokens(*self._lines(*row, itertools.count(1))[0])

        def row(theme: Theme) -> tuple[Theme, int]:
            rows = ((theme, n) for n in range(EXAMPLES, 0, -1))
            return next((each for each in rows if tokens(each) <= self.room), (theme, 0))

        return list(packed(map(row, self.state.themes), tokens, self.room))

    def _lines(
        self, theme: Theme, examples: int, numbers: Iterator[int]
    ) -> tuple[list[str], dict[str, Ids]]:
        """Return the lines of *theme*, with *examples* of each side, and the findings of their ids.

        The examples of a side have the smallest digests, so that most stay when findings are added.
        """
        found = self.state.evidence.findings
        lines, ids = list[str](), dict[str, Ids]()
        for side in (FOR, AGAINST):
            every = side_of(theme, side)
            if not every:
                continue
            ids[name := f"{theme.id}.{side}"] = every
            statement = theme.statement if side == FOR else f"They oppose this: {theme.statement}"
            lines.append(line({"id": name, "text": self.mask(statement)}))
            for each in sorted(every, key=digest)[:examples]:
                number = next(numbers)
                ids[own := f"F{number}"] = (each,)
                about = {"id": own, "side": name, "text": found[each].shown}
                lines.append(line(about, found[each].quote, number))
        return lines, ids

    async def _ask(
        self, part: str, level: int, themes: Sequence[tuple[Theme, int]]
    ) -> list[Contradiction | Accord]:
        numbers, ids = itertools.count(1), dict[str, tuple[Ids, str]]()
        rows = [(theme, *self._lines(theme, n, numbers)) for theme, n in themes]
        shown, hidden = self.fitting(rows, lambda row: "\n".join(row[1]))
        left_out = [f"{row[0].id} is not shown: too many for the token budget" for row in hidden]
        for theme, _, findings in shown:
            ids |= {name: (of, theme.id) for name, of in findings.items()}
            own = sum(name[0] == "F" for name in findings)
            if level == 0 and own < len(theme.findings):
                left_out.append(f"{theme.id}: {own} of {len(theme.findings)} findings are shown")
        lines = (each for _, own, _ in shown for each in own)
        title, left = "Themes of many transcripts", tuple(left_out)
        material = sheet(title, "themes", lines, len(shown), left)
        read = partial(self._read, ids=ids)
        return await self.caller.ask(self.node, part, level, material, read)

    def _read(
        self, reply: Mapping[str, Any], unused: Unused, ids: _Named
    ) -> list[Contradiction | Accord]:
        """Return the content of *reply*; drop contradictions without findings on two sides."""
        rows, evidence = section(reply, "structured_data"), self.state.evidence
        contrasts, seen = list[Contradiction | Accord](), set[frozenset[Ids]]()
        for row in mappings(rows.get("contradictions")):
            asked = mappings(row.get("sides"))
            members = [known_ids(each.get("members"), ids, unused) for each in asked]
            parted = _apart([_findings(names, ids) for names in members])
            sides = tuple(
                Position(words_of(each, "position", MAX_STATEMENT), evidence.quotes(own), own)
                for each, own in zip(asked, parted, strict=True)
                if own
            )
            statement = words_of(row, "statement", MAX_STATEMENT)
            between = frozenset(side.findings for side in sides)
            if len(sides) < 2 or not statement or between in seen:
                unused["contradictions without two sides of their own"][statement[:60]] = None
                continue
            seen.add(between)
            themes = tuple(dict.fromkeys(ids[name][1] for names in members for name in names))
            why = words_of(row, "reason", MAX_REASON)
            contrasts.append(Contradiction("", statement, sides, themes, why))
        for row in mappings(rows.get("agreements")):
            names = known_ids(row.get("members"), ids, unused)
            findings, statement = _findings(names, ids), words_of(row, "statement", MAX_STATEMENT)
            quotes = evidence.quotes(findings)
            if not statement or len({quote.file for quote in quotes}) < 2:
                unused["agreements without two files"][statement[:60]] = None
                continue
            themes = tuple(dict.fromkeys(ids[name][1] for name in names))
            contrasts.append(Accord("", statement, quotes, findings, themes))
        return contrasts


def _findings(names: Iterable[str], ids: _Named) -> Ids:
    return tuple(dict.fromkeys(each for name in names for each in ids[name][0]))


def _apart(sides: Sequence[Ids]) -> list[Ids]:
    """Return *sides* with each finding on one side only: the smallest, as the most specific."""
    of = dict[str, int]()
    for place in sorted(range(len(sides)), key=lambda place: len(sides[place])):
        of = dict.fromkeys(sides[place], place) | of
    return [tuple(f for f in side if of[f] == place) for place, side in enumerate(sides)]


class Outliers(Finder):
    """Finds outliers among findings without a theme, and single speakers against one."""

    async def find(self) -> None:
        """Add outliers to the state; candidates of many files are read in several calls."""
        found, opposed = self.state.evidence.findings, set(self._opposed())
        every = [found[name] for name in (*self.state.unassigned, *sorted(opposed))]
        if not every:
            self.caller.skip(self.node, "every finding belongs to a theme")
            return
        files = await offload(files_of, every, self.caller.finding_tokens)
        parts = list(leaves("", files, self.room, self.caller.finding_tokens))
        if level := int(len(parts) > 1):
            chosen = await gather_all(
                self._ask(f"leaf_{name}", 0, [f for file in part for f in file.found], opposed)
                for name, part in parts
            )
            every = [found[name] for each in chosen for name in each]
        else:
            every = [f for file in files for f in file.found]
        if not every:
            self.caller.skip(self.node, "no part of the findings has an outlier")
            return
        for name, why in (await self._ask("", level, every, opposed)).items():
            quotes, own = self.state.evidence.quotes([name]), found[name]
            alone = Outlier(own.file, quotes[0].speaker, name, own.text, quotes, why)
            self.state.outliers.append(alone)

    def _opposed(self) -> Iterator[str]:
        for theme in self.state.themes:
            if len(theme.against) <= _FEW and len(theme.for_) >= _MANY:
                yield from theme.against_findings

    async def _ask(
        self, part: str, level: int, found: Sequence[GroundedFinding], opposed: set[str]
    ) -> dict[str, str]:
        shown, hidden = self.fitting(found, finding_line)
        ids = {f"F{number}": each.id for number, each in enumerate(shown, 1)}
        lines = list[str]()
        for number, (name, each) in enumerate(zip(ids, shown, strict=True), 1):
            against = "what the others say" if each.id in opposed else ""
            about = {"id": name, "against": against, "text": each.shown}
            lines.append(line(about, each.quote, number))
        why = f"{len(hidden)} findings are not shown: too many for the budget"
        left_out = (why,) if hidden else ()
        material = sheet("Findings that share no theme", "findings", lines, len(shown), left_out)
        read = partial(_read_outliers, ids=ids)
        return await self.caller.ask(self.node, part, level, material, read)


def _read_outliers(
    reply: Mapping[str, Any], unused: Unused, ids: Mapping[str, str]
) -> dict[str, str]:
    chosen = dict[str, str]()
    for row in mappings(section(reply, "structured_data").get("outliers")):
        for name in known_ids([row.get("member")], ids, unused):
            chosen.setdefault(ids[name], words_of(row, "why", MAX_REASON))
    return chosen
