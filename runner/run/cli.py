"""The command line before and after Hydra: conveniences in, one clear error line out."""

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

# When several apply, the first of these wins (reliability policy: signals, bug, disk, account).
PRECEDENCE = (130, 143, 1, 8, 5, 6, 75, 9, 7, 2, 4, 3)

MAX_YAML_BYTES = 1_000_000
MAX_YAML_ALIASES = 100
MAX_YAML_NODES = 100_000
_ALIAS = re.compile(rb"[\s,\[{:]\*[\w-]")

_OVERRIDE = re.compile(r"Could not override '([^']+)'")
_GROUP = re.compile(r"Could not find '([^'/]+)/([^']+)'")
_LAUNCHER = re.compile(r"'hydra/launcher/(ray|submitit_local|submitit_slurm)'")
_LOOKS_LIKE_PATH = re.compile(r"[/\\.*?~]")
_CONFIG_FOLDERS = ("--config-d", "-cd", "--config-p", "-cp")  # argparse takes what is clear
# What Hydra is to do; a run otherwise. argparse takes abbreviations.
_DOING = ("-m", "-r", "-i", "-s", "-h", "--m", "--r", "--i", "--s", "--h", "--e", "--v", "--cf")
_WITH_VALUE = frozenset(
    {"--config-dir", "-cd", "--config-name", "-cn", "--config-path", "-cp", "--package", "-p"}
    | {"--cfg", "-c"}
)


def expand_arguments(arguments: Sequence[str]) -> list[str]:
    """Put options before overrides, and let `transcript=PATH` name files directly.

    A value that names a choice of the config group stays as it is. `sweep=NAME` is a sweep
    unless an option says what else to do.
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
    if any(override.startswith(("sweep=", "+sweep=")) for override in overrides):
        sweeping = True
        if not any(option.startswith(_DOING) or option == "-c" for option in options):
            options.append("--multirun")
    return options + [part for override in overrides for part in _expand(override, sweeping)]


def _expand(override: str, sweeping: bool) -> list[str]:
    name, _, value = override.partition("=")
    if name != "transcript":
        return [override]
    parts = value.split(",") if sweeping and not Path(value).exists() else [value]
    names = _choices("transcript")
    if not all(_LOOKS_LIKE_PATH.search(p) or (Path(p).is_dir() and p not in names) for p in parts):
        return [override]
    return ["transcript=file", f"transcript.path={','.join(map(quote, parts))}"]


def help_page() -> str:
    """Return what `--help` alone says; Hydra would first compose a run and list all groups."""
    text = files("conf").joinpath("hydra/default.yaml").read_text(encoding="utf-8")
    settings = OmegaConf.create({"hydra": OmegaConf.create(text)})
    return Template(str(settings.hydra.help.template)).substitute()


def check_arguments(arguments: Sequence[str]) -> None:
    """Refuse, before Hydra reads or writes anything, what must not get that far.

    Raises ConfigError for a key among the arguments and for a configuration folder whose
    files could exhaust memory when parsed.
    """
    refuse_secrets(arguments, secrets_of())
    given = iter(arguments)
    for argument in given:
        name, joined, value = argument.partition("=")
        if name.startswith(_CONFIG_FOLDERS):
            _check_folder(Path(value if joined else next(given, "")))


def _check_folder(folder: Path) -> None:
    """Refuse YAML that is huge or that multiplies itself by aliases."""
    for file in filter(Path.is_file, folder.rglob("*.yaml")):
        if file.stat().st_size > MAX_YAML_BYTES:
            raise ConfigError(f"{file} has more than {MAX_YAML_BYTES:,} bytes")
        data = file.read_bytes()
        aliases = len(_ALIAS.findall(data))
        if aliases > MAX_YAML_ALIASES:
            raise ConfigError(f"{file} has {aliases} aliases, expected at most {MAX_YAML_ALIASES}")
        deep = data.count(b"[") + data.count(b"{") > MAX_YAML_ALIASES or b"- - - -" in data
        if (aliases or deep) and _spelt_out(data) > MAX_YAML_NODES:
            raise ConfigError(
                f"{file} is nested too deep, or has more than {MAX_YAML_NODES:,} values once its "
                f"aliases are spelt out"
            )


def _spelt_out(data: bytes) -> float:
    """Return how many values YAML *data* has with every alias replaced by what it stands for."""
    sizes: dict[int, float] = {}

    def size(node: yaml.Node) -> float:
        if id(node) not in sizes:
            sizes[id(node)] = math.inf  # what holds itself never ends
            parts = node.value if isinstance(node, yaml.CollectionNode) else []
            pairs = isinstance(node, yaml.MappingNode)
            inner = [part for pair in parts for part in pair] if pairs else parts
            sizes[id(node)] = 1 + sum(size(part) for part in inner)
        return sizes[id(node)]

    try:
        root = yaml.compose(data, Loader=yaml.SafeLoader)
        return size(root) if root is not None else 0
    except yaml.YAMLError:
        return 0  # for Hydra to tell
    except RecursionError:
        return math.inf


def worst_exit_code(codes: Sequence[int]) -> int:
    """Return the code a process ends with when its jobs ended with *codes*."""
    return next((code for code in PRECEDENCE if code in codes), max(codes, default=0))


def explain_hydra_error(error: BaseException) -> str | None:
    """Return one line for a configuration error of Hydra's, or None if it is something else."""
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
        return "hydra/launcher=submitit_slurm: there is no Slurm here (no srun on the path)"
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
    """Return *value* in quotes of Hydra's grammar, nothing in it taken for an interpolation."""
    escaped = value.replace("'", "\\'").replace("${", "\\${")
    return f"'{escaped}'"
