from __future__ import annotations

from pathlib import Path

import pytest
from helpers import job

from runner.answers.checks import CheckSubject
from runner.base.errors import ConfigError
from runner.job.build import collection_job

BAD = {
    "run: [{type: is-json}]\nrun: []": "the key 'run' appears twice",
    "every: [{type: contains, value: ''}]": "expects a non-empty text",
    "every: [{type: contains-any, value: ['a', ' ']}]": "expects a non-empty text",
    "every: [{type: contains, value: .nan}]": "expects a text or a number",
    "every: [{type: icontains, value: a, threshold: 0.5}]": "does not read threshold",
    "every: [{type: is-json, value: {type: object}}]": "does not read value",
    "every: [{type: grounding, min: 0.5, path: insights}]": "does not read path",
    "every: [{type: f1, value: a, threshold: 0}]": "threshold=0",
    "every: [{type: count, path: 'lenght(insights)', min: 1}]": "did you mean 'length'?",
    "every: [{type: count, path: 'length(insights, @)', min: 1}]": "takes 1 argument",
    "every: [{type: count, path: structured_data.nosuch, min: 1}]": "no key 'nosuch'",
    "every: [{type: count, path: structured_data.decisions, min: 1}]": "every[0] of action_items: ",
    "every: [{type: regex, value: '(?:abc){e<=2}'}]": "fuzzy",
    "run: [{type: count, path: action_items.insightz, min: 1}]": "did you mean 'insights'?",
    "run: [{type: count, path: '[decisions.insights, action_items.insights[*].tex]', min: 1}]": (
        "did you mean 'text'?"
    ),
    "analyzers: {action_item: [{type: is-json}]}": "did you mean 'action_items'?",
    "every: [{type: containz, value: a}]": "did you mean 'contains'?",
    "every: [{type: not-containz, value: a}]": "did you mean 'not-contains'?",
    "every: [{type: contains}]": "expects a text or a number",
    "every: [{type: contains, valu: a}]": "did you mean 'value'?",
    "every: [{type: contains, value: a, path: insight}]": "did you mean 'insights'?",
    "everyy: []": "did you mean 'every'?",
    "every: []": "there is no check",
    "- a": "expected a mapping",
    "": "expected a mapping",
    "every: [": "cannot be read",
    'every: [{type: regex, value: "("}]': "not a regular expression",
    "every: [{type: contains, path: a..b, value: x}]": "is not a path",
    "judge: stron": "not in models",
    "every: [{type: llm-rubric, value: good}]": "the offline model cannot judge",
    "every: [{type: evidence-recall, min: 0.2}]": "needs references=FILE",
    "every: [{type: python, value: mine}]": "expected NAME:function",
    "every: [{type: python, value: 'mine:fn'}]": "--config-dir, which is not given",
    "every: [{type: python, value: '../mine:fn'}]": "expected NAME:function",
    "analyzers: {action_items: [{type: count, path: 'structured_data.action_item', min: 1}]}": (
        "did you mean 'action_items'?"
    ),
    "analyzers: {action_items: [{type: count, path: "
    "'structured_data.action_items[?ownr].what', min: 1}]}": "did you mean 'owner'?",
    "run: [{type: contains, path: action_item.insights, value: a}]": "did you mean 'action_items'?",
}


@pytest.mark.parametrize("body", BAD)
def test_a_bad_check_file_is_one_line_before_anything_is_sent(body: str) -> None:
    Path("c.yaml").write_text(body, encoding="utf-8")

    with pytest.raises(ConfigError) as error:
        job("pipeline=meeting", "checks=file", "checks.file=c.yaml")
    assert BAD[body] in str(error.value)
    assert "\n" not in str(error.value)


def test_answers_of_a_collection_are_not_checked() -> None:
    Path("c.yaml").write_text("analyzers: {themes: [{type: grounding, min: 0.5}]}")

    with pytest.raises(ConfigError, match="no analyzer of this pipeline that reads single"):
        job("pipeline=interviews", "checks=file", "checks.file=c.yaml")
    made = job("pipeline=interviews", "checks=grounded")

    assert (True, False) == (bool(made.expected), bool(collection_job(made).expected))


def test_a_file_that_is_not_there_is_said_with_its_neighbour() -> None:
    Path("meeting.yaml").write_text("every: []")

    with pytest.raises(ConfigError, match=r"did you mean 'meeting\.yaml'"):
        job("checks=file", "checks.file=meetin.yaml")


def test_checks_without_a_file_or_a_check_of_their_own_are_refused() -> None:
    with pytest.raises(ConfigError, match="there is no check: expected checks=FILE"):
        job("checks=file")


LABELLED = """key,verdict,rater,analyzer,finding
a,right,ana,say_means,Ann books the room.
a,right,bo,say_means,Ann books the room.
b,wrong,ana,say_means,The room is booked.
c,unsure,ana,say_means,Somebody books it.
d,right,ana,key_quotes,A quote.
"""


@pytest.mark.parametrize("place", ["run", "run/labels.csv"])
def test_a_judged_check_takes_its_labels_from_a_run_or_a_file(place: str) -> None:
    Path("run").mkdir()
    Path("run/labels.csv").write_text(LABELLED)
    overrides = ("checks=file", "checks.file=c.yaml", "+model@models.j=simulated")
    body = f"judge: j\nanalyzers: {{NAME: [{{type: llm-rubric, value: good, labels: {place}}}]}}"
    Path("c.yaml").write_text(body.replace("NAME", "say_means"))
    ((_, check),) = job(*overrides).expected.judged(["say_means"])
    Path("c.yaml").write_text(body.replace("NAME", "patentability"))

    with pytest.raises(ConfigError, match=r"labels: run/labels\.csv: no finding of patentab"):
        job(*overrides)
    assert [("Ann books the room.", "right"), ("The room is booked.", "wrong")] == [
        (label.answer, label.label) for label in check.validation_labels
    ]


def test_the_checks_that_ship_fit_their_pipelines() -> None:
    assert job("pipeline=meeting", "checks=meeting").expected
    assert job("pipeline=hearing", "checks=grounded").expected
    assert not job("pipeline=meeting").expected


def test_a_python_check_comes_from_a_config_dir_and_no_link(tmp_path: Path) -> None:
    Path("c.yaml").write_text("every: [{type: python, value: 'mine:short'}]")
    folder = tmp_path / "conf" / "checks"
    folder.mkdir(parents=True)
    overrides = ("checks=file", "checks.file=c.yaml")
    (folder / "mine.py").write_text("def shrt(value, known):\n    return True\n")
    with pytest.raises(ConfigError, match="did you mean 'shrt'"):
        job(*overrides, config_folders=[tmp_path / "conf"])
    (folder / "mine.py").write_text("1 / 0\n")
    with pytest.raises(ConfigError, match="ZeroDivisionError"):
        job(*overrides, config_folders=[tmp_path / "conf"])
    (folder / "mine.py").write_text("def short(value, known):\n    return len(value) < 3\n")
    made = job(*overrides, config_folders=[tmp_path / "conf"])
    (found,) = made.expected.evaluate(CheckSubject("say_means", {"insights": []}))

    assert "passed" == found.status
    (folder / "mine.py").rename(tmp_path / "elsewhere.py")
    (folder / "mine.py").symlink_to(tmp_path / "elsewhere.py")
    with pytest.raises(ConfigError, match="is a link"):
        job(*overrides, config_folders=[tmp_path / "conf"])


def test_the_name_of_a_model_to_escalate_to_is_checked() -> None:
    with pytest.raises(ConfigError, match=r"model\.escalate\[0\]='strong' is not in models"):
        job("model.escalate=[strong]")
    for itself in (
        ("model.escalate=[main]",),
        ("+model@models.strong=offline", "models.strong.escalate=[strong]"),
    ):
        with pytest.raises(ConfigError, match="names this model itself"):
            job(*itself)
