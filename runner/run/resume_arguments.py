"""Arguments of `resume=DIR`, and the directory from which relative paths count."""

import os
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException

from runner.base.errors import ConfigError, one_line
from runner.base.json import at, mapping, read_yaml, section, text
from runner.base.regular_files import SHELL, folders_in, kind_of, user_path
from runner.base.text import print_stderr, to_terminal
from runner.config.schema import FILES
from runner.job.build import PACKAGE_PREFIX
from runner.record.run_directory import root_above
from runner.record.signature import fault_of
from runner.run.cli.command_line import quote

FLAGS = ("allow_changed", "retry_failed", "trusted")


def split_arguments(
    arguments: Sequence[str],
) -> tuple[Path, dict[str, bool], list[str], list[Path]]:
    """Return the directory, the flags, the other overrides and the folders of `--config-dir`."""
    path, flags = Path(), dict.fromkeys(FLAGS, False)
    overrides, config_dirs = list[str](), list[Path]()
    if len(named := [each for each in arguments if each.startswith("resume=")]) > 1:
        raise ConfigError(f"{' '.join(named)}: expected one directory")
    remaining = iter(arguments)
    for argument in remaining:
        name, joined, value = argument.partition("=")
        if name in ("--config-dir", "-cd"):
            config_dirs.append(user_path(value if joined else next(remaining, "")))
        elif argument.startswith("-"):
            raise ConfigError(f"resume takes overrides only, not {argument}")
        elif name == "resume":
            if not value:
                raise ConfigError("resume=: expected the directory of a run, a batch or a sweep")
            path = user_path(value)
        elif name in FLAGS:
            if value not in ("true", "false"):
                raise ConfigError(f"{argument}: expected {name}=true or {name}=false")
            flags[name] = value == "true"
        else:
            overrides.append(argument)
    return path, flags, overrides, config_dirs


def parsed(overrides: Sequence[str]) -> list[Override]:
    """Return *overrides*, in Hydra's grammar, parsed; raise ConfigError."""
    try:
        return OverridesParser.create().parse_overrides(list(overrides))
    except HydraException as error:
        raise ConfigError(one_line(str(error))) from error


def enter_start(arguments: Sequence[str]) -> list[str]:
    """Enter the directory in which the signed run that *arguments* resume was started, if known.

    Relative paths of its configuration count from there. Returns *arguments*, whose relative
    paths count from here, then with absolute ones.
    """
    path, flags, overrides, config_dirs = split_arguments(arguments)
    start = start_of(path)
    if start is None:
        return list(arguments)
    place = os.path.abspath(path)  # noqa: PTH100 - as in `start_of`
    given = [f"--config-dir={folder.resolve()}" for folder in config_dirs]
    given += [f"{flag}=true" for flag, is_set in flags.items() if is_set]
    given += map(_from_here, overrides)
    SHELL.folder = Path.cwd()
    os.chdir(start)
    print_stderr(to_terminal(f"colloquy: resumed in {start}, where it was started"))
    return [f"resume={place}", *given]


def start_of(path: Path) -> Path | None:
    """Return the directory in which the signed run or sweep in *path* was started.

    None if that is this one, or unknown: it is the one from which a relative `output.dir` leads
    to the run.
    """
    place = Path(os.path.abspath(path))  # noqa: PTH100 - `output.dir` may be a link
    root = root_above(place)
    if root is None or kind_of(place) != "directory" or fault_of(place) is not None:
        return None
    signed = (folder for folder in (place, *folders_in(place)) if fault_of(folder) is None)
    configs = (read_yaml(folder / "config/resolved.yaml") for folder in signed)
    inside = text(section(next(filter(None, configs), {}), "output").get("dir"))
    start = Path(str(root).removesuffix(str(Path(inside))))
    known = inside and not Path(inside).is_absolute() and start / inside == root
    return start if known and start.resolve() != Path.cwd() else None


def count_from_start(path: Path, *configs: dict[str, Any]) -> None:
    """Make the relative paths in *configs* absolute if the run in *path* was started elsewhere."""
    if (start := start_of(path)) is None:
        return
    for stored, key in product(configs, (*FILES, "output.dir")):
        *above, last = key.split(".")
        inside = at(stored, *above)
        value = text(mapping(inside).get(last))
        if value and not value.startswith(("$", PACKAGE_PREFIX)):
            inside[last] = str(start / user_path(value))


def from_here(path: Path, overrides: Sequence[str]) -> list[str]:
    """Return *overrides* with the paths of files of the user made absolute.

    They stay as they are if the run in *path* was started here, or it is unknown where.
    """
    return list(overrides) if start_of(path) is None else list(map(_from_here, overrides))


def _from_here(override: str) -> str:
    if (key := override.partition("=")[0]) not in FILES:
        return override
    value = parsed([override])[0].value()
    if not isinstance(value, str) or value.startswith(("$", PACKAGE_PREFIX)):
        return override
    return f"{key}={quote(str(Path.cwd() / user_path(value)))}"
