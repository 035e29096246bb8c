"""The offline model over the whole pipeline: different transcripts, different, grounded answers."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from helpers import job
from helpers.offline import cited

from runner.answers.analyzer import Analyzer
from runner.answers.context import answer_items, reduce_context
from runner.answers.insights import aggregate
from runner.answers.prompt_text import wrap
from runner.answers.second_answer import ASKED_AGAIN
from runner.providers.offline.readings import find_reading
from runner.providers.offline.transport import read_reply

HEARING = """
Chair: The question is whether the city should close Mill Street to cars.
Ms. Alvarez: I am against it. My shop lost a third of its customers when the bridge was closed,
because nobody walks here from the station.
Dr. Okoro: The counts say otherwise. In 2023 the square was closed for ten weeks, and footfall
rose by 18 per cent.
Ms. Alvarez: That was summer, and there was a festival.
Dr. Okoro: True. We would need a winter count before we can be sure.
Chair: Could the council pay for a count in January?
Mr. Beck: If the budget passes in December, then yes. I will put it on the agenda.
Ms. Alvarez: I could live with a trial, provided that deliveries are allowed until ten.
Chair: Who speaks to the bus company?
Mr. Beck: Let's come back to that.
"""

FILES = (
    "short_ami_TS3010a.md",
    "medium_akash_support_021.md",
    "long_house_hearing_56776.txt",
    "cues_mercury_mr4.vtt",
)


@cache
def answers(path: str) -> tuple[dict[str, Any], dict[str, str]]:
    """Return every analyzer's validated answer and the text of each segment, by id."""
    made = job("transcript=file", f"transcript.path='{path}'")
    said = {segment.id: segment.text for segment in made.transcript.segments}
    found: dict[str, Any] = {}
    for node in made.pipeline.nodes:
        analyzer = made.analyzers[node.name]
        prompt = made.transcript_material()
        if node.context is not None:
            count = made.main.tokenizer.count
            items = {name: answer_items(name, found[name], count) for name in node.needs}
            reduced = reduce_context("Findings", items, {}, node.context, count)
            prompt = wrap("context", reduced.text)
        found[node.name] = answered(analyzer, prompt)
    return found, said


def answered(analyzer: Analyzer, prompt: str) -> dict[str, Any]:
    """Return the validated answer of the offline model."""
    asked = [{"role": "user", "content": prompt}]
    readings = {analyzer.name: find_reading(analyzer.module)}
    reply, _ = asyncio.run(read_reply(asked, analyzer.name, readings))
    return dict(analyzer.read(reply).answer.model_dump(mode="json"))


def check(path: Path, min_insights: int) -> None:
    found, said = answers(str(path))

    assert len(found) == 8
    for name, answer in found.items():
        texts = [insight["text"] for insight in answer["insights"]]
        silent = answer["structured_data"].get("candidates") == []  # of patentability
        assert silent or len(texts) >= min_insights, name
        assert len(set(texts)) == len(texts), name
        stated = (i for i in answer["insights"] if i["category"] != "no_cue")
        assert all(insight["evidence"] for insight in stated), name
        assert any(answer["structured_data"].values()), name
        for segment, quote in cited(answer):
            assert quote in said[segment], (name, segment, quote)
        for quotation in quotations(answer):
            parts = [part.strip() for part in quotation.split("…")]
            assert all(any(part in text for text in said.values()) for part in parts), quotation


def quotations(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        value = [item for key, item in value.items() if key != "quote"]
    if isinstance(value, list):
        for item in value:
            yield from quotations(item)
    elif isinstance(value, str):
        yield from (match[1] or match[2] for match in re.finditer('"([^"]+)"|“([^”]+)”', value))


@pytest.mark.parametrize("name", FILES)
def test_no_answer_is_empty_or_ungrounded_on_a_real_transcript(
    shared_transcripts: Path, name: str
) -> None:
    check(shared_transcripts / name, min_insights=1)


def test_the_sample_and_another_meeting_get_their_own_answers(tmp_path: Path) -> None:
    (tmp_path / "hearing.txt").write_text(HEARING)
    sample = Path(__file__).resolve().parents[3] / "samples" / "sample1.md"
    check(sample, min_insights=1)
    check(tmp_path / "hearing.txt", min_insights=1)
    first, _ = answers(str(sample))
    second, _ = answers(str(tmp_path / "hearing.txt"))
    for name in first:
        shared = {i["text"] for i in first[name]["insights"]} & {
            i["text"] for i in second[name]["insights"]
        }

        assert shared == set(), name


def test_asked_again_it_quotes_nothing_only_because_it_is_discussed() -> None:
    lines = ["[S0001 Ann] The pump costs nine thousand euros because the old one failed."] * 3
    segments = wrap("transcript", "\n".join(lines))
    (analyzer,) = (a for a in job("pipeline=meeting").analyzers.values() if a.name == "decisions")
    first, again = (answered(analyzer, segments + asked)["insights"] for asked in ("", ASKED_AGAIN))

    assert {"discussed"} == {each["category"] for each in first}
    assert ["No further findings are recognised."] == [each["text"] for each in again]


def test_analyzers_that_cite_the_same_words_share_an_insight() -> None:
    sample = Path(__file__).resolve().parents[3] / "samples" / "sample1.md"
    found, _ = answers(str(sample))
    cited_by = [frozenset(e["quote"] for e in each.evidence) for each in aggregate(found)]

    assert len(set(cited_by)) == len(cited_by)


def test_confidence_differs_with_the_strength_of_the_cues() -> None:
    sample = Path(__file__).resolve().parents[3] / "samples" / "sample1.md"
    found, _ = answers(str(sample))
    for name, answer in found.items():
        alone = len(answer["insights"]) < 2

        assert alone or len({i["confidence"] for i in answer["insights"]}) > 1, name


def test_stage_b_does_not_see_the_transcript_behind_its_contexts_back() -> None:
    """With one finding to read, nothing else of the transcript can be in the answer."""
    made = job()
    finding = (
        "# Findings of stage_a\n\n## say_means\n### insights\n- (0.80, hedge) Ann doubts the "
        'date of the launch. {S0001 "I doubt that the launch holds"}'
    )
    for name in ("competing_hypotheses", "first_principles", "determining_factors"):
        analyzer = made.analyzers[name]
        answer = answered(analyzer, wrap("context", finding))

        assert set(cited(answer)) <= {("S0001", "I doubt that the launch holds")}


def test_an_analyzer_without_a_reading_of_its_own_answers_from_its_question(
    tmp_path: Path,
) -> None:
    (tmp_path / "analyzer").mkdir()
    (tmp_path / "analyzers").mkdir()
    yaml = "defaults: [base, _self_]\n\nstage: stage_a\n"
    (tmp_path / "analyzer" / "money.yaml").write_text(yaml)
    (tmp_path / "analyzers" / "money.md").write_text("What is said about grants and budget?\n")
    made = job(
        f"hydra.searchpath=[file://{tmp_path}]",
        "+analyzer@analyzers.money=money",
        config_folders=[tmp_path],
    )
    prompt = made.transcript_material() + "What is said about grants and budget?"
    answer = answered(made.analyzers["money"], prompt)

    assert "grant" in str(answer["insights"]).lower()


def test_a_language_that_is_not_read_is_said_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "hearing.txt").write_text(
        "王: 我们今天讨论预算和新的计划。\n李: 我不同意, 因为太贵了。\n"
    )
    found, _ = answers(str(tmp_path / "hearing.txt"))

    for name in ("say_means", "postulate_theorem", "perspective_perception"):
        (only,) = found[name]["insights"]
        assert "Most of this does not look like English, the only language" in only["text"]
        assert not any(isinstance(v, list) and v for v in found[name]["structured_data"].values())
