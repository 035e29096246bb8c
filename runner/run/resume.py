"""Resumption of an earlier run, with its own configuration."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from runner.base.errors import ConfigError, TranscriptError, did_you_mean, one_line
from runner.base.json import load_json, load_yaml
from runner.config.schema import Settings, nearest_key, validate
from runner.job.build import job_from, open_transcript, resolve
from runner.job.config_diff import changed_prompts, changed_settings
from runner.job.job import BatchJob, Job
from runner.record.batch_directory import batch_of, completed_before, input_names, is_batch
from runner.record.previous_session import PreviousSession, read_record
from runner.record.run_directory import COMPLETED, RESERVE, SCHEMA_VERSION, read_transcript_file
from runner.reports.compare.planned_jobs import planned_jobs
from runner.reports.stored_run import find_runs, is_run, read_run
from runner.run.cli import quote
from runner.transcript.model import Transcript

FLAGS = ("allow_changed", "retry_failed")
_WRITTEN = "what a run writes there"


@dataclass(frozen=True)
class Resumption:
    """A run to be finished: what it is now, what is there, and what has *changes*d since."""

    job: Job | BatchJob
    earlier: PreviousSession
    changes: tuple[str, ...] = ()


def read_resumption(arguments: Sequence[str]) -> Resumption:
    """Return what `resume=DIR` and the further *arguments* ask for.

    Raises ConfigError where there is no run, where an argument does not fit, and, unless
    `allow_changed=true` is among them, where an answer that is there would be another now.
    """
    path, flags, overrides, config_dirs = _split(arguments)
    before = _stored_config(path)
    composed = _override(_read(path / "config" / "composed.yaml", dict, _composition), overrides)
    wanted = resolve(composed)
    old, new = validate(before), validate(wanted)
    if new.plan:
        raise ConfigError("plan=true foretells a new run; resume asks for what is missing only")
    many = is_batch(path)
    only = input_names(path) if many and new.batch.shards > 1 else []
    transcript, sha = (None, None) if many else _transcript(path, new)
    prompts = _stored_prompts(path, config_dirs)
    stored = _read(path / "config" / "overrides.json", list)
    job = job_from(
        wanted,
        composed=OmegaConf.to_yaml(composed, resolve=False),
        config_dirs=config_dirs,
        overrides=[*stored, *overrides],
        transcript=transcript,
        only=only or None,
    )
    changes = [*changed_settings(old, new), *changed_prompts(prompts, job)]
    if many and not isinstance(job, BatchJob):
        raise ConfigError(f"resume={path}: begun with many files, {new.transcript.path} is one")
    if transcript is not None and sha is not None and sha != transcript.sha256:
        changes.append(f"transcript {new.transcript.path}: {sha[:8]} -> {transcript.sha256[:8]}")
    if changes and not flags["allow_changed"]:
        raise ConfigError(
            f"resume={path}: this is not the run that was begun: {'; '.join(changes)}. "
            f"Leave that as it was, or add allow_changed=true to ask anew what it touches"
        )
    return Resumption(
        job, PreviousSession(path, flags["retry_failed"], not changes), tuple(changes)
    )


@dataclass(frozen=True)
class SweepResumption:
    """What is missing of a sweep: arguments for each run to finish, and for each to begin."""

    path: Path
    finish: list[list[str]]
    begin: list[list[str]]


def read_sweep(arguments: Sequence[str]) -> SweepResumption | None:
    """Return what is missing of the sweep that `resume=DIR` names, None if DIR is no sweep."""
    path, _, overrides, config_dirs = _split(arguments)
    if is_run(path) or not path.is_dir():
        return None
    runs = [read_run(found) for found in find_runs([path])]
    planned = planned_jobs(path)
    if not runs and not planned:
        return None
    rest = [argument for argument in arguments if not argument.startswith("resume=")]
    finish = [[f"resume={run.path}", *rest] for run in runs if not run.completed]
    options = [part for folder in config_dirs for part in ("--config-dir", str(folder))]
    alone = [*overrides, "hydra.mode=RUN"]
    begin = [
        [*options, *job.overrides, *alone, f"hydra.run.dir={quote(str(job.path.absolute()))}"]
        for job in planned
        if not is_run(job.path)
    ]
    return SweepResumption(path, finish, begin)


def nothing_to_do(path: Path, job: Job | BatchJob) -> bool:
    """Return whether every answer is there, whole and as it was written."""
    if not (path / COMPLETED).exists() or (path / RESERVE).exists():  # it died at the very end
        return False
    if isinstance(job, BatchJob):
        encoding = job.settings.transcript.encoding
        return all(completed_before(path, given, encoding) for given in job.inputs)
    files = [path / "intermediate" / n.stage / f"{n.name}.json" for n in job.pipeline.nodes]
    records = [read_record(file) for file in files]
    return all(fault is None and record["status"] == "ok" for fault, record in records)


def _split(arguments: Sequence[str]) -> tuple[Path, dict[str, bool], list[str], list[Path]]:
    """Return the directory, the flags, the other overrides and the folders of the user's own."""
    path, overrides, flags = Path(), [], dict.fromkeys(FLAGS, False)
    config_dirs: list[Path] = []
    given = iter(arguments)
    for argument in given:
        name, joined, value = argument.partition("=")
        if name in ("--config-dir", "-cd"):
            config_dirs.append(Path(value if joined else next(given, "")).expanduser())
        elif argument.startswith("-"):
            raise ConfigError(f"resume goes with overrides only, not with {argument}")
        elif name == "resume":
            path = Path(value).expanduser()
        elif name in FLAGS:
            if value not in ("true", "false"):
                raise ConfigError(f"{argument}: expected {name}=true or {name}=false")
            flags[name] = value == "true"
        else:
            overrides.append(argument)
    return path, flags, overrides, config_dirs


def _stored_config(path: Path) -> dict[str, Any]:
    file = path / "config" / "resolved.yaml"
    if not file.is_file():
        if (batch := batch_of(path)) is not None:
            raise ConfigError(f"resume={path}: it belongs to a batch: resume={batch}")
        near = [str(run) for run in path.parent.glob("*") if (run / "config").is_dir()]
        raise ConfigError(f"resume={path}: there is no run{did_you_mean(str(path), near)}")
    metadata = path / "metadata.json"
    version = _read(metadata, dict).get("schema_version") if metadata.is_file() else SCHEMA_VERSION
    if version != SCHEMA_VERSION:
        raise ConfigError(
            f"resume={path}: written in schema version {version}, expected {SCHEMA_VERSION}: "
            f"finish it with the version of colloquy that began it"
        )
    return {str(key): value for key, value in _read(file, dict, load_yaml).items()}


def _composition(file: Path) -> Any:
    """Return the configuration as it was composed: an override reaches what refers to its key."""
    return OmegaConf.to_container(OmegaConf.load(file), resolve=False)


def _override(changed: dict[str, Any], overrides: Sequence[str]) -> DictConfig:
    """Return *changed* with the overrides, which are in Hydra's grammar, applied."""
    try:
        parsed = OverridesParser.create().parse_overrides(list(overrides))
    except HydraException as error:
        raise ConfigError(one_line(str(error))) from error
    for override in parsed:
        if override.is_delete() or override.is_sweep_override():
            raise ConfigError(f"resume takes KEY=VALUE only, not {override.input_line}")
        _put(changed, override.key_or_group, override.value())
    return OmegaConf.create(changed)


def _put(data: dict[str, Any], key: str, value: Any) -> None:
    *above, last = key.split(".")
    section: Any = data
    for part in above:
        section = section.get(part) if isinstance(section, dict) else None
    if not isinstance(section, dict) or last not in section:
        raise ConfigError(f"unknown key '{key}'{nearest_key(key.split('.'))}")
    if isinstance(section[last], dict) and not isinstance(value, dict):
        raise ConfigError(
            f"{key}={value}: a run is finished with the {key} it was begun with; "
            f"give single keys, as {key}.KEY=VALUE"
        )
    section[last] = value


def _transcript(path: Path, settings: Settings) -> tuple[Transcript, str]:
    """Return the transcript as it is now, or as it was where it is gone, and its old SHA-256."""
    stored = read_transcript_file(path)
    try:
        return open_transcript(settings), stored.sha256
    except (TranscriptError, ConfigError):
        return stored, stored.sha256


def _stored_prompts(path: Path, config_dirs: Sequence[Path]) -> dict[str, str]:
    """Return the digest of each analyzer's prompt.

    Folders of the user's own hold code, so that they are not taken from a run directory, which
    may be anybody's: the command has to name them again.
    """
    file = path / "config" / "prompts.json"
    stored = _read(file, dict)
    try:
        named, digests = [Path(folder) for folder in stored["config_dirs"]], dict(stored["sha256"])
    except (KeyError, TypeError, ValueError) as error:
        raise ConfigError(f"{file} is not {_WRITTEN}") from error
    given = {folder.resolve() for folder in config_dirs}
    for folder in named:
        if folder not in given:
            raise ConfigError(
                f"resume={path}: this run took analyzers from {folder}: name it again, with "
                f"--config-dir {folder}"
            )
    return digests


def _read(file: Path, kind: type, load: Callable[[Path], Any] = load_json) -> Any:
    try:
        value = load(file)
    except (OmegaConfBaseException, yaml.YAMLError, OSError, ValueError) as error:
        raise ConfigError(f"{file} cannot be read: {one_line(str(error))}") from error
    if not isinstance(value, kind):
        raise ConfigError(f"{file} is not {_WRITTEN if load is load_json else 'a configuration'}")
    return value
