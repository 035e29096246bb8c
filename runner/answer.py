"""What a model must return, and how a reply becomes it."""

from __future__ import annotations

import json
from typing import Any, cast

import json_repair
from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

from runner.errors import AnswerError
from runner.text import to_safe_text


class Strict(BaseModel):
    """Base of every answer shape: unknown keys are refused, values are finite and immutable."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Evidence(Strict):
    """A verbatim quote and the transcript segment it stands in."""

    segment: str = Field(description="Segment id as printed in the transcript, for example S0012.")
    quote: str = Field(description="Words copied verbatim from that segment.")


class Insight(Strict):
    """One finding a reader can act on."""

    text: str = Field(min_length=1, description="The finding in one or two sentences.")
    confidence: float = Field(ge=0, le=1, description="0 (guess) to 1 (stated outright).")
    category: str = Field(min_length=1, description="A short lower-case label.")
    evidence: list[Evidence] = Field(description="At least one quote that supports the finding.")


class NoFields(Strict):
    """The structured data of an analyzer that declares no fields of its own."""


class Answer(Strict):
    """A validated reply: *insights*, then the analyzer's own *structured_data*."""

    insights: list[Insight] = Field(min_length=1)
    structured_data: Any


def answer_shape(name: str, fields: type[BaseModel] = NoFields) -> type[Answer]:
    """Return the answer model of analyzer *name*, whose structured data has *fields*."""
    title = "".join(part.capitalize() for part in name.split("_")) + "Answer"
    made = create_model(title, __base__=Answer, structured_data=(fields, ...))
    return cast("type[Answer]", made)


def json_schema(shape: type[BaseModel]) -> dict[str, Any]:
    """Return the schema of *shape* in the strict subset that providers accept.

    Every property is required and no other is allowed; bounds and computed fields are left
    to our own validation (OpenAI, "Structured model outputs", supported schemas).
    """
    return cast("dict[str, Any]", _strict(shape.model_json_schema(mode="validation")))


_DROPPED = {"title", "default", "minLength", "maxLength", "minItems", "maxItems"}
_DROPPED |= {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "pattern"}


def _strict(node: Any) -> Any:
    if isinstance(node, list):
        return [_strict(item) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:  # a strict schema allows no sibling beside a reference
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


def parse_answer(text: str, shape: type[Answer]) -> tuple[Answer, bool]:
    """Read *text* as *shape*; return the answer and whether the JSON had to be repaired.

    Raises AnswerError of kind `invalid_output`, naming the first field that does not fit.
    """
    data, repaired = _load(text)
    data = _clean(data)
    try:
        return shape.model_validate(data), repaired
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the reply"
        more = error.error_count() - 1
        also = f" (and {more} more)" if more else ""
        raise AnswerError("invalid_output", f"{where}: {first['msg']}{also}", text=text) from error


def _clean(node: Any) -> Any:
    """Make every string safe to store: JSON escapes can hold what the text around them cannot."""
    if isinstance(node, str):
        return to_safe_text(node)
    if isinstance(node, list):
        return [_clean(item) for item in node]
    if isinstance(node, dict):
        return {to_safe_text(str(key)): _clean(value) for key, value in node.items()}
    return node


def _load(text: str) -> tuple[Any, bool]:
    body = text.strip()
    if body.startswith("```"):  # a fence around JSON is the commonest dressing
        body = body.strip("`").removeprefix("json").strip()
    try:
        return json.loads(body, parse_constant=_no_constant), False
    except (ValueError, RecursionError):
        return _repair(text), True


def _repair(text: str) -> dict[str, Any]:
    try:
        data = json_repair.loads(text, skip_json_loads=True)
    except (ValueError, RecursionError) as error:
        raise AnswerError("invalid_output", "the reply is not JSON", text=text) from error
    if not isinstance(data, dict):
        raise AnswerError("invalid_output", "the reply is not a JSON object", text=text)
    return data


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")
