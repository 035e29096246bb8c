"""Section of the configuration: its base class, the types of its values, and their faults."""

import re
from collections.abc import Callable, Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from runner.base.errors import one_line

NAME = re.compile(r"^[a-z][a-z0-9_]{0,63}$")


def as_switch(value: object) -> object:
    """Undo YAML 1.1, which reads `on` and `off` as booleans."""
    return {True: "on", False: "off"}[value] if isinstance(value, bool) else value


Name = Annotated[str, Field(pattern=NAME.pattern)]
Tokens = Annotated[int, Field(ge=1, le=10_000_000)]
Temperature = Annotated[float, Field(ge=0, le=2)]
PerMinute = Annotated[int, Field(ge=1, le=1_000_000_000)]


class SettingsSection(BaseModel):
    """Base of every section: frozen, with strict types and no unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


def explain(error: ValidationError, nearest: Callable[[list[str]], str]) -> str:
    """Return one line about the first fault; *nearest* returns a clause for an unknown key.

    A missing key comes last, because it is often present under another name.
    """
    faults = error.errors(include_url=False)
    fault = min(faults, key=lambda fault: fault["type"] == "missing")
    path = [str(part) for part in fault["loc"] if part not in ("[key]", *_SCALARS)]
    key = ".".join(path)
    dotted = next((part for part in path if "." in part), "")
    is_path = bool(dotted) and all(map(NAME.match, dotted.split(".")))
    if is_path and fault["type"] in ("extra_forbidden", "string_pattern_mismatch"):
        inner = dotted.replace(".", ": {") + ": …" + "}" * dotted.count(".")
        message = f"unknown key '{key}': in a file, write {inner}"
    elif fault["type"] == "extra_forbidden":
        message = f"unknown key '{key}'{nearest(path)}"
    elif fault["type"] == "missing":
        base = "; its file needs `defaults: [base, _self_]`" if path[0] == "analyzers" else ""
        message = f"'{key}' is required but missing{base}"
    elif "[key]" in fault["loc"]:
        message = f"'{key}' is not a valid name: expected lower-case letters, digits and _"
    else:
        value = fault["input"]
        shown = str(value).lower() if isinstance(value, bool) else repr(value)
        shown = "null" if value is None else shown
        message = f"{key}={one_line(shown, 80)}: {_expected(fault)}"
    told = {(f["loc"][-1], str(f["input"])) for f in faults if f["loc"][-1] not in _SCALARS[1:]}
    return f"{message} ({len(told) - 1} more)" if len(told) > 1 else message


_SCALARS = ("str", "int", "float", "bool")  # of a union, whose members all report a fault
_A_NAME = "a name of lower-case letters, digits and _, such as say_means"
_PATTERNS = {  # what values of a key look like
    "env": "the NAME of an environment variable, such as OPENAI_API_KEY",
    "requires_env": "the NAME of an environment variable, such as OPENAI_API_KEY",
    "name": "provider/model, such as openai/gpt-4o-mini",
    "base_model": "a name without spaces, such as gpt-4o-mini",
    "embeddings": "provider/model, such as openai/text-embedding-3-small",
    "api_base": "an address such as http://127.0.0.1:8000/v1",
    "prompt": "the name of a file beside the analyzers, without its folder",
}
_EXAMPLES = {
    "list_type": ", such as [one, two]",
    "dict_type": ", such as {key: value}",
    "bool_type": ": true or false",
}


def _expected(fault: Mapping[str, Any]) -> str:
    loc = fault["loc"]
    if fault["type"] == "string_pattern_mismatch":
        key = next(part for part in reversed(loc) if isinstance(part, str))
        expected = _PATTERNS.get("env" if key.endswith("_env") else key)
        return f"expected {expected or _A_NAME}"
    if loc[-1] in _SCALARS:
        return "expected text, a number, true or false"
    if fault["type"] in ("model_type", "dataclass_type"):
        means = "; model.delivery chooses how calls are sent" if loc == ("delivery",) else ""
        keys = f"whose keys are set as {'.'.join(map(str, loc))}.KEY=VALUE"
        return f"expected a section, {keys if isinstance(loc[-1], str) else 'KEY: VALUE'}{means}"
    example = _EXAMPLES.get(fault["type"], "")
    if fault["type"] == "list_type" and isinstance(fault["input"], str):
        example = f", such as [{fault['input']}]"
    message = str(fault["msg"]).removeprefix("Value error, ") + example
    message = message.replace("Input should be", "expected").replace(" after validation", "")
    return re.sub("^(String|List) should", "should", message)
