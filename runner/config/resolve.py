"""Resolution of the composed configuration into plain data."""

import re
from collections.abc import Mapping
from typing import Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from runner.base.errors import ConfigError, one_line
from runner.config.guide import with_guide


def resolve(
    cfg: DictConfig, *, guided: bool = True, kept: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return *cfg* as plain data, with the questions of its guide unless not *guided*.

    *kept* is as for `with_guide`. Raises ConfigError for missing values, bad interpolations and a
    guide that cannot be read.
    """
    try:
        try:
            data = OmegaConf.to_container(cfg, resolve=True, throw_on_missing=True)
        except OmegaConfBaseException:
            if missing := sorted(OmegaConf.missing_keys(cfg)):  # as slow as all the rest
                key = missing[0]
                raise ConfigError(f"'{key}' is required: add {key}=… to the command") from None
            raise
    except OmegaConfBaseException as error:
        key = getattr(error, "full_key", None) or "the configuration"
        raise ConfigError(f"{key}: {_reason(str(error.args[0]))}") from error
    assert isinstance(data, dict)
    plain = {str(key): value for key, value in data.items()}
    return with_guide(plain, kept) if guided else plain


def _reason(said: str) -> str:
    """Return OmegaConf's text without its details, and what a file may lack."""
    line = re.sub(r"^\w+ raised while resolving interpolation: ", "", said)
    line = one_line(line.partition("\n    full_key:")[0].strip('"'))
    incomplete = re.search(r"Interpolation key 'model\.\w+' not found|is not an int", line)
    hint = "; a file in model/ needs `defaults: [base]`, or another preset" if incomplete else ""
    if preset := re.search(r"node `(model|processing|transcript)` is not a container", line):
        hint = f"; to choose one in a file, add `override /{preset[1]}: CHOICE` to its defaults"
    return line + hint
