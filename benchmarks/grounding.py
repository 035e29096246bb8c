"""How long quotes take to check: 500 of four kinds in a transcript of 60,000 words.

    python -m benchmarks.grounding [--words N] [--quotes N] [--repeats N]

The transcript is the long hearing, read by the project's own reader and tiled to length, every
copy with a tenth of its words varied; without it, words drawn by Zipf's law. One process, one
core; medians over the repeats. Every quote's outcome is checked against what was made of it.
"""

import argparse
import random
import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

from runner.answers.grounding.grounder import Grounder, QuoteCheck
from runner.transcript.model import Segment
from runner.transcript.read import read

HEARING = Path(__file__).resolve().parents[2] / "shared/transcripts/long_house_hearing_56776.txt"
KINDS = ("exact", "moved", "near", "absent")
SEED = 7
QUOTE_WORDS = (6, 40)

T = TypeVar("T")


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("--words", type=int, default=60_000, help="length of the transcript")
    parser.add_argument("--quotes", type=int, default=500)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    rng = random.Random(SEED)
    segments = tiled(spoken(rng), options.words, rng)
    quotes = {
        kind: [made(kind, segments, rng) for _ in range(options.quotes // len(KINDS))]
        for kind in KINDS
    }
    show(segments, quotes, [measure(segments, quotes) for _ in range(options.repeats)])


def spoken(rng: random.Random) -> list[str]:
    """Return the texts of the hearing's segments, or of as many made up."""
    if HEARING.is_file():
        return [segment.text for segment in read(HEARING).transcript.segments]
    vocabulary = ["".join(rng.choices("etaoinshrdlu", k=rng.randint(2, 9))) for _ in range(8_000)]
    weights = [1 / rank for rank in range(1, len(vocabulary) + 1)]
    return [" ".join(rng.choices(vocabulary, weights, k=rng.randint(5, 150))) for _ in range(400)]


def tiled(texts: list[str], length: int, rng: random.Random) -> list[Segment]:
    """Return segments of *length* words; after the first round a tenth of the words is varied."""
    made: list[Segment] = []
    pool = [word for text in texts for word in text.split()]
    total = 0
    while total < length:
        text = texts[len(made) % len(texts)]
        if len(made) >= len(texts):
            text = " ".join(
                rng.choice(pool) if rng.random() < 0.1 else word for word in text.split()
            )
        made.append(Segment(f"S{len(made) + 1:04d}", None, None, None, text))
        total += len(text.split())
    return made


def made(kind: str, segments: list[Segment], rng: random.Random) -> tuple[str, str]:
    """Return a quote of *kind* and the segment that it claims."""
    low, high = QUOTE_WORDS
    while len(said := (home := rng.choice(segments)).text.split()) < low:
        pass
    count = min(rng.randint(low, high), len(said))
    start = rng.randrange(len(said) - count + 1)
    quote = said[start : start + count]
    claimed = home.id if rng.random() < 0.5 else rng.choice(segments).id
    if kind == "near":
        quote[rng.randrange(count)] = "xylophones"[: rng.randint(2, 6)]
        claimed = home.id if rng.random() < 0.7 else claimed
    elif kind == "absent":
        pool = [word for each in rng.choices(segments, k=20) for word in each.text.split()]
        quote = rng.choices(pool, k=count)
    elif kind == "exact":
        claimed = home.id
    else:
        claimed = rng.choice(segments).id
    return " ".join(quote), claimed


def measure(
    segments: list[Segment], quotes: dict[str, list[tuple[str, str]]]
) -> tuple[dict[str, float], dict[str, list[QuoteCheck]]]:
    """Return the seconds of building and of each kind, and what was found."""
    found: dict[str, list[QuoteCheck]] = {}
    build_s, grounder = timed(lambda: Grounder(segments))
    seconds = {"build": build_s}
    for kind, pairs in quotes.items():
        seconds[kind], found[kind] = timed(partial(check_all, grounder, pairs))
    return seconds, found


def check_all(grounder: Grounder, pairs: list[tuple[str, str]]) -> list[QuoteCheck]:
    """Check every quote in its claimed segment."""
    return [grounder.check(quote, claimed) for quote, claimed in pairs]


def timed(work: Callable[[], T]) -> tuple[float, T]:
    """Return how many seconds *work* took, and its result."""
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


def show(
    segments: list[Segment],
    quotes: dict[str, list[tuple[str, str]]],
    rounds: list[tuple[dict[str, float], dict[str, list[QuoteCheck]]]],
) -> None:
    """Print the table."""
    total = sum(len(segment.text.split()) for segment in segments)
    source = "the hearing, tiled" if HEARING.is_file() else "made-up words"
    print(f"grounding: {total:,} words ({source}), medians of {len(rounds)} runs")
    print("step    quotes  total ms  ms/quote  exact  near  absent  moved")
    taken = {step: statistics.median(each[0][step] for each in rounds) for step in rounds[0][0]}
    print(f"build           {1000 * taken['build']:>8.1f}")
    for kind, pairs in quotes.items():
        found = rounds[0][1][kind]
        matches = [each.match for each in found]
        moved = sum(each.moved_from is not None for each in found)
        print(
            f"{kind:<7} {len(pairs):>6}  {1000 * taken[kind]:>8.1f}  "
            f"{1000 * taken[kind] / max(1, len(pairs)):>8.3f}  {matches.count('exact'):>5}  "
            f"{matches.count('near'):>4}  {matches.count('absent'):>6}  {moved:>5}"
        )
    count = sum(map(len, quotes.values()))
    print(f"all     {count:>6}  {1000 * sum(taken.values()):>8.1f}")
    if count == 0:
        sys.exit("no quotes: --quotes must be at least 4")


if __name__ == "__main__":
    main()
