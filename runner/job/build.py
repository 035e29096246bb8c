"""Construction of a job from the configuration, with every check possible before spending."""

import json
import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import yaml
from omegaconf import DictConfig, OmegaConf

from runner.base.errors import ConfigError, did_you_mean
from runner.base.files import package_folder
from runner.base.regular_files import user_path
from runner.base.secrets import Secrets, refuse_keys, refuse_values
from runner.base.text import digest
from runner.base.tokens import tokenizer_for
from runner.config.checks import JUDGED
from runner.config.learned import learned_before
from runner.config.resolve import resolve as resolve
from runner.config.schema import Settings, validate
from runner.job.analyzers import check_codes, load_analyzers
from runner.job.attributes import attributes_of
from runner.job.checks import check_extras, check_model, check_structured_keys
from runner.job.collection_stages import check_collection_stages
from runner.job.config_diff import answers_digest
from runner.job.expectations import JobChecks, read_expectations
from runner.job.graph import collection_pipeline, make_pipeline
from runner.job.job import BatchJob, Job, Setup, keys_of, variables_of
from runner.job.models import MAIN, Model, check_names
from runner.job.prefix_policy import choose_formats
from runner.job.windows import Fitter
from runner.providers.served import SAMPLE_CHARS, is_self_hosted, learn_served
from runner.transcript.inputs import Input, find_inputs, is_many, refuse_results, root_of
from runner.transcript.model import Transcript, renamed, without_keys
from runner.transcript.read import formats, read
from runner.transcript.redact.own_patterns import check_patterns
from runner.transcript.redact.redacted import redacted

PACKAGE_PREFIX = "pkg://"
_NO_TRANSCRIPT = Transcript("", "", "", ())


def build_job(
    cfg: DictConfig,
    *,
    data: Mapping[str, Any] | None = None,
    config_folders: Sequence[Path] = (),
    overrides: Sequence[str] = (),
    transcript: Transcript | None = None,
    known: Collection[str] = (),
) -> Job | BatchJob:
    """Check everything that can be checked before spending, and return the job.

    *data* is *cfg* resolved, for callers that have it already (resolving takes 10 ms). Prompts are
    looked for in *config_folders*, the user's `--config-dir`s, before the packaged ones;
    *transcript* is read from `transcript.path` unless given. If that path names many files, the
    result is a BatchJob (see `for_transcript`); *known* names the files of a resumed batch. Raises
    ConfigError, or TranscriptError if the input cannot be read, before anything is written or sent.
    """
    setup = setup_from(
        resolve(cfg) if data is None else data,
        composed=OmegaConf.to_yaml(cfg, resolve=False),
        config_dirs=config_folders,
        overrides=overrides,
    )
    if transcript is None and is_many(setup.settings.transcript.path):
        return _batch_job(setup, known)
    one = transcript or open_transcript(setup.settings, setup.secrets)
    attributes_of(setup.settings, None)  # raises for any
    batch, path = setup.settings.batch, setup.settings.transcript.path
    if transcript is None and (batch.shard or batch.shards > 1):
        expected = f"expected transcript=FOLDER or a pattern, got {path!r}"
        raise ConfigError(f"batch.shard={batch.shard} of batch.shards={batch.shards}: {expected}")
    return run_job(setup, one)


def setup_from(
    data: Mapping[str, Any],
    *,
    composed: str = "",
    config_dirs: Sequence[Path] = (),
    overrides: Sequence[str] = (),
) -> Setup:
    """Return the part of a job that does not depend on a transcript; raise ConfigError.

    *data* is the resolved configuration, *composed* the same before its interpolations were
    resolved, as YAML.
    """
    refuse_keys(data, composed)
    settings, folders = checked_settings(data), analyzer_folders(config_dirs)
    check_extras(settings)
    pipeline = make_pipeline(settings.stages, settings.analyzers)
    models = _models(settings)
    analyzers, codebook = load_analyzers(settings, folders)
    prompts = {name: analyzer.prompt_digest for name, analyzer in analyzers.items()}
    asked = {node.name: analyzers[node.name] for node in pipeline.nodes}
    expected = read_expectations(settings, asked, config_dirs)
    secrets = keys_of(settings)
    setup = Setup(
        settings=settings,
        pipeline=pipeline,
        collection=collection_pipeline(settings.stages, settings.analyzers),
        analyzers=analyzers,
        models=models,
        config=str(yaml.safe_dump(dict(data), sort_keys=False, allow_unicode=True)),
        composed=composed,
        config_digest=digest(json.dumps([settings.model_dump(), prompts], sort_keys=True)),
        answers_digest=answers_digest(settings, prompts, expected),
        secrets=secrets,
        config_dirs=tuple(folder.resolve() for folder in config_dirs),
        overrides=tuple(overrides),
        expected=expected,
        codebook=codebook,
    )
    refuse_values(secrets, codebook=codebook, checks=expected.body, references=expected.references)
    check_structured_keys(pipeline.nodes, analyzers)
    return setup


def for_transcript(batch: Setup, file: Input) -> Job:
    """Return the job of one run of a *batch*; raise TranscriptError or ConfigError."""
    return run_job(batch, open_transcript(batch.settings, batch.secrets, file.path))


def without_transcript(batch: Setup) -> Job:
    """Return the job of one run of a *batch* over nothing: the least that its files need."""
    return run_job(batch, _NO_TRANSCRIPT)


def _batch_job(setup: Setup, known: Collection[str]) -> BatchJob:
    settings = setup.settings
    if settings.output.traces != "none":
        raise ConfigError(
            f"output.traces={settings.output.traces}: a batch sends no traces while it runs: "
            f"colloquy-traces BATCH sends those of its runs afterwards"
        )
    inputs = find_inputs(settings, known)
    if setup.collection.stages:
        setup = replace(setup, to_embed=())
    earlier = None if known and settings.batch.shards > 1 else known  # None: of other shards
    attributes = attributes_of(settings, inputs, earlier)
    read = {"attributes": attributes, "transcript.path": [file.name for file in inputs]}
    refuse_values(setup.secrets, **read)
    batch = BatchJob(**_values(setup), inputs=inputs, attributes=attributes)
    without_transcript(setup)  # raises where prompts alone do not fit a model
    if setup.collection.stages:
        collection_job(setup)
    return batch


def collection_job(setup: Setup) -> Job:
    """Return the job of the stages that read all transcripts of a batch; raise as `run_job`.

    It has no transcript, since its material consists of findings, and no checks.
    """
    check_collection_stages(setup.collection, setup.analyzers)
    name = root_of(setup.settings.transcript.path).resolve().name
    joint = replace(setup, pipeline=setup.collection, expected=JobChecks())
    return run_job(joint, Transcript(name, "collection", "", ()))


def _written(setup: Setup) -> Iterator[str]:
    """Yield what is sent beside transcripts and prompts: questions, codes, rubrics and labels."""
    for name in setup.analyzers:
        yield from map(str, setup.settings.analyzers[name].variables.values())
    for code in setup.codebook.codes if setup.codebook else ():
        yield from (code.definition, *code.examples)
    for check in setup.expected.named():
        if check.kind == JUDGED:
            yield str(check.value)
            yield from (label.answer for label in check.validation_labels)


def run_job(setup: Setup, transcript: Transcript) -> Job:
    """Return the job that reads *transcript*; raise ConfigError if it does not fit a model."""
    examples = {name: getattr(a, "examples", "") for name, a in setup.analyzers.items()}
    sent = [*examples.values(), *_written(setup)]
    redaction, shown = redacted(setup.settings.transcript, transcript, sent)
    check_codes(setup.codebook, redaction)
    variables = variables_of(setup.pipeline.nodes, shown, setup.settings, redaction, examples)
    fitter = Fitter(setup.settings, setup.analyzers, shown, variables)
    stages, models = setup.pipeline.stages, setup.models
    fits = fitter.fits(stages, models)
    plain = Job(
        **_values(setup),
        transcript=transcript,
        redaction=redaction,
        shown=shown,
        variables=variables,
        fits=fits,
    )
    ways, notes = setup.shareable
    sharing = []
    for shared in ways:
        try:
            fits = replace(fitter, shared=shared).fits(stages, models)
        except ConfigError:  # too long for a window
            continue
        sharing.append(replace(plain, fits=fits, shared=shared))
    return replace(choose_formats(plain, sharing), notes=notes)


def with_served_windows(job: Job | BatchJob) -> Job | BatchJob:
    """Return *job* with its material cut for the windows that self-hosted servers report.

    Waits for the servers. Raises ConfigError if a prompt does not fit.
    """
    models = [model for model in job.models.values() if is_self_hosted(model.settings)]
    if not models:
        return job
    text = job.transcript_material()[:SAMPLE_CHARS] if isinstance(job, Job) else ""
    for model in models:
        key = os.environ.get(model.settings.api_key_env or "")
        learn_served(model.settings, model.learned, key, text, model.tokenizer.count(text))
    cut = run_job(job, job.transcript if isinstance(job, Job) else _NO_TRANSCRIPT)
    return cut if isinstance(job, Job) else job


def _values(setup: Setup) -> dict[str, Any]:
    return {each.name: getattr(setup, each.name) for each in fields(Setup)}


def _models(settings: Settings) -> dict[str, Model]:
    """Return all models by name, checked as far as possible without a call."""
    check_names(settings)
    made = {}
    for name, model in {MAIN: settings.model, **settings.models}.items():
        check_model(name, model, settings)
        made[name] = Model(name, model, model.facts, tokenizer_for(model.map_name))
        if made[name].is_paid:
            learned = learned_before(Path(settings.output.dir), made[name].key)
            if model.context_window is not None:
                learned.window = None
            made[name] = replace(made[name], learned=learned)
    return made


def analyzer_folders(config_folders: Sequence[Path]) -> tuple[Path, ...]:
    """Return the folders in which a user may keep prompts.

    For `--config-dir mine`: `mine/analyzers`, `mine/analyzer` (beside the YAML), and a folder
    `analyzers` beside `mine`.
    """
    searched = (
        path
        for folder in config_folders
        for path in (folder / "analyzers", folder / "analyzer", folder.parent / "analyzers")
    )
    folders = [path for path in searched if path.is_dir()]
    for path in filter(Path.is_symlink, folders):
        raise ConfigError(f"{path} is a link: expected a folder, since its code is run")
    return tuple(path.resolve() for path in folders)


def checked_settings(data: Mapping[str, Any]) -> Settings:
    """Return *data* as Settings; raise ConfigError, also for an unknown format or a bad pattern."""
    settings = validate(data)
    if (name := settings.transcript.format) not in formats():
        near = did_you_mean(name, formats())
        raise ConfigError(f"transcript.format={name!r} is not a format{near}")
    check_patterns(settings.transcript)
    return settings


def open_transcript(settings: Settings, secrets: Secrets, file: Path | None = None) -> Transcript:
    """Read the transcript in *file*, by default that of `transcript.path`, speakers renamed.

    *secrets* in it are masked, as in replies. Raises ConfigError for a name in
    `transcript.speakers` that the transcript lacks; a file of a batch may lack some.
    """
    wanted = settings.transcript
    path = file or transcript_path(wanted.path)
    if file is None:
        refuse_results(wanted.path, path)
    transcript = read(path, format=wanted.format, encoding=wanted.encoding).transcript
    speakers = {segment.speaker for segment in transcript.segments if segment.speaker}
    unknown = next((name for name in wanted.speakers or () if name not in speakers), None)
    if unknown is not None and file is None:
        near = did_you_mean(unknown, speakers)
        raise ConfigError(f"transcript.speakers: no speaker is called {unknown!r} in {path}{near}")
    transcript = renamed(transcript, wanted.speakers) if wanted.speakers else transcript
    return without_keys(transcript, secrets)


def transcript_path(path: str) -> Path:
    """Return the file of `transcript.path`, with `~` and `pkg://package/file` expanded."""
    if path.startswith(PACKAGE_PREFIX):
        package, _, inner = path.removeprefix(PACKAGE_PREFIX).partition("/")
        folder = package_folder(package) if package.isidentifier() else None  # not imported
        if folder is None or not (folder / inner).resolve().is_relative_to(folder.resolve()):
            expected = "expected pkg://PACKAGE/FILE of an installed package"
            raise ConfigError(f"transcript.path={path!r}: {expected}")
        return folder / inner
    return user_path(path)
