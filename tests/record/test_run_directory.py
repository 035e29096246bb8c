"""The directories of runs, and where they are."""

from pathlib import Path

import pytest

from runner.record.run_directory import root_above


@pytest.mark.parametrize("inside", ["runs/a", "batches/a", "sweeps/a", "sweeps/a/0"])
def test_the_root_of_a_run_is_the_directory_that_holds_its_kind(inside: str) -> None:
    assert Path("/out/sweeps") == root_above(Path("/out/sweeps", inside))


@pytest.mark.parametrize("own", ["/a", "/mine/a", "/mine/runs/study/a", "/mine/sweeps/study/0/a"])
def test_folders_of_a_user_have_no_root(own: str) -> None:
    assert root_above(Path(own)) is None
