"""Sweeper `hydra/sweeper=shuffled`: Hydra's basic one, its jobs in a random order.

A server's prompt cache is warmer for whatever comes later. In order, that is always the same
setting; with repeats in a random order it is each of them now and then.
"""

from typing import Any

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.config_store import ConfigStore

SETTINGS = {
    "_target_": "hydra_plugins.colloquy_shuffled.ShuffledSweeper",
    "max_batch_size": None,
    "params": None,
    "seed": 0,
}

ConfigStore.instance().store("shuffled", SETTINGS, "hydra/sweeper", provider="colloquy")


class ShuffledSweeper(BasicSweeper):
    """Runs the jobs in an order that *seed* decides; they are numbered as they run."""

    def __init__(self, seed: int = 0, **settings: Any) -> None:
        super().__init__(**settings)
        self.seed = seed

    def split_arguments(self, overrides: Any, max_batch_size: int | None) -> Any:
        """Return the jobs' overrides in batches, as the basic sweeper's method."""
        from runner.reports.compare.planned_jobs import shuffled

        (jobs,) = BasicSweeper.split_arguments(overrides, None)
        return [*self.split_overrides_to_chunks(shuffled(jobs, self.seed), max_batch_size)]
