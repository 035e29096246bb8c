"""Hydra job: the job of the configuration that Hydra composed last, for any process."""

from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

from runner.base.json import read_json
from runner.base.secrets import refuse_keys
from runner.config.resolve import resolve
from runner.config.schema import validate

Job = Callable[[Any], Awaitable[Any]]


def job_directory() -> Path:
    """Return the directory of the job that Hydra composed last."""
    return Path(HydraConfig.get().runtime.output_dir)


def hydra_job(cfg: DictConfig, *, in_sweep: bool, begun: bool = False) -> Job:
    """Return the job of *cfg*, as Hydra composed it.

    *begun*: its directory holds an earlier session, whose answers are kept.
    """
    hydra_config = HydraConfig.get()
    sources = hydra_config.runtime.config_sources
    folders = [Path(s.path) for s in sources if s.schema == "file" and s.provider != "schema"]
    # As typed: an override that names ${oc.env:…} must not put its value into a file.
    typed: Any = OmegaConf.to_container(hydra_config.overrides.task, resolve=False)
    overrides = [str(override) for override in typed]
    directory = job_directory()
    path = directory if directory.resolve() != Path.cwd().resolve() else None
    data = None if in_sweep else resolve(cfg)  # a sweep's jobs are built, and fail, one by one
    if data is not None:
        refuse_keys(data)
        validate(data)
    # Imported late: most mistakes are reported before.
    from runner.job.build import build_job

    build = partial(build_job, cfg, config_folders=folders, overrides=overrides)
    built = None if in_sweep else build(data=data)

    from runner.record.reuse import PreviousSession
    from runner.record.run_directory import INPUTS
    from runner.run.execute import execute_job, resume_job
    from runner.run.resume import Resumption

    async def execute(shared: Any) -> Any:
        job = built or build(known=read_json(path / INPUTS) if begun and path else ())
        if begun and path:
            return await resume_job(Resumption(job, PreviousSession(path)), shared)
        return await execute_job(job, shared, run_path=path, in_sweep=in_sweep)

    return execute
