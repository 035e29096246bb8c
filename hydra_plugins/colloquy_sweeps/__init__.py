"""Notes each sweep as it begins, for launchers whose jobs run in processes of their own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hydra.experimental.callback import Callback
from omegaconf import DictConfig, OmegaConf


class NoteSweep(Callback):
    """Named in `conf/hydra/default.yaml`; called where a sweep is started, wherever its jobs run.

    Hydra loads this module twice, so that pickle takes the class along: it must hold nothing.
    """

    def on_multirun_start(self, config: DictConfig, **_: Any) -> None:
        """Remember where the sweep that *config* describes will lie; a plan leaves none."""
        from runner.run.remote import SWEEPS

        begun = SWEEPS.get(None)
        if begun is not None and not OmegaConf.select(config, "plan"):
            begun.append(Path(str(config.hydra.sweep.dir)).absolute())
