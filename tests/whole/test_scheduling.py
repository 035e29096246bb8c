"""The scheduling benchmark in virtual time: its mechanisms do what its table says."""

from __future__ import annotations

import pytest

from benchmarks.scheduling import POLICIES, Work, simulate, workload

FIFO, PAPER, LONGEST, HEDGE, OURS = POLICIES


def test_with_a_slot_for_every_call_all_policies_take_the_longest_chain() -> None:
    files = workload(3, 4, "balanced", tail=False)

    def chain(calls: list[Work]) -> float:
        seconds = {work.name: work.seconds[0] for work in calls}
        first = max(seconds[name] for name in ("a1", "a2", "a3", "a4"))
        return first + max(seconds["b1"], seconds["b2"]) + seconds["final"]

    longest = max(map(chain, files))

    for policy in POLICIES:
        found = simulate(files, policy, slots=64)
        assert longest == pytest.approx(found.wall_s)
        assert 0.0 == found.cost


def test_a_hedge_ends_a_folder_sooner_for_few_more_dollars_and_the_limit_is_used() -> None:
    folders = [workload(seed, 30, "balanced", tail=True) for seed in range(4)]
    walls, costs = {}, {}
    for policy in (FIFO, PAPER, OURS):
        found = [simulate(files, policy, slots=32) for files in folders]
        walls[policy.name] = max(each.wall_s for each in found)
        costs[policy.name] = sum(each.cost for each in found) / len(found)
    limited = simulate(workload(0, 60, "balanced", tail=False), OURS, slots=64, tpm=150_000)

    assert walls[OURS.name] <= 0.7 * min(walls[FIFO.name], walls[PAPER.name])
    assert 0.0 == costs[FIFO.name] < costs[OURS.name] <= 0.03
    assert limited.used is not None
    assert 0.95 <= limited.used <= 1.02
