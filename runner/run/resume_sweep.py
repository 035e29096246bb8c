"""Resume of a sweep: its missing runs, from the files that it has left."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from hydra.errors import HydraException
from omegaconf.errors import OmegaConfBaseException

from runner.base.command import print_error
from runner.base.errors import ConfigError, one_line
from runner.base.json import read_yaml
from runner.base.regular_files import kind_of
from runner.config.schema import Settings, validate
from runner.job.build import resolve
from runner.record.signature import ALTERED, fault_of
from runner.reports.compare.planned_jobs import PlannedJob, planned_jobs
from runner.reports.stored_run import MAX_DEPTH, find_runs, is_run, read_run
from runner.run.cli.command_line import quote, search_path
from runner.run.cli.compose import compose_config
from runner.run.resume import wanted_settings
from runner.run.resume_arguments import split_arguments
from runner.run.trust import permit, refuse_interpolations, refuse_paths_outside


@dataclass(frozen=True)
class SweepResumption:
    """Missing runs of a sweep: arguments for each run to *finish* and each to *start*.

    *known*: whether its plan says which runs it has; if not, none can be started.
    """

    path: Path
    finish: list[list[str]]
    start: list[list[str]]
    known: bool


def read_sweep(arguments: Sequence[str]) -> SweepResumption | None:
    """Return the missing runs of the sweep that `resume=DIR` names, None if DIR is not a sweep.

    Raises ConfigError, without `trusted=true`, if this user has not signed one of them.
    """
    path, flags, overrides, config_dirs = split_arguments(arguments)
    if is_run(path) or kind_of(path) != "directory":
        return None
    plan = path / "multirun.yaml"
    is_sweep = kind_of(plan) == "file"  # which some sweepers do not write
    if not is_sweep and path.name in ("runs", "batches"):
        return None
    runs = [read_run(found) for found in find_runs(path, depth=MAX_DEPTH if is_sweep else 1)]
    planned = planned_jobs(path)
    if not runs and not planned:
        return None
    if is_sweep and not read_yaml(plan).get("hydra"):
        raise ConfigError(
            f"{plan} is damaged, so the missing runs of the sweep are unknown: resume its runs one "
            f"by one, such as resume={next((r.path for r in runs if not r.completed), path / '0')}"
        )
    if linked := next((job.path for job in planned if job.path.is_symlink()), None):
        raise ConfigError(f"{linked} is a link, expected the directory of a job")
    rest = [argument for argument in arguments if not argument.startswith("resume=")]
    begun = [run.path for run in runs if not run.completed or run.status == "degraded"]
    missing = [job for job in planned if not is_run(job.path)]
    faults = {run: fault for run in begun if (fault := fault_of(run)) is not None}
    wanted = list(_stored_settings(faults, overrides, config_dirs))
    fault = fault_of(path)
    if fault is not None and (missing or fault.endswith(ALTERED)):
        faults[path] = fault
        known = dict(_planned_settings(missing, overrides, config_dirs))
        missing, wanted = [*known], [*wanted, *known.values()]
    if faults:
        permit(path, [*faults.values()][-1], wanted, config_dirs, trusted=flags["trusted"])
    search = [search_path(config_dirs)] if config_dirs else []
    single = [*overrides, "hydra.mode=RUN"]
    start = [
        [*search, *job.overrides, *single, f"hydra.run.dir={quote(str(job.path.absolute()))}"]
        for job in missing
    ]
    return SweepResumption(path, [[f"resume={run}", *rest] for run in begun], start, bool(planned))


def _stored_settings(
    faults: Mapping[Path, str], overrides: Sequence[str], config_dirs: Sequence[Path]
) -> Iterator[Settings]:
    """Yield the settings of unsigned runs, except those that `read_resumption` will refuse."""
    for path, fault in faults.items():
        with suppress(ConfigError):
            yield wanted_settings(path, fault, overrides, config_dirs)[2]


def _planned_settings(
    jobs: Sequence[PlannedJob], overrides: Sequence[str], config_dirs: Sequence[Path]
) -> Iterator[tuple[PlannedJob, Settings]]:
    """Yield the jobs of an unsigned sweep with their settings; print why one is left out."""
    for job in jobs:
        try:
            refuse_interpolations(job.path.parent / "multirun.yaml", list(job.overrides))
            cfg = compose_config(search_path(config_dirs), *job.overrides, *overrides)
            settings = validate(resolve(cfg))
            refuse_paths_outside(job.path, settings, overrides)
        except (ConfigError, HydraException, OmegaConfBaseException) as error:
            print_error(ConfigError(f"{job.path} is not started: {one_line(str(error))}"))
        else:
            yield job, settings
