"""What benchmarks share: the sample's latencies, a run, a simulated provider, memory in use."""

import io
import resource
import tempfile
from collections.abc import Sequence
from contextlib import redirect_stderr
from importlib.resources import files
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from runner.config.simulate import SimulateSettings
from runner.job.build import build_job
from runner.run.cli.compose import compose_config
from runner.run.execute import execute_job
from runner.run.session import Session

SAMPLE = Path(__file__).resolve().parents[1] / "samples/sample1.md"
LATENCY_S = {
    "say_means": 1.2,
    "perspective_perception": 0.9,
    "premises_assertions": 0.6,
    "postulate_theorem": 1.5,
    "competing_hypotheses": 0.9,
    "first_principles": 1.5,
    "determining_factors": 1.2,
    "patentability": 0.6,
}


def run_once(folder: Path, overrides: Sequence[str]) -> Path:
    """Run the sample in this process and return its new directory under *folder*.

    Raises SystemExit unless all analyzers succeed.
    """
    path, codes = Path(tempfile.mkdtemp(dir=folder)), list[int]()
    quiet = (f"output.dir={folder}", "output.console=quiet", "reuse=off")
    job = build_job(compose_config(*quiet, *overrides))
    with redirect_stderr(io.StringIO()):
        Session(codes).run(lambda shared: execute_job(job, shared, run_path=path))
    if codes != [0]:
        raise SystemExit(f"{' '.join(overrides)}: exit {codes[0]}, see {path}")
    return path


def provider(**values: Any) -> SimulateSettings:
    """Return the simulated provider's settings as shipped, but for its times and *values*."""
    text = files("conf").joinpath("model/simulated.yaml").read_text(encoding="utf-8")
    shipped = OmegaConf.to_container(OmegaConf.create(text))
    assert isinstance(shipped, dict)
    still = {"per_token_s": 0.0, "per_prompt_token_s": 0.0}
    return SimulateSettings.model_validate({**shipped["simulate"], **still, **values})


def rss_mib() -> float:
    """Return the memory that this process holds now."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize() / (1 << 20)


def peak_mib() -> float:
    """Return the most memory that this process has held; ru_maxrss may be its parent's."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    (found,) = (line.split()[1] for line in lines if line.startswith("VmHWM:"))
    return int(found) / 1024
