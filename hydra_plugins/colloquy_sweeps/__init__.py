"""Hydra callback that records each sweep at its start, for launchers with separate processes."""

from pathlib import Path
from typing import Any

from hydra.experimental.callback import Callback
from omegaconf import DictConfig, OmegaConf


class NoteSweep(Callback):
    """Configured in `conf/hydra/default.yaml`; runs in the process that starts the sweep.

    Hydra loads this module twice and pickles the class, so it must have no state.
    """

    def on_run_start(self, config: DictConfig, **_: Any) -> None:
        """End the process if Hydra would write a key that a configuration file holds."""
        from omegaconf.errors import OmegaConfBaseException

        from runner.base.command import print_error
        from runner.base.errors import ConfigError
        from runner.base.secrets import refuse_keys

        data: Any = OmegaConf.to_container(config, resolve=False)
        try:
            paths = [str(OmegaConf.select(config, f"hydra.{n}.dir")) for n in ("run", "sweep")]
            refuse_keys(data, *paths)
        except OmegaConfBaseException:  # the job reports it in one line
            return
        except ConfigError as error:  # Hydra makes other exceptions of callbacks warnings
            raise SystemExit(print_error(error)) from error

    def on_multirun_start(self, config: DictConfig, **_: Any) -> None:
        """Record the directory of the sweep, and whether it is only planned."""
        from runner.base.command import print_error
        from runner.base.errors import OutputError
        from runner.run.remote import SWEEPS

        self.on_run_start(config)
        sweeps = SWEEPS.get(None)
        if sweeps is not None:
            sweep = Path(str(config.hydra.sweep.dir)).absolute()
            if (sweep / "multirun.yaml").is_symlink():  # Hydra would write where it leads
                error = OutputError(f"{sweep / 'multirun.yaml'} is a link, expected no such file")
                raise SystemExit(print_error(error))
            sweeps[sweep] = bool(OmegaConf.select(config, "plan"))
