"""Composing the configuration with Hydra 1.3 or 1.4, whose entry points differ."""

import inspect
import os
import warnings
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import hydra
from omegaconf import DictConfig, OmegaConf

# Hydra 1.4 asks what its configuration may call beside plugins; 1.3 asks for its own defaults.
_CALLABLE = ("hydra_plugins.*", "optuna.samplers.*")
_IS_1_3 = "execution_whitelist" not in inspect.signature(hydra.main).parameters
HYDRA_DOCS = f"https://hydra.cc/docs/{'.'.join(hydra.__version__.split('.')[:2])}/"
_VERSION: dict[str, Any] = {"version_base": "1.3"} if _IS_1_3 else {}
_MAIN: dict[str, Any] = _VERSION or {"execution_whitelist": _CALLABLE}


def hydra_main(task: Callable[[DictConfig], Any]) -> Callable[[], None]:
    """Return a function that composes by `sys.argv` and calls *task* for the run or each job."""
    warnings.filterwarnings("error", message="provider=.* is not available")  # a folder
    main: Callable[[], None] = hydra.main(config_path="pkg://conf", config_name="config", **_MAIN)(
        task
    )
    return main


def compose_config(*overrides: str, with_hydra: bool = False) -> DictConfig:
    """Return the shipped configuration with *overrides*, and with Hydra's own if *with_hydra*."""
    with hydra.initialize_config_module("conf", **_VERSION):
        return hydra.compose("config", list(overrides), return_hydra_config=with_hydra)


def register_resolvers() -> None:
    """Register `${utc:}`, `${short_id:}`, `${hydra_docs:}` and `${minimize:LIST}`."""
    register: Any = OmegaConf.register_resolver  # of OmegaConf 2.4; in 2.3 this is another function
    if "use_cache" not in inspect.signature(register).parameters:
        register = OmegaConf.register_new_resolver
    register("hydra_docs", lambda: HYDRA_DOCS, use_cache=True, replace=True)
    register("utc", lambda: f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}", use_cache=True, replace=True)
    register("minimize", lambda names: ["minimize"] * len(names), use_cache=False, replace=True)
    register("short_id", lambda: os.urandom(3).hex(), use_cache=True, replace=True)
