"""Job: everything about a run that is known before the first call, as frozen values."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from runner.answers.analyzer import Analyzer, Material, Message
from runner.answers.codebook import Codebook
from runner.answers.prompt_text import segment_line, wrap
from runner.answers.references import turns_of
from runner.answers.second_answer import ASKED_AGAIN
from runner.answers.shape import limit_insights
from runner.base.errors import one_line
from runner.base.format import first_of
from runner.base.secrets import Secrets, secrets_of
from runner.config.schema import Settings
from runner.job.attributes import Attributes
from runner.job.chunks import Chunk
from runner.job.expectations import JobChecks, source_lines
from runner.job.graph import Node, Pipeline, SlotPools
from runner.job.models import MAIN, Model, chain_of, escalation_of
from runner.job.reply_format import Formats, in_part, shareable
from runner.job.windows import Fit
from runner.providers.request import Request
from runner.transcript.inputs import Inputs
from runner.transcript.model import Segment, Transcript
from runner.transcript.redact.null_redaction import NullRedaction

MAX_SPEAKERS = 50  # named in a question; the segments name all


def keys_of(settings: Settings) -> Secrets:
    """Return the keys of this process, in whatever variables the models' settings name."""
    models = (settings.model, *settings.models.values())
    return secrets_of(*(model.api_key_env for model in models))


@dataclass(frozen=True, kw_only=True)
class Setup:
    """The part of a job that does not depend on the transcript: pipeline and models.

    *models* are by name. *config* is the resolved configuration as YAML, *composed* the same
    before its interpolations were resolved, *config_digest* the SHA-256 of the settings and
    prompts, *answers_digest* that of `config_diff`; *config_dirs* are the `--config-dir` folders;
    *expected* are the checks of answers, *codebook* the codes of its coders, *secrets* the keys of
    this process (see `keys_of`). *pipeline* is that of each transcript, *collection* that of a
    whole batch, often empty. *to_embed* has the known texts of each call for embeddings and their
    tokens, None without such calls.
    """

    settings: Settings
    pipeline: Pipeline
    collection: Pipeline = field(default_factory=lambda: Pipeline(()))
    analyzers: Mapping[str, Analyzer]
    models: Mapping[str, Model]
    config: str
    composed: str
    config_digest: str
    answers_digest: str
    secrets: Secrets = field(repr=False)
    config_dirs: tuple[Path, ...] = ()
    overrides: tuple[str, ...] = ()
    expected: JobChecks = field(default_factory=JobChecks)
    codebook: Codebook | None = None
    to_embed: tuple[tuple[int, int], ...] | None = None

    @cached_property
    def shareable(self) -> tuple[tuple[Formats, ...], tuple[str, ...]]:
        """The ways in which its analyzers can share schemas; see reply_format.shareable."""
        return shareable(self.settings, self.pipeline, self.analyzers, self.models)

    @property
    def root(self) -> Path:
        """The directory that holds all runs."""
        return Path(self.settings.output.dir)

    @property
    def main(self) -> Model:
        """The model that answers unless a stage or an analyzer names another."""
        return self.models[MAIN]

    @property
    def embeds(self) -> str | None:
        """The embedding model that is asked, if any."""
        return None if self.to_embed is None else self.settings.collection.embeddings

    @property
    def is_paid(self) -> bool:
        """Whether any model is a provider's."""
        return self.embeds is not None or any(model.is_paid for model in self.models.values())

    @property
    def slot_pools(self) -> SlotPools:
        """The slots that its calls take."""
        processing = self.settings.processing
        return self.pipeline.slot_pools(processing.max_concurrent, processing.mode)

    def chain(self, node: Node) -> tuple[Model, ...]:
        """Return the model of *node* and its fallbacks, in order."""
        return chain_of(node, self.settings, self.models)

    def escalation(self, node: Node) -> tuple[Model, ...]:
        """Return the models that answer *node* again if an answer fails its checks."""
        return escalation_of(node, self.settings, self.models)


@dataclass(frozen=True, kw_only=True)
class BatchJob(Setup):
    """A batch: one pipeline over many transcripts, which are read one by one."""

    inputs: Inputs
    attributes: Attributes = field(default_factory=Attributes)

    @property
    def note(self) -> str:
        """The files left out and those without attributes in one line, empty for none."""
        named = {*self.attributes.files, *self.attributes.speakers}
        bare = [file.name for file in self.inputs if self.attributes and file.name not in named]
        lacking = f"without a row of attributes: {first_of(bare, 6)}" if bare else ""
        return "; ".join(filter(None, (self.inputs.note, lacking)))


@dataclass(frozen=True, kw_only=True)
class Job(Setup):
    """A run: one pipeline over one transcript.

    *fits* are by node and model; *variables* are the placeholders of each node's question. *shared*
    are the schemas that analyzers of a stage share, *notes* explain where they cannot. *shown* is
    the *transcript* as prompts show it, with the stand-ins of *redaction*.
    """

    transcript: Transcript
    redaction: NullRedaction
    shown: Transcript
    variables: Mapping[str, Mapping[str, object]]
    fits: Mapping[tuple[str, str], Fit]
    shared: Formats = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @cached_property
    def turn_of(self) -> Mapping[str, int]:
        """The turn of each segment as reference answers count them: of a text, its lines."""
        lines = source_lines(self.settings.transcript.path, self.transcript)
        return turns_of(self.transcript.segments, lines)

    def fit(self, node: Node, model: Model) -> Fit:
        """Return the fit of *node*'s material to *model*."""
        return self.fits[node.name, model.name]

    def request(self, name: str, model: Model, text: str, reply: int, *, cache: bool) -> Request:
        """Return the request that asks *model* the question of analyzer *name* about *text*.

        *reply* limits the tokens of the reply; *cache* is as in Request.
        """
        analyzer, settings = self.analyzers[name], self.settings.analyzers[name]
        material = Material(text, self.variables[name])
        limit = self.settings.output.max_insights_per_analyzer
        messages = analyzer.messages(material, with_schema=model.schema_in_prompt)
        own = limit_insights(analyzer.schema, limit) if model.schema_beside else None
        if (shared := self.shared.get((name, model.name))) is not None:
            messages = in_part(messages, name)
        return Request(
            node=name,
            messages=redacted_question(self.redaction, messages, text),
            max_tokens=reply,
            temperature=model.temperature(settings, self.settings.model),
            schema=own if shared is None else limit_insights(shared.schema, limit),
            own_schema=None if shared is None else own,
            cache=cache,
        )

    def transcript_material(self, chunk: Chunk | None = None) -> str:
        """Return the transcript or a part of it as prompts show it, the same for every node."""
        return wrap("transcript", "\n".join(map(segment_line, self.segments_of(chunk))))

    def silent_material(self, chunk: Chunk | None, silent: Collection[str]) -> str:
        """Return the *silent* segments of a part as a question about them shows them."""
        lines = [segment_line(each) for each in self.segments_of(chunk) if each.id in silent]
        return wrap("transcript", "\n".join(lines)) + ASKED_AGAIN if lines else ""

    def segments_of(self, chunk: Chunk | None) -> Sequence[Segment]:
        """Return the segments of a part, or all, as prompts show them."""
        segments = self.shown.segments
        return segments if chunk is None else segments[chunk.start : chunk.stop]


def redacted_question(
    redaction: NullRedaction, messages: tuple[Message, ...], material: str
) -> tuple[Message, ...]:
    """Return *messages* with stand-ins outside the *material*, which already has them."""
    if not redaction:
        return messages

    def masked(content: Any) -> Any:
        if isinstance(content, str):
            return content if content == material else redaction.mask(content, fixed=True)
        return [{**part, "text": masked(part["text"])} for part in content]

    return tuple({**message, "content": masked(message["content"])} for message in messages)


def variables_of(
    nodes: Iterable[Node],
    transcript: Transcript,
    settings: Settings,
    redaction: NullRedaction,
    examples: Mapping[str, str],
) -> dict[str, dict[str, object]]:
    """Return the placeholders of each node's question on *transcript* as prompts show it.

    *examples* are those of each analyzer.
    """
    names = dict.fromkeys(s.speaker for s in transcript.segments if s.speaker)
    named = [*names][:MAX_SPEAKERS]
    if len(names) > MAX_SPEAKERS:
        named.append(f"and {len(names) - MAX_SPEAKERS} more")
    return {
        node.name: {
            "analyzer": node.name,
            "stage": node.stage,
            "max_insights": settings.output.max_insights_per_analyzer,
            "speakers": ", ".join(named) or "not named",
            "transcript_name": transcript.name,
            "notes": _notes(settings, redaction),
            "examples": redaction.mask(examples.get(node.name, ""), eager=True),
        }
        for node in nodes
    }


def _notes(settings: Settings, redaction: NullRedaction) -> str:
    """Return notes for the model: facts about the transcript, and the language of answers."""
    about = settings.transcript.about
    facts = {
        "Title": about.title,
        "Date": about.date,
        "Attendees": about.attendees,
        "Names and terms as they are spelt": ", ".join(about.glossary),
    }
    lines = [
        f"{name}: {redaction.mask(one_line(value, 2000), eager=True)}"
        for name, value in facts.items()
        if value
    ]
    told = "\n".join(["About the transcript, from the person who asks:", *lines]) if lines else ""
    language = one_line(settings.output.language or "")
    asked = f"Write the answer in {language}; leave quotes as they were said." if language else ""
    return "\n\n".join(filter(None, [told, redaction.note, asked]))
