"""Delivery in batches: deaths at every operation, and deadlines against the cheapest schedules.

    python -m benchmarks.delivery [--draws N] [--every N]

In virtual time, with a provider of batches in memory. First, a run whose batches fail in part,
expire, tear their downloads and lose acknowledgements is killed at every N-th operation of its
journal, its files and its provider, and resumed; each reply must be paid once. Then N draws of
each regime: `model.delivery=auto` against the cheapest schedule known afterwards. A missed bar
prints FAIL.
"""

import argparse
import logging
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import structlog

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))  # whose helpers it shares

from helpers import job
from helpers.batch_endpoint import PRICE_USD, FakeProvider
from helpers.batches import write_all
from helpers.deadlines import Draw, try_auto
from helpers.delivered import BY_BATCH, Kill, Killed, later, session
from helpers.runs import ONLY_TWO, simulated

from runner.record.journal import spent_in
from runner.run.cli.compose import register_resolvers

ROUGH = {"partial": True, "torn": 0.2, "lost_acks": 0.2, "failed": 0.1, "expired": 0.1}
FACTORS = (0.3, 1.0, 2.0, 4.0, 8.0, 16.0)
MEDIAN_S = 900.0

Tried = tuple[bool, float, float, float]


def main() -> None:
    """Measure and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--draws", type=int, default=60, help="of each regime")
    parser.add_argument("--every", type=int, default=1, help="kill at every N-th operation")
    given = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    register_resolvers()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_CONFIG_HOME"] = folder
        os.chdir(folder)
        deaths(given.every)
    deadlines(given.draws)


def deaths(every: int) -> None:
    """Kill a run at every so many operations."""
    write_all(1)
    made = job(*ONLY_TWO, *BY_BATCH, "transcript=file", "transcript.path=many/t000.txt")
    trials, lost, twice = 0, 0, 0
    whole = Kill()
    session(made, rough(whole), Path("whole"), kill=whole)
    for at in range(1, whole.count + 1, every):
        path, kill = Path(f"run{at}"), Kill(at)
        provider = rough(kill)
        with suppress(Killed):
            session(made, provider, path, kill=kill)
        provider.hook = lambda _: None
        later(provider, 1000.0)
        result, _ = session(made, provider, path, kill=Kill())
        paid, (spent, _) = provider.paid, spent_in(path / "journal.jsonl")
        trials += 1
        lost += (
            result.status != "completed" or abs(spent.known_usd - paid.total() * PRICE_USD) > 1e-9
        )
        twice += max(paid.values()) > 1
        shutil.rmtree(path)
    verdict = "" if lost + twice == 0 else "  FAIL"
    print(f"deaths {trials}: runs that lost a reply {lost}, that paid one twice {twice}{verdict}")


def rough(kill: Kill) -> FakeProvider:
    """Return a provider with all faults, at which *kill* counts too."""
    return FakeProvider(
        simulated, hook=kill.come, latency_s=lambda rng, _: rng.uniform(20, 200), **ROUGH
    )


def deadlines(draws: int) -> None:
    """Try `auto` in every regime."""
    print("\nsteps  deadline/median    in time   cost/cheapest   overshoot $")
    total = list[Tried]()
    for steps in (1, 2, 3):
        for factor in FACTORS:
            tried = list(regime(steps, factor, draws))
            total += tried
            show(f"{steps:5}  {factor:15g}", tried)
    met, cost = show("all                   ", total)
    if met < 0.99 or cost > 1.05:
        print("FAIL: expected 99 % in time at 1.05 times the cheapest")


def regime(steps: int, factor: float, draws: int) -> Iterator[Tried]:
    """Yield of each draw whether it was in time, its cost, the cheapest one and the overshoot."""
    for seed in range(draws):
        draw = Draw(seed, factor * MEDIAN_S * steps, steps)
        outcome = try_auto(draw)
        in_time = outcome.took_s <= draw.deadline_s
        yield in_time, outcome.cost_usd, draw.cheapest_usd(), outcome.overshoot_usd


def show(name: str, tried: list[Tried]) -> tuple[float, float]:
    """Print a line; return the share in time, and the cost in cheapest ones."""
    met = sum(each[0] for each in tried) / len(tried)
    cost = sum(each[1] for each in tried) / sum(each[2] for each in tried)
    overshoot = max(0.0, *(each[3] for each in tried))
    print(f"{name}  {met:9.1%}   {cost:13.3f}   {overshoot:11.6f}", flush=True)
    return met, cost


if __name__ == "__main__":
    main()
