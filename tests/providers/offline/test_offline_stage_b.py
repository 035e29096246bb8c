"""The four readings that work from findings alone."""

# ruff: noqa: E501 - a finding line is as long as in a prompt
from __future__ import annotations

import pytest
from helpers.offline import answer, cited, handed_on
from runner.providers.offline.argument.case import build_case
from runner.providers.offline.argument.causality import conditional
from runner.providers.offline.argument.consistency import rate
from runner.providers.offline.argument.dispute import main_dispute
from runner.providers.offline.argument.hypothesis_matrix import rank
from runner.providers.offline.argument.noun_phrases import noun_phrases
from runner.providers.offline.argument.wording import negated, proposition

from analyzers import competing_hypotheses

NAMES = ("competing_hypotheses", "determining_factors", "first_principles", "patentability")

SENSOR = """# Findings of stage_a

## say_means
### insights
- (0.70, contrast) Jonas concedes first and then objects. {S0014 "I'm not saying we shouldn't go, but the board will ask me why we took that risk."}
### commitments
- speaker: Tomas | text: Agreed, if I get the platform team | strength: conditional {S0046 "Agreed, if I get the platform team."}
### unsaid
- topic: Who tells the board what happens if the trial fails? | why_it_matters: Nobody answers. {S0050 "Who tells the board what happens if the trial fails?"}

## perspective_perception
### topic
- text: the harbour trial of the buoy sensor
### perspectives
- holder: Priya | position: If the sensor resets in the middle of a tide cycle, we lose the baseline | stance: opposes | interests:  {S0006 "If the sensor resets in the middle of a tide cycle, we lose the baseline."}
- holder: Maren | position: The question is whether we put the sensor into the harbour trial in April, or wait for the autumn window | stance: neutral | interests:  {S0001 "The question is whether we put the sensor into the harbour trial in April, or wait for the autumn window."}

## premises_assertions
### arguments
- speaker: Jonas | assertion: If we go in April and it fails, there is no second trial this year | premises: The reserve was spent on the housing, stated | support: strong {S0014 "If we go in April and it fails, there is no second trial this year, because the reserve was spent on the housing."}
- speaker: Tomas | assertion: The difference between the membranes should survive | premises: Both membranes foul together, stated; They foul at the same rate, implied | support: partial {S0028 "Both membranes foul together, therefore the difference between the membranes should survive."}

## postulate_theorem
### postulates
- id: P1 | statement: The tank run was 21 days with no resets | kind: fact | speaker: Tomas {S0026 "The tank run was 21 days with no resets."}
- id: P2 | statement: Every correction must be visible to the operator | kind: rule | speaker: Priya {S0016 "Every correction must be visible to the operator."}
- id: P3 | statement: Ours compares two membranes that age at different rates, which nobody else does | kind: fact | speaker: Tomas {S0017 "Ours compares two membranes that age at different rates, which nobody else does."}
- id: P4 | statement: I showed the principle of the membranes on a poster last September | kind: fact | speaker: Tomas {S0020 "I showed the principle of the membranes on a poster last September."}
### conjectures
- statement: It could simply be the power supply | test: Run the sensor on its own supply and count the resets. {S0009 "So it could simply be the power supply."}
- statement: It could also be the watchdog timer | test: Switch log rotation off. {S0010 "It could also be the watchdog timer."}
"""

HEARING = """# Findings of stage_a

## postulate_theorem
### postulates
- id: P1 | statement: The committee must weigh whether bank supervision belongs to the central bank | kind: rule | speaker: Mr. Bachus {S0003 "The committee must weigh whether bank supervision belongs to the central bank."}
- id: P2 | statement: The agency has supervised community banks since 1913 | kind: fact | speaker: Mr. Gerhart {S0009 "The agency has supervised community banks since 1913."}
"""

CONTRADICTED = """# Findings of stage_a

## premises_assertions
### contradictions
- first: Ann: The pump leaks under high pressure | second: Bo: The pump does not leak under high pressure | explanation: Bo denies it. {S0001 "The pump leaks under high pressure."} {S0002 "The pump does not leak under high pressure."}
### arguments
- speaker: Ann | assertion: The pump leaks under high pressure | premises: We measured 3 litres below the pump, stated | support: strong {S0001 "The pump leaks under high pressure."} {S0003 "We measured 3 litres below the pump."}
"""

ONE = """## say_means
### insights
- (0.55, hedge) Ann hedges. {S0001 "Maybe the new filter clogs in winter."}
"""

WISH = """## say_means
### insights
- (0.55, hedge) Ann wishes. {S0001 "It would be nice to have a sensor on the lid."}
"""


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("text", [SENSOR, HEARING, CONTRADICTED, ONE])
def test_every_quote_is_copied_unchanged_from_the_findings(name: str, text: str) -> None:
    given = {citation for f in handed_on(text).findings for citation in f.evidence}

    assert set(cited(answer(name, handed_on(text)))) <= given


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("text", [SENSOR, HEARING, CONTRADICTED, ONE])
def test_every_insight_cites_something(name: str, text: str) -> None:
    insights = answer(name, handed_on(text))["insights"]

    assert [] == [i["text"] for i in insights if not i["evidence"]]


@pytest.mark.parametrize("name", NAMES)
def test_a_reading_is_deterministic(name: str) -> None:
    assert answer(name, handed_on(SENSOR)) == answer(name, handed_on(SENSOR))


@pytest.mark.parametrize("name", NAMES)
def test_different_findings_give_different_answers(name: str) -> None:
    assert answer(name, handed_on(SENSOR)) != answer(name, handed_on(HEARING))


@pytest.mark.parametrize("name", NAMES)
def test_without_findings_the_answer_says_so(name: str) -> None:
    found = answer(name, handed_on("Not available: say_means (timeout)"))["insights"]

    assert ["no_findings"] == [insight["category"] for insight in found]
    assert "say_means" in found[0]["text"]


def test_alternatives_after_whether_become_the_hypotheses() -> None:
    data = answer("competing_hypotheses", handed_on(SENSOR))["structured_data"]
    expected = [
        "We put the sensor into the harbour trial in April.",
        "Wait for the autumn window.",
    ]

    assert expected == [h["statement"] for h in data["hypotheses"]]


def test_an_unwelcome_consequence_speaks_against_its_course_and_for_the_other() -> None:
    data = answer("competing_hypotheses", handed_on(SENSOR))["structured_data"]
    item = next(e["id"] for e in data["evidence"] if "no second trial" in e["text"])
    rated = {
        cell["hypothesis"]: cell["consistency"]
        for cell in data["matrix"]
        if cell["evidence"] == item
    }

    assert {"H1": "I", "H2": "C"} == rated


def test_a_recorded_contradiction_gives_two_hypotheses_and_its_ground_counts_for_one() -> None:
    doc = handed_on(CONTRADICTED)
    case = build_case(doc)
    dispute = main_dispute(case, doc.findings)
    assert dispute is not None
    premise = next(c for c in case.claims if c.kind == "premise")
    rated = [rate(premise, side, dispute.sides, case, True)[0] for side in dispute.sides]

    assert ["CC", "I"] == rated


def test_the_only_statement_is_set_against_its_denial() -> None:
    data = answer("competing_hypotheses", handed_on(ONE))["structured_data"]
    expected = [
        "Maybe the new filter clogs in winter (a speaker).",
        'It is not so that "Maybe the new filter clogs in winter".',
    ]

    assert expected == [h["statement"] for h in data["hypotheses"]]


@pytest.mark.parametrize("text", [SENSOR, HEARING, CONTRADICTED, ONE])
def test_the_insights_rank_hypotheses_as_the_answer_does(text: str) -> None:
    data = answer("competing_hypotheses", handed_on(text))["structured_data"]
    rows = [
        [cell["consistency"] for cell in data["matrix"] if cell["evidence"] == item["id"]]
        for item in data["evidence"]
    ]
    ranked = rank([item["credibility"] for item in data["evidence"]], rows)

    assert [(row["hypothesis"], row["inconsistency"]) for row in data["ranking"]] == [
        (completeness.name, completeness.score) for completeness in ranked
    ]


def test_the_matrix_is_shown_as_a_table_with_a_column_for_every_hypothesis() -> None:
    fields = answer("competing_hypotheses", handed_on(SENSOR))["structured_data"]
    lines = competing_hypotheses.markdown(fields).splitlines()
    rows = [line for line in lines if line.startswith("| E")]
    first = fields["diagnosticity"][0]["evidence"]

    assert "|  | Evidence | Credibility | H1 | H2 |" in lines
    assert len(fields["evidence"]) == len(rows)
    assert rows[0].startswith(f"| {first} |")


def test_the_matrix_page_gives_a_reason_for_every_cell_that_is_not_neutral() -> None:
    fields = answer("competing_hypotheses", handed_on(SENSOR))["structured_data"]
    page = competing_hypotheses.markdown(fields)
    reasons = page.partition("## Reasons")[2].partition("## Milestones")[0]
    told = [cell for cell in fields["matrix"] if cell["consistency"] != "N"]

    assert len(told) == reasons.count("\n- ")


@pytest.mark.parametrize(
    ("text", "denied"),
    [
        ("The berth must be kept", "The berth need not be kept"),
        ("it also has to look nice", "It need not look nice"),
        ("Nobody has measured it", 'It is not so that "Nobody has measured it"'),
    ],
)
def test_a_statement_is_negated_at_its_main_verb_or_as_a_whole(text: str, denied: str) -> None:
    assert denied == negated(text)


def test_factors_are_named_by_noun_phrases_of_the_text() -> None:
    phrases = noun_phrases("The marina flooded since we conduct monetary policy")

    assert ["marina", "monetary policy"] == [phrase.text for phrase in phrases]


def test_a_wish_with_a_device_is_not_yet_a_technical_idea() -> None:
    data = answer("patentability", handed_on(WISH))["structured_data"]

    assert ["not_an_invention"] == [c["overall"] for c in data["candidates"]]


def test_an_implied_premise_is_an_assumption_with_its_conclusion_in_the_challenge() -> None:
    data = answer("first_principles", handed_on(SENSOR))["structured_data"]
    found = next(a for a in data["assumptions"] if a["text"].startswith("They foul"))

    assert "The difference between the membranes should survive" in found["challenge"]


def test_a_measured_result_is_a_fundamental_and_a_rule_is_not() -> None:
    data = answer("first_principles", handed_on(SENSOR))["structured_data"]
    texts = " ".join(f["text"] for f in data["fundamentals"])

    assert (True, False) == ("21 days" in texts, "must be visible" in texts)


def test_factors_have_two_to_five_words_and_differ() -> None:
    names = [
        f["name"]
        for f in answer("determining_factors", handed_on(SENSOR))["structured_data"]["factors"]
    ]

    assert [] == [name for name in names if not 2 <= len(name.split()) <= 5]
    assert len(names) == len(set(names))


def test_an_idea_called_new_is_a_technical_candidate_and_the_poster_a_risk() -> None:
    data = answer("patentability", handed_on(SENSOR))["structured_data"]
    first = data["candidates"][0]
    novelty = next(c for c in first["criteria"] if c["name"] == "novelty")

    assert (True, "needs_work") == (first["technical"], first["overall"])
    assert "doubtful" == novelty["verdict"]
    assert "public_disclosure" in [risk["kind"] for risk in data["risks"]]


def test_a_hearing_without_technical_means_has_no_invention() -> None:
    data = answer("patentability", handed_on(HEARING))["structured_data"]

    assert ["not_an_invention"] == [c["overall"] for c in data["candidates"]]
    assert data["summary"].startswith("Nothing patentable")


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("I believe that the point is that it works", "it works"),
        (
            "I don't know how to fix it but the supply is too weak for it",
            "the supply is too weak for it",
        ),
        ("it for our part, it has to look nice", "it has to look nice"),
        ("the valve is open, I guess", "the valve is open"),
    ],
)
def test_a_proposition_leaves_the_attitude_out(said: str, meant: str) -> None:
    assert meant == proposition(said)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("If the pump stops, we lose the run", ("the pump stops", "we lose the run")),
        (
            "We can ship the unit only if the board agrees",
            ("the board agrees", "We can ship the unit"),
        ),
        ("What if we go in April next to the buoy", None),
    ],
)
def test_a_conditional_is_taken_apart(text: str, parts: tuple[str, str] | None) -> None:
    assert parts == conditional(text)
