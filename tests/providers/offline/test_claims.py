"""Claims through a whole run: quotes checked, marked, dropped or asked for again; pages; files."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from helpers import job
from helpers.runs import ONLY_TWO, execute_models, inventing, load

from runner.providers.request import Request


def insights() -> list[Any]:
    found: list[Any] = load("intermediate/stage_a/say_means.json")["insights"]
    return found


def test_every_quote_is_checked_and_a_wrong_segment_is_put_right() -> None:
    execute_models(job(*ONLY_TWO), inventing)
    moved, absent = insights()[0]["evidence"]
    said = {s["id"]: s["text"] for s in load("transcript.json")["segments"]}

    assert moved["match"] == "exact"
    assert moved["moved_from"] == "S0049"
    assert moved["quote"] in said[moved["segment"]]
    assert absent["match"] == "absent"


def test_the_rates_stand_in_three_files() -> None:
    result, _ = execute_models(job(*ONLY_TWO), inventing)
    figures = load("grounding.json")
    mine = figures["analyzers"]["say_means"]

    assert mine["absent"] == 2
    assert mine["moved"] == 1
    assert 0 < mine["rate"] < 1
    assert load("metadata.json")["grounding"] == figures["total"]
    assert result.benchmark["run"]["grounding_rate"] == figures["total"]["rate"]
    assert load("logs/benchmark.json")["analyzers"]["say_means"]["grounding_rate"] == mine["rate"]


def test_a_quote_nobody_said_is_shown_as_one_and_not_handed_on() -> None:
    _, transports = execute_models(job(*ONLY_TWO), inventing)
    page = (Path("run") / "intermediate/stage_a/say_means.md").read_text()
    later = next(r for r in transports["main"].requests if r.node == "competing_hypotheses")

    assert "> the moon is made of old ship timber and nobody minds (not in the transcript)" in page
    assert "ship timber" not in json.dumps(later.messages)


def test_dropping_leaves_out_the_quote_and_what_rested_on_it_alone() -> None:
    execute_models(job(*ONLY_TWO, "grounding.require=drop"), inventing)
    kept = insights()

    assert "ship timber" not in json.dumps(kept)
    assert (
        len(kept)
        == len(json.loads(load("intermediate/stage_a/say_means.json")["raw_output"])["insights"])
        - 1
    )
    assert load("grounding.json")["analyzers"]["say_means"]["absent"] == 2


def test_asking_again_names_the_quotes_once() -> None:
    made = job(*ONLY_TWO, "grounding.require=ask")
    result, transports = execute_models(made, lambda request: inventing(request, times=1))
    asked = [r for r in transports["main"].requests if r.node == "say_means"]

    assert result.exit_code == 0
    assert len(asked) == 2
    assert "the moon is made of old ship timber" in str(asked[1].messages[-1]["content"])
    assert load("grounding.json")["analyzers"]["say_means"]["absent"] == 0
    assert load("intermediate/stage_a/say_means.json")["rejected"][0]["kind"] == "ungrounded"


def test_who_invents_again_is_marked_not_asked_for_ever() -> None:
    result, transports = execute_models(job(*ONLY_TWO, "grounding.require=ask"), inventing)
    asked = [r for r in transports["main"].requests if r.node == "say_means"]

    assert result.exit_code == 0
    assert len(asked) == 2
    assert load("grounding.json")["analyzers"]["say_means"]["absent"] == 2


def test_an_answer_with_invented_quotes_is_better_than_none() -> None:
    def worse(request: Request) -> str:
        return "no JSON at all" if len(request.messages) > 2 else inventing(request)

    result, _ = execute_models(job(*ONLY_TWO, "grounding.require=ask"), worse)

    assert result.outcomes["say_means"].status == "ok"
    assert result.outcomes["say_means"].grounding is not None
    assert result.outcomes["say_means"].grounding.absent == 2


def test_all_insights_are_in_one_list_as_json_csv_and_page() -> None:
    result, _ = execute_models(job(*ONLY_TWO))
    listed = load("insights.json")
    with (Path("run") / "insights.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    answers = [o.answer for o in result.outcomes.values() if o.answer is not None]

    assert 0 < len(listed) <= sum(len(answer["insights"]) for answer in answers)
    assert [row["text"] for row in rows] == [insight["text"] for insight in listed]
    assert {name for insight in listed for name in insight["analyzers"]} <= set(result.outcomes)
    assert "# Insights" in (Path("run") / "insights.md").read_text()


@pytest.mark.parametrize("style", ["plain", "obsidian"])
def test_every_link_of_every_page_leads_to_an_anchor(style: str) -> None:
    execute_models(job(*ONLY_TWO, f"output.pages={style}"))
    transcript = (Path("run") / "transcript.md").read_text()
    pages = [*Path("run").rglob("intermediate/**/*.md"), Path("run/insights.md")]
    links = 0
    for page in pages:
        text = page.read_text()
        if style == "obsidian":
            assert text.startswith("---\ntitle:")
            for target in text.split("[[transcript#^")[1:]:
                links += 1

                assert f" ^{target[:5]}\n" in transcript
        for target in text.split("](")[1:]:
            path, _, anchor = target.split(")")[0].partition("#")
            links += 1

            assert (page.parent / path).resolve() == Path("run/transcript.md").resolve()
            assert f'<a id="{anchor}"></a>' in transcript

    assert links > 0


def test_the_final_stage_reads_the_transcript_and_what_was_found_and_writes_notes() -> None:
    made = job("pipeline=transcript_analysis")
    result, transports = execute_models(made)
    notes = next(r for r in transports["main"].requests if r.node == "meeting_notes")
    prompt = "".join(part["text"] for part in notes.messages[1]["content"])
    page = (Path("run") / "final/meeting_notes.md").read_text()

    assert result.exit_code == 0
    assert '<transcript id="' in prompt
    assert '<context id="' in prompt
    assert "## patentability" in prompt
    assert page.startswith("# Meeting notes")
    assert page.index("## Insights") > page.index("\n## ")
    assert sorted(p.name for p in Path("run/final").iterdir()) == [
        "composite_note.md",
        "executive_summary.md",
        "meeting_notes.md",
    ]
