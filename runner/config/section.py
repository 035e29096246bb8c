"""Section of the configuration: its base class, and the types of its values."""

import re
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

NAME = re.compile(r"^[a-z][a-z0-9_]{0,63}$")


def _as_switch(value: object) -> object:
    """Undo YAML 1.1, which reads `on` and `off` as booleans."""
    return {True: "on", False: "off"}[value] if isinstance(value, bool) else value


Name = Annotated[str, Field(pattern=NAME.pattern)]
# A file's name, never a path: prompts are found in folders that the command line names.
FileName = Annotated[
    str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*(\.[A-Za-z0-9_-]+)*$", max_length=128)
]
EnvName = Annotated[str, Field(pattern=r"^[A-Z_][A-Z0-9_]{0,127}$")]
Concurrency = Annotated[int, Field(ge=1, le=256)]
Tokens = Annotated[int, Field(ge=1, le=10_000_000)]
Count = Annotated[int, Field(ge=0, le=10_000)]
# How long a model may reason before it replies; each provider has its own words for it.
_Effort = Literal["off", "minimal", "low", "medium", "high"]
_Lifetime = Literal["auto", "5m", "1h", "off"]
_Switch = Literal["auto", "on", "off"]
Effort = Annotated[_Effort, BeforeValidator(_as_switch, json_schema_input_type=_Effort | bool)]
Lifetime = Annotated[
    _Lifetime, BeforeValidator(_as_switch, json_schema_input_type=_Lifetime | bool)
]
Tier = Literal["auto", "default", "flex", "priority"]
Switch = Annotated[_Switch, BeforeValidator(_as_switch, json_schema_input_type=_Switch | bool)]
_Redact = Literal["off", "names", "all"]
Redact = Annotated[_Redact, BeforeValidator(_as_switch, json_schema_input_type=_Redact | bool)]
Temperature = Annotated[float, Field(ge=0, le=2)]
Seconds = Annotated[float, Field(gt=0, le=3600)]
PerMinute = Annotated[int, Field(ge=1, le=1_000_000_000)]
Price = Annotated[float, Field(ge=0, le=1e6)]
Minimised = Literal[
    "wall_s", "cost_usd", "total_tokens", "failed", "ungrounded",
    "failed_checks", "1-coverage", "1-precision",
]  # fmt: skip


class SettingsSection(BaseModel):
    """Base of every section: frozen, with strict types and no unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)
