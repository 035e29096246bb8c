"""The four readings that work from findings alone."""

# ruff: noqa: E501 - a finding line is as long as in a prompt
from __future__ import annotations

import pytest
from helpers.offline import answer, cited, handed_on

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
def test_every_quote_is_copied_unchanged_and_every_statement_has_one(name: str, text: str) -> None:
    found = answer(name, handed_on(text))
    given = {citation for f in handed_on(text).findings for citation in f.evidence}

    assert set(cited(found)) <= given
    assert {i["category"] for i in found["insights"] if not i["evidence"]} <= {"no_cue"}
    assert answer(name, handed_on(text)) == found


@pytest.mark.parametrize("name", NAMES)
def test_different_findings_give_different_answers(name: str) -> None:
    assert answer(name, handed_on(SENSOR)) != answer(name, handed_on(HEARING))


@pytest.mark.parametrize("name", NAMES)
def test_without_findings_the_answer_says_so(name: str) -> None:
    found = answer(name, handed_on("Not available: say_means (timeout)"))["insights"]

    assert [insight["category"] for insight in found] == ["no_findings"]
    assert "say_means" in found[0]["text"]


def rated(data: dict[str, object], said: str) -> dict[str, str]:
    items: list[dict[str, str]] = data["evidence"]  # type: ignore[assignment]
    cells: list[dict[str, str]] = data["matrix"]  # type: ignore[assignment]
    item = next(e["id"] for e in items if said in e["text"])
    return {c["hypothesis"]: c["consistency"] for c in cells if c["evidence"] == item}


def test_a_recorded_contradiction_gives_two_hypotheses_in_the_speakers_words() -> None:
    data = answer("competing_hypotheses", handed_on(CONTRADICTED))["structured_data"]

    assert [h["statement"] for h in data["hypotheses"]] == [
        'It is as stated by Ann: "The pump leaks under high pressure".',
        'It is as stated by Bo: "The pump does not leak under high pressure".',
    ]
    assert rated(data, "does not leak") == {"H1": "I", "H2": "C"}
    assert {e["relevance"] for e in data["evidence"]} == {"high"}


def test_a_choice_is_no_dispute_and_a_statement_is_set_against_its_denial() -> None:
    found = answer("competing_hypotheses", handed_on(SENSOR))

    assert found["insights"][0]["text"] == "No rival statements are recognised."
    assert found["insights"][0]["evidence"] == []
    assert found["structured_data"]["hypotheses"][1]["statement"] == (
        "It is not, or not entirely, as stated."
    )


def test_the_matrix_is_shown_as_a_table_with_a_reason_for_every_cell_that_is_not_neutral() -> None:
    fields = answer("competing_hypotheses", handed_on(CONTRADICTED))["structured_data"]
    page = competing_hypotheses.markdown(fields)
    reasons = page.partition("## Reasons")[2].partition("## Milestones")[0]
    told = [cell for cell in fields["matrix"] if cell["consistency"] != "N"]

    assert "|  | Evidence | Kind | Credibility | Relevance | H1 | H2 |" in page.splitlines()
    assert reasons.count("\n- ") == len(told)


def test_a_wish_with_a_device_or_a_hearing_is_not_yet_a_technical_idea() -> None:
    for text in (WISH, HEARING):
        data = answer("patentability", handed_on(text))["structured_data"]

        assert data["candidates"] == data["risks"] == data["next_steps"] == []
        assert data["summary"] == "No technical idea that is called new is recognised."


def test_an_idea_called_new_is_a_technical_candidate_of_unknown_novelty() -> None:
    data = answer("patentability", handed_on(SENSOR))["structured_data"]
    first = data["candidates"][0]

    assert (first["technical"], first["overall"]) == (True, "needs_work")
    assert [c["verdict"] for c in first["criteria"] if c["name"] == "novelty"] == ["unknown"]
    assert {c["name"]: c["said"][:18] for c in first["criteria"] if c["said"]} == {
        "subject_matter": "Ours compares two ",
        "novelty": "Ours compares two ",
    }


def test_a_measured_result_is_a_fundamental_and_a_rule_is_not() -> None:
    data = answer("first_principles", handed_on(SENSOR))["structured_data"]
    texts = " ".join(f["text"] for f in data["fundamentals"])

    assert ("21 days" in texts, "must be visible" in texts) == (True, False)


def test_factors_have_two_to_five_words_and_differ() -> None:
    data = answer("determining_factors", handed_on(SENSOR))["structured_data"]
    names = [f["name"] for f in data["factors"]]

    assert [name for name in names if not 2 <= len(name.split()) <= 5] == []
    assert len(names) == len(set(names))
