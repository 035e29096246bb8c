"""The nodes of a stored run in the pipeline's order, with the facts about each."""

import ast
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from runner.base.format import first_of, seconds
from runner.base.json import at, mapping, mappings, number, read_list, section, text
from runner.base.regular_files import kind_of
from runner.base.usage import sum_usd
from runner.config.model_facts import OFFLINE
from runner.record.stored_transcript import REDACTION
from runner.reports.report.render import label, title_of
from runner.reports.stored_run import StoredRun, statuses_of

_NAME = re.compile(r"\b[^\W_]+(?:_[^\W_]+)+\b")
_SHOWN = 3  # replies of an analyzer whose delivery is shown
_AS_IT_IS = {"quote", "segment", "analyzers"}  # keys whose values are shown unchanged


@dataclass(frozen=True, slots=True)
class NodeFacts:
    """One analyzer of a run.

    *anchor* is its HTML id; *record* and *timing* (its part of benchmark.json) are empty if
    missing; *final* marks the analyzers of a final stage.
    """

    name: str
    stage: str
    status: str
    anchor: str
    final: bool
    record: Mapping[str, Any]
    timing: Mapping[str, Any]

    @property
    def answer(self) -> Mapping[str, Any]:
        """Its record, empty if that holds no answer."""
        good = self.status == "ok" or self.record.get("status") == "ok"
        return self.record if good else {}

    @property
    def data(self) -> Mapping[str, Any]:
        """The structured data of its answer."""
        return mapping(self.answer.get("structured_data"))

    @property
    def attempts(self) -> list[Mapping[str, Any]]:
        """Its requests in the session that ended it, those of its parts included."""
        is_other = self.record.get("reused") == "store"  # the answer of another run
        return [] if is_other else mappings(self.record.get("attempts"))

    @property
    def delivered(self) -> str:
        """Delivery of its replies that were not live: batch and duration."""
        good = [each for each in self.attempts if each.get("outcome") == "ok"]
        ways = [
            f"{way} {text(each.get('batch'))}".rstrip() + f" after {seconds(each.get('latency_s'))}"
            for each in good
            if (way := each.get("delivery")) in ("flex", "batch")
        ]
        return first_of(ways, _SHOWN, "; ")

    @property
    def live_usd(self) -> float | None:
        """The cost of its replies live, in US dollars; None if unknown."""
        return sum_usd(number(a.get("live_usd", 0)) for a in self.attempts)

    @property
    def model(self) -> str:
        """The model that answered, which may be a fallback."""
        return text(self.record.get("model")) or "an unknown model"

    @property
    def fault(self) -> str:
        """The reason why it has no answer; empty if it has one or the reason is unknown."""
        return joined(label(self.fault_kind), at(self.record, "error", "message"))

    @property
    def fault_kind(self) -> str:
        """The kind of that failure, or nothing."""
        return text(at(self.record, "error", "kind"))

    @property
    def missing(self) -> dict[str, str]:
        """The missing inputs of its answer, with reasons."""
        return {str(k): text(v) for k, v in mapping(self.record.get("missing")).items()}


def question_of(run: StoredRun, name: str) -> str:
    """Return the question of a run to analyzer *name*, else its purpose, else nothing."""
    put = text(at(run.config, "analyzers", name, "variables", "question"))
    return put if put and kind_of(run.path / REDACTION) is None else _purpose_of(name)


@cache
def _purpose_of(name: str) -> str:
    """Return the question of the packaged analyzer *name*, from its module, or nothing."""
    file = resources.files("analyzers").joinpath(f"{name}.py")
    if not re.fullmatch(r"[a-z]\w*", name) or not file.is_file():
        return ""
    docstring = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
    return docstring.partition("\n")[0]


def joined(*values: Any) -> str:
    """Return the non-empty *values*, joined: `timeout: no answer`."""
    return ": ".join(filter(None, map(text, values)))


def nodes_of(run: StoredRun) -> list[NodeFacts]:
    """Return the nodes named in metadata, records or configuration."""
    known, parts = statuses_of(run.metadata), ("insights", "structured_data")
    for name, record in run.records.items():
        known.setdefault(name, (text(record.get("stage")), text(record.get("status"))))
    timings = section(run.benchmark, "analyzers")
    stages = mapping(run.config.get("stages"))
    for name, settings in mapping(run.config.get("analyzers")).items():
        stage = text(mapping(settings).get("stage"))
        if at(stages, stage, "scope") != "collection":  # which one transcript has no part in
            known.setdefault(str(name), (stage, "not_run"))
    nodes = []
    for place, (name, (stage, status)) in enumerate(known.items(), 1):
        record = run.records.get(name, {})
        record = {**record, **{k: in_words(record[k], known) for k in parts if k in record}}
        final, timing = at(stages, stage, "final") is True, mapping(timings.get(name))
        about = (name, stage, status or "unknown", f"node-{place}", final)
        nodes.append(NodeFacts(*about, record, timing))
    return nodes


def merged_insights(run: StoredRun, nodes: Sequence[NodeFacts]) -> list[Mapping[str, Any]]:
    """Return the content of insights.json."""
    return mappings(in_words(read_list(run.path / "insights.json"), {node.name for node in nodes}))


def in_words(value: Any, names: Collection[str]) -> Any:
    """Return *value* with titles for the *names* of analyzers in its texts, quotes excepted."""
    if isinstance(value, str):
        if "_" not in value:
            return value
        return _NAME.sub(lambda at: title_of(at[0]) if at[0] in names else at[0], value)
    if isinstance(value, dict):
        return {k: v if k in _AS_IT_IS else in_words(v, names) for k, v in value.items()}
    return [in_words(each, names) for each in value] if isinstance(value, list) else value


def model_label(name: str, *, simulated: bool) -> str:
    """Return a description of *name* if it is not a language model, else an empty string."""
    if name.startswith(OFFLINE):
        return "extractive baseline, not a language model"
    return "simulated provider, not a language model" if simulated else ""


def models_of(run: StoredRun) -> list[tuple[str, str]]:
    """Return the models used, by litellm name, with their labels."""
    config = {"main": run.config.get("model"), **mapping(run.config.get("models"))}
    named = dict(mapping(run.metadata.get("models"))) or {"main": run.metadata.get("model")}
    found: dict[str, str] = {}
    for key, name in named.items():
        about = mapping(config.get(key))
        if shown := text(name or about.get("name")):
            simulated = bool(about.get("simulate")) or shown.endswith("/simulated")
            found[shown] = model_label(shown, simulated=simulated)
    return list(found.items())
