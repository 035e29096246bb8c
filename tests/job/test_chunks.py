from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.base.errors import ConfigError
from runner.job.chunks import Chunk, cut


def test_what_fits_is_one_chunk() -> None:
    assert cut([10, 20, 30], 60, 15) == (Chunk(1, 0, 3, 60),)


def test_chunks_are_few_and_even_and_overlap() -> None:
    chunks = cut([10] * 10, 45, 10)

    assert [(c.start, c.stop) for c in chunks] == [(0, 4), (3, 7), (6, 10)]
    assert [c.tokens for c in chunks] == [40, 40, 40]


def test_a_segment_that_fits_into_no_call_is_told_before_anything_is_sent() -> None:
    with pytest.raises(ConfigError, match="segment has 70 tokens"):
        cut([10, 70], 60, 5)


@given(
    costs=st.lists(st.integers(1, 50), min_size=1, max_size=80),
    budget=st.integers(50, 300),
    overlap=st.integers(0, 200),
)
def test_every_segment_is_read_within_the_budget_and_borders_overlap_where_they_can(
    costs: list[int], budget: int, overlap: int
) -> None:
    chunks = cut(costs, budget, overlap)
    read = [index for chunk in chunks for index in range(chunk.start, chunk.stop)]

    assert set(read) == set(range(len(costs)))
    assert all(chunk.tokens == sum(costs[chunk.start : chunk.stop]) <= budget for chunk in chunks)
    assert [chunk.number for chunk in chunks] == list(range(1, len(chunks) + 1))
    for before, after in pairwise(chunks):
        assert before.start < after.start <= before.stop < after.stop


@given(costs=st.lists(st.integers(1, 50), min_size=1, max_size=80), budget=st.integers(50, 300))
def test_without_overlap_there_are_no_more_chunks_than_first_fit_needs(
    costs: list[int], budget: int
) -> None:
    fewest, used = 1, 0
    for cost in costs:
        if used + cost > budget:
            fewest, used = fewest + 1, 0
        used += cost

    assert len(cut(costs, budget, 0)) == fewest
