"""Fits of a run's nodes to its models, updated when a window turns out to be smaller."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

import structlog

from runner.base.errors import ConfigError
from runner.base.json import mappings, read_list, section
from runner.base.threads import offload
from runner.config.learned import read_learned
from runner.job.graph import Node
from runner.job.job import Job
from runner.job.models import Model
from runner.job.windows import Fit, Fitter
from runner.record.reuse import PreviousSession
from runner.record.run_directory import RunDirectory

LEARNED = "config/learned.json"  # the facts about the models, after each change
_MAX_ENTRIES = 8  # entries of that file that are read

FitsByNode = Mapping[tuple[str, str], Fit]
Facts = Mapping[str, Mapping[str, Any]]  # facts learned, by the name of the model

log = structlog.get_logger("colloquy.run")


class Fits:
    """The *latest* fits, by node and model name, and *earlier* ones of the same run.

    A resumed run cuts as before; otherwise it would pay for its parts twice.
    """

    def __init__(self, job: Job, directory: RunDirectory, previous: PreviousSession | None) -> None:
        self._job, self._directory = job, directory
        self._lock = asyncio.Lock()
        self._facts: list[Facts]
        if previous is None:
            self._facts, fits = [_facts(job.models)], [job.fits]
        else:
            kept = mappings(read_list(previous.path / LEARNED))[-_MAX_ENTRIES:]
            self._facts = [*kept] or [{}]
            fits = [_fits(job, facts) for facts in self._facts]
        *self.earlier, self.latest = fits
        # Earlier runs cut by what was learned before this one, or by nothing.
        before = {name: model.learned.before for name, model in job.models.items()}
        self._before: list[Facts] = [before, {}] if _any_facts(self._facts[0]) else []
        self._cut_before: list[FitsByNode] | None = None

    @property
    def have_changed(self) -> bool:
        """Whether answers may be stored under other cuts than the latest."""
        return bool(self.earlier or self._before)

    async def of_earlier_runs(self) -> list[FitsByNode]:
        """Return the fits of earlier runs, whose answers may be stored."""
        async with self._lock:
            if self._cut_before is None:
                self._cut_before = []
                for facts in self._before:
                    with suppress(ConfigError):
                        self._cut_before.append(await offload(_fits, self._job, facts))
            return self._cut_before

    async def begin(self) -> None:
        """Save the facts learned before the run."""
        if _any_facts(self._facts[0]):
            await self._keep()

    async def renewed(self, node: Node, model: Model, used: Fit) -> Fit | None:
        """Return the fit by current facts; None if it equals the one *used*, or nothing fits."""
        async with self._lock:
            facts = _facts(self._job.models)
            if facts != self._facts[-1]:
                try:
                    fits = await offload(_fits, self._job, facts)
                except ConfigError as error:
                    log.warning("context.too_small", analyzer=node.name, error=str(error))
                    return None
                self.earlier, self.latest = [*self.earlier, self.latest], fits
                self._facts.append(facts)
                await self._keep()
        fit = self.latest[node.name, model.name]
        return None if fit == used else fit

    async def _keep(self) -> None:
        await self._directory.write_pages({LEARNED: list(self._facts)})


def _any_facts(facts: Facts) -> bool:
    return any(value for by_name in facts.values() for value in by_name.values())


def _facts(models: Mapping[str, Model]) -> Facts:
    return {name: model.learned.facts() for name, model in models.items()}


def _fits(job: Job, facts: Facts) -> FitsByNode:
    """Return the fits of *job* by the untrusted *facts*; raise ConfigError."""
    learned = {name: read_learned(section(facts, name)) for name in job.models}
    models = {name: replace(m, learned=learned[name]) for name, m in job.models.items()}
    fitter = Fitter(job.settings, job.analyzers, job.shown, job.variables, job.shared)
    return fitter.fits(job.pipeline.stages, models)
