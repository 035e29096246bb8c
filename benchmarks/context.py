"""How long a context takes to reduce: 100 to 10,000 items, of which 8,000 tokens may stay.

    python -m benchmarks.context [--budget N] [--repeats N]

Eight analyzers' answers, made up: ten insights with two quotes each, the most that are kept of an
answer by default, and structured data for the rest. `cut` makes lines of answers and counts the
tokens of each, which a run does while other calls are out; `reduce` ranks, shares and renders. One
process, one core; medians over the repeats. No context may exceed the budget.
"""

import argparse
import random
import statistics
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from runner.answers.context import Item, answer_items, reduce_context
from runner.base.tokens import tokenizer_for
from runner.config.schema import ContextSettings

MODEL = "openai/gpt-4o-mini"
SIZES = (100, 300, 1_000, 3_000, 10_000)
ANALYZERS = 8
INSIGHTS = 10
KEYS = ("claims", "gaps", "arguments")
SEED = 7
PHRASES = (2, 5)
VOCABULARY = (
    *("we could replace the second pump before winter", "unless nobody has asked what it costs"),
    *("whether the permit for the harbour allows", "while budgets, schedules and surveys differ"),
)


@dataclass(frozen=True, slots=True)
class Measured:
    """One repeat: seconds of cutting and of reducing; tokens of all items, and of the context."""

    cut_s: float
    reduce_s: float
    items: int
    tokens: int
    kept: int
    used: int


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("--budget", type=int, default=8_000, help="tokens of a context")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--most", type=int, default=SIZES[-1], help="items of the largest")
    options = parser.parse_args()
    settings = ContextSettings(
        token_budget=options.budget,
        top_insights=5,
        include_structured_keys=[KEYS[0]],
        transcript_tokens=0,
    )
    measure(made(100), settings)  # loads the vocabulary
    found = [
        [measure(made(size), settings) for _ in range(options.repeats)]
        for size in SIZES
        if size <= options.most
    ]
    show(found, options.budget)


def made(items: int) -> dict[str, dict[str, Any]]:
    """Return answers by analyzer that come to *items* items in all."""
    rng = random.Random(SEED)
    each = [items // ANALYZERS + (place < items % ANALYZERS) for place in range(ANALYZERS)]
    return {f"analyzer_{place}": answer(count, rng) for place, count in enumerate(each)}


def answer(items: int, rng: random.Random) -> dict[str, Any]:
    """Return an answer of so many items, at most INSIGHTS of them insights."""
    insights = [
        {
            "text": spoken(rng),
            "confidence": round(rng.random(), 2),
            "category": "claim",
            "evidence": [cited(rng), cited(rng)],
        }
        for _ in range(min(items, INSIGHTS))
    ]
    data: dict[str, list[Any]] = {key: [] for key in KEYS}
    for place in range(items - len(insights)):
        item = {"id": f"P{place}", "claim": spoken(rng), "evidence": [cited(rng)]}
        data[KEYS[place % len(KEYS)]].append(item)
    return {"insights": insights, "structured_data": data}


def spoken(rng: random.Random) -> str:
    """Return a sentence."""
    return " ".join(rng.choices(VOCABULARY, k=rng.randint(*PHRASES)))


def cited(rng: random.Random) -> dict[str, str]:
    """Return a quote."""
    return {"segment": f"S{rng.randint(1, 9_999):04d}", "quote": spoken(rng)}


def measure(answers: Mapping[str, Mapping[str, Any]], settings: ContextSettings) -> Measured:
    """Cut and reduce once; raise SystemExit where the context exceeds its budget."""
    count = tokenizer_for(MODEL).count
    begun = time.perf_counter()
    items: dict[str, tuple[Item, ...]] = {
        name: answer_items(name, one, count) for name, one in answers.items()
    }
    cut_s, begun = time.perf_counter() - begun, time.perf_counter()
    reduced = reduce_context("Findings of stage_a", items, {}, settings, count)
    reduce_s = time.perf_counter() - begun
    if tokenizer_for(MODEL).count(reduced.text) > settings.token_budget:
        sys.exit(f"a context of {reduced.tokens} tokens, budget {settings.token_budget}")
    every = [item for mine in items.values() for item in mine]
    tokens = sum(item.tokens for item in every)
    return Measured(cut_s, reduce_s, len(every), tokens, len(reduced.kept), reduced.tokens)


def show(found: Sequence[Sequence[Measured]], budget: int) -> None:
    """Print the table; a rate is of the tokens of all items."""
    print(f"context: {ANALYZERS} analyzers, {budget:,} tokens may stay, medians of {len(found[0])}")
    print(
        " items    tokens   kept  of tokens   cut ms  reduce ms  µs/item  reduce tokens/s  "
        "both tokens/s"
    )
    for rounds in found:
        one = rounds[0]
        cut_s, reduce_s = (
            statistics.median(getattr(each, name) for each in rounds)
            for name in ("cut_s", "reduce_s")
        )
        print(
            f"{one.items:>6,}  {one.tokens:>8,}  {one.kept:>5,}  {one.used:>9,}  "
            f"{1000 * cut_s:>7.1f}  {1000 * reduce_s:>9.2f}  {1e6 * reduce_s / one.items:>7.2f}  "
            f"{one.tokens / reduce_s:>15,.0f}  {one.tokens / (cut_s + reduce_s):>13,.0f}"
        )


if __name__ == "__main__":
    main()
