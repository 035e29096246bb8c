"""Command line: expands and checks arguments before Hydra, and explains Hydra's errors."""

import math
import re
from collections.abc import Sequence
from importlib.resources import files
from itertools import islice
from pathlib import Path
from string import Template

import yaml
from hydra.errors import HydraException
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from runner.base.errors import ConfigError, did_you_mean, one_line
from runner.base.secrets import refuse_secrets, secrets_of
from runner.config.schema import known_keys, nearest_key

# The first of these wins: signals, bug, disk and account come before failed analyzers.
PRECEDENCE = (130, 143, 1, 8, 5, 6, 75, 9, 7, 2, 4, 3)

MAX_YAML_BYTES = 1_000_000
MAX_YAML_ALIASES = 100
MAX_YAML_NODES = 100_000
_ALIAS = re.compile(rb"[\s,\[{:]\*[\w-]")

_OVERRIDE = re.compile(r"Could not override '([^']+)'")
_GROUP = re.compile(r"Could not find '([^'/]+)/([^']+)'")
_LAUNCHER = re.compile(r"'hydra/launcher/(ray|submitit_local|submitit_slurm)'")
_IPV6_ADDRESS = re.compile(r"https?://\[[^\[\],]*\][^,\s]*")  # brackets are Hydra's lists
_LOOKS_LIKE_PATH = re.compile(r"[/\\.*?~]")
_CONFIG_FOLDERS = ("--config-d", "-cd", "--config-p", "-cp")  # argparse takes unambiguous prefixes
# Options that make Hydra do anything but one run, with the prefixes that argparse takes.
_ACTIONS = ("-m", "-r", "-i", "-s", "-h", "--m", "--r", "--i", "--s", "--h", "--e", "--v", "--cf")
_WITH_VALUE = frozenset(
    {"--config-dir", "-cd", "--config-name", "-cn", "--config-path", "-cp", "--package", "-p"}
    | {"--cfg", "-c"}
)


def expand_arguments(arguments: Sequence[str]) -> list[str]:
    """Return options before overrides, and `transcript=PATH` as Hydra's overrides for a file.

    A value that names a choice of the group `transcript` is unchanged; an address with brackets
    (IPv6) is quoted. `sweep=NAME` adds
    `--multirun` unless an option asks for another action.
    """
    options: list[str] = []
    overrides: list[str] = []
    remaining = iter(arguments)
    for argument in remaining:
        if not argument.startswith("-"):
            overrides.append(argument)
            continue
        options.append(argument)
        if argument in _WITH_VALUE:
            options += islice(remaining, 1)
    sweeping = bool({"-m", "--multirun"} & set(options))
    if any(override.startswith(("sweep=", "+sweep=")) for override in overrides):
        sweeping = True
        if not any(option.startswith(_ACTIONS) or option == "-c" for option in options):
            options.append("--multirun")
    return options + [part for override in overrides for part in _expand(override, sweeping)]


def _expand(override: str, sweeping: bool) -> list[str]:
    name, _, value = override.partition("=")
    if _IPV6_ADDRESS.fullmatch(value):
        return [f"{name}={quote(value)}"]
    if name != "transcript":
        return [override]
    parts = value.split(",") if sweeping and not Path(value).exists() else [value]
    names = _choices("transcript")
    if not all(_LOOKS_LIKE_PATH.search(p) or (Path(p).is_dir() and p not in names) for p in parts):
        return [override]
    return ["transcript=file", f"transcript.path={','.join(map(quote, parts))}"]


def help_page() -> str:
    """Return the text of `--help`; Hydra would first compose a run and list all groups."""
    text = files("conf").joinpath("hydra/default.yaml").read_text(encoding="utf-8")
    settings = OmegaConf.create({"hydra": OmegaConf.create(text)})
    return Template(str(settings.hydra.help.template)).substitute()


def check_arguments(arguments: Sequence[str]) -> None:
    """Check arguments before Hydra reads or writes anything.

    Raises ConfigError for the value of a key among the arguments and for a configuration
    folder whose files could exhaust memory when parsed.
    """
    refuse_secrets(arguments, secrets_of())
    remaining = iter(arguments)
    for argument in remaining:
        name, joined, value = argument.partition("=")
        if name.startswith(_CONFIG_FOLDERS):
            _check_folder(Path(value if joined else next(remaining, "")))


def _check_folder(folder: Path) -> None:
    """Raise ConfigError for YAML that is too large, by itself or with its aliases expanded."""
    for file in filter(Path.is_file, folder.rglob("*.yaml")):
        if file.stat().st_size > MAX_YAML_BYTES:
            raise ConfigError(f"{file} has more than {MAX_YAML_BYTES:,} bytes")
        data = file.read_bytes()
        aliases = len(_ALIAS.findall(data))
        if aliases > MAX_YAML_ALIASES:
            raise ConfigError(f"{file} has {aliases} aliases, expected at most {MAX_YAML_ALIASES}")
        deep = data.count(b"[") + data.count(b"{") > MAX_YAML_ALIASES or b"- - - -" in data
        if (aliases or deep) and _expanded_size(data) > MAX_YAML_NODES:
            raise ConfigError(
                f"{file} is nested too deep, or has more than {MAX_YAML_NODES:,} values once its "
                f"aliases are expanded"
            )


def _expanded_size(data: bytes) -> float:
    """Return how many values YAML *data* has with its aliases expanded, inf if without end."""
    sizes: dict[int, float] = {}

    def size(node: yaml.Node) -> float:
        if id(node) not in sizes:
            sizes[id(node)] = math.inf  # for an alias to a node that contains it
            parts = node.value if isinstance(node, yaml.CollectionNode) else []
            pairs = isinstance(node, yaml.MappingNode)
            inner = [part for pair in parts for part in pair] if pairs else parts
            sizes[id(node)] = 1 + sum(size(part) for part in inner)
        return sizes[id(node)]

    try:
        root = yaml.compose(data, Loader=yaml.SafeLoader)
        return size(root) if root is not None else 0
    except yaml.YAMLError:
        return 0  # Hydra reports it
    except RecursionError:
        return math.inf


def worst_exit_code(codes: Sequence[int]) -> int:
    """Return the exit code of a process whose jobs ended with *codes*."""
    return next((code for code in PRECEDENCE if code in codes), max(codes, default=0))


def explain_hydra_error(error: BaseException) -> str | None:
    """Return one line for a configuration error of Hydra, None for any other exception."""
    if type(error).__module__.startswith("yaml"):
        return f"a configuration file is not YAML: {one_line(str(error))}"
    if isinstance(error, ValueError) and "Config group override" in str(error):
        return "a config group is set to null: expected GROUP=CHOICE, see colloquy --help"
    if "OptunaSweeper" in str(error) or "hydra/sweeper/optuna" in str(error):
        return "tuning needs the extra: pip install -e '.[optuna]'"
    if missing := _LAUNCHER.search(str(error)):
        extra = "ray" if missing[1] == "ray" else "slurm"
        return f"hydra/launcher={missing[1]} needs the extra: pip install -e '.[{extra}]'"
    if isinstance(error, RuntimeError) and '"srun"' in str(error):
        return "hydra/launcher=submitit_slurm: Slurm is not installed (no srun on the path)"
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


def quote(value: str) -> str:
    """Return *value* quoted in Hydra's grammar, with interpolations escaped."""
    escaped = value.replace("'", "\\'").replace("${", "\\${")
    return f"'{escaped}'"
