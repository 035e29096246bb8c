"""Answer shapes: the schema that a model must return, and the validation of its reply."""

import itertools
import json
import math
import sys
import time
from collections import Counter
from functools import cache, partial
from typing import Annotated, Any, cast

import json_repair
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, create_model

from runner.answers.shared_schema import own_part
from runner.base.errors import AnswerError
from runner.base.text import to_safe_text

MAX_DEPTH = 64
MAX_VALUES = 50_000  # each can be an error of its own when the shape is checked
MAX_REPAIR_S = 1.0  # of CPU; a reply of 64,000 tokens takes 0.7


class Strict(BaseModel):
    """Base of answer shapes: frozen, without unknown keys, numbers finite."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Evidence(Strict):
    """A verbatim quote and the id of its transcript segment."""

    segment: str = Field(description="Segment id as printed in the transcript, for example S0012.")
    quote: str = Field(description="Words copied verbatim from that segment.")


class Insight(Strict):
    """One finding that a reader can act on."""

    text: str = Field(min_length=1, description="The finding in one or two sentences.")
    confidence: float = Field(ge=0, le=1, description="0 (guess) to 1 (stated outright).")
    category: str = Field(min_length=1, description="A short lower-case label.")
    evidence: list[Evidence] = Field(description="At least one quote that supports the finding.")


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
    own: Any = Annotated[fields, BeforeValidator(partial(own_part, name, fields))]
    return create_model(title, __base__=Answer, structured_data=(own, ...))


@cache
def json_schema(shape: type[BaseModel]) -> dict[str, Any]:
    """Return the schema of *shape* in the strict subset that providers accept.

    Every property is required and no other is allowed. Bounds are left out, since only our
    validation checks them (OpenAI, "Structured model outputs", supported schemas).
    """
    return cast("dict[str, Any]", _strict(shape.model_json_schema(mode="validation")))


_DROPPED = {"title", "default", "minLength", "maxLength", "minItems", "maxItems"}
_DROPPED |= {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "pattern"}


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


def parse_answer(text: str, shape: type[Answer]) -> tuple[Answer, bool]:
    """Parse *text* as *shape*; return the answer and whether its JSON was repaired.

    Raises AnswerError of kind `invalid_output` that names the first invalid field.
    """
    try:
        data, repaired = _load(text)
        data = _clean(data)
    except ValueError as error:
        raise AnswerError("invalid_output", f"the reply {error}", text=text) from error
    try:
        return shape.model_validate(data), repaired
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the reply"
        more = error.error_count() - 1
        also = f" (and {more} more)" if more else ""
        raise AnswerError("invalid_output", f"{where}: {first['msg']}{also}", text=text) from error


def _clean(node: Any, depth: int = 0) -> Any:
    """Return *node* with every string safe to store; JSON escapes can hide unsafe characters.

    Raises ValueError for numbers that are not finite and for nesting deeper than MAX_DEPTH.
    """
    if depth > MAX_DEPTH:
        raise ValueError(f"is nested deeper than {MAX_DEPTH}")
    if isinstance(node, str):
        return node if node.isascii() and node.isprintable() else to_safe_text(node)
    if isinstance(node, list):
        return [_clean(item, depth + 1) for item in node]
    if isinstance(node, dict):
        return {_clean(key): _clean(body, depth + 1) for key, body in node.items()}
    if isinstance(node, float) and not math.isfinite(node):
        raise ValueError("holds a number that is not finite")
    return node


def _load(text: str) -> tuple[Any, bool]:
    """Return the JSON value in *text* and whether it was repaired; raise ValueError."""
    if sum(map(text.count, ",[{")) > MAX_VALUES:
        raise ValueError(f"has more than {MAX_VALUES:,} values")
    body = text.strip()
    if body.startswith("```"):  # models often wrap JSON in a code fence
        body = body.strip("`").removeprefix("json").strip()
    try:
        return json.loads(body, parse_constant=_no_constant, object_pairs_hook=_unique_keys), False
    except _NotRepairableError:
        raise
    except (ValueError, RecursionError):
        pass
    try:
        data = _repaired(text)
    except (ValueError, RecursionError) as error:
        raise ValueError("is not JSON") from error
    except _TooCostlyError as error:
        raise ValueError(f"is not JSON, and not repaired in {MAX_REPAIR_S:g} s") from error
    if isinstance(data, dict):
        return data, True
    raise ValueError("is not a JSON object")


def _repaired(text: str) -> Any:
    """Return the value that json_repair finds; raise _TooCostlyError after MAX_REPAIR_S.

    Its time grows with the square of the length for many texts, and it runs in a thread, which
    only a profiling function can end.
    """
    ends, steps, profiler = time.thread_time() + MAX_REPAIR_S, itertools.count(), sys.getprofile()

    def check(*_: object) -> None:
        if not next(steps) % 1000 and time.thread_time() > ends:
            raise _TooCostlyError

    sys.setprofile(check)
    try:
        return json_repair.loads(text, skip_json_loads=True)
    finally:
        sys.setprofile(profiler)


class _TooCostlyError(Exception):
    """A repair used its time."""


class _NotRepairableError(ValueError):
    """A fault whose repair would be a guess at the meaning."""


def _no_constant(name: str) -> float:
    raise _NotRepairableError(f"holds {name}, which is not JSON")


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    unique = dict(pairs)
    if len(unique) < len(pairs):
        repeated = Counter(name for name, _ in pairs).most_common(1)[0][0]
        raise _NotRepairableError(f"has the key {to_safe_text(repeated)[:80]!r} twice")
    return unique
