"""Groups of files and speakers, and how far themes differ between groups of files."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from runner.answers.themes import Theme
from runner.job.attributes import Attributes
from runner.reports.collection.exact_test import DRAWS, exact_p
from runner.reports.compare.spread import holm

MAX_VALUES = 12  # of an attribute whose groups are compared
MAX_COMPARED = 12  # attributes
NOT_GIVEN = "not given"
_NOT_GROUPS = ("title", "attendees")  # what a transcript says of itself and no group has
_IN_BRACKETS = re.compile(r"([^,;:()\n]{1,200})\(([^()\n]{1,100})\)")


@dataclass(frozen=True, slots=True)
class Grouping:
    """One attribute: the files read by its *values*, in order; *of* is by file.

    *compared* says whether it is among the first MAX_COMPARED that have 2 to MAX_VALUES values, one
    of them with several files.
    """

    name: str
    values: tuple[str, ...]
    of: Mapping[str, str]
    sizes: Mapping[str, int]
    compared: bool


@dataclass(frozen=True, slots=True)
class GroupCount:
    """Files of a group that speak of a theme, of those read; speakers for and against."""

    value: str
    files: int
    read: int
    for_: int
    against: int


@dataclass(frozen=True, slots=True)
class GroupDifference:
    """A theme by the groups of an attribute.

    *p* is of the exact test over the groups that are known, None where it makes no sense;
    *adjusted* by Holm over the themes; *drawn*: estimated from random tables.
    """

    attribute: str
    theme: Theme
    counts: tuple[GroupCount, ...]
    p: float | None = None
    adjusted: float | None = None
    drawn: bool = False


def groupings_of(
    read: Sequence[str], attributes: Attributes, abouts: Mapping[str, Mapping[str, str]]
) -> tuple[Grouping, ...]:
    """Return the groupings of the files *read*: those of the user's table, then *abouts*.

    *abouts* is what each file says of itself; of that, only what makes groups is one.
    """
    given = {file: attributes.of(file) for file in read}
    taken = {name.casefold() for name in (*attributes.names, *_NOT_GROUPS)}
    own = dict.fromkeys(name for about in abouts.values() for name in about)
    told = [name for name in own if name.casefold() not in taken]
    tabled = [_grouping(name, read, given) for name in attributes.names]
    found = [_grouping(name, read, abouts) for name in told]
    every = (*tabled, *(each for each in found if each.compared))
    first = {each.name for each in [each for each in every if each.compared][:MAX_COMPARED]}
    return tuple(replace(each, compared=each.name in first) for each in every)


def _grouping(name: str, read: Sequence[str], of: Mapping[str, Mapping[str, str]]) -> Grouping:
    values = {file: of.get(file, {}).get(name, "") or NOT_GIVEN for file in read}
    sizes = Counter(values.values())
    ordered = sorted(sizes, key=lambda value: (value == NOT_GIVEN, value.casefold()))
    known = [sizes[value] for value in ordered if value != NOT_GIVEN]
    compared = 2 <= len(known) <= MAX_VALUES and max(known) > 1
    return Grouping(name, tuple(ordered), values, sizes, compared)


def differences_of(
    themes: Sequence[Theme], groupings: Sequence[Grouping]
) -> tuple[GroupDifference, ...]:
    """Return every theme by every grouping that is compared, p adjusted within each grouping."""
    found: list[GroupDifference] = []
    for grouping in filter(lambda each: each.compared, groupings):
        made = [(theme, tuple(_counts(theme, grouping))) for theme in themes]
        tested = [_test(counts) for _, counts in made]
        adjusted = holm([p for p, _ in tested])
        for (theme, counts), (p, exact), own in zip(made, tested, adjusted, strict=True):
            found.append(GroupDifference(grouping.name, theme, counts, p, own, not exact))
    return tuple(found)


def _counts(theme: Theme, grouping: Grouping) -> Iterator[GroupCount]:
    files = Counter(grouping.of[file] for file in set(theme.files) if file in grouping.of)
    sides = [
        Counter(grouping.of.get(voice.file) for voice in side)
        for side in (theme.for_, theme.against)
    ]
    for value in grouping.values:
        counts = (side[value] for side in sides)
        yield GroupCount(value, files[value], grouping.sizes[value], *counts)


def _test(counts: Sequence[GroupCount]) -> tuple[float, bool]:
    known = [each for each in counts if each.value != NOT_GIVEN]
    return exact_p([each.files for each in known], [each.read for each in known])


def method_of(differences: Sequence[GroupDifference], themes: int) -> str:
    """Return how the p of *differences* come about, and what they do not say."""
    drawn = any(each.drawn for each in differences)
    random = f" (of {DRAWS:,} random tables where there are too many)" if drawn else ""
    many = len({each.attribute for each in differences})
    apart = f" Each of the {many} attributes is adjusted on its own." if many > 1 else ""
    return (
        "p is of Fisher's exact test, for more than two groups that of Freeman and Halton"
        f"{random}, over the files that were read and whose group is given; adjusted by Holm "
        f"over the {themes} themes.{apart} Read it with care: the files are few, they were not "
        "drawn at random, and the themes were found in the same files. A small p says where to "
        "look, not what holds beyond these files, and a silent file need not disagree."
    )


def speaker_groups(attendees: str) -> dict[str, str]:
    """Return the group of each person in a list such as `Ana Ruiz (nurse), Ben (manager)`."""
    return {
        name.strip(): " ".join(group.split())
        for name, group in _IN_BRACKETS.findall(attendees[:20_000])
        if name.strip() and group.strip()
    }
