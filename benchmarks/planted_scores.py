"""What a reading of the planted interviews has found of their plan."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations

from benchmarks.planted_corpus import Mention, Plan, PlantedTheme
from runner.answers.themes import AGAINST, FOR, Collection, Theme, ThemeQuote, Voice

ALIKE = 0.5  # the least share of files in either that are in both


@dataclass(frozen=True, slots=True)
class Scores:
    """Counts of what was found, each *of* as many.

    A planted theme is *found* if the files of a theme are those of it, to ALIKE at least; each
    theme counts for one. *files*, *speakers* and *sides* are exact; *false* themes are found ones
    that count for none and do not come from a contradiction.
    """

    found: int
    files: int
    speakers: int
    sides: int
    themes: int
    parts: int
    false: int
    contradictions: int
    pairs: int
    outliers: int
    singles: int
    verified: int
    quotes: int

    @property
    def recall(self) -> float:
        """The share of planted themes that were found."""
        return self.found / self.themes

    def cells(self) -> Sequence[str]:
        """Return the scores as cells of a row under `HEADER`."""
        return (
            f"{self.recall:.2f}",
            *(f"{n}/{self.themes}" for n in (self.files, self.speakers, self.sides)),
            str(self.parts),
            str(self.false),
            f"{self.contradictions}/{self.pairs}",
            f"{self.outliers}/{self.singles}",
            f"{self.verified}/{self.quotes}",
        )


HEADER = (
    *("theme recall", "files exact", "speakers exact", "sides exact", "parts", "false"),
    *("contradictions", "outliers", "quotes verified"),
)


def scores(plan: Plan, found: Collection) -> Scores:
    """Return what *found* has of *plan*."""
    pairs = dict(matched(plan.themes, found.themes))
    matches = [(theme, found.themes[pairs[n]]) for n, theme in enumerate(plan.themes) if n in pairs]
    clashing = frozenset(_place(mention) for _, *pair in plan.pairs for mention in pair)
    rest = [
        theme
        for n, theme in enumerate(found.themes)
        if n not in pairs.values() and not _is_of(theme, clashing)
    ]
    sources = [frozenset(map(_place, theme.mentions)) for theme in plan.themes]
    parts = sum(any(_is_of(theme, places) for places in sources) for theme in rest)
    quotes = list(_quotes(found))
    lone = {(q.file, q.segment) for outlier in found.outliers for q in outlier.quotes}
    return Scores(
        len(matches),
        sum(set(theme.files) == planted.files for planted, theme in matches),
        sum(_voices(theme.speakers) == p.speakers(FOR, AGAINST) for p, theme in matches),
        sum(
            _voices(theme.for_) == p.speakers(FOR) and _voices(theme.against) == p.speakers(AGAINST)
            for p, theme in matches
        ),
        len(plan.themes),
        parts,
        len(rest) - parts,
        sum(_clash(one, other, found) for _, one, other in plan.pairs),
        len(plan.pairs),
        sum(_place(mention) in lone for mention in plan.outliers),
        len(plan.outliers),
        sum(_is_there(quote, plan.turns) for quote in quotes),
        len(quotes),
    )


def matched(planted: Sequence[PlantedTheme], found: Sequence[Theme]) -> Iterator[tuple[int, int]]:
    """Yield the numbers of a planted theme and the one found for it, the most alike first."""
    alike = [
        (len(p.files & set(f.files)) / len(p.files | set(f.files)), n, m)
        for n, p in enumerate(planted)
        for m, f in enumerate(found)
    ]
    taken, used = set[int](), set[int]()
    for share, n, m in sorted(alike, key=lambda each: -each[0]):
        if share >= ALIKE and n not in taken and m not in used:
            taken.add(n)
            used.add(m)
            yield n, m


def _voices(voices: Iterable[Voice]) -> frozenset[tuple[str, str | None]]:
    return frozenset((voice.file, voice.speaker) for voice in voices)


def _place(mention: Mention) -> tuple[str, str]:
    return mention.file, mention.segment


def _places(quotes: Iterable[ThemeQuote]) -> frozenset[tuple[str, str]]:
    return frozenset((quote.file, quote.segment) for quote in quotes)


def _is_of(theme: Theme, places: frozenset[tuple[str, str]]) -> bool:
    """Return whether more than half of the mentions of *theme* are in *places*."""
    own = _places(theme.quotes)
    return len(own & places) * 2 > len(own)


def _clash(one: Mention, other: Mention, found: Collection) -> bool:
    """Return whether *one* and *other* are on two sides of a contradiction."""
    return any(
        _place(one) in _places(this.quotes) and _place(other) in _places(that.quotes)
        for contradiction in found.contradictions
        for this, that in permutations(contradiction.sides, 2)
    )


def _quotes(found: Collection) -> Iterator[ThemeQuote]:
    for theme in found.themes:
        yield from theme.quotes
    for contradiction in found.contradictions:
        for side in contradiction.sides:
            yield from side.quotes
    for outlier in found.outliers:
        yield from outlier.quotes


def _is_there(quote: ThemeQuote, turns: Mapping[str, Sequence[tuple[str, str]]]) -> bool:
    """Return whether the plan has these very words there, by this speaker."""
    number = int(quote.segment[1:] or 0) if quote.segment[1:].isdigit() else 0
    spoken = turns.get(quote.file, ())
    if not 1 <= number <= len(spoken):
        return False
    speaker, text = spoken[number - 1]
    return quote.speaker == speaker and bool(quote.quote) and quote.quote in text
