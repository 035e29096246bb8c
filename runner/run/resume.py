"""Resume: rebuilds the job of a stored run or sweep from its own configuration."""

import shlex
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from runner.base.errors import ConfigError, TranscriptError, one_line, readable
from runner.base.format import plural
from runner.base.json import load_json, load_yaml, read_json
from runner.base.regular_files import kind_of
from runner.config.schema import GROUPS, Settings, nearest_key, validate
from runner.job.build import build_job, open_transcript, resolve, transcript_path
from runner.job.config_diff import changes
from runner.job.expectations import has_checked
from runner.job.job import BatchJob, Job, keys_of
from runner.record.batch_directory import batch_of, is_batch
from runner.record.reuse import PreviousSession
from runner.record.run_directory import COMPLETED, INPUTS, METADATA, SCHEMA_VERSION, check_folders
from runner.record.signature import fault_of
from runner.record.stored_transcript import read_transcript_file
from runner.reports.stored_run import find_runs, no_run
from runner.run.cli.command_line import composed as compose
from runner.run.resume_arguments import count_from_start, from_here, parsed, split_arguments
from runner.run.trust import kept_files, permit, refuse_interpolations, refuse_paths_outside
from runner.transcript.model import PASSAGES, Transcript

_EXPECTED = "in the format of a run"
_SHOWN = 10  # changes that a message names


@dataclass(frozen=True)
class Resumption:
    """A run to resume: its job and its previous session."""

    job: Job | BatchJob
    previous: PreviousSession


def read_resumption(arguments: Sequence[str], *, permitted: bool = False) -> Resumption:
    """Return the run that *arguments*, `resume=DIR` among them, resume.

    Raises ConfigError if there is no run, if an argument is not accepted, without `trusted=true`,
    if this user has not signed the run and it is not *permitted* already, and, without
    `allow_changed=true`, if the settings, prompts or transcript of stored answers have changed.
    """
    path, flags, overrides, config_dirs = split_arguments(arguments)
    overrides = from_here(path, overrides)
    before, fault, many = _stored_config(path), fault_of(path), is_batch(path)
    given = path, fault, overrides, config_dirs
    composed, wanted, new = wanted_settings(*given)
    with _damage_explained():
        stored = None if many else read_transcript_file(path)
        typed = _read(path / "config" / "overrides.json", list)
        folders, prompts = _stored_prompts(path)
    old = validate(before)
    if new.plan:
        raise ConfigError("plan=true predicts a new run; resume makes only the missing calls")
    if fault is not None:
        if not permitted:
            permit(path, fault, [new], config_dirs, trusted=flags["trusted"])
        refuse_paths_outside(path, new, overrides)
        if new.guide is not None:  # which may be read now
            composed, wanted, new = wanted_settings(*given, guided=True)
    transcript = None if stored is None else _transcript(stored, new)
    _check_folders(path, folders, config_dirs)
    job = build_job(
        composed,
        data=wanted,
        config_folders=config_dirs,
        overrides=[*typed, *overrides],
        transcript=transcript,
        known=read_json(path / INPUTS),
    )
    changed = [*changes(old, prompts, job)]
    if many and not isinstance(job, BatchJob):
        raise ConfigError(f"resume={path}: started with many files, {new.transcript.path} is one")
    if transcript and stored and stored.sha256 != transcript.sha256:
        digests = f"{stored.sha256[:8]} -> {transcript.sha256[:8]}"
        changed.append(f"transcript {new.transcript.path}: {digests}")
    if changed and not flags["allow_changed"]:
        raise ConfigError(f"resume={path}: {_in_words(changed)}")
    rate = old.grounding.min_rate == new.grounding.min_rate
    same = not changed and rate and has_checked(path, job.expected)
    return Resumption(job, PreviousSession(path, flags["retry_failed"], same))


def _in_words(changed: Sequence[str]) -> str:
    more = [f"{len(changed) - _SHOWN} more"] if len(changed) > _SHOWN else []
    what = f"changed since the run was started: {'; '.join([*changed[:_SHOWN], *more])}"
    return f"{what}. Restore it, or add allow_changed=true to repeat the calls that it affects"


def _stored_config(path: Path) -> dict[str, Any]:
    file = path / "config" / "resolved.yaml"
    if kind_of(file) != "file":
        if (batch := batch_of(path)) is not None:
            raise ConfigError(f"resume={path}: it belongs to a batch: resume={batch}")
        with readable(path):
            inside = find_runs(path, depth=2) if kind_of(path) == "directory" else []
        if inside not in ([], [path]):
            begun = [run for run in inside if not (run / COMPLETED).exists()]
            raise ConfigError(
                f"resume={path}: it holds {plural(len(inside), 'run')}; expected one run, batch or "
                f"sweep, such as resume={(begun or inside)[-1]}"
            )
        if not inside:
            raise ConfigError(f"resume={no_run(path)}")
    check_folders(path)
    version = read_json(path / METADATA).get("schema_version", SCHEMA_VERSION)
    if version != SCHEMA_VERSION:
        raise ConfigError(
            f"resume={path}: written in schema version {version!r}, expected {SCHEMA_VERSION}: "
            f"finish it with the version of colloquy that started it"
        )
    with _damage_explained():
        return {str(key): value for key, value in _read(file, dict, load_yaml).items()}


@contextmanager
def _damage_explained() -> Iterator[None]:
    """Add the way out to the error of a damaged file, whose signature no other content has."""
    try:
        yield
    except ConfigError as error:
        way_out = "start a new run, which takes the answers already paid for from the store"
        raise ConfigError(f"{error}; {way_out}") from error


def wanted_settings(
    path: Path,
    fault: str | None,
    overrides: Sequence[str],
    config_dirs: Sequence[Path],
    *,
    guided: bool = False,
) -> tuple[DictConfig, dict[str, Any], Settings]:
    """Return the composed configuration with *overrides*, the same resolved, and validated.

    The guide of a run with a *fault* is read only if it is *guided*.
    """
    file = path / "config" / "composed.yaml"
    with _damage_explained():
        stored = _read(file, dict, load_yaml)
    kept = _stored_config(path)
    count_from_start(path, stored, kept)
    try:
        if fault is not None:
            refuse_interpolations(file, stored)
        composed = _override(stored, overrides, config_dirs)
        wanted = resolve(composed, guided=guided or fault is None, kept=kept)
        wanted |= kept_files(path, wanted)
        return composed, wanted, validate(wanted)
    except (ConfigError, OmegaConfBaseException, RecursionError) as error:
        why = f"{fault}: " if fault else ""
        raise ConfigError(f"resume={path}: {why}{one_line(str(error))}") from error


def _override(
    data: dict[str, Any], overrides: Sequence[str], config_dirs: Sequence[Path]
) -> DictConfig:
    """Return *data* with *overrides* applied, of groups only `checks`."""
    for override in parsed(overrides):
        if override.is_delete() or override.is_sweep_override():
            raise ConfigError(f"resume takes KEY=VALUE only, not {override.input_line}")
        key = override.key_or_group
        value: Any = override.value()
        if key == "checks" and isinstance(value, str):
            chosen = compose([f"checks={value}"], config_dirs)[0].checks
            value, data = OmegaConf.to_container(chosen), {**data, "checks": None}
        _put(data, key, value)
    return OmegaConf.create(data)


def _put(data: dict[str, Any], key: str, value: Any) -> None:
    *above, last = key.split(".")
    section: Any = data
    for part in above:
        section = section.get(part) if isinstance(section, dict) else None
    if key not in GROUPS and (not isinstance(section, dict) or last not in section):
        raise ConfigError(f"unknown key '{key}'{nearest_key(key.split('.'))}")
    own = f"{key}={value}: a run is resumed with its own {key}"
    if key in GROUPS:
        raise ConfigError(f"{own}; start a new run")
    if isinstance(section[last], dict) and not isinstance(value, dict):
        raise ConfigError(f"{own}; override single keys, as {key}.KEY=VALUE")
    section[last] = value


def _transcript(stored: Transcript, settings: Settings) -> Transcript:
    """Return the transcript as its file is now, *stored* if that is gone."""
    if stored.format == PASSAGES:  # of files that may have changed since
        return stored
    with suppress(TranscriptError, ConfigError):
        if kind_of(transcript_path(settings.transcript.path)) == "file":  # a pipe is read once
            return open_transcript(settings, keys_of(settings))
    return stored


def _stored_prompts(path: Path) -> tuple[list[Path], dict[str, str]]:
    """Return the folders of `--config-dir` of the run, and its digests of prompts by analyzer."""
    file = path / "config" / "prompts.json"
    stored = _read(file, dict)
    try:
        return [Path(folder) for folder in stored["config_dirs"]], dict(stored["sha256"])
    except (KeyError, TypeError, ValueError) as error:
        raise ConfigError(f"{file} is not {_EXPECTED}") from error


def _check_folders(path: Path, folders: Sequence[Path], config_dirs: Sequence[Path]) -> None:
    """Raise ConfigError unless *config_dirs*, whose code is run, holds all *folders* of the run."""
    allowed = {folder.resolve() for folder in config_dirs}
    if missing := next((folder for folder in folders if folder not in allowed), None):
        add = f"add --config-dir {shlex.quote(str(missing))}, whose code is then run"
        raise ConfigError(f"resume={path}: this run uses analyzers from {missing}: {add}")


def _read(file: Path, kind: type, load: Callable[[Path], Any] = load_json) -> Any:
    with readable(file):
        value = load(file)
    if not isinstance(value, kind):
        raise ConfigError(f"{file} is not {_EXPECTED if load is load_json else 'a configuration'}")
    return value
