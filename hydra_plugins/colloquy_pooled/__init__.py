"""Launcher `hydra/launcher=pooled`: runs the jobs of a sweep in one event loop under one limit."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hydra.core.config_store import ConfigStore
from hydra.core.utils import JobReturn, JobStatus, configure_log, run_job, setup_globals
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, open_dict

SETTINGS = {"_target_": "hydra_plugins.colloquy_pooled.PooledLauncher", "jobs": 16}

ConfigStore.instance().store("pooled", SETTINGS, "hydra/launcher", provider="colloquy")


class PooledLauncher(Launcher):
    """Composes all jobs, as Hydra does, then runs up to *jobs* of them at a time.

    The task function has an attribute `jobs` with `collect` and `run_all`: see
    `runner.run.command`. Do not compare speeds with it: jobs share cores and the account's limit.
    """

    config: DictConfig
    context: HydraContext
    task: Any

    def __init__(self, jobs: int = 16) -> None:
        self.max_jobs = jobs

    def setup(
        self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig
    ) -> None:
        """Store what `launch` needs."""
        self.context, self.config = hydra_context, config
        self.task = vars(task_function)["jobs"]

    def launch(
        self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int
    ) -> Sequence[JobReturn]:
        """Run all jobs; the failure of one stops no other."""
        setup_globals()
        configure_log(self.config.hydra.hydra_logging, self.config.hydra.verbose)
        Path(str(self.config.hydra.sweep.dir)).mkdir(parents=True, exist_ok=True)
        jobs: list[Any] = []
        returns = [
            self._composed(initial_job_idx + place, overrides, jobs)
            for place, overrides in enumerate(job_overrides)
        ]
        objectives = self.task.run_all(jobs, self.max_jobs)
        for returned, objective in zip(returns, objectives, strict=True):
            returned.return_value = objective
            returned.status = JobStatus.COMPLETED
        return returns

    def _composed(self, number: int, overrides: Sequence[str], jobs: list[Any]) -> JobReturn:
        """Let Hydra set up job *number*, and append its task to *jobs* instead of running it."""
        config = self.context.config_loader.load_sweep_config(self.config, list(overrides))
        with open_dict(config):
            config.hydra.job.id, config.hydra.job.num = str(number), number
        return run_job(
            hydra_context=self.context,
            task_function=self.task.collect(jobs),
            config=config,
            job_dir_key="hydra.sweep.dir",
            job_subdir_key="hydra.sweep.subdir",
        )
