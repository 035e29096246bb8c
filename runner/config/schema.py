"""Schema of the resolved configuration: frozen values, without unknown keys."""

import difflib
import unicodedata
from collections.abc import Mapping
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError

from runner.base.errors import ConfigError, did_you_mean
from runner.config.checks import ChecksSettings
from runner.config.delivery import DeliverySettings
from runner.config.model import ModelSettings as ModelSettings
from runner.config.section import Name, SettingsSection, Temperature, Tokens, as_switch, explain

# A file's name, never a path: prompts are found in folders that the command line names.
FileName = Annotated[
    str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*(\.[A-Za-z0-9_-]+)*$", max_length=128)
]
UserFile = Annotated[str, Field(min_length=1, max_length=1000)]  # a path, as typed
Concurrency = Annotated[int, Field(ge=1, le=256)]
Count = Annotated[int, Field(ge=0, le=10_000)]
_Switch = Literal["auto", "on", "off"]
Switch = Annotated[_Switch, BeforeValidator(as_switch, json_schema_input_type=_Switch | bool)]
_Redact = Literal["off", "names", "all"]
Redact = Annotated[_Redact, BeforeValidator(as_switch, json_schema_input_type=_Redact | bool)]
# A label in a transcript, composed as the reader returns it.
Label = Annotated[str, AfterValidator(lambda label: unicodedata.normalize("NFC", label))]
Minimised = Literal[
    "wall_s", "cost_usd", "total_tokens", "failed", "ungrounded",
    "failed_checks", "1-coverage", "1-precision",
]  # fmt: skip


class AboutSettings(SettingsSection):
    """Facts about a transcript, which prompts show to the model."""

    title: str | None = None
    date: str | None = None
    attendees: str | None = None
    glossary: list[str] = []


class TranscriptSettings(SettingsSection):
    """The transcript and how it is read; *speakers* maps labels in the file to names."""

    path: Annotated[str, Field(min_length=1)]
    format: str
    encoding: str | None
    token_budget: Tokens | None
    overlap_tokens: Count
    reduce_token_budget: Tokens
    speakers: dict[Label, str] | None = None
    about: AboutSettings = AboutSettings()
    media: str | None = None
    redact: Redact = "off"
    redact_patterns: list[str] = []


class BatchSettings(SettingsSection):
    """Concurrent files of a batch, and its part: *shard* of *shards*, from 0.

    It stops early if more than *max_failure_ratio* of 20 or more files have no answer.
    """

    max_active: Annotated[int, Field(ge=1, le=10_000)] | None = None
    max_failure_ratio: Annotated[float, Field(ge=0, le=1)] = 0.5
    shard: Annotated[int, Field(ge=0, le=99_999)] = 0
    shards: Annotated[int, Field(ge=1, le=100_000)] = 1


class CollectionSettings(SettingsSection):
    """How the findings of a collection are grouped: alike from *threshold* (cosine) on.

    *embeddings* is a litellm model whose vectors count as much as the words; None: words alone.
    """

    threshold: Annotated[float, Field(gt=0, le=1)] = 0.7
    embeddings: Annotated[str, Field(pattern=r"^[^/\s]+/\S+$")] | None = None


class BudgetSettings(SettingsSection):
    """Limits on the total of all sessions of a run or batch; None: no limit."""

    max_cost_usd: Annotated[float, Field(gt=0, le=1e6)] | None
    max_tokens: Annotated[int, Field(ge=1)] | None


class OutputSettings(SettingsSection):
    """Output files and the console."""

    dir: Annotated[str, Field(min_length=1)]
    max_insights_per_analyzer: Annotated[int, Field(ge=1, le=100)]
    console: Literal["auto", "live", "plain", "json", "quiet"]
    pages: Literal["plain", "obsidian", "docx"]
    insights_csv: Literal["insight", "evidence"] = "insight"
    language: Annotated[str, Field(min_length=1, max_length=60)] | None = None
    traces: Literal["none", "otlp"] = "none"


class GroundingSettings(SettingsSection):
    """Treatment of quotes that are not in the transcript.

    A run is degraded if less than *min_rate* of its quotes are there.
    """

    require: Literal["mark", "drop", "ask"]
    min_rate: Annotated[float, Field(ge=0, le=1)] = 0.5
    near_score: Annotated[float, Field(ge=50, le=100)]


class CoverageSettings(SettingsSection):
    """Treatment of uncited segments: *ask_again* asks about them once more."""

    ask_again: bool = False


class ProcessingSettings(SettingsSection):
    """Execution of the pipeline: order, concurrency, context budgets."""

    mode: Literal["concurrent", "sequential"]
    strict: bool
    prime_prefix: Switch
    max_concurrent: Concurrency
    max_concurrent_stage_a: Concurrency | None
    max_concurrent_stage_b: Concurrency | None
    max_concurrent_final: Concurrency | None
    stage_b_context_token_budget: Tokens
    stage_b_context_top_insights: Count
    stage_b_context_include_structured_keys: list[str]
    final_context_token_budget: Tokens
    final_context_top_insights: Count
    final_context_include_structured_keys: list[str]


class ContextSettings(SettingsSection):
    """Reduction of earlier answers for a stage; tokens are those of the rendered text."""

    token_budget: Tokens
    top_insights: Count
    include_structured_keys: list[str]
    transcript_tokens: Count


class ContextOverride(SettingsSection):
    """Context settings of one analyzer; None keeps the stage's value."""

    token_budget: Tokens | None
    top_insights: Count | None
    include_structured_keys: list[str] | None
    transcript_tokens: Count | None

    def over(self, base: ContextSettings) -> ContextSettings:
        """Return *base* with every value set here."""
        return base.model_copy(update=self.model_dump(exclude_none=True))


class StageSettings(SettingsSection):
    """A named group of analyzers; *scope* is what it reads: one transcript, or all of a batch."""

    scope: Literal["transcript", "collection"] = "transcript"
    needs: list[Name] = []
    input: Literal["transcript", "context", "both"]
    model: Name | None = None
    final: bool = False
    max_concurrent: Concurrency | None = None
    strict: bool = False
    context: ContextSettings | None = None


class AnalyzerSettings(SettingsSection):
    """One analyzer: its stage, model, prompt and limits."""

    stage: Name
    needs: list[Name] | None
    model: Name | None
    prompt: FileName | None
    answer: Name | None
    examples: UserFile | None = None
    max_tokens: Tokens
    temperature: Temperature | None
    variables: dict[str, str | int | float | bool]
    context: ContextOverride


class Settings(SettingsSection):
    """The whole configuration of one run."""

    transcript: TranscriptSettings
    model: ModelSettings
    models: dict[Name, ModelSettings]
    processing: ProcessingSettings
    guide: UserFile | None = None
    batch: BatchSettings = BatchSettings()
    collection: CollectionSettings = CollectionSettings()
    delivery: DeliverySettings = DeliverySettings()
    budget: BudgetSettings
    reuse: Switch
    repeat: Annotated[int, Field(ge=0)]
    objective: Annotated[list[Minimised], Field(min_length=1)] = ["wall_s"]
    output: OutputSettings
    grounding: GroundingSettings
    coverage: CoverageSettings = CoverageSettings()
    checks: ChecksSettings | None = None
    references: UserFile | None = None
    codebook: UserFile | None = None
    attributes: UserFile | None = None
    plan: bool
    stages: Annotated[dict[Name, StageSettings], Field(min_length=1)]
    analyzers: Annotated[dict[Name, AnalyzerSettings], Field(min_length=1)]


# Keys whose values are files of the user, which may be relative to the working directory.
FILES = ("transcript.path", "checks.file", "references", "codebook", "attributes", "guide")


def validate(data: Mapping[str, Any]) -> Settings:
    """Return *data* as Settings.

    Raises ConfigError: one line with the key, its value, what was expected, the nearest valid key.
    """
    try:
        return Settings.model_validate(dict(data))
    except ValidationError as error:
        raise ConfigError(explain(error, nearest_key)) from error


HEADER = "# @package _global_"  # Hydra reads it at the start of a file only
GROUPS = ("experiment", "pipeline", "sweep")  # chosen at the top without being keys


def nearest_key(path: list[str]) -> str:
    """Return a clause that names the valid key nearest to the unknown one at *path*, in full."""
    if path[0] in GROUPS or path[0].strip("_") == "global":
        place = f"{path[0]}/" if path[0] in GROUPS else "/, ".join(GROUPS) + "/"
        return f": a file in {place} needs {HEADER} as its first line"
    for depth, part in enumerate(path):  # the first unknown one
        keys = known_keys(path[:depth])
        if keys and part not in keys:
            above, below = [f"{each}." for each in path[:depth]], path[depth + 1 :]
            names = [*keys, *(() if above or below else GROUPS)]
            if not (above or below):  # its section may be missing
                inner = [f"{name}.{key}" for name in keys for key in known_keys([name])]
                names += difflib.get_close_matches(part, inner, n=1)
            return did_you_mean(part, names, "".join(above), "".join(f".{each}" for each in below))
    return ""


def known_keys(path: list[str]) -> list[str]:
    """Return the valid keys under *path*; empty where any name is valid."""
    found = _at(path)
    return [] if found is None or found is dict else list(found.model_fields)


def takes_any_key(path: list[str]) -> bool:
    """Return whether *path* is, or is inside, a mapping of any keys, such as `model.params`."""
    return _at(path) is dict


def _at(path: list[str]) -> Any:
    """Return the section at *path*, `dict` for a mapping of any keys, None for anything else."""
    section: type[SettingsSection] = Settings
    parts = iter(path)
    for part in parts:
        if (field := section.model_fields.get(part)) is None:
            return None
        kinds = (field.annotation, *get_args(field.annotation))
        is_mapping = any(get_origin(kind) is dict for kind in kinds)
        inner = section_of(field.annotation)
        if inner is None:
            return dict if is_mapping else None
        if is_mapping and next(parts, None) is None:
            return None  # the next part is a name chosen by the user, not a key
        section = inner
    return section


def section_of(annotation: Any) -> type[SettingsSection] | None:
    """Return the section inside an annotation such as `dict[Name, StageSettings]`, or None."""
    if isinstance(annotation, type) and issubclass(annotation, SettingsSection):
        return annotation
    inner = (section_of(argument) for argument in get_args(annotation))
    return next((section for section in inner if section is not None), None)
