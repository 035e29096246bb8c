"""One-line explanations of configuration errors."""

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import ValidationError

from runner.base.errors import one_line


def explain(error: ValidationError, nearest: Callable[[list[str]], str]) -> str:
    """Return one line about the first fault; *nearest* returns a clause for an unknown key.

    A missing key comes last, because it is often present under another name.
    """
    fault = min(error.errors(include_url=False), key=lambda fault: fault["type"] == "missing")
    path = [str(part) for part in fault["loc"] if part != "[key]"]
    key = ".".join(path)
    if fault["type"] == "extra_forbidden":
        message = f"unknown key '{key}'{nearest(path)}"
    elif fault["type"] == "missing":
        message = f"'{key}' is required but missing"
    elif "[key]" in fault["loc"]:
        message = f"'{key}' is not a valid name: expected lower-case letters, digits and _"
    else:
        message = f"{key}={one_line(repr(fault['input']), 80)}: {_expected(fault)}"
    others = error.error_count() - 1
    return f"{message} ({others} more)" if others else message


def _expected(fault: Mapping[str, Any]) -> str:
    loc = fault["loc"]
    if fault["type"] == "string_pattern_mismatch" and "_env" in "".join(map(str, loc)):
        return "expected the NAME of an environment variable, such as OPENAI_API_KEY"
    if fault["type"] == "string_pattern_mismatch" and loc == ("model", "name"):
        return "expected provider/model, such as openai/gpt-4o-mini"
    if fault["type"] == "string_pattern_mismatch" and loc[-1] in ("prompt", "answer"):
        return "expected the name of a file beside the analyzers, without its folder"
    if fault["type"] in ("model_type", "dataclass_type"):
        means = "; model.delivery chooses how calls are sent" if loc == ("delivery",) else ""
        return f"expected a section, whose keys are set as {loc[-1]}.KEY=VALUE{means}"
    message = str(fault["msg"]).removeprefix("Value error, ")
    return message.replace("Input should be", "expected").replace("String should", "should")
