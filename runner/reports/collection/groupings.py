"""Groups of files and speakers, and differences of themes between groups."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from runner.answers.themes import ReadFile, Theme, Voice
from runner.base.text import by_number
from runner.job.attributes import Attributes
from runner.reports.collection.fisher import exact_p
from runner.reports.compare.spread import holm

MAX_VALUES = 12  # of an attribute whose groups are compared
MAX_COMPARED = 12  # attributes
NOT_GIVEN = "not given"
ATTENDEES = "speakers' groups"  # the notes behind names in `attendees`
_NOT_GROUPS = ("title", "attendees")  # front matter that makes no groups
_IN_BRACKETS = re.compile(r"([^,;:()\n]{1,200})\(([^()\n]{1,100})\)")

Unit = tuple[str, str]  # a file and one of its speakers, or "" for the file


@dataclass(frozen=True, slots=True)
class Grouping:
    """One attribute: the files or speakers read by its *values*, in order; *of* is by unit.

    Values that differ only in case are one.
    *why* it is not compared is empty for the first MAX_COMPARED that have 2 to MAX_VALUES values,
    one of them several times.
    """

    name: str
    values: tuple[str, ...]
    of: Mapping[Unit, str]
    sizes: Mapping[str, int]
    files: Mapping[str, int]
    why: str
    by_speaker: bool = False

    def value(self, file: str, speaker: str | None) -> str:
        """Return the group of a speaker of *file*, empty if there is none."""
        return self.of.get((file, (speaker or "") if self.by_speaker else ""), "")


@dataclass(frozen=True, slots=True)
class GroupCount:
    """Files, or speakers, of a group that mention a theme, of those *read*.

    *files* of *files_read* are the files that they are in; *for_* and *against* speakers.
    """

    value: str
    found: int
    read: int
    files: int
    files_read: int
    for_: int
    against: int


@dataclass(frozen=True, slots=True)
class GroupDifference:
    """A theme by the groups of an attribute.

    *p* is of the exact test over the known groups, *adjusted* by Holm over the themes; *drawn*:
    estimated from random tables.
    """

    attribute: str
    by_speaker: bool
    theme: Theme
    counts: tuple[GroupCount, ...]
    p: float
    adjusted: float
    drawn: bool


def groupings_of(
    read: Sequence[ReadFile], attributes: Attributes, abouts: Mapping[str, Mapping[str, str]]
) -> tuple[Grouping, ...]:
    """Return the groupings of the files *read*: those of the user's table, then *abouts*.

    *abouts* is the front matter of each file; only attributes that make groups count, and those of
    its speakers. An attribute that all speakers of a file share is the file's.
    """
    files = [(each.file, "") for each in read]
    people = [(each.file, speaker) for each in read for speaker in each.speakers]
    given = {unit: attributes.of(*unit) for unit in (*files, *people)}
    taken = {name.casefold() for name in (*attributes.names, *_NOT_GROUPS)}
    own = dict.fromkeys(name for about in abouts.values() for name in about)
    names = [name for name in own if name.casefold() not in taken]
    tabled = []
    for name in attributes.names:
        values = {unit: row.get(name, "") for unit, row in given.items()}
        keys = {(unit[0], values[unit].casefold()) for unit in people}
        differ = len(keys) > len({file for file, _ in people})  # within a file
        if name in attributes.of_speakers and differ:
            tabled.append(_grouping(name, people, values, by_speaker=True))
        else:
            shared = {(file, ""): values[file, speaker] for file, speaker in people}
            tabled.append(_grouping(name, files, values | shared))
    found = [
        _grouping(name, files, {(file, ""): about.get(name, "") for file, about in abouts.items()})
        for name in names
    ]
    roles = {file: speaker_groups(about.get("attendees", "")) for file, about in abouts.items()}
    role = {(file, person): group for file, of in roles.items() for person, group in of.items()}
    named = _grouping(ATTENDEES, people, role, by_speaker=True)
    by_notes = [named] if set(named.values) - {NOT_GIVEN} else []
    every = [*tabled, *(each for each in found if not each.why), *by_notes]
    late = [at for at, each in enumerate(every) if not each.why][MAX_COMPARED:]
    for at in late:
        every[at] = replace(every[at], why=f"only the first {MAX_COMPARED} attributes are")
    return tuple(every)


def _grouping(
    name: str, units: Sequence[Unit], given: Mapping[Unit, str], *, by_speaker: bool = False
) -> Grouping:
    spelt = {value.casefold(): value for value in sorted(given.values(), reverse=True)}
    spelt[""] = spelt[NOT_GIVEN] = NOT_GIVEN
    values = {unit: spelt[given.get(unit, "").casefold()] for unit in units}
    sizes = Counter(values.values())
    files = Counter(value for _, value in {(unit[0], value) for unit, value in values.items()})
    ordered = sorted(sizes, key=lambda value: (value == NOT_GIVEN, by_number(value)))
    known = [sizes[value] for value in ordered if value != NOT_GIVEN]
    why = ""
    if len(known) < 2:
        why = "no two groups are given"
    elif len(known) > MAX_VALUES:
        why = f"it has {len(known)} values, at most {MAX_VALUES} are compared"
    elif max(known) == 1:
        why = f"no two {'speakers' if by_speaker else 'files'} share a value"
    return Grouping(name, tuple(ordered), values, sizes, files, why, by_speaker)


def differences_of(
    themes: Sequence[Theme], groupings: Sequence[Grouping]
) -> dict[str, list[GroupDifference]]:
    """Return every theme by every attribute that is compared, p adjusted within each attribute.

    Groups of speakers who mention no theme, such as interviewers, are not tested beside others.
    """
    found: dict[str, list[GroupDifference]] = {}
    for grouping in (each for each in groupings if not each.why):
        made = [tuple(counts_of(theme, grouping)) for theme in themes]
        every = {*grouping.values} - {NOT_GIVEN}
        speak = {one.value for counts in made for one in counts if one.found} & every
        own = speak if grouping.by_speaker and len(speak) > 1 else every
        known = [[one for one in counts if one.value in own] for counts in made]
        tested = [exact_p([n.found for n in each], [n.read for n in each]) for each in known]
        adjusted = holm([p for p, _ in tested])
        of = (grouping.name, grouping.by_speaker)
        found[grouping.name] = [
            GroupDifference(*of, theme, counts, p, held, not exact)
            for theme, counts, (p, exact), held in zip(themes, made, tested, adjusted, strict=True)
        ]
    return {name: held for name, held in found.items() if held}


def counts_of(theme: Theme, grouping: Grouping) -> Iterator[GroupCount]:
    """Yield the counts of *theme* for each value of *grouping*."""

    def of(voices: Iterable[Voice]) -> Counter[str]:
        return Counter(
            grouping.value(file, who) for file, who in {(v.file, v.speaker) for v in voices}
        )

    in_files = ((file, grouping.value(file, None)) for file in theme.files)
    if grouping.by_speaker:
        in_files = ((v.file, grouping.value(v.file, v.speaker)) for v in theme.speakers)
    files = Counter(value for _, value in set(in_files))
    found = of(theme.speakers) if grouping.by_speaker else files
    sides = [of(side) for side in (theme.for_, theme.against)]
    for value in grouping.values:
        read = (grouping.sizes[value], files[value], grouping.files[value])
        yield GroupCount(value, found[value], *read, *(side[value] for side in sides))


def speaker_groups(attendees: str) -> dict[str, str]:
    """Return the group of each person in a list such as `Ana Ruiz (nurse), Ben (manager)`."""
    return {
        name.strip(): " ".join(group.split())
        for name, group in _IN_BRACKETS.findall(attendees[:20_000])
        if name.strip() and group.strip()
    }
