from pathlib import Path

import pytest
from helpers import analyzer, job, stage

from runner.base.errors import ConfigError, GraphError
from runner.config.schema import StageSettings
from runner.job.graph import collection_pipeline, make_pipeline


def joint(needs: list[str], source: str = "") -> StageSettings:
    return stage(needs, source=source).model_copy(update={"scope": "collection"})


def test_stages_of_a_collection_are_apart_and_know_what_they_read() -> None:
    stages = {"a": stage(), "b": stage(["a"]), "c": joint(["a"]), "d": joint(["b", "c"])}
    analyzers = {name: analyzer(name[0]) for name in ("a1", "a2", "b1", "c1", "d1")}

    own, together = (f(stages, analyzers) for f in (make_pipeline, collection_pipeline))

    assert ["a1", "a2", "b1"] == [node.name for node in own.nodes]
    assert [("c1", (), ("a1", "a2")), ("d1", ("c1",), ("a1", "a2", "b1"))] == [
        (node.name, node.needs, node.reads) for node in together.nodes
    ]


@pytest.mark.parametrize(
    ("stages", "said"),
    [
        ({"a": joint(["b"]), "b": stage(["a"])}, "'a' has scope: collection"),
        ({"a": stage(), "b": joint(["a"], "both")}, "stages.b.input=both"),
        ({"a": joint([], "context")}, "reads a context"),
    ],
)
def test_a_transcript_cannot_need_the_collection(
    stages: dict[str, StageSettings], said: str
) -> None:
    with pytest.raises(GraphError, match=said):
        make_pipeline(stages, {f"{name}1": analyzer(name) for name in stages})


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("stages.contrasts.needs=[stage_a]", "agreements reads the themes of a collection"),
        ("stages.across.context.token_budget=199", "themes: context.token_budget=199 holds no"),
        ("+analyzers.outliers.context.token_budget=9", "outliers: context.token_budget=9 holds no"),
        ("analyzers.synthesis={stage: final, needs: null, model: null, prompt: themes.md, "
         "answer: null, max_tokens: 100, temperature: null, variables: {}, context: {token_budget: "
         "null, top_insights: null, include_structured_keys: null, transcript_tokens: null}}",
         "themes and synthesis both find themes"),
    ],
)  # fmt: skip
def test_a_collection_that_cannot_find_its_themes_is_refused(
    tmp_path: Path, override: str, said: str
) -> None:
    (tmp_path / "one.txt").write_text("Ann: I say so.\n")

    with pytest.raises(ConfigError, match=said):
        job("pipeline=interviews", "transcript=file", f"transcript.path={tmp_path}", override)
