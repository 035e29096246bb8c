"""Resuming a batch whose guide, codebook or attributes are gone, which it has copies of."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from helpers.batches import execute_batch
from helpers.planted import collection, interviews, planted

from runner.base.errors import ConfigError
from runner.providers.request import Request
from runner.reports.verify import verify
from runner.run.resume import read_resumption

CODES = 'code,definition,examples,parent\nJoy,"To like; =it",a joy|b,\nRail,Of trains,,Joy\n'


def test_a_batch_is_resumed_without_the_files_that_its_user_has_moved() -> None:
    interviews({"ann": ["train"], "bob": ["-train"]})
    given = {"guide.txt": "Why?\nHow?\n", "at.csv": "file,role\nann,nurse\n", "codes.csv": CODES}
    for name, content in given.items():
        Path(name).write_text(content)
    wanted = ("guide=guide.txt", "attributes=at.csv")
    coding = ("+analyzer@analyzers.coding=coding", "codebook=codes.csv")
    made = collection(*wanted, *coding, "output.max_insights_per_analyzer=5")
    execute_batch(made, planted)
    for name in given:
        Path(name).rename(f"moved_{name}")

    again = read_resumption(["resume=batch"])

    assert again.previous.unchanged
    assert {n: a.prompt_digest for n, a in made.analyzers.items()} == {
        n: a.prompt_digest for n, a in again.job.analyzers.items()
    }
    assert again.job.attributes == made.attributes
    Path("codes.csv").write_text(CODES.replace("trains", "ships"))
    with pytest.raises(ConfigError, match="changed since the run was started"):
        read_resumption(["resume=batch"])
    Path("codes.csv").unlink()
    Path("guide.txt").write_text("Why?\n")
    with pytest.raises(ConfigError, match="changed since the run was started"):
        read_resumption(["resume=batch"])
    with pytest.raises(ConfigError, match=r"guide=none.txt cannot be read"):
        read_resumption(["resume=batch", "guide=none.txt"])


def test_a_changed_guide_is_told_by_its_questions() -> None:
    interviews({"ann": ["train"]})
    Path("guide.txt").write_text("Why?\nHow?\n")
    execute_batch(collection("guide=guide.txt"), planted)
    Path("guide.txt").write_text("How?\n" + "".join(f"Who is {n}?\n" for n in range(12)))

    told = r"analyzers.who_is_7: added; 3 more\. Restore it, or add allow_changed=true"
    with pytest.raises(ConfigError, match=rf"analyzers.who_is_0: added; .*{told}"):
        read_resumption(["resume=batch"])
    Path("guide.txt").write_text("How?\n")
    with pytest.raises(ConfigError, match=r"started: analyzers.why: removed\. Restore"):
        read_resumption(["resume=batch"])


def test_answers_to_a_question_that_left_the_guide_are_kept_for_its_return() -> None:
    interviews({"ann": ["train"], "bob": ["-train"]})

    def refusing(request: Request) -> str:
        if request.node == "who":
            return "no answer"
        answer = json.loads(planted(request))
        if request.node in ("why", "how"):
            answer["structured_data"] = {"answered": "no", "answer": None, "quotes": []}
        return json.dumps(answer)

    def session(questions: str, *, again: bool = True) -> set[str]:
        Path("guide.txt").write_text(questions)
        made = collection("guide=guide.txt", "output.max_insights_per_analyzer=5")
        _, transport = execute_batch(made, refusing, again=again, whole=False)
        assert [] == verify(Path("batch"))
        return {request.node for request in transport.requests} & {"why", "how"}

    assert {"why", "how"} == session("Why?\nHow?\nWho?\n", again=False)
    assert set() == session("How?\n")
    assert not [*Path("batch").rglob("intermediate/stage_a/wh*")]
    assert set() == session("Why?\nHow?\n")
    assert 2 == len([*Path("batch").rglob("intermediate/stage_a/why.json")])
