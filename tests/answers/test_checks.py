from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from pydantic import ValidationError

from runner.answers.checks import CheckSubject, evaluate, token_f1, totals
from runner.config.checks import KINDS, Check

ANSWER = {
    "insights": [
        {"text": "Ann sends the budget by Friday.", "confidence": 0.9},
        {
            "text": "Bo objects.",
            "confidence": 0.5,
            "evidence": [{"segment": "S0012", "quote": "I shall send it", "match": "exact"}],
        },
    ],
    "structured_data": {
        "action_items": [
            {"what": "Send the budget", "owner": "Ann Lee", "due": "Friday"},
            {"what": "Book a room", "owner": None, "due": ""},
        ]
    },
}
OWNERS = "structured_data.action_items[*].owner"
FIGURES = {"grounding": 0.8, "coverage": 0.3, "cost": 0.02, "latency": 4.0, "tokens": 900.0}


def status(check: Mapping[str, Any], answer: Any = ANSWER, **functions: Any) -> str:
    about = CheckSubject("action_items", answer, "timeout", FIGURES)
    (found,) = evaluate([Check.model_validate(check)], about, functions)
    return found.status


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        ("equals", "Ann Lee", "Ann"),
        ("contains", "Lee", "lee"),
        ("icontains", "LEE", "Bo"),
        ("starts-with", "Ann", "Lee"),
        ("ends-with", "Lee", "Ann"),
        ("regex", r"^A\w+ L", r"^\d"),
        ("f1", "Lee, Ann", "somebody else"),
        ("contains-any", ["Bo", "Lee"], ["Bo", "lee"]),
        ("contains-all", ["Ann", "Lee"], ["Ann", "Bo"]),
        ("icontains-any", ["bo", "lee"], ["bo"]),
        ("icontains-all", ["ann", "lee"], ["ann", "bo"]),
    ],
)
def test_a_text_check_passes_on_what_fits_and_its_opposite_on_the_rest(
    kind: str, good: Any, bad: Any
) -> None:
    found = [
        status({"type": f"{no}{kind}", "path": OWNERS, "value": value})
        for value in (good, bad)
        for no in ("", "not-")
    ]

    assert ["passed", "failed", "failed", "passed"] == found


def test_match_all_wants_every_text_at_the_path_to_fit() -> None:
    check = {
        "type": "regex",
        "path": "structured_data.action_items[*].what",
        "value": "^(Send|Book)",
    }
    due = {
        "type": "regex",
        "path": "structured_data.action_items[*].due",
        "value": r"\w",
        "match": "all",
    }

    assert ("passed", "failed") == (status({**check, "match": "all"}), status(due))


@pytest.mark.parametrize(
    ("check", "expected"),
    [
        ({"type": "count", "path": "insights", "min": 2, "max": 2}, "passed"),
        ({"type": "count", "path": "insights[?confidence > `0.8`]", "min": 2}, "failed"),
        ({"type": "count", "path": "structured_data.decisions", "max": 0}, "passed"),
        ({"type": "count", "path": "length(insights)", "min": 3}, "failed"),
        ({"type": "count", "path": "max(insights[*].confidence)", "min": 0.9}, "passed"),
        ({"type": "not-regex", "value": r"\d{4}|exact"}, "passed"),
        ({"type": "contains", "value": "I shall send it"}, "passed"),
        ({"type": "grounding", "min": 0.8}, "passed"),
        ({"type": "grounding", "min": 0.81}, "failed"),
        ({"type": "coverage", "min": 0.5}, "failed"),
        ({"type": "cost", "max": 0.02}, "passed"),
        ({"type": "cost", "max": 0}, "failed"),
        ({"type": "latency", "max": 3}, "failed"),
        ({"type": "tokens", "max": 1000}, "passed"),
        ({"type": "answer-f1", "min": 0.1}, "not_applicable"),
        ({"type": "is-json"}, "passed"),
        ({"type": "equals", "path": "length(insights) == `2`", "value": True}, "passed"),
        ({"type": "contains", "value": "Friday"}, "passed"),
        ({"type": "contains", "path": "structured_data.nothing", "value": "x"}, "failed"),
        ({"type": "not-contains", "path": "structured_data.nothing", "value": "x"}, "passed"),
        ({"type": "contains", "path": "length(structured_data.nothing)", "value": "x"}, "failed"),
    ],
)
def test_counts_shares_and_bounds(check: Mapping[str, Any], expected: str) -> None:
    assert expected == status(check)


def test_a_pattern_is_called_as_it_was_written() -> None:
    long = [Check(type="llm-rubric", value="word" * 40 + end).name for end in "ab"]

    assert (120, 2) == (max(map(len, long)), len({*long}))
    assert r"insights regex '\w+'" == Check(type="regex", path="insights", value=r"\w+").name


def test_an_analyzer_without_an_answer_fails_its_checks() -> None:
    kinds = [{"type": "not-contains", "value": "x"}, {"type": "cost", "max": 9}]

    assert ["failed", "failed"] == [status(kind, None) for kind in kinds]


def test_a_function_says_what_it_likes_and_never_stops_a_run() -> None:
    check = {"type": "python", "value": "mine:fn", "path": "insights[0].text"}

    def leaves(value: Any, known: Any) -> Any:
        raise SystemExit(3)

    said = {
        "true": lambda value, known: "budget" in value and known["analyzer"] == "action_items",
        "score": lambda value, known: 0.4,
        "result": lambda value, known: {"pass": True, "score": 0.1, "reason": "fine"},
        "nonsense": lambda value, known: "what",
        "beyond": lambda value, known: 5,
        "exit": leaves,
        "changes": lambda value, known: known["answer"]["insights"].clear() is None,
    }
    found = {name: status(check, **{"mine:fn": function}) for name, function in said.items()}

    assert {
        "true": "passed",
        "score": "failed",
        "result": "passed",
        "nonsense": "failed",
        "beyond": "failed",
        "exit": "failed",
        "changes": "passed",
    } == found
    assert len(ANSWER["insights"]) == 2


@pytest.mark.parametrize(
    ("check", "returned", "expected"),
    [
        ({"type": "not-contains", "value": "budget"}, None, ("failed", 0.0)),
        ({"type": "not-contains", "value": "nowhere"}, None, ("passed", 1.0)),
        ({"type": "not-regex", "value": "0[.]9"}, None, ("passed", 1.0)),
        ({"type": "not-python", "value": "a:b"}, 0.25, ("passed", 0.75)),
        ({"type": "python", "value": "a:b"}, None, ("failed", None)),
        ({"type": "python", "value": "a:b"}, {"pass": True, "score": 0.3}, ("passed", 0.3)),
        ({"type": "python", "value": "a:b", "threshold": 0.5}, {"pass": True, "score": 0.3},
         ("failed", 0.3)),
        ({"type": "python", "value": "a:b", "threshold": 0.2}, {"pass": False, "score": 0.3},
         ("failed", 0.3)),
    ],
)  # fmt: skip
def test_a_score_says_how_well_the_check_is_met(
    check: dict[str, Any], returned: Any, expected: tuple[str, float | None]
) -> None:
    about = CheckSubject("action_items", ANSWER)
    (found,) = evaluate([Check(**check)], about, {"a:b": lambda value, known: returned})

    assert expected == (found.status, found.score)


@pytest.mark.parametrize(("score", "expected"), [(0, "passed"), (1, "failed"), (-0.1, "failed")])
def test_the_opposite_of_a_function_passes_on_a_low_score_of_its_scale(
    score: float, expected: str
) -> None:
    check = {"type": "not-python", "value": "mine:fn"}

    assert expected == status(check, **{"mine:fn": lambda value, known: score})


def test_a_pattern_that_never_ends_fails_instead_of_hanging(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("runner.answers.checks.REGEX_S", 0.01)
    about = CheckSubject("a", {"text": "a" * 40 + "!"})
    (found,) = evaluate([Check(type="regex", path="text", value=r"(?:a|aa)+$")], about, {})

    assert "failed" == found.status


@pytest.mark.parametrize(
    "check",
    [
        {"type": "contains"},
        {"type": "contains-any", "value": "text"},
        {"type": "contains-any", "value": []},
        {"type": "contains-any", "value": ["text", " "]},
        {"type": "contains", "value": ""},
        {"type": "count", "min": 1},
        {"type": "count", "path": "insights"},
        {"type": "count", "path": "insights", "min": 3, "max": 2},
        {"type": "grounding"},
        {"type": "grounding", "min": 2},
        {"type": "cost"},
        {"type": "cost", "max": -1},
        {"type": "not-count", "path": "insights", "min": 1},
        {"type": "contains", "value": "a", "labels": [{"answer": "b", "label": "right"}]},
        {"type": "contains", "value": ["a"]},
        {"type": "f1", "value": "a", "threshold": 3},
        {"type": "contains", "value": "a", "match": "some"},
    ],
)
def test_a_check_that_can_decide_nothing_is_refused(check: Mapping[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Check.model_validate(check)


def test_the_word_f1_is_that_of_squad() -> None:
    assert 0.8 == pytest.approx(token_f1("the red house", "red house"))
    assert 0.75 == pytest.approx(token_f1("水泵很贵", "水泵不贵"))
    assert (0.0, 0.0) == (token_f1("", "red"), token_f1("red", ""))


def test_totals_count_every_status_and_the_rate_only_what_is_decided() -> None:
    about = CheckSubject("a", ANSWER, "", {})
    checks = [
        Check(type="is-json"),
        Check(type="contains", value="nobody"),
        Check(type="cost", max=1),
    ]

    assert {
        "checks": 3,
        "passed": 1,
        "failed": 1,
        "undecided": 0,
        "not_applicable": 1,
        "rate": 0.5,
        "interval": [0.0945, 0.9055],
    } == totals(evaluate(checks, about, {}))


def test_every_kind_has_a_row_in_the_documentation() -> None:
    from helpers.documentation import ROOT

    page = (ROOT / "docs/checks.md").read_text(encoding="utf-8")

    assert [] == [kind for kind in KINDS if f"`{kind}`" not in page]


def test_a_large_number_is_shown_in_full() -> None:
    check = Check(type="tokens", max=1_234_567)
    (found,) = evaluate([check], CheckSubject("notes", ANSWER, figures={"tokens": 1_234_568}), {})

    assert ("tokens max=1234567", "1234568") == (found.check, found.found)
    assert "1234568, expected at most 1234567" == found.reason
