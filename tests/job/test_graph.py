from __future__ import annotations

import pytest
from helpers import analyzer, stage

from runner.base.errors import GraphError
from runner.job.graph import make_pipeline


def test_stages_come_after_what_they_need_whatever_the_declared_order() -> None:
    pipeline = make_pipeline(
        {"last": stage(["middle"]), "middle": stage(["first"]), "first": stage()},
        {"z": analyzer("last"), "y": analyzer("middle"), "x": analyzer("first")},
    )

    assert [s.name for s in pipeline.stages] == ["first", "middle", "last"]
    assert [n.name for n in pipeline.nodes] == ["x", "y", "z"]


def test_a_node_needs_every_analyzer_of_the_stages_its_stage_needs() -> None:
    pipeline = make_pipeline(
        {"a": stage(), "b": stage(), "c": stage(["a", "b"])},
        {"a1": analyzer("a"), "b1": analyzer("b"), "b2": analyzer("b"), "c1": analyzer("c")},
    )

    assert pipeline.nodes[-1].needs == ("a1", "b1", "b2")


@pytest.mark.parametrize(
    ("stages", "analyzers", "message"),
    [
        (
            {"a": stage(["c"], source="transcript"), "b": stage(["a"]), "c": stage(["b"])},
            {"x": analyzer("a"), "y": analyzer("b"), "z": analyzer("c")},
            "stages need each other in a cycle: .+ -> .+ -> .+ -> .+",
        ),
        (
            {"stage_a": stage()},
            {"x": analyzer("stage_aa")},
            "analyzers.x.stage='stage_aa' is not a stage; did you mean 'stage_a'?",
        ),
        (
            {"stage_a": stage(), "b": stage(["stage_b"])},
            {"x": analyzer("stage_a"), "y": analyzer("b")},
            "stages.b.needs: 'stage_b' is not a stage; did you mean 'stage_a'?",
        ),
        (
            {"a": stage(), "b": stage(["a"])},
            {"say_means": analyzer("a"), "y": analyzer("b", ["say_mean"])},
            "'say_mean' is not an analyzer of a stage that b needs; did you mean 'say_means'?",
        ),
        (
            {"a": stage(), "b": stage(["a"])},
            {"x": analyzer("a")},
            "stages.b has no analyzers: give one `stage: b`, or remove",
        ),
        (
            {"a": stage(), "b": stage(["a", "a"])},
            {"x": analyzer("a"), "y": analyzer("b")},
            "names a stage twice",
        ),
        (
            {"same": stage()},
            {"same": analyzer("same")},
            "'same' names both a stage and an analyzer",
        ),
        (
            {"a": stage(source="context")},
            {"x": analyzer("a")},
            "reads a context but needs no stage",
        ),
        (
            {"a": stage(), "b": stage(["a"]).model_copy(update={"context": None})},
            {"x": analyzer("a"), "y": analyzer("b")},
            "set token_budget, .* of stages.b.context",
        ),
        (
            {"a": stage(), "b": stage(["a"])},
            {"x": analyzer("a"), "y": analyzer("b", [])},
            "needs is empty, but b reads a context",
        ),
    ],
)
def test_what_does_not_fit_is_named_with_its_remedy(
    stages: dict, analyzers: dict, message: str
) -> None:
    with pytest.raises(GraphError, match=message.replace("?", r"\?")):
        make_pipeline(stages, analyzers)
