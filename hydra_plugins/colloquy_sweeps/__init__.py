"""Hydra callback that records each sweep at its start, for launchers with separate processes."""

from pathlib import Path
from typing import Any

from hydra.experimental.callback import Callback
from omegaconf import DictConfig, OmegaConf


class NoteSweep(Callback):
    """Configured in `conf/hydra/default.yaml`; runs in the process that starts the sweep.

    Hydra loads this module twice and pickles the class, so it must have no state.
    """

    def on_multirun_start(self, config: DictConfig, **_: Any) -> None:
        """Record the directory of the sweep, unless it is only planned."""
        from runner.run.remote import SWEEPS

        sweeps = SWEEPS.get(None)
        if sweeps is not None and not OmegaConf.select(config, "plan"):
            sweeps.append(Path(str(config.hydra.sweep.dir)).absolute())
