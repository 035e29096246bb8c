"""Command line: expands and checks arguments before Hydra reads them."""

import re
from argparse import Namespace
from codecs import BOM_UTF8
from collections.abc import Iterable, Sequence
from importlib.resources import files
from itertools import islice
from pathlib import Path
from string import Template
from threading import Lock
from typing import NoReturn

import yaml
from hydra._internal.utils import get_args_parser
from omegaconf import DictConfig, OmegaConf

from runner.base.errors import ConfigError, TranscriptError, did_you_mean, one_line, reason
from runner.base.json import MAX_YAML_BYTES, check_yaml
from runner.base.regular_files import kind_of, read_regular, user_path
from runner.base.secrets import refuse_secrets, secrets_of
from runner.config.schema import known_keys, takes_any_key
from runner.run.cli.arguments import WITH_VALUE, as_overrides, choices
from runner.run.cli.compose import compose_config, register_resolvers
from runner.run.cli.hydra_errors import explained
from runner.transcript.decode import nearest_file

# The first of these wins: signals, bug, disk and account come before failed analyzers.
PRECEDENCE = (130, 143, 1, 8, 5, 6, 75, 9, 7, 2, 4, 3)

MAX_NAME = 250  # characters of a file's name without .yaml

_NO_NAME = re.compile(r"(?i)null|true|false|nan|[+-]?(?:inf|\d[\d_]*(?:\.\d*)?(?:e[+-]?\d+)?)")
_IPV6_ADDRESS = re.compile(r"https?://\[[^\[\],]*\][^,\s]*")  # brackets are Hydra's lists
_IN_QUOTES = re.compile(r"[^\x00-\x7f]|[!\"#&');<=>^`~]")  # what Hydra reads in quotes only
_GRAMMAR = re.compile(r"['\"\[{]|\w+\(|.*\$\{")  # a value that is written in Hydra's grammar
_ESCAPED = re.compile(r"(\\*)('|\$\{|\Z)")  # with the backslashes before it
_COMPOSING = Lock()  # Hydra keeps what it composes in globals
_FILES = {"transcript": "path", "checks": "file"}  # groups that take a file, and its key
_LOOKS_LIKE_PATH = re.compile(r"[/\\.*?~\s]")
_CONFIG_FOLDERS = ("--config-d", "-cd", "--config-p", "-cp")  # argparse takes unambiguous prefixes
# Options that make Hydra do anything but one run, with the prefixes that argparse takes.
_ACTIONS = ("-m", "-r", "-i", "-s", "-h", "--m", "--r", "--i", "--s", "--h", "--e", "--v", "--cf")


def expand_arguments(arguments: Sequence[str]) -> list[str]:
    """Return options before overrides, and `transcript=PATH` as Hydra's overrides for a file.

    `checks=PATH` likewise; a value that names a choice of the group is unchanged; an address with
    brackets (IPv6) is quoted. `sweep=NAME` adds `--multirun` unless an option asks for another
    action.
    """
    options: list[str] = []
    overrides: list[str] = []
    remaining = iter(as_overrides(arguments))
    for argument in remaining:
        (options if argument.startswith("-") else overrides).append(argument)
        if argument in WITH_VALUE:
            options += islice(remaining, 1)
    lacking = [options.pop()] if options and options[-1] in (*WITH_VALUE, "-i", "--info") else []
    sweeping = bool({"-m", "--multirun"} & set(options))
    if any(override.startswith(("sweep=", "+sweep=")) for override in overrides):
        sweeping = True
        if not any(option.startswith(_ACTIONS) or option == "-c" for option in options):
            options.append("--multirun")
    expanded = [part for override in overrides for part in _expand(override, sweeping)]
    return [*options, *expanded, *lacking]  # which argparse refuses, or takes without a value


def _expand(override: str, sweeping: bool) -> list[str]:
    name, _, value = override.partition("=")
    if len(value) > 1 and value[0] == value[-1] in "'\"" and name in _FILES:
        value = value[1:-1]  # quoted for the shell and for Hydra
        override = f"{name}={value}"
    if _IPV6_ADDRESS.fullmatch(value):
        return [f"{name}={quote(value)}"]
    if name not in ("resume", *_FILES) and _IN_QUOTES.search(value) and not _GRAMMAR.match(value):
        parts = value.split(",") if sweeping else [value]
        return [f"{name}={','.join(map(quote, parts))}"]
    *above, last = name.split(".")
    if value == "{}" and last in ("analyzers", "models", "params", "stages"):
        return [f"~{name}", f"++{override}"]  # else Hydra merges it with what is there
    if takes_any_key(above) or (value.startswith("{") and last in known_keys(above)):
        return [f"++{override}"]  # else Hydra refuses keys that the default lacks
    if name not in _FILES:
        return [override]
    parts = value.split(",") if sweeping and kind_of(Path(value)) is None else [value]
    if not set(parts).isdisjoint(choices(name)) or not any(map(_is_path, parts)):
        return [override]
    absent = [part for part in parts if kind_of(user_path(part)) is None]
    if name == "checks" and sweeping and absent:  # else the first jobs would be paid
        near = did_you_mean(absent[0], choices(name))
        raise ConfigError(f"checks={absent[0]}: neither a file nor a choice{near}")
    return [f"{name}=file", f"{name}.{_FILES[name]}={','.join(map(quote, parts))}"]


def _is_path(part: str) -> bool:
    return bool(_LOOKS_LIKE_PATH.search(part)) or kind_of(Path(part)) in ("file", "directory")


def help_page() -> str:
    """Return the text of `--help`; Hydra would first compose a run and list all groups."""
    register_resolvers()
    text = files("conf").joinpath("hydra/default.yaml").read_text(encoding="utf-8")
    settings = OmegaConf.create({"hydra": OmegaConf.create(text)})
    return Template(str(settings.hydra.help.template)).substitute()


def check_arguments(arguments: Sequence[str]) -> None:
    """Check arguments before Hydra reads or writes anything.

    Raises ConfigError for the value of a key among the arguments, for options that Hydra does not
    take, for a sweep over `output.dir`, for a second `--config-dir` except to resume, and for a
    configuration folder whose files could exhaust memory when parsed.
    """
    refuse_secrets(arguments, secrets_of())
    given = _check_options(arguments)
    _check_choices(arguments)
    resumes = any(each.startswith("resume=") for each in arguments)
    named = any(each.startswith(("-cn", "--config-n")) for each in arguments)
    remaining = iter(arguments)
    for argument in remaining:
        name, joined, value = argument.partition("=")
        if name.lstrip("+~") == "hydra":
            raise ConfigError(f"{argument}: expected a single key, as hydra.KEY=VALUE")
        if name.startswith("--e"):
            fault = "it runs the configuration in a file; to finish a run: resume=RUN_DIR"
            raise ConfigError(f"{name}: {fault}")
        if given.multirun and name == "output.dir" and "," in value and value[0] not in "'\"":
            raise ConfigError(f"{argument}: expected one folder, which the runs of a sweep share")
        if name.startswith(_CONFIG_FOLDERS):
            folder = Path(value if joined else next(remaining, ""))
            _check_folder(folder)
            more = name.startswith(_CONFIG_FOLDERS[:2]) and folder != Path(given.config_dir)
            if more and not resumes:
                raise ConfigError(
                    f"{name} {folder} and {given.config_dir}: expected one folder; "
                    f"hydra.searchpath=[file://{folder.absolute()}] adds another"
                )
            is_whole = named or (folder / "config.yaml").is_file()
            if name.startswith(("-cp", "--config-p")) and not is_whole:
                raise ConfigError(
                    f"{name} {folder}: expected a folder with the whole configuration; "
                    f"--config-dir {folder} adds its files to what is there"
                )


def composed(given: Sequence[str], folders: Sequence[Path] = ()) -> tuple[DictConfig, list[str]]:
    """Return the configuration, and Hydra's overrides.

    *given* are overrides as typed, *folders* those of `--config-dir`. Raises ConfigError, or
    TranscriptError where `transcript` is neither a file or folder nor a choice of configuration.
    """
    typed = expand_arguments(given)
    check_arguments(typed)
    for each in typed:
        if each.lstrip("+~").startswith(("-", "hydra.")):
            fault = "only the command colloquy takes options and Hydra's settings"
            raise ConfigError(f"{each}: {fault}")
    for folder in folders:
        if not folder.is_dir():
            raise ConfigError(f"--config-dir {folder}: no such folder")
        _check_folder(folder)
    try:
        with _COMPOSING:
            register_resolvers()
            return compose_config(*typed, search_path(folders)), typed
    except Exception as error:
        if (known := explained(error)) is None:
            raise
        raise known from error


def _check_options(arguments: Sequence[str]) -> Namespace:
    """Return Hydra's options; raise ConfigError if argparse would print its usage and exit."""

    def refuse(message: str) -> NoReturn:
        raise ConfigError(f"{one_line(message)}; see colloquy --help")

    parser = get_args_parser()
    parser.error = refuse  # type: ignore[method-assign]
    given = parser.parse_args(arguments)
    if given.package and not given.cfg:
        near = did_you_mean(given.package, choices("pipeline"), "pipeline=")
        raise ConfigError(f"--package {given.package}: it only limits what --cfg shows{near}")
    return given


def _check_choices(arguments: Sequence[str]) -> None:
    """Raise ConfigError for a choice of a group that Hydra cannot look up: no name, or too long."""
    for argument in arguments:
        name, _, value = argument.partition("=")
        group = name.lstrip("+~").partition("@")[0]
        names = choices(group) if value else []
        for choice in map(str.strip, value.split(",") if names else ()):
            several = choice.startswith("[") and group in ("model", "pipeline", "transcript")
            if not (several or _NO_NAME.fullmatch(choice)) and len(choice) <= MAX_NAME:
                continue
            if group == "transcript" and len(choice) <= MAX_NAME:
                raise TranscriptError(f"{value}: no such file or folder{nearest_file(Path(value))}")
            shown = choice if len(choice) <= MAX_NAME else f"{choice[:40]}…"
            raise ConfigError(f"{group}={shown}: no such choice{did_you_mean('', names)}")


def _check_folder(folder: Path) -> None:
    """Raise ConfigError for a configuration that is not a file, not text, too large or too deep."""
    if ignored := next((f for f in folder.glob("*/*.yml") if choices(f.parent.name)), None):
        raise ConfigError(f"{ignored}: Hydra reads files that end with .yaml: rename it")
    for file in folder.rglob("*.yaml"):
        if file.is_dir() or not file.exists():
            continue
        try:
            data = read_regular(file.resolve(), MAX_YAML_BYTES)
            data.decode()  # Hydra reads no other encoding
            if data.startswith(BOM_UTF8):  # before the header, which Hydra then misses
                raise ConfigError(f"{file}: begins with a byte order mark: save it without")
            check_yaml(data)
        except yaml.YAMLError:
            continue  # Hydra reports it
        except OSError as error:
            raise ConfigError(reason(error)) from error
        except ValueError as error:
            raise ConfigError(f"{file}: {error}") from error


def search_path(folders: Iterable[Path]) -> str:
    """Return Hydra's override by which *folders* are searched for configuration files."""
    return f"hydra.searchpath=[{','.join(quote(f'file://{each.resolve()}') for each in folders)}]"


def worst_exit_code(codes: Sequence[int]) -> int:
    """Return the exit code of a process whose jobs ended with *codes*."""
    return next((code for code in PRECEDENCE if code in codes), max(codes, default=0))


def quote(value: str) -> str:
    """Return *value* quoted in Hydra's grammar, with interpolations escaped."""
    escaped = _ESCAPED.sub(lambda found: 2 * found[1] + (found[2] and "\\" + found[2]), value)
    return f"'{escaped}'"
