"""Reply format: which analyzers can send one schema, within their provider's limits."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from runner.answers.analyzer import Analyzer, Message
from runner.answers.shared_schema import schema_sizes, shared_schema, which_part
from runner.config.model_facts import OFFLINE
from runner.config.schema import Settings
from runner.job.graph import Node, Pipeline
from runner.job.models import Model, chain_of
from runner.providers.messages import without
from runner.providers.request import Request


@dataclass(frozen=True, slots=True)
class Shared:
    """A *schema* with a part for each of the analyzers called *names*."""

    schema: Mapping[str, Any]
    names: frozenset[str]


Formats = Mapping[tuple[str, str], Shared]  # by analyzer and name of the model; others share none


def shareable(
    settings: Settings,
    pipeline: Pipeline,
    analyzers: Mapping[str, Analyzer],
    models: Mapping[str, Model],
) -> tuple[tuple[Formats, ...], tuple[str, ...]]:
    """Return the ways to share schemas, and the models for which `shared` has no effect.

    A schema covers all analyzers that ask a model first, so that every stage reads one prefix, or
    only those of one stage, which is shorter; each within the provider's limits.
    """
    ways, notes = [dict[tuple[str, str], Shared](), dict[tuple[str, str], Shared]()], []
    for model in models.values():
        wanted = model.settings.reply_format
        may = wanted == "shared"
        if wanted == "auto":  # the cache and limits of a server at another address are unknown
            here, takes = model.settings.api_base is None, model.facts.supports_schema is True
            may = here and takes and model.schema_in_prefix
        if not may or model.settings.name.startswith(OFFLINE):  # which reads no schema
            continue
        nodes = [n for n in pipeline.nodes if chain_of(n, settings, models)[0] is model]
        whole, fault = _shared(nodes, analyzers, model)
        for stage in dict.fromkeys(node.stage for node in nodes):
            own, also = _shared([n for n in nodes if n.stage == stage], analyzers, model)
            fault = fault or also
            for way, schema in zip(ways, (whole or own, own), strict=True):
                if schema is not None:
                    names = (n.name for n in nodes if n.stage == stage and n.name in schema.names)
                    way |= {(name, model.name): schema for name in names}
        if fault and wanted == "shared":
            notes.append(f"{model.settings.name}: {fault}: not shared by all")
    return tuple(way for way in ways if way), tuple(notes)


def in_part(messages: Sequence[Message], name: str) -> tuple[Message, ...]:
    """Return *messages*, whose last one says which part of the shared schema to fill."""
    *before, last = messages
    content = last["content"]
    parts = [{"type": "text", "text": content}] if isinstance(content, str) else list(content)
    parts.append({"type": "text", "text": which_part(name)})
    return (*before, {**last, "content": parts})


def other_format(request: Request) -> Request | None:
    """Return *request* with its analyzer's own schema in place of a shared one, or the reverse.

    Both ask the same question; keys contain the analyzer's own schema, so an answer to one is
    reused for the other.
    """
    if request.schema is None:
        return None
    if request.own_schema is None:
        messages = in_part(request.messages, request.node)
        return replace(request, messages=messages, own_schema=request.schema)
    messages = without(request.messages, which_part(request.node))
    return replace(request, messages=messages, schema=request.own_schema, own_schema=None)


def _shared(
    nodes: Sequence[Node], analyzers: Mapping[str, Analyzer], model: Model
) -> tuple[Shared | None, str]:
    """Return the schema of *nodes*, or None, and the limit that it exceeds."""
    schemas = {node.name: analyzers[node.name].schema for node in nodes}
    if len(schemas) < 2:
        return None, ""
    try:
        schema = shared_schema(schemas)
    except ValueError as error:  # an analyzer of another catalog
        return None, str(error)
    limits = asdict(model.facts.schema_limits)
    for name, count in schema_sizes(schema).items():
        if count > limits[name]:
            what = f"{count:,} {name.replace('_', ' ')}, at most {limits[name]:,} are allowed"
            return None, f"the schema shared by {len(schemas)} analyzers has {what}"
    return Shared(schema, frozenset(schemas)), ""
