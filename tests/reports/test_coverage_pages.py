"""Coverage and what was found when asked again, as pages and tables show them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import orjson
import pytest
from helpers import job
from helpers.runs import ONLY_TWO, execute, prompt_of, simulated

from runner.answers.outcome import ANSWERED
from runner.answers.second_answer import ASKED_AGAIN
from runner.providers.request import Request
from runner.reports.compare.compare import compare
from runner.reports.compare.text import SETTINGS, as_csv, settings_table
from runner.reports.report.page import report_page
from runner.reports.stored_run import read_run

pytestmark = pytest.mark.usefixtures("private")
TAG = '<span class="tag">found when asked again</span>'


def section(page: str) -> str:
    return page.partition('<section id="coverage"')[2].partition("</section>")[0]


def quoting(request: Request) -> str:
    """Answer with one insight on the first segment of the prompt, however often it is asked."""
    answer = json.loads(simulated(request))
    segment, said = re.findall(r"\[(S\d+) [^\]]+\] (.*)", prompt_of(request))[0]
    evidence = [{"segment": segment, "quote": said}]
    again = ASKED_AGAIN in prompt_of(request)
    text = f"{'second' if again else 'first'} thing"
    insight = {"text": text, "confidence": 0.5, "category": "note", "evidence": evidence}
    lists = {key: [] if isinstance(v, list) else v for key, v in answer["structured_data"].items()}
    return json.dumps({"insights": [insight], "structured_data": lists})


def test_the_page_shows_what_is_cited_and_what_asking_again_has_found() -> None:
    only = [f"~analyzer@analyzers.{n}" for n in ("perspective_perception", "competing_hypotheses")]
    made = job(*ONLY_TWO, *only, "~stages.stage_b", "coverage.ask_again=true")
    _, path, _ = execute(made, quoting)
    page = report_page(read_run(path))
    shown, stored = section(page), orjson.loads((path / "coverage.json").read_bytes())
    first = stored["silent_stretches"][0]

    assert 2 == stored["total"]["cited"]["segments"]
    assert 1 == page.count(TAG)
    assert "second thing" in page[: page.index(TAG)].rpartition("<li")[2]
    assert "asked again about 50 segments that it cited nothing from; found: insights 1" in shown
    assert f'">{first["first"]}</a> – <a href="#seg-51">{first["last"]}</a>' in shown
    assert f"{first['segments']} segments" in shown
    assert 'role="img"' in shown
    assert "Questions without a citation nearby" in shown
    assert "(at the ends of the lists)" in (path / "intermediate/stage_a/say_means.md").read_text()


@pytest.mark.parametrize(
    "stored",
    [
        {},
        {"total": 3},
        {"total": {"cited": 7}, "strip": {"cited": ["x", -5, 1e300], "used": {}}},
        {"total": {"cited": {}}, "silent_stretches": [3, {"first": "<b>", "segments": "many"}]},
        {"total": {"cited": {}}, "analyzers": {"say_means": []}, "more_questions": "<i>"},
        {"total": {"cited": {}}, "strip": {"cited": [50] * 10**5, "used": [90] * 10**5}},
    ],
)
def test_a_page_stands_whatever_coverage_json_says(stored: Any, ran: Path) -> None:
    (ran / "coverage.json").write_bytes(orjson.dumps(stored))
    shown = section(report_page(read_run(ran)))

    assert "<b>" not in shown
    assert "<i>" not in shown.replace('<i class="k-', "")
    assert len(shown) < 20_000


@pytest.fixture
def ran() -> Path:
    return execute(job(*ONLY_TWO))[1]


def test_a_comparison_has_coverage_as_a_column(ran: Path) -> None:
    result = compare([ran])
    header, rows = settings_table(result.groups)
    known = read_run(ran).took["coverage"]

    assert read_run(ran).status in ANSWERED
    assert "coverage" in SETTINGS
    assert f"{known:.1%}" == rows[0][header.index("coverage")]
    assert str(known) in as_csv(result)
