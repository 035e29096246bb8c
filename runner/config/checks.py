"""Schema of check files: the declared expectations of answers."""

from math import isfinite
from typing import Annotated, Any, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from runner.base.text import cut
from runner.config.section import Name, SettingsSection

# Compared with each text at the path; the first value that fits is enough unless `match: all`.
TEXTS = (
    *("equals", "contains", "icontains", "starts-with", "ends-with", "regex", "f1"),
    *("contains-any", "contains-all", "icontains-any", "icontains-all"),
)
LISTS = tuple(name for name in TEXTS if name.endswith(("-any", "-all")))
AT_LEAST = ("grounding", "coverage")  # shares of an answer, and of a run
AT_MOST = ("cost", "latency", "tokens")  # in US dollars, seconds and tokens of its calls
REFERENCE = ("evidence-recall", "evidence-precision", "answer-f1")  # against `references`
JUDGED = "llm-rubric"
MAX_LABELS = 40  # of a file; at most half of them right
OTHER = ("count", "is-json", "python", JUDGED)
KINDS = (*TEXTS, *AT_LEAST, *AT_MOST, *REFERENCE, *OTHER)
NEGATED = (*TEXTS, "python", JUDGED)  # may follow `not-`
MIN_F1 = 0.5
_BOUNDS = ("min", "max")
# What each kind reads beside type and metric; anything else would be ignored.
_READ: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(TEXTS, ("path", "value", "match")),
    **dict.fromkeys((*AT_LEAST, *AT_MOST, *REFERENCE), _BOUNDS),
    "f1": ("path", "value", "match", "threshold"),
    "count": ("path", *_BOUNDS),
    "is-json": (),
    "python": ("path", "value", "threshold"),
    JUDGED: ("value", "labels"),
}


_Bound = Annotated[float, Field(ge=0)]
_Share = Annotated[float, Field(gt=0, le=1)]
_Text = Annotated[str, StringConstraints(min_length=1, max_length=4000)]


class Label(SettingsSection):
    """A person's verdict on an answer: whether it is `right` by the rubric."""

    answer: _Text = Field(description="An answer, or a part of one")
    label: Literal["right", "wrong"] = Field(description="Whether it meets the rubric")


class Check(SettingsSection):
    """One expectation; its bounds are promptfoo's `threshold` under plain names."""

    type: str = Field(description="The kind (docs/checks.md); not- expects the opposite")
    path: _Text | None = Field(None, description="JMESPath into the answer; null: all its texts")
    value: Any = Field(None, description="A text, a number, a list, a rubric or NAME:function")
    min: _Bound | None = Field(None, description="Minimum count or share")
    max: _Bound | None = Field(None, description="Maximum count, cost, time or tokens")
    threshold: _Share | None = Field(None, description="Minimum score of f1 or a function")
    match: Literal["any", "all"] = Field("any", description="How many texts at the path must match")
    metric: _Text | None = Field(None, description="Its name in tables")
    labels: list[Label] | _Text = Field(
        default_factory=list,
        description="Answers that prove a judge; or labels.csv, or a run or batch that has one",
    )

    @property
    def validation_labels(self) -> list[Label]:
        """The labels; none until their file has been read."""
        return self.labels if isinstance(self.labels, list) else []

    @property
    def kind(self) -> str:
        """The type without `not-`."""
        return self.type.removeprefix("not-")

    @property
    def negated(self) -> bool:
        """Whether the opposite is expected."""
        return self.type.startswith("not-")

    @property
    def name(self) -> str:
        """Its name in tables; a long one is cut and ends with its digest."""
        if self.metric:
            return self.metric
        ends = (("min", self.min), ("max", self.max))
        bounds = [f"{key}={end:.12g}" for key, end in ends if end is not None]
        value = "" if self.value is None else repr(self.value).replace("\\\\", "\\")
        return cut(" ".join(filter(None, (self.path, self.type, value, *bounds))), 120)

    @model_validator(mode="after")
    def _fits_its_type(self) -> Self:
        if fault := self._fault():
            raise ValueError(fault)
        return self

    def _fault(self) -> str | None:
        kind, low, high = self.kind, self.min, self.max
        if kind not in _READ:  # found with the analyzers, which may name others
            return None
        if self.negated and kind not in NEGATED:
            return f"not- works with {', '.join(NEGATED)} only"
        unread = {"path", "value", "min", "max", "threshold", "match", "labels"} - {*_READ[kind]}
        for name in (key for key in type(self).model_fields if key in unread):
            if getattr(self, name) not in (None, "any", []):
                read = ", ".join(_READ[kind]) or "nothing else"
                return f"type {self.type} does not read {name}; it reads {read}"
        values = self.value if kind in LISTS else [self.value]
        is_valid = isinstance(values, list) and values and all(map(_is_plain, values))
        if kind in (*TEXTS, JUDGED, "python") and not is_valid:
            what = "a list of texts" if kind in LISTS else "a text or a number"
            return f"type {self.type} expects {what} as its value"
        is_text = kind in (*TEXTS, JUDGED) and kind != "equals"
        if is_text and not all(str(v).strip() for v in values):
            return f"type {self.type} expects a non-empty text: every text contains the empty one"
        if kind in (*AT_LEAST, *REFERENCE) and (low is None or low > 1):
            shown = "" if low is None else f", not {low:g}"
            return f"type {self.type} expects min, a share from 0 to 1{shown}"
        if kind in AT_MOST and high is None:
            return f"type {self.type} expects max"
        if kind == "count" and (self.path is None or (low is None and high is None)):
            return "type count expects a path, and min or max"
        if low is not None and high is not None and low > high:
            return f"min={low:g} is above max={high:g}"
        return None


def _is_plain(value: object) -> bool:
    return isinstance(value, str | int) or (isinstance(value, float) and isfinite(value))


class Expectations(SettingsSection):
    """What a check file holds: checks of each analyzer's answer, of every one, and of the run.

    *fail* makes a run with failed checks `degraded`, with exit code 3; *judge* is a name in
    `models`, null for the run's own.
    """

    fail: bool = False
    judge: Name | None = None
    run: list[Check] = Field(default_factory=list)
    every: list[Check] = Field(default_factory=list)
    analyzers: dict[Name, list[Check]] = Field(default_factory=dict)


class ChecksSettings(Expectations):
    """The checks of a run, given here or in *file*."""

    file: Annotated[str, Field(min_length=1)] | None = None
