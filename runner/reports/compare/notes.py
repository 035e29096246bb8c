"""Notes under the table of a comparison."""

from collections import Counter
from collections.abc import Iterator, Sequence

from runner.base.format import count, plural, seconds, share, usd
from runner.base.usage import sum_usd
from runner.record.batch_directory import is_batch, rows_of
from runner.reports.compare.assessment_data import OF_TRANSCRIPT
from runner.reports.compare.planned_jobs import runs_side_by_side
from runner.reports.compare.rows import Group, RunRow, known_figures
from runner.reports.compare.verdicts import MAX_COMPARED, MIN_REPEATS, Pair

CACHE_GAP = 0.1  # difference in the cached share of prompts that is reported
MERGED = "results.csv"  # of all batches, beside the comparison


def batches_of(rows: Sequence[RunRow]) -> list[RunRow]:
    """Return the batches among *rows*, such as shards."""
    return [row for row in rows if is_batch(row.path)]


def notes_on(
    rows: Sequence[RunRow], groups: Sequence[Group], pairs: Sequence[Pair], *, sharded: bool
) -> Iterator[str]:
    """Yield the notes, a sentence or two each; *sharded* if the settings are shards."""
    yield from _on_batches(batches_of(rows))
    yield (
        "Quality is the success rate times the grounding rate: analyzers answered and quote the "
        "transcript, which does not make them right."
    )
    if any(group.front is not None for group in groups):
        yield from _on_front(groups)
    without = [group for group in groups if group.baseline is None]
    if without and not sharded:
        yield (
            f"No speed-up for {len(without)} of {plural(len(groups), 'setting')}: there is no "
            "sequential baseline (processing.mode=sequential or max_concurrent=1, all else equal)."
        )
    if not sharded and any(OF_TRANSCRIPT.fullmatch(key) for g in groups for key in g.settings):
        yield (
            "Some settings read other transcripts: their time, cost and ★ are of other work. "
            "Coverage, checks and labels are compared on the same transcripts."
        )
    if left_out := [row for row in rows if not row.measured]:
        yield (
            f"Not timed: {len(left_out)} of {plural(len(rows), 'run')}, which did not complete or "
            "reused answers."
        )
    if pairs and len(groups) > MAX_COMPARED:
        yield (
            f"Of {len(groups):,} settings, {MAX_COMPARED} are compared in pairs, with the fastest, "
            "the cheapest and the best."
        )
    if any(map(runs_side_by_side, {row.path.parent for row in rows})):
        yield "Jobs of a sweep ran at the same time, so each may have slowed the others down."
    yield from _on_caches(rows)
    timed = [times for group in groups if (times := group.spreads["wall_s"]) is not None]
    if pairs and any(times.n < MIN_REPEATS for times in timed):
        yield (
            f"With fewer than {MIN_REPEATS} repeats of a setting, chance may have made the "
            "difference: there is no front (★) and no verdict on it. Add repeat=0,1,2."
        )


def _on_caches(rows: Sequence[RunRow]) -> Iterator[str]:
    """Yield a note where prompt caches served some runs far more than others."""
    used = [(r.figure("cached_tokens"), r.figure("prompt_tokens")) for r in rows if r.accounted]
    shares = [cached / prompt for cached, prompt in used if cached is not None and prompt]
    if shares and max(shares) - min(shares) > CACHE_GAP:
        yield (
            f"Prompt caches served {share(min(shares))} to {share(max(shares))} of the prompt "
            "tokens of a run: differences in time and cost may be the cache's. Let jobs run in a "
            "random order, with repeats: hydra/sweeper=shuffled repeat=0,1,2."
        )


def _on_batches(batches: Sequence[RunRow]) -> Iterator[str]:
    """Yield the totals of all *batches* in one sentence."""
    if not batches:
        return
    lines = (line for row in batches for line in rows_of(row.path))
    statuses = Counter(str(line.get("status")) for line in lines)
    counts = ", ".join(f"{number:,} {status}" for status, number in statuses.most_common())
    names = ("prompt_tokens", "completion_tokens")
    tokens = sum(row.figure(name) or 0.0 for row in batches for name in names)
    cost = usd(sum_usd(row.figure("cost_usd") for row in batches))
    walls = known_figures(batches, "wall_s")
    longest = f"; the longest took {seconds(max(walls))}" if walls else ""
    yield (
        f"{plural(len(batches), 'batch')}, {plural(sum(statuses.values()), 'file')}: "
        f"{counts or 'none begun'}; {count(tokens)} tokens, cost {cost}{longest}. "
        f"Every file's row is in {MERGED}."
    )


def _on_front(groups: Sequence[Group]) -> Iterator[str]:
    """Yield notes on the figures of the Pareto front."""
    timed = [group for group in groups if group.measured]
    if unknown := sum(group.middle("cost_usd") is None for group in timed):
        yield (
            f"The cost of {unknown} of {plural(len(groups), 'setting')} is unknown: for those, the "
            "front (★) compares wall-clock time and quality alone."
        )
    else:
        yield "The front (★) compares wall-clock time, cost and quality."
    if any(len(group.measured) > 1 for group in groups):
        yield "The front compares medians; the pairs say which differences are significant."
