"""Errors of Hydra and OmegaConf, explained in one line."""

import re
import traceback
from pathlib import Path

from hydra.errors import HydraException
from omegaconf.errors import OmegaConfBaseException

from runner.base.command import install_hint
from runner.base.errors import ColloquyError, ConfigError, TranscriptError, did_you_mean, one_line
from runner.config.model_facts import map_entries, map_entry
from runner.config.schema import HEADER, known_keys, nearest_key
from runner.run.cli.arguments import choices
from runner.run.cli.compose import HYDRA_DOCS
from runner.transcript.decode import nearest_file

_OVERRIDE = re.compile(r"(?:Could not override|No earlier Group Default for) '([^']+)'")  # 1.3, 1.4
_GROUP = re.compile(r"In '([^']+)': Could not (?:find|load) '([^']+)/([^'/]+)'")
_CHOICE = re.compile(r"^\t(\S+)$", re.M)  # that Hydra found, also in the user's folders
_DELETED = re.compile(r"Could not delete (?:from config\. )?'([^'=]+)'")
_FULL_KEY = re.compile(r"full_key: (\S+)")
_PLAIN = {
    "LexerNoViableAltException: ": "not in the grammar of overrides: ",
    "^\n": "",
    "no viable alternative at input": "not in the grammar of overrides:",
    "Error merging override ++": "",
    "Error merging override ": "",
    "Cannot merge DictConfig with ListConfig": "expected {key: value} or a list, not the other",
    "Cannot merge incompatible container types": "expected {key: value} or a list, not the other",
}
_PARSED = re.compile(r"Error when parsing index: \d+, string: (.*?) out of \[.*?\]\.\s", re.S)
_DOCUMENTATION = re.compile(r"https://hydra\.cc/docs/\d[\d.]*/")  # of whatever version
_LAUNCHER = re.compile(r"'hydra/launcher/(ray|submitit_local|submitit_slurm)'")
_NO_FOLDER = re.compile(r"provider=(\S+) in .*, path=(.*) is not available")
_SWEPT = re.compile(r"Ambiguous value for argument '([^']*)'")


def explained(error: BaseException) -> ColloquyError | None:
    """Return the error to raise for a configuration error of Hydra, None for others."""
    missing = _GROUP.search(_text_of(error)) if isinstance(error, HydraException) else None
    if missing and missing[2] == "transcript":  # the word may name a file
        choice, known = missing[3], {*choices("transcript")} - {"file"}
        near = nearest_file(Path(choice)) or did_you_mean(choice, known)
        return TranscriptError(f"{choice}: no such file or folder{near}")
    line = explain_hydra_error(error)
    return None if line is None else ConfigError(line)


def explain_hydra_error(error: BaseException) -> str | None:
    """Return one line for a configuration error of Hydra, None for any other exception."""
    if type(error).__module__.startswith("yaml"):
        return f"a configuration file is not YAML: {one_line(str(error))}"
    if isinstance(error, RecursionError):
        return "an argument is nested too deep, or a defaults list names its own file"
    if isinstance(error, ValueError) and _is_raised_by_hydra(error):
        header = f"; expected {HEADER}" if "'@package" in str(error) else ""
        return one_line(str(error)) + header  # of a file, or for conflicting options
    if missing := _NO_FOLDER.match(str(error)):
        return f"{missing[1]}: {missing[2]}: no such folder or package"
    if "OptunaSweeper" in str(error) or "hydra/sweeper/optuna" in str(error):
        return f"tuning needs {install_hint('optuna')}"
    if missing := _LAUNCHER.search(str(error)):
        extra = "ray" if missing[1] == "ray" else "slurm"
        return f"hydra/launcher={missing[1]} needs {install_hint(extra)}"
    if isinstance(error, RuntimeError) and '"srun"' in str(error):
        return "hydra/launcher=submitit_slurm: Slurm is not installed (no srun on the path)"
    if not isinstance(error, HydraException | OmegaConfBaseException):
        return None
    text = _text_of(error)
    return _choice_fault(text) or _override_fault(text, str(getattr(error, "override", None) or ""))


def _choice_fault(text: str) -> str | None:
    if match := _GROUP.search(text):
        file, group, choice = match.groups()
        above, _, inner = group.rpartition("/")
        if choices(inner) and above == file.partition("/")[0]:
            return f"{file}.yaml: {inner}: expected /{inner}, since it is not below {above}/"
        if not choices(group) and not group.startswith("hydra/"):  # it is a path
            group, _, choice = f"{group}/{choice}".partition("/")
        known = {*_CHOICE.findall(text), *choices(group)} - {"base"}
        near = (_preset(choice) if group == "model" else "") or did_you_mean(choice, known)
        if choice.endswith(".yaml"):
            near = f"; FOLDER/{group}/NAME.yaml is --config-dir FOLDER {group}=NAME"
        where = "" if file.split("/")[0] in ("config", "hydra") else f"{file}.yaml: "
        return f"{where}{group}={choice}: no such choice{near}"
    if match := _DELETED.search(text):
        key = match[1].rpartition("@")[2].split(".")
        names = choices("analyzer")
        near = nearest_key(key)
        if key[0] in ("analyzers", *names):
            near = did_you_mean(key[-1], names, "~analyzer@analyzers.")
        return f"~{match[1]}: nothing to delete{near}"
    if match := re.search(r"Multiple values for (\S+)\.", text):
        return (
            f"{match[1]} has a choice already: write {match[1]}=CHOICE, without + and only once; "
            f"in a file's defaults: override /{match[1]}: CHOICE"
        )
    return None


def _override_fault(text: str, override: str) -> str:
    """Return one line for *text* of an error of Hydra; its parser names *override*."""
    if match := _SWEPT.match(text):
        return f"{match[1]}: expected one value, or --multirun for one run with each of them"
    if match := _OVERRIDE.search(text):
        above, slash, inner = match[1].partition("@")[0].rpartition("/")
        if slash and choices(inner):
            return f"{above}/: override {inner}: expected override /{inner}, not below {above}/"
        if "@" in match[1]:
            return f"{match[1]}: not in the pipeline; +{match[1]}=CHOICE adds it"
        path = match[1].split(".")
        if path[0] == "analyzers" and path[1] not in choices("analyzer"):
            return f"unknown analyzer '{path[1]}'{did_you_mean(path[1], choices('analyzer'))}"
        return _unknown(path, _FULL_KEY.search(text))
    text = text.partition("\n    full_key:")[0].partition("Config search path:")[0]
    is_named = override in text
    text = _PARSED.sub(r"\1: ", text) if is_named else f"{override.removeprefix('++')}: {text}"
    for said, plain in _PLAIN.items():
        text = text.replace(said, plain)
    return _DOCUMENTATION.sub(HYDRA_DOCS, one_line(text))


def _unknown(path: list[str], found: re.Match[str] | None) -> str:
    """Return one line about an override of *path*; *found* has the key that Hydra misses."""
    key, above = ".".join(path), ".".join(path[:-1])
    missing = found[1].split(".") if found else path
    if len(missing) > len(path):
        return f"{key}: to add a key inside it, write +{key}.KEY=VALUE"
    if missing[0] in ("stages", "models") and len(missing) == 2:
        add = "+model@models.NAME=CHOICE" if missing[0] == "models" else "a file in pipeline/"
        return f"unknown key '{key}': {missing[0]} has no {missing[1]!r}; {add} adds one"
    if path[-1] in known_keys(path[:-1]):
        return f"{key}: {above} is null: choose a preset that has it, or write +{key}=VALUE"
    return f"unknown key '{key}'{'' if path[0] == 'hydra' else nearest_key(path)}"


def _preset(model: str) -> str:
    """Return a clause that names *model* with its provider, "" if no provider has it."""
    maker = str((map_entry(model) or {}).get("litellm_provider"))
    presets = sorted(choices("model"), key=lambda preset: preset != maker)
    found = [each for each in presets if each == maker or f"{each}/{model}" in map_entries()]
    return f"; did you mean '{found[0]}/{model}'?" if found else ""


def _text_of(error: BaseException) -> str:
    return " ".join(str(link) for link in (error, error.__cause__) if link is not None)


def _is_raised_by_hydra(error: BaseException) -> bool:
    *_, (frame, _) = traceback.walk_tb(error.__traceback__)
    return str(frame.f_globals.get("__name__")).startswith(("hydra.", "optuna."))
