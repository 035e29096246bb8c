"""Answer shapes: the schema that a model must return."""

from collections.abc import Mapping
from functools import cache
from typing import Any, cast

from pydantic import BaseModel, ConfigDict, Field, create_model


class Strict(BaseModel):
    """Base of answer shapes: frozen, without unknown keys, numbers finite."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Evidence(Strict):
    """A verbatim quote and the id of its transcript segment."""

    segment: str = Field(
        description="Segment id as printed in the transcript, for example S0012.",
        json_schema_extra={"pattern": "^S[0-9]{4,12}$"},  # where a grammar writes the reply
    )
    quote: str = Field(description="Words copied verbatim from that segment.")


class Point(Strict):
    """A statement in one sentence, with the quotes that support it."""

    text: str
    evidence: list[Evidence]


class Insight(Strict):
    """One finding that a reader can act on."""

    text: str = Field(min_length=1, description="The finding in one or two sentences.")
    confidence: float = Field(ge=0, le=1, description="0 (guess) to 1 (stated outright).")
    category: str = Field(min_length=1, description="A short lower-case label.")
    evidence: list[Evidence] = Field(
        description="Quotes that support it; none only if it says that nothing was found."
    )


class NoFields(Strict):
    """The structured data of an analyzer that declares no fields."""


class Answer(Strict):
    """A validated reply: *insights* and the analyzer's *structured_data*."""

    insights: list[Insight] = Field(min_length=1)
    structured_data: Any


@cache
def answer_shape(name: str, fields: type[BaseModel] = NoFields) -> type[Answer]:
    """Return the answer model of analyzer *name*, whose structured data has *fields*."""
    title = "".join(part.capitalize() for part in name.split("_")) + "Answer"
    return create_model(title, __base__=Answer, structured_data=(fields, ...))


@cache
def json_schema(shape: type[BaseModel]) -> dict[str, Any]:
    """Return the strict schema of *shape*: all properties required, no others, bounds kept."""
    return cast("dict[str, Any]", _strict(shape.model_json_schema(mode="validation")))


_DESCRIBED = {"$ref", "title", "description", "default"}  # keys that bound no value


def dereferenced(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return a JSON schema with references replaced, recursive ones by a dictionary in itself."""
    definitions = schema.get("$defs", {})
    named: dict[str, dict[str, Any]] = {}

    def replaced(node: Any) -> Any:
        if isinstance(node, list):
            return [replaced(each) for each in node]
        if not isinstance(node, dict):
            return node
        if "$ref" not in node:
            return {key: replaced(each) for key, each in node.items() if key != "$defs"}
        name = str(node["$ref"]).rpartition("/")[2]
        if name not in named:
            named[name] = {}
            named[name].update(replaced(definitions[name]))
        return named[name] if node.keys() <= _DESCRIBED else {**named[name], **node}

    result: dict[str, Any] = replaced(schema)
    return result


def limit_insights(schema: Mapping[str, Any], max_insights: int) -> dict[str, Any]:
    """Return an answer's *schema* with at most *max_insights* insights."""
    named = schema.get("properties", {})
    if "insights" not in named:  # an analyzer of another catalog
        return dict(schema)
    insights = {**named["insights"], "maxItems": max_insights}
    return {**schema, "properties": {**named, "insights": insights}}


_DROPPED = {"title", "default"}


def _strict(node: Any) -> Any:
    if isinstance(node, list):
        return [_strict(item) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:  # a strict schema allows no key beside a reference
        return {"$ref": node["$ref"]}
    named = ("properties", "$defs")
    kept = {
        key: {name: _strict(body) for name, body in value.items()}
        if key in named
        else _strict(value)
        for key, value in node.items()
        if key not in _DROPPED
    }
    if kept.get("type") == "object":
        kept["properties"] = kept.get("properties", {})
        kept["required"] = list(kept["properties"])
        kept["additionalProperties"] = False
    return kept
