"""Graph of the pipeline: stages of analyzers, checked and ordered before anything runs."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from graphlib import CycleError, TopologicalSorter

from runner.base.errors import GraphError, did_you_mean
from runner.config.schema import AnalyzerSettings, ContextSettings, Settings, StageSettings


@dataclass(frozen=True, slots=True)
class Node:
    """One analyzer in the graph; *needs* are the names of its predecessors in earlier stages.

    *context* says how their answers are reduced for it, None if it reads none of them;
    *transcript* says whether it reads the transcript. *reads*: for a node of a collection, the
    analyzers whose findings it reads.
    """

    name: str
    stage: str
    needs: tuple[str, ...]
    context: ContextSettings | None
    transcript: bool
    reads: tuple[str, ...] = ()


def asks_again(settings: Settings, node: Node) -> bool:
    """Return whether *node* is asked again about silent segments: if it reads no answers."""
    return settings.coverage.ask_again and node.transcript and node.context is None


@dataclass(frozen=True, slots=True)
class Stage:
    """A group of nodes; *max_concurrent* None shares the run's slots."""

    name: str
    needs: tuple[str, ...]
    nodes: tuple[Node, ...]
    max_concurrent: int | None


@dataclass(frozen=True, slots=True)
class SlotPools:
    """The pools that calls take slots from: *of_stage* names each stage's, "" the shared one."""

    of_stage: Mapping[str, str]
    sizes: Mapping[str, int]

    @property
    def total(self) -> int:
        """The most calls in flight at once."""
        return sum(self.sizes.values())

    def size(self, stage: str) -> int:
        """Return how many slots the pool of *stage* has."""
        return self.sizes[self.of_stage[stage]]


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Stages in topological order."""

    stages: tuple[Stage, ...]

    @property
    def nodes(self) -> tuple[Node, ...]:
        """All nodes, earlier stages first, in declared order within a stage."""
        return tuple(node for stage in self.stages for node in stage.nodes)

    def stage_of(self, node: Node) -> Stage:
        """Return the stage that *node* belongs to."""
        return next(stage for stage in self.stages if stage.name == node.stage)

    def slot_pools(self, max_concurrent: int, mode: str) -> SlotPools:
        """Return the pools at that concurrency.

        Stages without a limit of their own share *max_concurrent* slots; in mode `sequential`
        all stages share one slot.
        """
        if mode == "sequential":
            return SlotPools({stage.name: "" for stage in self.stages}, {"": 1})
        limits = {stage.name: stage.max_concurrent for stage in self.stages}
        pools = {name: name if limit else "" for name, limit in limits.items()}
        sizes = {pools[name]: limit or max_concurrent for name, limit in limits.items()}
        return SlotPools(pools, sizes)


def make_pipeline(
    stages: Mapping[str, StageSettings], analyzers: Mapping[str, AnalyzerSettings]
) -> Pipeline:
    """Return the checked pipeline of one transcript; raise GraphError that names the faulty key.

    Stages of the collection are checked too.
    """
    whole = _whole(stages, analyzers)
    own = tuple(each for each in whole.stages if stages[each.name].scope == "transcript")
    if not own:
        raise GraphError("every stage has scope: collection: one must read the transcripts")
    return Pipeline(own)


def collection_pipeline(
    stages: Mapping[str, StageSettings], analyzers: Mapping[str, AnalyzerSettings]
) -> Pipeline:
    """Return the pipeline of the stages that read a whole batch; it may have no stage.

    The analyzers of single transcripts that its nodes need, directly or not, are in their `reads`.
    """
    whole = _whole(stages, analyzers)
    reads: dict[str, set[str]] = {}
    made = []
    for stage in (each for each in whole.stages if stages[each.name].scope == "collection"):
        nodes = []
        for node in stage.nodes:
            needs = tuple(need for need in node.needs if need in reads)
            read = (set(node.needs) - set(needs)).union(*(reads[need] for need in needs))
            names = tuple(each.name for each in whole.nodes if each.name in read)
            nodes.append(replace(node, needs=needs, reads=names))
            reads[node.name] = read
        made.append(replace(stage, nodes=tuple(nodes)))
    return Pipeline(tuple(made))


def _whole(
    stages: Mapping[str, StageSettings], analyzers: Mapping[str, AnalyzerSettings]
) -> Pipeline:
    for name, settings in analyzers.items():
        if settings.stage not in stages:
            near = did_you_mean(settings.stage, stages)
            raise GraphError(f"analyzers.{name}.stage={settings.stage!r} is not a stage{near}")
    for clash in sorted(set(stages) & set(analyzers)):
        raise GraphError(f"'{clash}' names both a stage and an analyzer; rename one")
    order = _stage_order(stages)
    members = {name: [a for a, s in analyzers.items() if s.stage == name] for name in order}
    made = []
    for name in order:
        if not members[name]:
            way_out = f"give one `stage: {name}`, or remove the stage with ~stages.{name}"
            raise GraphError(f"stages.{name} has no analyzers: {way_out}")
        nodes = tuple(_node(a, analyzers[a], stages, members) for a in members[name])
        made.append(Stage(name, tuple(stages[name].needs), nodes, stages[name].max_concurrent))
    return Pipeline(tuple(made))


def _stage_order(stages: Mapping[str, StageSettings]) -> list[str]:
    for name, settings in stages.items():
        _check_needs(f"stages.{name}.needs", settings.needs, stages, "a stage")
        _check_scope(name, settings, stages)
        reads = settings.input != "transcript"
        if reads and not settings.needs:
            raise GraphError(f"stages.{name} reads a context but needs no stage: set needs")
        if reads and settings.context is None:
            keys = ", ".join(ContextSettings.model_fields)
            raise GraphError(f"stages.{name} reads a context: set {keys} of stages.{name}.context")
    try:
        return list(TopologicalSorter({n: s.needs for n, s in stages.items()}).static_order())
    except CycleError as error:
        path = " -> ".join(reversed(error.args[1]))
        raise GraphError(f"stages need each other in a cycle: {path}") from error


def _check_scope(name: str, settings: StageSettings, stages: Mapping[str, StageSettings]) -> None:
    if settings.scope == "collection":
        if settings.input != "context":
            key = f"stages.{name}.input={settings.input}"
            raise GraphError(f"{key}: a stage with scope: collection reads findings: context")
        return
    if wrong := next((n for n in settings.needs if stages[n].scope == "collection"), None):
        why = f"which ends after all transcripts; {name} reads one"
        raise GraphError(f"stages.{name}.needs: {wrong!r} has scope: collection, {why}")


def _check_needs(
    key: str, needs: Sequence[str], choices: Collection[str], what: str, where: str = ""
) -> None:
    for need in needs:
        if need not in choices:
            near = did_you_mean(need, choices)
            raise GraphError(f"{key}: {need!r} is not {what}{where}{near}")
    if len(set(needs)) != len(needs):
        raise GraphError(f"{key} names {what} twice: {needs}")


def _node(
    name: str,
    settings: AnalyzerSettings,
    stages: Mapping[str, StageSettings],
    members: Mapping[str, Iterable[str]],
) -> Node:
    stage = stages[settings.stage]
    earlier = [member for need in stage.needs for member in members[need]]
    needs = earlier if settings.needs is None else settings.needs
    where = f" of a stage that {settings.stage} needs"
    _check_needs(f"analyzers.{name}.needs", needs, earlier, "an analyzer", where)
    if stage.input != "transcript" and not needs:
        raise GraphError(f"analyzers.{name}.needs is empty, but {settings.stage} reads a context")
    context = None
    if stage.context is not None and stage.input != "transcript":
        context = settings.context.over(stage.context)
    return Node(name, settings.stage, tuple(needs), context, stage.input != "context")
