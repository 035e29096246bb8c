"""Checks at the end of real runs in virtual time: escalated, judged, resumed, and told."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from helpers import job
from helpers.runs import ONLY_TWO, execute_models, invented, load, simulated
from structlog.testing import capture_logs

from runner.answers.judge import JUDGE_TOKENS, SCHEMA, agreement, question
from runner.base.errors import CallError
from runner.base.usage import USAGE_FIGURES, Usage
from runner.calls.admission.budget import Sizer
from runner.job.job import Job
from runner.providers.request import Completion, Request
from runner.reports.compare.rows import read_row
from runner.reports.report.write import try_write_report
from runner.reports.verify import verify
from runner.run.last_line import hint_of
from runner.run.plan.plan import as_text, make_plan

STRONG = "+model@models.strong=offline"
ESCALATES = (*ONLY_TWO, STRONG, "model.escalate=[strong]")
JUDGE = "+model@models.judge=simulated"
QUOTED = "{type: grounding, min: 0.9}"


def checked(body: str, *overrides: str, file: str = "c.yaml") -> Job:
    Path(file).write_text(body, encoding="utf-8")
    return job(*ONLY_TWO, "checks=file", f"checks.file={file}", *overrides)


def only(name: str, other: Callable[[Request], Any]) -> Callable[[Request], Any]:
    return lambda request: other(request) if request.node == name else simulated(request)


def statuses(content: Any) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for each in content["checks"]:
        found.setdefault(each["analyzer"] or "run", []).append(each["status"])
    return found


def test_failed_checks_are_told_and_change_no_exit_code_unless_they_shall() -> None:
    body = f"every: [{QUOTED}]\n"
    body += "run: [{type: contains, path: 'say_means.insights[0].text', value: zz}]"
    for fail, code, status in (("", 0, "completed"), ("fail: true\n", 3, "degraded")):
        made = checked(fail + body)
        result, _ = execute_models(made)
        content = load("checks.json")

        assert ("or set fail: false in c.yaml" in (hint_of(made, result) or "")) == bool(fail)
        assert (code, status) == (result.exit_code, load("metadata.json")["status"])
        assert {"passed": 3, "failed": 1} == {n: content["total"][n] for n in ("passed", "failed")}
        assert ["failed"] == statuses(content)["run"]
        assert 0.75 == load("logs/benchmark.json")["run"]["checks_rate"]
        assert 0.75 == read_row(Path("run")).figure("checks_rate")
        try_write_report(Path("run"), None)
        page = Path("run/report.html").read_text()
        assert "of 4 declared expectations passed" in page
        assert page.index("1 of 4 checks failed") < page.index('id="brief"')
        Path("run").rename(f"run{code}")


def test_verification_makes_the_checks_anew_that_no_model_judged() -> None:
    body = f"every: [{QUOTED}, {{type: count, path: insights, min: 1}}]\n"
    body += "run: [{type: contains, path: 'say_means.insights[0].text', value: zz}]"
    execute_models(checked(body))
    file = Path("run/checks.json")
    stored = json.loads(file.read_text())

    def told(change: Callable[[Any], object]) -> str:
        content = json.loads(json.dumps(stored))
        change(content)
        file.write_text(json.dumps(content))
        return " ".join(line for line in verify(Path("run")) if line.startswith("checks.json"))

    assert "" == told(lambda _: None)
    assert "is 'passed', its answer gives 'failed'" in told(
        lambda c: c["checks"][-1].update(status="passed")
    )
    assert "total.passed is 9, its checks give 6" in told(lambda c: c["total"].update(passed=9))
    assert "is missing, its answer gives 'failed'" in told(lambda c: c["checks"].pop())
    assert "not a list of checks" in told(lambda c: c.update(declared=[1]))
    assert [0.4869, 0.9743] == stored["total"]["interval"]  # of 6 of 7, by Wilson


def test_a_run_without_checks_has_no_file_of_them() -> None:
    execute_models(job(*ONLY_TWO))

    assert not Path("run/checks.json").exists()


@pytest.mark.parametrize(
    ("reply", "fault"),
    [
        (invented, "grounding: 0% of its quotes"),
        (lambda _: "I cannot do that.", "schema: invalid_output"),
        (lambda _: Completion("", "refusal", Usage()), "schema: refused"),
    ],
)
def test_an_answer_that_fails_goes_to_the_next_model_once(
    reply: Callable[[Request], Any], fault: str
) -> None:
    replies = {"main": only("say_means", reply), "strong": simulated}
    result, transports = execute_models(job(*ESCALATES), replies)
    (told,) = load("checks.json")["escalation"]["analyzers"].values()

    assert 0 == result.exit_code
    assert ["say_means"] == [r.node for r in transports["strong"].requests]
    assert told["faults"][0].startswith(fault)
    assert (True, [], 0.001) == (told["mended"], told["left"], told["cost_usd"])
    assert told == load("intermediate/stage_a/say_means.json")["escalation"]
    assert {"escalated": 1, "mended": 1, "escalation_usd": 0.001} == {
        name: result.benchmark["run"][name] for name in ("escalated", "mended", "escalation_usd")
    }


def test_a_failed_check_escalates_and_the_better_answer_is_kept() -> None:
    body = "analyzers: {say_means: [{type: contains, path: 'insights[*].text', value: Strong}]}"
    made = checked(body, STRONG, "model.escalate=[strong]")

    def strong(request: Request) -> str:
        answer = json.loads(simulated(request))
        answer["insights"][0]["text"] = "Strong words."
        return json.dumps(answer)

    for reply, kept, left in ((strong, "Strong words.", 0), (simulated, None, 1)):
        execute_models(made, {"main": simulated, "strong": reply})
        record, content = load("intermediate/stage_a/say_means.json"), load("checks.json")
        beside = list(Path("run/intermediate/stage_a/say_means").glob("aside_*.json"))

        assert left == content["total"]["failed"]
        assert left == 1 - content["escalation"]["mended"]
        assert kept is None or kept == record["insights"][0]["text"]
        assert 1 == len(beside)
        Path("run").rename(f"run{left}")


def test_a_failed_call_is_for_fallbacks_and_a_good_answer_for_nobody() -> None:
    def down(request: Request) -> str:
        raise CallError("transient", "down", status=500)

    result, transports = execute_models(
        job(*ESCALATES), {"main": only("say_means", down), "strong": simulated}
    )

    assert ([], 3) == (transports["strong"].requests, result.exit_code)


def test_what_the_next_model_cannot_answer_leaves_the_answer_as_it_is() -> None:
    def no(request: Request) -> str:
        raise CallError("auth", "no key", status=401)

    replies = {"main": only("say_means", invented), "strong": no}
    result, _ = execute_models(job(*ESCALATES, "grounding.min_rate=0.4"), replies)
    (told,) = load("checks.json")["escalation"]["analyzers"].values()

    assert result.outcomes["say_means"].answer is not None
    assert (False, "no key") == (told["mended"], told["steps"][0]["error"])


def test_an_answer_whose_next_model_has_no_budget_is_listed_and_not_counted_as_escalated() -> None:
    priced = (f"models.strong.{each}_usd_per_mtok=1000" for each in ("input", "output"))
    strong = ("+model@models.strong=simulated", *priced)
    limits = ("budget.max_cost_usd=0.01", "grounding.min_rate=0.4")
    made = job(*ONLY_TWO, *strong, "model.escalate=[strong]", *limits)
    replies = {"main": only("say_means", invented), "strong": simulated}
    result, transports = execute_models(made, replies)
    content = load("checks.json")["escalation"]
    try_write_report(Path("run"), None)

    assert [] == transports["strong"].requests
    assert (0, 0) == (content["escalated"], result.benchmark["run"]["escalated"])
    assert "no room" in content["analyzers"]["say_means"]["steps"][0]["error"]
    assert "no other was asked" in Path("run/report.html").read_text(encoding="utf-8")


def test_a_resumed_run_asks_neither_model_again_and_evaluates_new_checks() -> None:
    replies = {"main": only("say_means", lambda _: "no"), "strong": simulated}
    execute_models(job(*ESCALATES), replies)
    Path("run/intermediate/stage_a/perspective_perception.json").unlink()
    _, transports = execute_models(job(*ESCALATES), replies, again=True)

    assert [] == transports["strong"].requests
    assert {"perspective_perception"} == {r.node for r in transports["main"].requests[:1]}
    assert all(r.node != "say_means" for r in transports["main"].requests)

    made = checked(f"every: [{QUOTED}]", STRONG, "model.escalate=[strong]")
    _, transports = execute_models(made, replies, again=True)

    assert [[], []] == [each.requests for each in transports.values()]
    assert {"passed": 3, "failed": 0} == {
        name: load("checks.json")["total"][name] for name in ("passed", "failed")
    }


def test_the_plan_has_escalated_calls_in_its_high_bound_alone() -> None:
    priced = [
        f"{at}.{key}_usd_per_mtok={usd}"
        for at, key, usd in (("model", "input", 1), ("model", "output", 2))
    ]
    strong = ["+model@models.strong=simulated", "models.strong.input_usd_per_mtok=10"]
    base = ("model=simulated", *ONLY_TWO, *priced, *strong, "models.strong.output_usd_per_mtok=20")
    one, other = (make_plan(job(*base, *more), {}) for more in ((), ("model.escalate=[strong]",)))

    assert one.total("cost_usd") == other.total("cost_usd")
    assert one.total("calls") == other.total("calls")
    assert other.total("cost_high_usd") > 10 * one.total("cost_high_usd")
    assert other.total("most_tokens") > 1.9 * one.total("most_tokens")
    assert "if every answer fails" in as_text(other)
    assert "say_means > strong" in other.nodes


def judging(says: Callable[[str], bool]) -> Callable[[Request], str]:
    """Judge by *says* of the answer, whatever the order of the verdicts."""

    def reply(request: Request) -> str:
        asked = request.messages[1]["content"]
        answer = asked.partition("<answer>\n")[2].partition("\n</answer>")[0]
        meets = asked.partition("A: ")[2].startswith("The answer meets")
        return json.dumps({"reason": "so", "verdict": "A" if says(answer) is meets else "B"})

    return reply


LABELS = "".join(
    f"\n      - {{answer: '{word} {n}', label: {label}}}"
    for n in range(4)
    for word, label in (("good", "right"), ("bad", "wrong"))
)
RUBRIC = """
judge: judge
analyzers:
  say_means:
    - type: llm-rubric
      value: It says good.
      labels:{labels}
"""


@pytest.mark.parametrize(
    ("says", "labels", "status", "reason"),
    [
        (lambda answer: "bad" not in answer, LABELS, "passed", "8 of 8 labels, kappa 1.00"),
        (lambda answer: "good" in answer, LABELS, "failed", "8 of 8 labels"),
        (lambda answer: True, LABELS, "undecided", "unvalidated judge (agrees with 4 of 8"),
        (lambda answer: True, " []", "undecided", "unvalidated judge (agrees with 0 of 0"),
    ],
)
def test_a_judge_decides_only_where_it_agrees_with_labels(
    says: Callable[[str], bool], labels: str, status: str, reason: str
) -> None:
    made = checked(RUBRIC.format(labels=labels), JUDGE)
    replies = {"main": simulated, "judge": judging(says)}
    result, transports = execute_models(made, replies)
    (found,) = load("checks.json")["checks"]
    asked = len(transports["judge"].requests)

    assert (status, 0) == (found["status"], result.exit_code)
    assert reason in found["reason"]
    assert asked == (18 if "good" in labels else 2)
    assert asked == load("checks.json")["judge"]["attempts"]
    assert load("metadata.json")["totals"]["attempts"] == asked + 3

    _, transports = execute_models(made, replies, again=True)

    assert [] == transports["judge"].requests
    assert found == load("checks.json")["checks"][0]


def test_a_judge_that_prefers_the_first_place_decides_nothing() -> None:
    first = '{"reason": "it is first", "verdict": "A"}'
    made = checked(RUBRIC.format(labels=LABELS), JUDGE)
    with capture_logs() as logs:
        execute_models(made, {"main": simulated, "judge": lambda _: first})
    (found,) = load("checks.json")["checks"]
    totals = load("metadata.json")["totals"]
    told = next(event for event in logs if event["event"] == "run.finished")

    assert ("undecided", True) == (found["status"], "contradicts itself" in found["reason"])
    assert {key: totals[key] for key in USAGE_FIGURES} == {key: told[key] for key in USAGE_FIGURES}


def test_a_judge_without_a_verdict_is_told_and_ends_nothing() -> None:
    made = checked(RUBRIC.format(labels=" []"), JUDGE)
    result, _ = execute_models(made, {"main": simulated, "judge": lambda _: "well"})
    (found,) = load("checks.json")["checks"]

    assert ("not_applicable", 0) == (found["status"], result.exit_code)
    assert "did not answer" in found["reason"]


def test_the_plan_prices_a_judge() -> None:
    plan = make_plan(checked(RUBRIC.format(labels=LABELS), JUDGE), {})

    assert 18 == plan.nodes["say_means judged"].calls
    assert plan.nodes["say_means judged"].prompt_tokens > 18 * 50


@pytest.mark.parametrize("parts", [(), ("transcript.token_budget=300",)], ids=["whole", "in parts"])
def test_the_plan_bounds_a_judge_as_the_budget_does_for_the_longest_answer(
    parts: tuple[str, ...],
) -> None:
    made = checked(RUBRIC.format(labels=" []"), JUDGE, *parts)
    nodes, judge = make_plan(made, {}).nodes, made.models["judge"]
    node = next(each for each in made.pipeline.nodes if each.name == "say_means")
    longest = question("It says good.", " word" * made.fit(node, made.main).reply, swapped=False)
    asked = Request("judge", longest, JUDGE_TOKENS, schema=SCHEMA)
    most = asyncio.run(Sizer(judge.tokenizer).size(asked)).tokens

    assert bool(parts) == (nodes["say_means"].calls > 1)
    assert nodes["say_means judged"].most_tokens / 2 == pytest.approx(most, abs=2)  # at the seams


def test_kappa_is_cohens() -> None:
    pairs = [(True, True)] * 20 + [(True, False)] * 5 + [(False, True)] * 10 + [(False, False)] * 15

    assert {"labels": 50, "agreed": 35, "kappa": 0.4, "proven": False} == agreement(pairs)
    assert {"labels": 2, "agreed": 0, "kappa": -1.0, "proven": False} == agreement(
        [(None, True), (None, False)]
    )


def test_references_alone_give_the_figures_of_a_run() -> None:
    Path("gold.json").write_text(
        json.dumps([{"question": "q", "answer": "a b", "turns": [[0, 99]]}]), encoding="utf-8"
    )
    with capture_logs() as logged:
        execute_models(job(*ONLY_TWO, "references=gold.json"))
    found = load("checks.json")
    (beyond,) = [each for each in logged if each["event"] == "references.beyond_the_end"]

    Path("gold").mkdir()
    Path("gold/other.json").write_text(Path("gold.json").read_text(encoding="utf-8"))
    with capture_logs() as logged:
        execute_models(job(*ONLY_TWO, "references=gold"), again=True)

    assert [each["expected"] for each in logged if each["event"] == "references.none"]
    assert beyond["turns"][0] == beyond["last_turn"] + 1
    assert 0 == found["total"]["checks"]
    assert 1.0 == found["references"]["evidence-precision"]
    assert 0 < found["references"]["evidence-recall"] < 1


@pytest.mark.parametrize(
    "content",
    [
        [1],
        {"checks": 3, "total": [], "judge": "x", "escalation": 1},
        {
            "checks": [{"analyzer": [1], "check": {}, "status": None, "found": ["<b>"]}, {}, 4],
            "total": {"checks": "many", "failed": {}},
            "judge": {"model": ["m"], "cost_usd": "free", "prompt_tokens": []},
            "escalation": {"analyzers": {"<i>": {"faults": [["<script>"], 1], "left": 2}, "b": 3}},
        },
    ],
)
def test_a_report_shows_whatever_stands_in_checks_json(content: Any) -> None:
    execute_models(job(*ONLY_TWO))
    Path("run/checks.json").write_text(json.dumps(content), encoding="utf-8")
    try_write_report(Path("run"), None)
    page = Path("run/report.html").read_text(encoding="utf-8")

    assert "how it ran" in page.lower()
    assert "<i>" not in page.partition('id="checks"')[2].partition("</section>")[0]
    assert "<script>" not in page.partition('id="checks"')[2].partition("</section>")[0]
