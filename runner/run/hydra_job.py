"""Hydra job: the job of the configuration that Hydra composed last, for any process."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

from runner.base.secrets import refuse_keys
from runner.config.resolve import resolve
from runner.config.schema import validate

Job = Callable[[Any], Awaitable[Any]]


def job_directory() -> Path:
    """Return the directory of the job that Hydra composed last."""
    return Path(HydraConfig.get().runtime.output_dir)


def hydra_job(cfg: DictConfig, *, in_sweep: bool, begun: bool = False) -> Job:
    """Return the job of *cfg*, as Hydra composed it; *begun* as in `execute_job`."""
    hydra_config = HydraConfig.get()
    sources = hydra_config.runtime.config_sources
    folders = [Path(s.path) for s in sources if s.schema == "file" and s.provider != "schema"]
    # As typed: an override that names ${oc.env:…} must not put its value into a file.
    typed: Any = OmegaConf.to_container(hydra_config.overrides.task, resolve=False)
    overrides = [str(override) for override in typed]
    output_dir = job_directory()
    here = output_dir.resolve() == Path.cwd().resolve()
    built = None
    if not in_sweep:  # a sweep's jobs are built, and fail, one by one
        data = resolve(cfg)
        refuse_keys(data)
        validate(data)  # report most mistakes before the slow imports
        from runner.job.build import build_job

        built = build_job(cfg, data=data, config_folders=folders, overrides=overrides)

    from runner.run.execute import execute_job  # imported late for fast errors

    return lambda shared: execute_job(
        cfg,
        job=built,
        config_folders=folders,
        overrides=overrides,
        run_path=None if here else output_dir,
        shared=shared,
        in_sweep=in_sweep,
        begun=begun,
    )
