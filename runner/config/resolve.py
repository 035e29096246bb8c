"""Resolution of the composed configuration into plain data."""

from typing import Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from runner.base.errors import ConfigError, one_line


def resolve(cfg: DictConfig) -> dict[str, Any]:
    """Return *cfg* as plain data with interpolations resolved.

    Raises ConfigError for missing values and interpolations that cannot be resolved.
    """
    try:
        missing = sorted(OmegaConf.missing_keys(cfg))
        if missing:
            raise ConfigError(f"'{missing[0]}' is required: add {missing[0]}=… to the command")
        data = OmegaConf.to_container(cfg, resolve=True)
    except OmegaConfBaseException as error:
        key = getattr(error, "full_key", None) or "the configuration"
        raise ConfigError(f"{key}: {one_line(str(error.args[0]))}") from error
    assert isinstance(data, dict)
    return {str(key): value for key, value in data.items()}
