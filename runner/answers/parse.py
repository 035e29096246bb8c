"""Parsing of replies: finds the answer in a model's text, and notes how."""

import json
import math
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, field, replace
from functools import cache, reduce
from operator import getitem
from typing import Any

from pydantic import ValidationError

from runner.answers.coerce import Coercion
from runner.answers.json_repair import MAX_DEPTH, TooCostlyError, complete, repair
from runner.answers.reply import ReplyValues, is_strict, readings
from runner.answers.shape import Answer, Insight, dereferenced
from runner.base.errors import AnswerError, one_line
from runner.base.text import to_safe_text

MAX_VALUES = 50_000  # each can be an error of its own when the shape is checked
_STARTS = 3  # places from which a repair is tried
_SHOWN = 120  # characters of a reply without an object that its fault repeats
# Texts of an insight that the model has copied from the schema or its example.
_PLACEHOLDERS = {"", "string", "str", "text", "finding", "insight", "your finding here"}
_PLACEHOLDERS |= {str(Insight.model_fields["text"].description).strip(".").lower()}
# Faults of a value that is legible but not one of those allowed, or empty.
_SAY_NOTHING = {"literal_error", "enum", "too_short", "string_too_short"}


@dataclass(frozen=True, slots=True)
class ReadReply:
    """A parsed reply."""

    answer: Answer
    notes: tuple[str, ...] = ()  # on repairs, empty for plain JSON
    repaired: bool = False  # its JSON was invalid
    cut: bool = False  # it ended within the object, whose complete items are kept
    dropped: bool = False  # an incomplete item was left out
    doubt: str = ""  # what of it is not certain, and worth another request

    def after(self, *notes: str) -> "ReadReply":
        """Return this with *notes* before its own; empty ones are left out."""
        return replace(self, notes=(*filter(None, notes), *self.notes))


def parse_answer(text: str, shape: type[Answer], part: str = "") -> ReadReply:
    """Return the answer of *shape* in the reply *text*, however it is wrapped.

    The answer is the last valid object outside the model's reasoning. Only without one, broken JSON
    is repaired, or completed where it was cut. *part* is the analyzer's part of a shared schema.
    Raises AnswerError of kind `invalid_output` that states the fault of the best object.
    """
    search = _AnswerSearch(shape, part)
    said = one_line(text, _SHOWN) or "it is empty"  # it may be a refusal
    search.refuse(0, f"the reply has no JSON object: {said}")
    if sum(map(text.count, ",[{")) > MAX_VALUES:
        search.refuse(3, f"the reply has more than {MAX_VALUES:,} values")
    else:
        ways: list[tuple[ReplyValues, str]] = []
        for way in readings(text):  # repairs come after all readings of intact text
            ways.append(way)
            if (reading := search.strict(way[0])) is not None:
                return reading.after(way[1])
        for found, how in ways:
            if (reading := search.repaired(found)) is not None:
                return reading.after(how)
    raise AnswerError("invalid_output", search.fault, text=text)


@dataclass
class _AnswerSearch:
    """Searches for an answer of *shape*."""

    shape: type[Answer]
    part: str = ""
    faults: list[tuple[int, str]] = field(default_factory=list)  # with their importance first
    is_spent: bool = False  # a repair exceeded its time limit, and no other is tried

    @property
    def fault(self) -> str:
        """The most important fault; among equals the last."""
        return max(reversed(self.faults), key=lambda fault: fault[0])[1]

    def refuse(self, importance: int, fault: str) -> None:
        """Note why a value is not an answer."""
        self.faults.append((importance, fault))

    def strict(self, found: ReplyValues) -> ReadReply | None:
        """Return the reading of the last valid value, or of all values together."""
        return self._last_valid(found) or self._together(found)

    def _last_valid(self, found: ReplyValues) -> ReadReply | None:
        """Return the reading of the last valid value, of a doubtful one if none is certain."""
        read: list[tuple[ReadReply, int, int]] = []  # with start and end of its value
        later: list[str] = []  # faults of the objects after the last valid one
        for value, start, end in found.values:
            for reading in map(self.validated, self._alternatives(value)):
                if reading is None:
                    importance, fault = self.faults[-1]
                    later += [fault] if importance > 1 else []
                    continue
                read.append((reading, start, end))
                later = [*later, reading.doubt] if reading.doubt else []
        valid = [each for each in read if not each[0].doubt]
        if not valid:
            valid, later = read, []
        if not valid:
            return None
        reading, start, end = valid[-1]
        several = len({repr(each.answer) for each, *_ in valid}) if len(valid) > 1 else 1
        chosen = [f"the last of {several} valid objects"] if several > 1 else []
        chosen += [f"an object after it is not valid: {fault}" for fault in later[:1]]
        repaired = not is_strict(found.text[start:end])
        # what begins after it and cannot be read may be the one that was meant
        after = any(at > end for at in found.broken)
        return replace(reading.after(*chosen), repaired=repaired, dropped=after)

    def _together(self, found: ReplyValues) -> ReadReply | None:
        """Return the reading of several values that are parts of one answer."""
        parts = [value for value, *_ in found.values]
        if len(parts) < 2 or found.broken or not all(isinstance(part, dict) for part in parts):
            return None
        together: Any = {key: value for part in parts for key, value in part.items()}
        if len(together) < sum(map(len, parts)):  # the same keys again: elements of a list
            together = parts
        reading = self.validated(together)
        return reading and reading.after(f"{len(parts)} objects were read as one")

    def _alternatives(self, value: Any) -> list[Any]:
        """Return the answers in a list that may hold several or parts of one, else *value*."""
        names = self.shape.model_fields.keys()
        several = isinstance(value, list) and len(value) > 1
        if several and all(isinstance(each, dict) and each.keys() & names for each in value):
            together = {key: part for each in value for key, part in each.items()}
            return [together] if len(together) == sum(map(len, value)) else list(value)
        return [value]

    def repaired(self, found: ReplyValues) -> ReadReply | None:
        """Return the reading of a value that is invalid or truncated."""
        if self.is_spent:
            return None
        if found.fault:
            self.refuse(3, f"the reply {found.fault}")
            return None
        if found.thinking:
            self.refuse(3, "the reply ends within its reasoning")
        for start in found.broken[:_STARTS]:
            try:
                reading = self._with_repair(found.text[start:])
            except TooCostlyError as error:
                self.refuse(2, f"the reply {error}")
                self.is_spent = True
                return None
            except ValueError as error:
                self.refuse(1, f"the reply {error}")
                continue
            if reading is not None:
                return reading
        return None

    def _with_repair(self, text: str) -> ReadReply | None:
        """Return the reading of the broken value that *text* begins with; raise ValueError."""
        whole = complete(text)
        if whole is None or all(text.count(a) == text.count(b) for a, b in ("{}", "[]")):
            reading = self.validated(repair(text))
            return reading and replace(reading, repaired=True)
        if whole.text in ("{}", "[]"):
            raise ValueError("is not a JSON object")
        try:
            value = json.loads(whole.text)
        except (ValueError, RecursionError):
            value = repair(whole.text)
        reading = self.validated(value, cut=True)
        if reading is None:
            return None
        dropped = whole.dropped or reading.dropped
        reading = reading.after(*(_end_of(value) if dropped else ()))
        return replace(reading, repaired=True, cut=True, dropped=dropped)

    def validated(self, value: Any, *, cut: bool = False) -> ReadReply | None:
        """Return the reading of a JSON value that is an answer, None for any other."""
        if not isinstance(value, dict | list) or value == []:
            self.faults += self.faults[:1]
            return None
        coercion = Coercion(_bounds(self.shape), cut=cut, part=self.part)
        try:
            data = _clean(coercion.answer(value))
            answer, fault = self._valid_part(data)
        except ValidationError as error:
            own = isinstance(value, dict) and not value.keys().isdisjoint(self.shape.model_fields)
            where = "the reply ends within its object: " if cut else ""
            self.refuse(2 if own else 1, where + _first_fault(data, error))
            return None
        except (ValueError, RecursionError) as error:
            self.refuse(1, f"the reply {error}")
            return None
        texts = {insight.text.strip(" .…<>[]{}").lower() for insight in answer.insights}
        if texts.issubset(_PLACEHOLDERS):
            self.refuse(2, "the reply repeats the template instead of filling it in")
            return None
        lost = [f"items were left out, the first for {fault}"] if fault else []
        notes = (*coercion.notes, *lost)
        return ReadReply(answer, notes, dropped=coercion.filled, doubt=coercion.doubt or fault)

    def _valid_part(self, data: Any) -> tuple[Answer, str]:
        """Return the answer in *data*, the first fault of items left out; raise ValidationError."""
        try:
            return self.shape.model_validate(data), ""
        except ValidationError as error:
            if (rest := _without_invalid(data, error)) is None:
                raise
            return self.shape.model_validate(rest), _first_fault(data, error)


def _end_of(value: Any) -> Iterator[str]:
    """Yield the possible ends of a value that was cut within a list."""
    path = []
    while isinstance(value, dict) and value:
        path.append(list(value)[-1])
        value = value[path[-1]]
    if path and isinstance(value, list):
        yield f"{'.'.join(path)}: cut after {len(value)} whole items"


def _without_invalid(data: Any, error: ValidationError) -> Any:
    """Return *data* without items that _SAY_NOTHING, None for another fault or if none is left."""
    lost: dict[tuple[int | str, ...], set[int | str]] = {}
    for fault in error.errors(include_url=False, include_input=False):
        loc = fault["loc"]
        at = next((n for n, part in enumerate(loc) if isinstance(part, int)), None)
        if at is None or fault["type"] not in _SAY_NOTHING:
            return None
        lost.setdefault(loc[:at], set()).add(loc[at])
    rest = deepcopy(data)
    for path, own in lost.items():
        held = reduce(getitem, path, rest)
        if len(held) == len(own):
            return None
        held[:] = [each for place, each in enumerate(held) if place not in own]
    return rest


def _first_fault(data: Any, error: ValidationError) -> str:
    """Return the first invalid field of *data* with its fault."""
    if isinstance(data, list):
        return "the reply is a list, expected an object with insights and structured_data"
    if isinstance(data, dict) and ("$defs" in data or {"properties", "type"} <= data.keys()):
        return "the reply repeats the schema instead of filling it in"
    first = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(str(part) for part in first["loc"]) or "the reply"
    more = error.error_count() - 1
    return f"{where}: {first['msg']}" + (f" (and {more} more)" if more else "")


@cache
def _bounds(shape: type[Answer]) -> dict[str, Any]:
    """Return the schema of *shape* as pydantic writes it, with references replaced."""
    return dereferenced(shape.model_json_schema(mode="validation"))


def _clean(value: Any, levels: int = MAX_DEPTH) -> Any:
    """Return *value* with texts safe to store; raise ValueError if it is too deep or not finite."""
    if isinstance(value, str):
        return to_safe_text(value)
    if isinstance(value, dict | list) and levels == 0:
        raise ValueError(f"is nested deeper than {MAX_DEPTH}")
    if isinstance(value, dict):
        return {to_safe_text(key): _clean(each, levels - 1) for key, each in value.items()}
    if isinstance(value, list):
        return [_clean(each, levels - 1) for each in value]
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("holds a number that is not finite")
    return value
