"""Context windows: fits the transcript, whole or in parts, and a context into a model's window."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from runner.answers.analyzer import Analyzer, Material
from runner.answers.prompt_text import segment_line
from runner.answers.second_answer import ASKED_AGAIN_TOKENS
from runner.answers.shared_schema import as_text
from runner.base.errors import ConfigError
from runner.base.tokens import Tokenizer
from runner.config.model_facts import entry_name
from runner.config.provider_facts import provider_facts
from runner.config.schema import Settings
from runner.job.chunks import Chunk, cut
from runner.job.graph import Node, Stage, asks_again
from runner.job.models import MAIN, Model, chain_of, escalation_of
from runner.job.reply_format import Formats, in_part
from runner.providers.messages import text_parts
from runner.providers.request import Request
from runner.providers.schemas import sent_schema
from runner.transcript.model import Transcript

FRAME_TOKENS = 64  # tags around the material and a provider's markup of messages
MIN_CONTEXT = 200  # tokens; a smaller context is not worth a call
_MIN_REPLY = 200  # tokens; a message advises at least so many
_COUNTED = 1000  # schemas whose tokens are remembered
_TRANSCRIPT_SHARE = 0.5  # least share of the room for a transcript read with a context


@dataclass(frozen=True, slots=True)
class Fit:
    """The fit of one node's material to one model's window, in tokens.

    *fixed* is the prompt without material; *chunks* are the parts of the transcript (one if it
    is read whole, none if it is not read); *context* limits the context and *reply* the reply;
    *room* limits all material together, None if the window is unknown. *lead* is the part of
    *fixed* before the material: the system text, and the schema where the provider puts it there.
    """

    fixed: int
    chunks: tuple[Chunk, ...]
    context: int
    reply: int
    room: int | None
    window: int | None = None
    factor: float = 1.0
    lead: int = 0

    def joined(self, budget: int) -> int:
        """Return the tokens of the findings of parts and of what they cite, *budget* for each."""
        return 2 * budget if self.room is None else min(2 * budget, self.room - self.context)


@dataclass(frozen=True)
class Fitter:
    """Fits the nodes of one run to models."""

    settings: Settings
    analyzers: Mapping[str, Analyzer]
    transcript: Transcript
    variables: Mapping[str, Mapping[str, object]]
    shared: Formats = field(default_factory=dict)
    _costs: dict[Tokenizer, list[int]] = field(default_factory=dict)  # of the segments

    def fits(
        self, stages: Sequence[Stage], models: Mapping[str, Model]
    ) -> dict[tuple[str, str], Fit]:
        """Return the fit of each node to each model that may be asked, by the names of both.

        All nodes of a stage that read the transcript in parts read the same parts, to share
        prefixes. Raises ConfigError for what cannot fit.
        """
        return {
            (name, model.name): fit
            for stage in stages
            for model in models.values()
            for name, fit in self._stage(stage, model, models).items()
        }

    def _stage(self, stage: Stage, model: Model, models: Mapping[str, Model]) -> dict[str, Fit]:
        of = self.settings, models
        nodes = [n for n in stage.nodes if model in (*chain_of(n, *of), *escalation_of(n, *of))]
        fits = _sharing(nodes, {node.name: self._bare(node, model) for node in nodes})
        readers = [node for node in nodes if node.transcript]
        if not readers or not self.transcript.segments:  # a batch's job has no transcript yet
            return fits
        settings, costs = self.settings.transcript, self._costs.get(model.tokenizer)
        if costs is None:
            lines = (segment_line(segment) + "\n" for segment in self.transcript.segments)
            costs = self._costs[model.tokenizer] = [*map(model.tokenizer.count, lines)]
        reading = {node.name: fits[node.name] for node in readers}
        limits = [fit.room - fit.context for fit in reading.values() if fit.room is not None]
        limits += [] if settings.token_budget is None else [settings.token_budget]
        chunks = cut(costs, min(limits, default=sum(costs)), settings.overlap_tokens)
        return fits | {name: replace(fit, chunks=chunks) for name, fit in reading.items()}

    def _bare(self, node: Node, model: Model) -> Fit:
        """Return the fit of *node* without a transcript."""
        analyzer, own = self.analyzers[node.name], self.settings.analyzers[node.name]
        limit = model.facts.max_output_tokens
        if model.name == MAIN and limit is not None and own.max_tokens > limit:
            most = f"{model.settings.name} writes at most {limit}"
            raise ConfigError(f"analyzers.{node.name}.max_tokens={own.max_tokens}: {most}")
        empty = Material("", self.variables[node.name])
        messages = analyzer.messages(empty, with_schema=model.schema_in_prompt)
        schema = analyzer.schema
        if (shared := self.shared.get((node.name, model.name))) is not None:
            messages, schema = in_part(messages, node.name), shared.schema
        lead, *counts = (sum(map(model.tokenizer.count, text_parts(each))) for each in messages)
        lead += _schema_tokens(model, schema)
        fixed = FRAME_TOKENS + lead + sum(counts)
        reply = model.reply_tokens(own, self.settings.model)
        budget = 0 if node.context is None else node.context.token_budget
        if asks_again(self.settings, node):
            fixed += ASKED_AGAIN_TOKENS
        known = model.window, model.token_factor
        if model.window is None:
            return Fit(fixed, (), budget, reply, None, *known, lead)
        # Most windows hold prompt and reply, even those that the map calls input.
        room = int((model.window - reply) / model.token_factor) - fixed
        context = min(budget, int(room * _TRANSCRIPT_SHARE) if node.transcript else room)
        least = MIN_CONTEXT if node.transcript else 1
        if room < least or context < min(MIN_CONTEXT, budget):
            raise _too_small(node, model, fixed, reply)
        return Fit(fixed, (), context, reply, room, *known, lead)


def _too_small(node: Node, model: Model, fixed: int, reply: int) -> ConfigError:
    """Return the error for a window without room for material besides prompt and reply."""
    window, least = model.window or 0, int((fixed + MIN_CONTEXT) * model.token_factor)
    advice = f"serve it with a window of {least + reply} or more"
    if window - least >= _MIN_REPLY:
        advice = f"set analyzers.{node.name}.max_tokens={window - least} or less"
    also = f" and the reply may have {reply:,}" if reply else ""
    return ConfigError(
        f"{node.name}: the prompt has {fixed:,} tokens without any material{also}, but "
        f"{model.settings.name} has a window of {window:,}: {advice}, or choose a model with a "
        f"larger window"
    )


def longest_reply(model: Model, request: Request) -> int | None:
    """Return the longest reply to *request* that *model* can write, None if unknown."""
    limits = [] if model.facts.max_output_tokens is None else [model.facts.max_output_tokens]
    if model.window is not None:
        limits.append(model.window - int(model.token_factor * counted(model, request)))
    return min(limits, default=None)


def counted(model: Model, request: Request) -> int:
    """Return the tokens of *request*'s prompt by our count."""
    texts = (part for message in request.messages for part in text_parts(message))
    before = _schema_tokens(model, request.schema) if request.schema else 0
    return before + sum(map(model.tokenizer.count, texts)) + FRAME_TOKENS


def _schema_tokens(model: Model, schema: Mapping[str, Any]) -> int:
    """Return the tokens of a reply's *schema* in the prompt, 0 if it is not part of it."""
    if not model.schema_in_prefix:
        return 0
    known = model.counted.get(id(schema))
    if known is None or known[0] is not schema:
        sent = sent_schema(schema, model.settings.name, model.settings.api_base)
        known = model.counted[id(schema)] = schema, model.tokenizer.count(as_text(sent))
    if len(model.counted) > _COUNTED:
        model.counted.clear()
    return known[1]


def window_notes(models: Iterable[Model]) -> Iterator[str]:
    """Yield a sentence about each window that is learned, guessed or unknown."""
    for model in models:
        name, alike = model.settings.name, entry_name(model.settings.name)
        key = "model" if model.name == MAIN else f"models.{model.name}"
        own = provider_facts(name.partition("/")[0]).self_hosted
        own = own or model.settings.api_base is not None
        if model.window is None:
            yield (
                f"the window of {name} is unknown: nothing is cut before the server is asked, or "
                f"refuses a call; {key}.context_window=TOKENS sets it"
            )
        elif model.learned.window is not None:
            yield f"the window of {name} is {model.window:,} tokens, from {model.learned.source}"
        elif own and model.is_paid:
            known = f"{key}.context_window={model.settings.context_window} says"
            if model.settings.context_window is None:
                known = f"{alike} has in litellm's map; {key}.context_window=TOKENS sets it"
            yield f"the window of {name} is guessed: {model.window:,} tokens, as {known}"


def _sharing(nodes: Sequence[Node], fits: Mapping[str, Fit]) -> dict[str, Fit]:
    """Give nodes with equal context settings the same budget, so that they share a context."""
    keys = {node.name: (node.context, sorted(node.needs)) for node in nodes}
    alike = {name: [fits[n].context for n in fits if keys[n] == keys[name]] for name in fits}
    return {name: replace(fit, context=min(alike[name])) for name, fit in fits.items()}
