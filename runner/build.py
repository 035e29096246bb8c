"""From composed configuration to a job; the only place, with `__main__`, that knows Hydra."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from runner.analyzer import load_analyzer
from runner.catalog import OFFLINE, ModelFacts, model_facts
from runner.client import Client
from runner.errors import ConfigError, did_you_mean, one_line
from runner.graph import make_pipeline
from runner.job import Job, check_windows
from runner.retry import RetryPolicy
from runner.settings import ModelSettings, Settings, validate
from runner.text import digest
from runner.tokens import tokenizer_for
from runner.transcript import FORMATS, Transcript, read_transcript
from runner.transport import LiteLLMTransport, ModelRoute

PACKAGE_PREFIX = "pkg://"

# What is set elsewhere, or would add retries and replies that nobody counts.
RESERVED = {
    *("api_base", "api_key", "drop_params", "fallbacks", "max_retries", "max_tokens", "messages"),
    *("model", "n", "num_retries", "response_format", "shared_session", "stream", "timeout"),
}


def build_job(
    cfg: DictConfig, *, config_folders: Sequence[Path] = (), overrides: Sequence[str] = ()
) -> Job:
    """Check everything that can be checked before spending, and return the job.

    *config_folders* are the user's `--config-dir`s. Raises ConfigError, or TranscriptError
    where the input cannot be read; nothing has been written or sent then.
    """
    settings = read_settings(cfg)
    pipeline = make_pipeline(settings.stages, settings.analyzers)
    folders = analyzer_folders(config_folders)
    analyzers = {
        name: load_analyzer(name, body, folders) for name, body in settings.analyzers.items()
    }
    _check_model(settings.model)
    facts = facts_of(settings.model)
    config = OmegaConf.to_yaml(cfg, resolve=True)
    prompts = {name: analyzer.prompt_digest for name, analyzer in analyzers.items()}
    transcript = open_transcript(settings)
    job = Job(
        settings=settings,
        pipeline=pipeline,
        analyzers=analyzers,
        transcript=transcript,
        tokenizer=tokenizer_for(settings.model.name),
        facts=facts,
        config=config,
        config_digest=digest(json.dumps([settings.model_dump(), prompts], sort_keys=True)),
        overrides=tuple(overrides),
    )
    _check_structured_keys(job)
    check_windows(job)
    return job


def build_client(job: Job) -> Client:
    """Return the client that the job's model settings describe."""
    model = job.settings.model
    route = ModelRoute(
        name=model.name,
        api_base=model.api_base,
        api_key_env=model.api_key_env,
        input_usd_per_mtok=model.input_usd_per_mtok,
        output_usd_per_mtok=model.output_usd_per_mtok,
        params=model.params,
    )
    readers = {name: analyzer.reader() for name, analyzer in job.analyzers.items()}
    return Client(
        transport=LiteLLMTransport(route, readers),
        retry=RetryPolicy(model.max_retries, model.retry_delay_s),
        timeout_s=model.timeout_s,
    )


def read_settings(cfg: DictConfig) -> Settings:
    """Resolve and validate *cfg*; raise ConfigError with one line."""
    try:
        missing = sorted(OmegaConf.missing_keys(cfg))
        if missing:
            raise ConfigError(f"'{missing[0]}' must be given: add {missing[0]}=… to the command")
        data = OmegaConf.to_container(cfg, resolve=True)
    except OmegaConfBaseException as error:
        key = getattr(error, "full_key", None) or "the configuration"
        raise ConfigError(f"{key}: {one_line(str(error.args[0]))}") from error
    assert isinstance(data, dict)
    return validate({str(key): value for key, value in data.items()})


def analyzer_folders(config_folders: Sequence[Path]) -> tuple[Path, ...]:
    """Return where prompts of the user's own analyzers may stand.

    For `--config-dir mine`: `mine/analyzers`, `mine/analyzer` (beside the YAML), and a folder
    `analyzers` beside `mine` itself.
    """
    folders: list[Path] = []
    for folder in config_folders:
        folders += [folder / "analyzers", folder / "analyzer"]
        folders += [folder.parent / "analyzers"]
    return tuple(path.resolve() for path in folders if path.is_dir())


def open_transcript(settings: Settings) -> Transcript:
    """Read the transcript; `pkg://` paths stand in this distribution."""
    wanted = settings.transcript
    if wanted.format not in FORMATS:
        raise ConfigError(
            f"transcript.format={wanted.format!r} is not a format"
            f"{did_you_mean(wanted.format, FORMATS)}"
        )
    return read_transcript(
        transcript_path(wanted.path), format=wanted.format, encoding=wanted.encoding
    )


def transcript_path(path: str) -> Path:
    """Return the file that `transcript.path` names; `~` and `pkg://package/file` are expanded."""
    if path.startswith(PACKAGE_PREFIX):
        package, _, inner = path.removeprefix(PACKAGE_PREFIX).partition("/")
        try:
            return Path(str(files(package).joinpath(inner)))
        except (ImportError, ValueError, TypeError) as error:
            raise ConfigError(
                f"transcript.path={path!r}: expected pkg://PACKAGE/FILE of an installed package"
            ) from error
    return Path(path).expanduser()


def facts_of(model: ModelSettings) -> ModelFacts:
    """Return what is known of the model; a window in the settings wins over the map's."""
    known = model_facts(model.name)
    return replace(known, context_window=model.context_window or known.context_window)


def _check_model(model: ModelSettings) -> None:
    if model.api_key_env and not os.environ.get(model.api_key_env):
        raise ConfigError(
            f"model.api_key_env names {model.api_key_env}, which is not set: export it, "
            f"or use model=offline, which needs no key"
        )
    if model.name.startswith(OFFLINE) and model.reply_format == "text":
        raise ConfigError(
            "model.reply_format='text': the offline model answers by schema; expected 'auto'"
        )
    if (model.input_usd_per_mtok is None) != (model.output_usd_per_mtok is None):
        raise ConfigError("model.input_usd_per_mtok and output_usd_per_mtok go together")
    for name in sorted(RESERVED & set(model.params)):
        raise ConfigError(f"model.params.{name}: this is not for params; use the model's own keys")


def _check_structured_keys(job: Job) -> None:
    """Refuse a key that no upstream answer has: it would silently select nothing."""
    for node in job.pipeline.nodes:
        if node.context is None:
            continue
        known: set[str] = set()
        for need in node.needs:
            known |= set(_structured_keys(job.analyzers[need].schema))
        for key in node.context.include_structured_keys:
            if key not in known:
                raise ConfigError(
                    f"include_structured_keys of {node.name}: {key!r} is in no answer it reads"
                    f"{did_you_mean(key, known)}"
                )


def _structured_keys(schema: Any) -> list[str]:
    body = schema["properties"]["structured_data"]
    if "$ref" in body:
        body = schema["$defs"][body["$ref"].rsplit("/", 1)[-1]]
    return list(body.get("properties", {}))
