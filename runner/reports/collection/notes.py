"""themes.md: the themes of a batch as a page, also for Word."""

from collections.abc import Iterator, Sequence

from runner.answers.markdown import md, table
from runner.answers.themes import Collection, Synthesis, Theme, ThemeQuote
from runner.base.format import plural
from runner.reports.collection.facts import CollectionFacts, counted, named, source_of_quote
from runner.reports.collection.groupings import GroupDifference, method_of

WORDS_OF = (
    "Titles, statements, positions, reasons and the synthesis are a model's words. Counts, names, "
    "quotes and places are made by code from the answers about each file, and `colloquy-verify` "
    "makes them again."
)
MAX_SILENT = 40  # files named in a page

_SILENT = "No finding of a silent file is in the theme; its transcript may still speak of it."


def themes_md(facts: CollectionFacts, name: str, limit: int | None = None) -> str:
    """Return themes.md of the batch called *name*, with at most *limit* quotes of a side."""
    parts = [f"# Themes of {md(name)}", _read(facts.collection)]
    parts += [md(f"{note[:1].upper()}{note[1:]}.") for note in facts.collection.notes]
    parts += [part for each in facts.collection.synthesis for part in _synthesis(each)]
    if facts.collection.themes:
        parts += ["## Overview", _overview(facts)]
    for theme in facts.collection.themes:
        parts += _theme(theme, facts, limit)
    parts += [*_differences(facts), *_relations(facts), *_made(facts.collection)]
    return "\n\n".join(filter(None, parts)) + "\n"


def _read(collection: Collection) -> str:
    line, unread = f"{plural(len(collection.read), 'file')} read", collection.unread
    listed = "".join(f"\n- {md(each.file)}: {md(each.why)}" for each in unread)
    return f"{line}, {len(unread)} not read:\n{listed}" if unread else f"{line}, none left unread."


def _synthesis(one: Synthesis) -> Iterator[str]:
    yield f"## {md(one.analyzer.replace('_', ' ').capitalize())}"
    yield from (md(part) for part in one.text.split("\n\n") if part.strip())
    if one.insights:
        yield "\n".join(f"- {md(each)}" for each in one.insights)
    if one.themes:
        yield f"Themes: {md(list(one.themes))}."


def _overview(facts: CollectionFacts) -> str:
    rows = [
        [t.id, t.title, len(t.files), len(t.speakers), len(t.for_), len(t.against), len(t.silent)]
        for t in facts.collection.themes
    ]
    shown = table(["", "Theme", "Files", "Speakers", "For", "Against", "Silent"], rows)
    return f"{shown}\n\n{_SILENT}"


def _theme(theme: Theme, facts: CollectionFacts, limit: int | None) -> Iterator[str]:
    yield f"## {md(theme.id)} {md(theme.title)}"
    yield md(theme.statement)
    yield f"{md(counted(theme, len(facts.collection.read)))}. {_silent(theme.silent)}"
    for side, voices in (("For", theme.for_), ("Against", theme.against)):
        if voices:
            yield f"**{side} ({len(voices)}):** {md(list(map(named, voices)))}"
    for side in ("for", "against"):
        if quotes := [quote for quote in theme.quotes if quote.side == side]:
            yield f"### Quotes {side}\n\n{_quotes(quotes[:limit], facts)}"
            if left := len(quotes) - len(quotes[:limit]):
                yield f"{left:,} more are in themes.json."


def _silent(files: Sequence[str]) -> str:
    if not files:
        return "No file is silent."
    more = f" and {len(files) - MAX_SILENT} more" if len(files) > MAX_SILENT else ""
    return f"{len(files)} silent: {md(list(files[:MAX_SILENT]))}{more}."


def _quotes(quotes: Sequence[ThemeQuote], facts: CollectionFacts) -> str:
    return "\n\n".join(f"> “{md(each.quote)}” ({_place(each, facts)})" for each in quotes)


def _place(quote: ThemeQuote, facts: CollectionFacts) -> str:
    words, link = md(source_of_quote(quote)), facts.link(quote)
    near = ", nearly" if quote.match == "near" else ""
    return (f"[{words}](<{link}>)" if link else words) + near


def _differences(facts: CollectionFacts) -> Iterator[str]:
    if facts.differences or facts.not_compared:
        yield "## Groups"
    yield from (f"{md(each.name)} is not compared: {each.why}." for each in facts.not_compared)
    if not facts.differences:
        return
    yield md(method_of(facts.differences))
    for attribute, found in facts.differences.items():
        of = "speaker" if found[0].by_speaker else "file"
        yield f"### {md(attribute)}, by {of}"
        header = ["", "Theme", *(f"{one.value} (of {one.read})" for one in found[0].counts)]
        yield table([*header, "p", "p adjusted"], [_row(each) for each in found])


def _row(each: GroupDifference) -> list[str]:
    counts = [str(one.found) for one in each.counts]
    return [each.theme.id, each.theme.title, *counts, p_of(each.p), p_of(each.adjusted)]


def p_of(value: float) -> str:
    """Return a p value for display: `< 0.001`, `0.031`."""
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def _relations(facts: CollectionFacts) -> Iterator[str]:
    collection = facts.collection
    yield "## Contradictions" if collection.contradictions else ""
    for one in collection.contradictions:
        yield from (f"### {md(one.statement)}", md(one.reason), _about(one.themes))
        for side in one.sides:
            yield f"**{md(side.position)}**"
            yield from (md(facts.split(side.quotes)), _quotes(side.quotes, facts))
    yield "## Agreements" if collection.agreements else ""
    for shared in collection.agreements:
        yield from (f"### {md(shared.statement)}", _about(shared.themes))
        yield from (md(facts.split(shared.quotes)), _quotes(shared.quotes, facts))
    yield "## Outliers" if collection.outliers else ""
    for alone in collection.outliers:
        who = f"{alone.speaker}, {alone.file}" if alone.speaker else alone.file
        yield from (f"### {md(alone.text or alone.finding)}", f"{md(who)}. {md(alone.why)}")
        yield _quotes(alone.quotes, facts)


def _about(themes: Sequence[str]) -> str:
    return f"Themes: {md(list(themes))}." if themes else ""


def _made(collection: Collection) -> Iterator[str]:
    yield "## How they were found"
    yield (
        f"Findings were grouped from a similarity of {collection.threshold:g}. In no theme: "
        f"{len(collection.unassigned)}; not used, without a verified quote: {collection.unused}."
    )
    yield WORDS_OF
    if collection.ledger:
        rows = [
            [r.level, r.node, r.inputs, r.tokens_in, r.tokens_budget,
             r.status + ", escalated" * r.escalated, list(r.left_out)]
            for r in collection.ledger
        ]  # fmt: skip
        yield table(["Level", "Call", "Read", "Tokens", "Budget", "Status", "Left out"], rows)
