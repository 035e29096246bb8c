"""The planned jobs of a sweep, from the `multirun.yaml` that Hydra writes before the first."""

import math
import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice, product
from pathlib import Path
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import RangeSweep
from hydra.errors import HydraException

from runner.base.json import amount, at, listing, read_yaml, section

_HYDRAS = re.compile(r"-|[+~]*['\"]?\s*hydra\b")
MAX_JOBS = 10_000  # of a sweep


@dataclass(frozen=True)
class PlannedJob:
    """One job of a sweep: its run directory and its overrides."""

    path: Path
    overrides: tuple[str, ...]


def planned_jobs(folder: Path) -> list[PlannedJob]:
    """Return the jobs of the sweep in *folder*, begun or not, in order.

    Empty if they are unknown: no `multirun.yaml`, an adaptive sweeper, or job directories that
    are not numbered. Empty, too, if an override is one of Hydra's own: those may name code to
    run, and run directories are untrusted.
    """
    hydra = section(read_yaml(folder / "multirun.yaml"), "hydra")
    sweeper = section(hydra, "sweeper")
    numbered = at(hydra, "sweep", "subdir") == "${hydra.job.num}"
    kind = str(sweeper.get("_target_")).rpartition(".")[2]
    if not numbered or kind not in ("BasicSweeper", "ShuffledSweeper"):
        return []
    arguments = [f"{key}={value}" for key, value in section(sweeper, "params").items()]
    arguments += map(str, listing(at(hydra, "overrides", "task")))
    jobs = [] if any(map(_HYDRAS.match, arguments)) else split_sweep(arguments)
    if kind == "ShuffledSweeper":
        jobs = shuffled(jobs, int(amount(sweeper.get("seed"))))
    return [PlannedJob(folder / str(number), tuple(job)) for number, job in enumerate(jobs)]


def shuffled(jobs: Sequence[list[str]], seed: int) -> list[list[str]]:
    """Return *jobs* in the order of *seed*, the same on every machine."""
    return random.Random(seed).sample(jobs, len(jobs))


def split_sweep(arguments: Sequence[str]) -> list[list[str]]:
    """Return each job's overrides by Hydra's basic sweeper; empty if refused or over MAX_JOBS."""
    values: dict[str, list[str]] = {}  # the last override of a key counts
    try:
        for override in OverridesParser.create().parse_overrides(list(arguments)):
            key = override.get_key_element()
            held: Any = override.value()
            is_range = isinstance(held, RangeSweep)
            if is_range and abs((held.stop - held.start) / held.step) > MAX_JOBS:
                return []  # Hydra makes a list of a range to be shuffled
            if not override.is_sweep_override():
                values[key] = [f"{key}={override.get_value_element_as_str()}"]
            elif override.is_discrete_sweep():
                chosen = islice(override.sweep_string_iterator(), MAX_JOBS + 1)
                values[key] = [f"{key}={value}" for value in chosen]
            else:
                return []
    except (HydraException, ArithmeticError, AttributeError, RecursionError, TypeError, ValueError):
        return []  # not written by Hydra
    if math.prod(map(len, values.values())) > MAX_JOBS:
        return []
    return [list(job) for job in product(*values.values())]


def runs_side_by_side(folder: Path) -> bool:
    """Return whether the launcher of the sweep in *folder* ran jobs at the same time."""
    target = at(read_yaml(folder / "multirun.yaml"), "hydra", "launcher", "_target_")
    return target is not None and not str(target).endswith(".BasicLauncher")
