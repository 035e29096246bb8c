"""The command line before and after Hydra: conveniences in, one clear error line out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from importlib.resources import files
from itertools import islice
from pathlib import Path

from hydra.errors import HydraException
from omegaconf.errors import OmegaConfBaseException

from runner.errors import did_you_mean, one_line
from runner.settings import known_keys, nearest_key

# When several apply, the first of these wins (reliability policy: signals, bug, disk, account).
PRECEDENCE = (130, 143, 1, 8, 5, 6, 75, 9, 7, 2, 4, 3)

_OVERRIDE = re.compile(r"Could not override '([^']+)'")
_GROUP = re.compile(r"Could not find '([^'/]+)/([^']+)'")
_LOOKS_LIKE_PATH = re.compile(r"[/\\.*?~]")
_WITH_VALUE = frozenset(
    {"--config-dir", "-cd", "--config-name", "-cn", "--config-path", "-cp", "--package", "-p"}
    | {"--cfg", "-c"}
)


def expand_arguments(arguments: Sequence[str]) -> list[str]:
    """Put options before overrides, and let `transcript=FILE` name a file directly.

    A value that names a choice of the config group stays as it is.
    """
    options: list[str] = []
    overrides: list[str] = []
    given = iter(arguments)
    for argument in given:
        if not argument.startswith("-"):
            overrides.append(argument)
            continue
        options.append(argument)
        if argument in _WITH_VALUE:
            options += islice(given, 1)
    sweeping = bool({"-m", "--multirun"} & set(options))
    sweeping = sweeping or any(override.startswith("sweep=") for override in overrides)
    return options + [part for override in overrides for part in _expand(override, sweeping)]


def _expand(override: str, sweeping: bool) -> list[str]:
    name, _, value = override.partition("=")
    if name != "transcript":
        return [override]
    parts = value.split(",") if sweeping and not Path(value).exists() else [value]
    if not all(_LOOKS_LIKE_PATH.search(part) for part in parts):
        return [override]
    return ["transcript=file", f"transcript.path={','.join(map(_quote, parts))}"]


def worst_exit_code(codes: Sequence[int]) -> int:
    """Return the code a process ends with when its jobs ended with *codes*."""
    return next((code for code in PRECEDENCE if code in codes), max(codes, default=0))


def explain_hydra_error(error: BaseException) -> str | None:
    """Return one line for a configuration error of Hydra's, or None if it is something else."""
    if type(error).__module__.startswith("yaml"):
        return f"a configuration file is not YAML: {one_line(str(error))}"
    if isinstance(error, ValueError) and "Config group override" in str(error):
        return "a config group is set to null: expected GROUP=CHOICE, see colloquy --help"
    if not isinstance(error, HydraException | OmegaConfBaseException):
        return None
    text = " ".join(str(link) for link in (error, error.__cause__) if link is not None)
    if match := _GROUP.search(text):
        group, choice = match[1], match[2]
        return f"{group}={choice}: no such choice{did_you_mean(choice, _choices(group))}"
    if match := _OVERRIDE.search(text):
        path = match[1].split(".")
        if path[0] == "analyzers" and path[1] not in _choices("analyzer"):
            return f"unknown analyzer '{path[1]}'{did_you_mean(path[1], _choices('analyzer'))}"
        if path[-1] in known_keys(path[:-1]):
            return f"{match[1]}: to add a key inside it, write +{match[1]}.KEY=VALUE"
        return f"unknown key '{match[1]}'{nearest_key(path)}"
    return one_line(text)


def _choices(group: str) -> list[str]:
    folder = files("conf").joinpath(group)
    if not folder.is_dir():
        return []
    names = [entry.name.removesuffix(".yaml") for entry in folder.iterdir()]
    return [name for name in names if name != "base" and not name.startswith("_")]


def _quote(value: str) -> str:
    """Quote for Hydra's override grammar and against OmegaConf's interpolation."""
    escaped = value.replace("'", "\\'").replace("${", "\\${")
    return f"'{escaped}'"
