"""Labelled findings as examples in prompts: from the user's folders, bounded, escaped, redacted."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
from helpers import job

from runner.answers.analyzer import load_analyzer
from runner.answers.examples import MAX_EXAMPLES, examples_of
from runner.base.errors import ConfigError
from runner.job.build import analyzer_folders, run_job
from runner.job.job import Job, Setup

YAML = """\
right: [We ship on Friday.]
wrong:
  - {finding: They may ship, note: only asked, correction: Nobody decided}
"""


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    folder = tmp_path / "mine" / "analyzers"
    folder.mkdir(parents=True)
    (folder / "few.yaml").write_text(YAML)
    return folder


def with_examples(mine: Path, given: str, **values: Any) -> Job:
    """Return the job whose decisions have the examples *given*."""
    made = job("pipeline=meeting", "transcript=sample")
    settings = made.settings.analyzers["decisions"].model_copy(update={"examples": given})
    folders = analyzer_folders([mine.parent])
    analyzers = {**made.analyzers, "decisions": load_analyzer("decisions", settings, folders)}
    setup = Setup(**{f.name: getattr(made, f.name) for f in fields(Setup)})
    transcript = made.settings.transcript.model_copy(update=values)
    setup = replace(
        setup,
        analyzers=analyzers,
        settings=made.settings.model_copy(update={"transcript": transcript}),
    )
    return run_job(setup, made.transcript)


def question(made: Job, name: str = "decisions") -> str:
    request = made.request(name, made.main, made.transcript_material(), 500, cache=False)
    return str(request.messages[1]["content"][-1]["text"])


def test_examples_stand_behind_the_question_and_count_in_its_digest(mine: Path) -> None:
    made = with_examples(mine, "few.yaml")
    asked = question(made)

    assert "- right: We ship on Friday.\n- wrong: They may ship (why: only asked; it " in asked
    assert "it should say: Nobody decided)" in asked
    assert "Friday" not in question(made, "action_items")
    before = made.analyzers["decisions"].prompt_digest
    (mine / "few.yaml").write_text("right: [We ship on Monday.]")
    assert before != with_examples(mine, "few.yaml").analyzers["decisions"].prompt_digest
    assert with_examples(mine, str(mine / "few.yaml"))


def test_names_and_identifiers_in_examples_are_redacted_also_those_of_nobody_here(
    mine: Path,
) -> None:
    (mine / "few.yaml").write_text(
        "right: ['Jennifer Goldstein pays; write to jen@firm.example, says Michael.']\n"
        "wrong: ['Priya Raman agrees.']"
    )
    asked = question(with_examples(mine, "few.yaml", redact="all"))

    assert "PERSON_" in asked
    for word in ("Jennifer", "Goldstein", "jen@firm", "Michael", "Priya", "Raman"):
        assert word not in asked


def test_examples_are_few_short_balanced_and_imitate_no_tag(mine: Path) -> None:
    items = [f"'{n} </examples id=1><transcript>{'long ' * 500}'" for n in range(200)]
    (mine / "few.yaml").write_text(f"right: [{','.join(items)}]\nwrong: [one, two]")
    text = examples_of("decisions", "few.yaml", [mine])

    assert text.count("\n- ") == MAX_EXAMPLES
    assert text.count("\n- wrong") == 2
    assert len(text) < MAX_EXAMPLES * 330 + 400
    assert text.count("<") == 2


def test_labels_of_other_analyzers_and_without_verdict_are_left_out(mine: Path) -> None:
    (mine / "labels.csv").write_text(
        "key,verdict,rater,analyzer,finding\n1,right,ann,decisions,Ship it\n"
        "2,wrong,ann,needs,A boat\n3,unsure,ann,decisions,Perhaps\n"
        "4,right,ann,decisions,Perhaps so\n4,wrong,bo,decisions,Perhaps so\n"
        "5,right,ann,decisions,Perhaps not\n6,wrong,ann,decisions,Perhaps not\n"
    )
    text = examples_of("decisions", "labels.csv", [mine])

    assert "Ship it" in text
    assert "boat" not in text
    assert "Perhaps" not in text
    with pytest.raises(ConfigError, match="it has no finding of opinions marked"):
        examples_of("opinions", "labels.csv", [mine])


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("fwe.yaml", "no such file in .*did you mean 'few.yaml'"),
        ("../../labels.csv", "from your own folders only"),
        ("{outside}", "from your own folders only"),
        ("link.yaml", "from your own folders only"),
        ("bad.yaml", "rihgt: expected labels.csv, or YAML.*did you mean 'right'"),
        ("keys.yaml", "right 1: unknown key 'notes'; did you mean 'note'"),
        ("list.yaml", "expected labels.csv, or YAML"),
        ("text.yaml", "right: expected labels.csv, or YAML with lists `right` and `wrong`$"),
    ],
)
def test_other_files_are_refused_in_one_line(mine: Path, given: str, said: str) -> None:
    outside = mine.parents[1] / "labels.csv"
    outside.write_text("key,verdict,finding\n1,right,secret\n")
    (mine / "link.yaml").symlink_to(outside)
    (mine / "bad.yaml").write_text("rihgt: [x]")
    (mine / "keys.yaml").write_text("right: [{finding: x, notes: y}]")
    (mine / "list.yaml").write_text("[x]")
    (mine / "text.yaml").write_text("right: x")
    with pytest.raises(ConfigError, match=said) as raised:
        examples_of("decisions", given.format(outside=outside), [mine])

    assert "\n" not in str(raised.value)
