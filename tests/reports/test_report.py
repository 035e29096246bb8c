"""report.html: what it shows of whole, damaged, interrupted and hostile runs."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from helpers.pages import HOSTILE, matrix, page_of, record_of

from benchmarks.report import synthetic_run
from runner.base.errors import ConfigError
from runner.record.store import payload_digest
from runner.reports.report.findings import SHORT
from runner.reports.report.ledger import noted_events
from runner.reports.report.write import write_report


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return synthetic_run(tmp_path_factory.mktemp("made") / "made_up", 8)


@pytest.fixture
def run(made: Path, tmp_path: Path) -> Path:
    """Return a run of one's own, to be spoiled."""
    return shutil.copytree(made, tmp_path / "runs" / "made_up")


def test_it_shows_summary_findings_timeline_tokens_grounding_and_transcript(run: Path) -> None:
    _, seen = page_of(run)

    for words in (
        "Completed every analyzer answered",
        "simulated provider, not a language model",
        "8 of 8",
        "94.0%",
        "Insight 0 of Analyzer 000",
        "S0001",
        "400 segments",
    ):
        assert words in seen.words
    assert {"summary", "findings", "timeline", "tokens", "grounding", "faults"} <= set(seen.ids)
    assert "Finish it with" not in seen.words


def test_a_quote_opens_its_segment_and_the_segment_leads_back(run: Path) -> None:
    text, _ = page_of(run)

    assert "“I say sentence 1 of the talk.”</p><footer>" in text
    assert '<a href="#seg-2">S0002</a> <bdi>Speaker 2</bdi>' in text
    assert re.search(r'<p id="seg-2"[^>]*>.*cited by <a href="#node-\d">', text)


def test_a_quote_of_a_printed_page_names_it(run: Path) -> None:
    file = run / "transcript.json"
    data = json.loads(file.read_bytes())
    data["segments"][1]["where"] = "page 3, line 14"
    file.write_text(json.dumps(data))
    text, _ = page_of(run)

    assert re.search(r"<bdi>Speaker 2</bdi>, (?:0:00:0\d, )?page 3, line 14</footer>", text)
    assert re.search(r'<p id="seg-2"[^>]*>.*<span class="soft">page 3, line 14</span>', text)


def test_near_moved_and_absent_quotes_are_marked_and_near_ones_show_their_difference(
    run: Path,
) -> None:
    evidence = [
        {
            "segment": "S0003",
            "quote": "we should wait",
            "match": "near",
            "moved_from": "S0009",
            "difference": "we [-should-]{+shall+} wait",
        },
        {"segment": "S0004", "quote": "nobody said it", "match": "absent"},
        {"segment": "S9999", "quote": "nowhere", "match": "exact"},
        {"segment": "S0005", "quote": "old"},
    ]
    insight = {"text": "T", "confidence": 0.5, "category": "c", "evidence": evidence}
    record_of(run, "analyzer_000", insights=[insight])
    text, seen = page_of(run)

    assert "we <del>should</del><ins>shall</ins> wait" in text
    assert "S0003 Speaker 3, 0:00:03; the answer cites S0009 near match" in seen.words
    assert "not in the transcript the answer cites S0004" in seen.words
    assert "unchecked" in seen.words


def test_structured_data_of_any_shape_is_readable(run: Path) -> None:
    data = {
        "owners": ["Ann", "Bob"],
        "gaps": [{"said": "We might", "by": {"name": "Ann", "sure": False, "times": 3}}],
        "deep": [[[[[[[[[["bottom"]]]]]]]]]],
        "none": [],
        "long": ["x" * (SHORT + 1), "y"],
    }
    record_of(run, "analyzer_000", structured_data=data)
    _, seen = page_of(run)

    assert "Ann, Bob" in seen.words
    assert "We might" in seen.words
    assert "Times" in seen.words
    assert "bottom" in seen.words
    assert "none recognised" in seen.words


@pytest.mark.parametrize("ranked", [True, False])
def test_hypotheses_against_evidence_are_a_table_under_any_name(run: Path, ranked: bool) -> None:
    record_of(run, "analyzer_003", structured_data=matrix(ranked))
    text, seen = page_of(run)
    order = ["H2", "H1"] if ranked else ["H1", "H2"]
    (head,) = re.findall(r'<table class="ach">.*?</thead>', text, re.DOTALL)

    assert order == re.findall(r"<bdi>(H\d)</bdi>", head)
    assert '<td class="c ii"><bdi>II</bdi></td>' in text
    assert "It rained." in seen.words
    assert "H1, II: It rained." in seen.words


def test_a_matrix_with_cells_missing_or_odd_still_shows(run: Path) -> None:
    data = matrix()
    data["matrix"] = [{**data["matrix"][0], "consistency": ["?"]}]
    data["evidence"].append({"id": 7, "text": None})
    record_of(run, "analyzer_003", structured_data=data)
    text, _ = page_of(run)

    assert 'class="ach"' in text


def test_hostile_words_are_words_wherever_they_stand(run: Path) -> None:
    evidence = [{"segment": HOSTILE, "quote": HOSTILE, "match": "near", "difference": HOSTILE}]
    insight = {"text": HOSTILE, "confidence": 0.5, "category": HOSTILE, "evidence": evidence}
    data = {HOSTILE: [{HOSTILE: HOSTILE, "evidence": evidence}], **matrix()}
    data["evidence"] = [{"id": HOSTILE, "text": HOSTILE, "source": HOSTILE, "credibility": HOSTILE}]
    data["hypotheses"][0]["statement"] = HOSTILE
    data["matrix"][0] |= {"evidence": HOSTILE, "consistency": HOSTILE, "reason": HOSTILE}
    record_of(
        run,
        "analyzer_000",
        insights=[insight],
        structured_data=data,
        missing={HOSTILE: HOSTILE},
        error={"kind": HOSTILE, "message": HOSTILE},
        rejected=[{"kind": HOSTILE, "error": HOSTILE}],
    )
    for name in ("transcript.json", "metadata.json", "logs/benchmark.json"):
        file = run / name
        stored = file.read_text().replace("made-up", "NAME").replace("Speaker 1", "NAME")
        stored = stored.replace("sentence 3 ", "NAME ").replace("openai/simulated", "NAME")
        file.write_text(stored.replace("NAME", json.dumps(HOSTILE)[1:-1]))
    (run / "config/overrides.json").write_text(json.dumps([f"a={HOSTILE}"]))
    (run / "context").mkdir()
    ledger = {"sections": {HOSTILE: {"items": [{"key": HOSTILE, "priority": HOSTILE}]}}}
    (run / "context" / "stage_b_ledger.json").write_text(json.dumps(ledger))
    text, seen = page_of(run)

    assert "<script>alert(1)</script>" in seen.words  # as words
    assert "{{ 7*7 }}" in seen.words
    assert not set("\x1b\x07\u202e") & set(text)
    assert text.count("</style>") == 1


VALUES = (None, 0, -1, 1e308, "", "x", [], [1], {}, {"a": [None]}, True, 10**18)


@pytest.mark.parametrize("value", VALUES)
def test_values_of_the_wrong_kind_are_left_out(run: Path, value: Any) -> None:
    for name in ("metadata.json", "logs/benchmark.json"):
        file = run / name
        file.write_text(json.dumps(dict.fromkeys(json.loads(file.read_bytes()), value)))
    names = ("insights", "structured_data", "missing", "attempts", "grounding", "usage", "parts")
    record_of(run, "analyzer_000", **dict.fromkeys(names, value))
    insight = dict.fromkeys(("text", "confidence", "category", "evidence"), value)
    timing = {"hypotheses": value, "evidence": value, "matrix": value, "ranking": value}
    record_of(run, "analyzer_001", insights=[insight, value], structured_data=timing)
    line = {"event": "call.started", "analyzer": value, "attempt": value, "at": value}
    with (run / "journal.jsonl").open("a") as journal:
        journal.write(json.dumps(line) + "\n")

    assert page_of(run)[1].words


@pytest.mark.parametrize(
    "name",
    ["metadata.json", "transcript.json", "logs/benchmark.json", "journal.jsonl"],
)
@pytest.mark.parametrize("content", [None, b"", b'{"half": ', b"\xff\xfe\x00", b"[]"])
def test_a_damaged_file_costs_only_what_it_held(
    run: Path, name: str, content: bytes | None
) -> None:
    (run / "config/resolved.yaml").write_text("model: {name: openai/simulated}\n")
    if content is None:
        (run / name).unlink()
    else:
        (run / name).write_bytes(content)
    _, seen = page_of(run)

    assert "Insight 0 of Analyzer 000" in seen.words


def test_a_damaged_record_is_named_and_how_to_finish(run: Path) -> None:
    (run / "intermediate/stage_a/analyzer_001.json").write_text("{}")
    _, seen = page_of(run)

    assert "damaged: intermediate/stage_a/analyzer_001.json: not a record" in seen.words
    assert "Analyzer 001: answer is missing from this directory" in seen.words
    assert f"colloquy resume={run}" in seen.words


def test_config_folders_are_shown_beside_the_command_and_not_in_it(
    run: Path,
) -> None:
    (run / "metadata.json").write_text('{"status": "partial"}')
    (run / "config/prompts.json").write_text('{"config_dirs": ["/their own/mine"]}')
    _, seen = page_of(run)

    assert f"colloquy resume={run}; add" in seen.words
    assert "--config-dir '/their own/mine' if you trust those folders" in seen.words


def test_a_run_that_died_says_so_and_shows_the_calls_that_were_out(run: Path) -> None:
    metadata = json.loads((run / "metadata.json").read_bytes())
    metadata["status"] = "running"
    metadata["stages"]["stage_b"]["analyzers"]["analyzer_007"] = "running"
    (run / "metadata.json").write_text(json.dumps(metadata))
    (run / "intermediate/stage_b/analyzer_007.json").unlink()
    (run / "logs/benchmark.json").unlink()
    lines = (run / "journal.jsonl").read_text().splitlines()
    kept = [line for line in lines if "finished" not in line or "analyzer_007" not in line]
    (run / "journal.jsonl").write_text("\n".join(kept[:-1]))
    text, seen = page_of(run)

    assert "Not finished: the run is in progress, or its process died." in seen.words
    assert "Analyzer 007: running" in seen.words
    assert "call cut off" in seen.words
    assert 'class="open"' in text


def test_a_degraded_and_a_failed_analyzer_are_named_in_the_banner(run: Path) -> None:
    metadata = json.loads((run / "metadata.json").read_bytes())
    metadata["status"] = "partial"
    metadata["stages"]["stage_a"]["analyzers"]["analyzer_001"] = "error"
    (run / "metadata.json").write_text(json.dumps(metadata))
    error = {"kind": "timeout", "message": "no answer within 5 s"}
    without = {"analyzer_000": "budget"}
    failed = [{"outcome": "timeout", "latency_s": 5.0}]
    record_of(run, "analyzer_001", status="error", error=error, missing=without, attempts=failed)
    record_of(run, "analyzer_004", missing={"analyzer_001": "timeout"})
    _, seen = page_of(run)
    words = " ".join(seen.words.split())

    assert "Analyzer 001: error (timeout: no answer within 5 s)" in seen.words
    assert "Asked without Analyzer 000 (budget)" in words
    assert "Analyzer 0011 × timeout–– none–lost" in words
    assert "Analyzer 004: answered without Analyzer 001 (timeout)" in seen.words


def test_retries_pauses_and_rejected_replies_are_faults_survived(run: Path) -> None:
    rejected = [{"kind": "invalid_output", "error": "not a JSON object"}]
    record_of(run, "analyzer_002", rejected=rejected)
    text, seen = page_of(run)

    assert "1 × transient (HTTP 500)" in seen.words
    assert "invalid output: not a JSON object" in seen.words
    assert 'class="failed"' in text
    assert 'class="retry"' in text


def test_answers_that_were_cut_and_their_models_are_named(run: Path) -> None:
    for at in range(8):
        record_of(run, f"analyzer_{at:03}", model="openai/main")
    none = {"decisions": []}
    record_of(run, "analyzer_002", model="offline/extractive", cut=True, structured_data=none)
    metadata = json.loads((run / "metadata.json").read_bytes())
    metadata["models"] = {"main": "openai/main", "spare": "offline/extractive"}
    (run / "metadata.json").write_text(json.dumps(metadata))
    words = " ".join(page_of(run)[1].words.split())

    assert "Analyzer 002: reply was cut, so items may be missing" in words
    assert "Decisions The reply was cut before the first." in words
    assert "Analyzer 002 ok reply was cut 5 insights, by offline/extractive" in words
    assert words.count("ok reply was cut ") == 1
    assert "Analyzer 0051 × transient (HTTP 500)0.10 s– noneas JSONanswered by openai/main" in words


def test_a_resumed_run_shows_tokens_and_cost_of_all_its_sessions(run: Path) -> None:
    benchmark = json.loads((run / "logs/benchmark.json").read_bytes())
    none = {"reused": "run", "attempts": [], "prompt_tokens": 0, "completion_tokens": 0}
    benchmark["analyzers"]["analyzer_002"] |= none
    (run / "logs/benchmark.json").write_text(json.dumps(benchmark))
    again = {"at": "2026-11-24T07:30:00.000+00:00", "event": "run.started"}
    call = {**again, "event": "call.started", "analyzer": "analyzer_007", "attempt": 3}
    more = {"prompt_tokens": 100, "completion_tokens": 50, "cached_tokens": 0, "cost_usd": 0.0005}
    lost = {**call, **more, "event": "call.finished", "analyzer": "analyzer_002/part_01"}
    with (run / "journal.jsonl").open("a") as journal:
        journal.writelines(f"{json.dumps(line)}\n" for line in (again, lost, call))
    words = " ".join(page_of(run)[1].words.split())
    tokens = words[words.index("CachedPromptReply") : words.index("Every quote was searched")]

    assert "Analyzer 002500500152$0.0015" in tokens
    assert "Times are of the last of 2 sessions, tokens and cost of all." in words
    assert "Analyzer 007: attempt 1: open" in words


def test_a_run_that_its_budget_stopped_is_finished_with_a_larger_one(run: Path) -> None:
    metadata = json.loads((run / "metadata.json").read_bytes())
    (run / "metadata.json").write_text(
        json.dumps({**metadata, "status": "partial", "exit_code": 6})
    )
    (run / "config/resolved.yaml").write_text("budget: {max_tokens: 25000, max_cost_usd: null}")

    assert f"colloquy resume={run} budget.max_tokens=50000" in page_of(run)[1].words

    benchmark = json.loads((run / "logs/benchmark.json").read_bytes())
    most = {"max_tokens": 69000, "max_cost_usd": 0.2}
    (run / "logs/benchmark.json").write_text(json.dumps({**benchmark, "most": most}))

    assert f"colloquy resume={run} budget.max_tokens=94000" in page_of(run)[1].words


def test_analyzers_that_lack_an_answer_for_one_reason_share_a_line(run: Path) -> None:
    metadata = json.loads((run / "metadata.json").read_bytes())
    error = {"kind": "budget", "message": "has no room"}
    lost = ("analyzer_001", "analyzer_004")
    for name in lost:
        record_of(run, name, status="not_run", error=error, missing={"analyzer_000": "budget"})
        for stage in metadata["stages"].values():
            stage["analyzers"] |= {name: "not_run"} if name in stage["analyzers"] else {}
    (run / "metadata.json").write_text(json.dumps({**metadata, "status": "partial"}))
    words = " ".join(page_of(run)[1].words.split())

    assert "Analyzer 001, Analyzer 004: not run (budget: has no room)" in words
    assert "Asked without" not in words
    assert "Finish it with" in words


def test_a_run_that_resuming_does_not_change_shows_no_command(run: Path) -> None:
    metadata = json.loads((run / "metadata.json").read_bytes())
    (run / "metadata.json").write_text(json.dumps({**metadata, "status": "partial"}))
    error = {"kind": "refused", "message": "I cannot help with that"}
    record_of(run, "analyzer_001", status="error", error=error)
    for name in ("analyzer_004", "analyzer_005"):
        record_of(run, name, missing={"analyzer_001": "refused"})
    words = " ".join(page_of(run)[1].words.split())

    assert "Analyzer 004, Analyzer 005: answered without Analyzer 001 (refused)" in words
    assert "Finish it with" not in words


def test_parts_read_and_lost_are_listed_and_drawn_in_lanes(run: Path) -> None:
    folder = run / "intermediate/stage_a/analyzer_000"
    folder.mkdir()
    whole = json.loads((run / "intermediate/stage_a/analyzer_000.json").read_bytes())
    for number, status in enumerate(("ok", "error"), 1):
        part = {**whole, "analyzer": f"analyzer_000/part_{number:02d}", "status": status}
        part["error"] = None if status == "ok" else {"kind": "timeout", "message": "late"}
        part["sha256"] = payload_digest(part)
        (folder / f"part_{number:02d}.json").write_text(json.dumps(part))
    record_of(run, "analyzer_000", parts=2, missing={"part 2": "timeout"})
    with (run / "journal.jsonl").open("a") as journal:
        for event, at in (("call.started", "07:00:00"), ("call.finished", "07:00:01")):
            for number in (1, 2):
                name = f"analyzer_000/part_{number:02d}"
                line = {"at": f"2026-11-24T{at}.1+00:00", "event": event, "analyzer": name}
                journal.write(json.dumps({**line, "attempt": 1}) + "\n")
    text, seen = page_of(run)

    assert "part 02 (timeout: late)" in seen.words
    assert "part 02, attempt 1: ok" in text


def test_contexts_say_what_was_dropped_and_why(run: Path) -> None:
    (run / "context").mkdir()
    items = [
        {"key": "insights", "index": 0, "priority": "top insight", "tokens": 5, "kept": True},
        *({"key": "weak_points", "priority": "other key", "kept": False} for _ in range(3)),
    ]
    section = {"share_tokens": 9, "kept_tokens": 5, "dropped_tokens": 30, "items": items}
    ledger = {
        "settings": {"token_budget": 50},
        "tokens": 45,
        "missing": {"analyzer_001": "timeout"},
        "sections": {"analyzer_000": section},
    }
    (run / "context/stage_b_ledger.json").write_text(json.dumps(ledger))
    _, seen = page_of(run)

    assert "45 of 50 tokens; nothing from Analyzer 001 (timeout)" in seen.words
    assert "3 × weak points (other key)" in seen.words


def test_a_run_of_a_batch_leaves_out_figures_of_slots_it_shared(run: Path) -> None:
    _, alone = page_of(run)
    file = run / "logs/benchmark.json"
    benchmark = json.loads(file.read_bytes())
    benchmark["run"] |= dict.fromkeys(("ideal_s", "efficiency", "speed_up", "loop_lag"))
    file.write_text(json.dumps(benchmark))
    _, seen = page_of(run)

    assert "Efficiency" in alone.words
    assert "Slots were shared" not in alone.words
    assert "Efficiency" not in seen.words
    assert seen.words.count("Slots were shared with the other runs of the batch.") == 1


def test_the_critical_path_is_marked_in_chart_table_and_words(run: Path) -> None:
    text, seen = page_of(run)

    assert '<g class="hot">' in text
    assert "The critical path is Analyzer 000" in seen.words
    assert "<desc" in text


@pytest.mark.parametrize(("nodes", "most_kb"), [(8, 200), (100, 800)])
def test_it_stays_small(tmp_path: Path, nodes: int, most_kb: int) -> None:
    path = synthetic_run(tmp_path / "runs" / "many", nodes)
    text, seen = page_of(path)

    assert len(text.encode()) < most_kb * 1000
    assert f"{nodes} of {nodes}" in seen.words
    assert sum(i.startswith("node-") for i in seen.ids) == nodes


def test_a_place_that_holds_no_run_is_refused_with_the_nearest(run: Path) -> None:
    with pytest.raises(ConfigError, match=r"there is no run; did you mean '.*made_up'"):
        write_report(run.with_name("made_upp"))


def test_writing_it_twice_gives_the_same_page(run: Path) -> None:
    first = write_report(run).read_bytes()

    assert first == write_report(run).read_bytes()


def test_the_first_screen_sums_up_what_was_decided_and_who_does_what(run: Path) -> None:
    evidence = [{"segment": "S0003", "quote": "we wait", "match": "exact"}] * 2
    decision = {"what": "Wait for May", "decided_by": ["Ann", "Bo"], "basis": "agreed"}
    action = {"what": "Call the port", "owner": "Ann", "due": "by Friday", "firmness": "vague"}
    sides = [{"who": "Ann", "position": "Go"}, {"who": "Bo", "position": "Wait"}]
    summed = {"headline": "They wait", "summary": "A talk.", "next_steps": [{"step": "Rest"}]}
    for name, data in {
        "analyzer_000": {"decisions": [{**decision, "evidence": evidence}]},
        "analyzer_001": {"action_items": [action]},
        "analyzer_002": {"disagreements": [{"matter": "When", "sides": sides}], "decisions": []},
        "analyzer_003": summed,
        "analyzer_004": {"open_points": ["Who pays?"], "open_questions": []},
    }.items():
        record_of(run, name, structured_data=data)
    merged = {"text": "They agree.", "category": "c", "confidence": 1, "evidence": evidence}
    (run / "insights.json").write_text(json.dumps([merged]))
    _, seen = page_of(run)
    words = " ".join(seen.words.split())

    assert words.index("They wait A talk.") < words.index("Findings")
    for said in (
        "Decisions Wait for May – Ann, Bo S0003 Speaker 3 0:00:03",
        "Action items Call the port – Ann, by Friday vague",
        "Disagreements When Ann: Go · Bo: Wait",
        "Open questions Who pays?",
        "They agree. S0003 Speaker 3 0:00:03",
        "summary from Analyzer 003",
    ):
        assert said in words
    assert "Rest" not in words[: words.index("Findings")]  # the analyzer of actions goes first


def test_the_first_screen_has_what_the_questions_of_other_pipelines_found(run: Path) -> None:
    evidence = [{"segment": "S0003", "quote": "I say sentence 2", "match": "exact"}]
    asked = {"question": "Why?", "asked_by": "Ann", "answer": "Rain.", "answered_by": "Bo"}
    for name, data in {
        "analyzer_000": {"problem": "The router reboots."},
        "analyzer_001": {"exchanges": [{**asked, "verdict": "answered", "evidence": evidence}]},
        "analyzer_002": {"needs": [{"need": f"Need {n}", "who": "Cy"} for n in range(10)]},
        "analyzer_003": {"summary": "Nothing new.", "next_steps": ["File nothing."]},
    }.items():
        record_of(run, name, structured_data=data)
    _, seen = page_of(run)
    first = " ".join(seen.words.split()).partition("Findings")[0]

    for said in (
        "The problem The router reboots.",
        "Questions and answers Why? – Ann S0003 Speaker 3 0:00:03 answered · Bo: Rain.",
        "Needs Need 0 – Cy",
        "2 more in Analyzer 002",
    ):
        assert said in first
    assert "File nothing." not in first  # of one question, not of the talk


def test_the_first_screen_has_each_question_of_a_guide_with_its_answer(run: Path) -> None:
    quote = {"segment": "S0003", "quote": "I say sentence 2", "match": "exact"}
    put = {"analyzer_000": "What is hard?", "analyzer_001": "What would you change?"}
    record_of(
        run,
        "analyzer_000",
        structured_data={"answered": "partly", "answer": "Nights.", "quotes": [quote]},
    )
    record_of(run, "analyzer_001", structured_data={"answered": "no", "answer": None, "quotes": []})
    asked = {name: {"variables": {"question": question}} for name, question in put.items()}
    later = {"themes": {"stage": "together"}}
    stages = {"together": {"scope": "collection"}}
    (run / "config").mkdir(exist_ok=True)
    (run / "config/resolved.yaml").write_text(
        json.dumps({"analyzers": {**asked, **later}, "stages": stages})
    )
    first = " ".join(page_of(run)[1].words.split()).partition("Findings")[0]

    assert "What is hard? Nights. S0003 Speaker 3 0:00:03 partly" in first
    assert "What would you change? None recognised." in first
    assert "Key quotes" not in first
    assert "Themes" not in first  # which a run of one transcript does not lack


def test_words_of_a_script_without_spaces_are_counted_by_character(run: Path) -> None:
    data = json.loads((run / "transcript.json").read_bytes())
    data["segments"] = [{**data["segments"][0], "text": "来週の月曜日に、決めました。"}]
    (run / "transcript.json").write_text(json.dumps(data))

    assert "12 words" in page_of(run)[1].words


def test_what_the_settings_say_of_the_transcript_heads_the_page(run: Path) -> None:
    about = {"title": "Pump review", "date": "2026-11-02", "attendees": "Ann, Bo, and Cy by phone"}
    name, day = "made-up", json.loads((run / "metadata.json").read_bytes())["started_at"][:10]
    untitled = " ".join(page_of(run)[1].words.split())
    (run / "config").mkdir(exist_ok=True)
    (run / "config/resolved.yaml").write_text(json.dumps({"transcript": {"about": about}}))
    titled = " ".join(page_of(run)[1].words.split())

    assert "Pump review 2026-11-02 · Ann, Bo, and Cy by phone · " in titled
    assert f"{name} · read on {day}" in titled
    assert f"wordsread on {day}" in untitled


def test_a_question_without_an_answer_says_that_nothing_was_recognised(run: Path) -> None:
    record_of(run, "analyzer_000", structured_data={"decisions": []})
    _, seen = page_of(run)

    assert "Decisions None recognised." in " ".join(seen.words.split())


@pytest.mark.parametrize(
    ("confidences", "title", "shown"),
    [
        ((0.9, 0.5, 0.2), "The most confident insights of all analyzers", "Told 0.9 Told 0.5"),
        ((0.4, 0.2), "Insights of all analyzers, none of them confident", "Told 0.4 Told 0.2"),
    ],
)
def test_a_doubtful_insight_is_not_among_the_most_confident(
    run: Path, confidences: tuple[float, ...], title: str, shown: str
) -> None:
    told = [{"text": f"Told {c}", "confidence": c, "category": "c"} for c in confidences]
    (run / "insights.json").write_text(json.dumps(told))
    words = " ".join(page_of(run)[1].words.split())

    assert f"{title} {shown} Written by" in words


def test_a_model_whose_answers_were_not_kept_wrote_nothing(run: Path) -> None:
    for record in run.glob("intermediate/*/*.json"):
        record_of(run, record.stem, model="openai/strong")
    (run / "insights.json").write_text(json.dumps([{"text": "Told", "confidence": 0.9}]))

    assert "Written by openai/strong." in " ".join(page_of(run)[1].words.split())


def test_a_quote_is_shown_once_in_an_answer_and_then_only_its_place(run: Path) -> None:
    evidence = [{"segment": "S0003", "quote": "we wait", "match": "exact"}]
    insight = {"text": "T", "confidence": 0.5, "category": "c", "evidence": evidence}
    record_of(
        run, "analyzer_000", insights=[insight] * 2, structured_data={"a": [{"evidence": evidence}]}
    )
    _, seen = page_of(run)
    words = " ".join(seen.words.split())

    assert 1 == words.count("“we wait”")
    assert 2 == words.count("quoted above:S0003 Speaker 3, 0:00:03")


def test_text_has_no_label_and_an_id_leads_it(run: Path) -> None:
    item = {"id": "P1", "text": "It rains", "kind": "fact"}
    record_of(
        run, "analyzer_000", structured_data={"points": [item, {"topic": "Rain", "text": "Wet"}]}
    )
    _, seen = page_of(run)
    words = " ".join(seen.words.split())

    assert "P1 It rainsKindfact" in words
    assert "RainWet" in words.replace(" ", "")


def test_a_prediction_is_compared_if_it_was_recorded_and_the_run_is_complete(run: Path) -> None:
    file = run / "logs/benchmark.json"
    figures = json.loads(file.read_bytes())
    compared = {"predicted": 1.0, "actual": 91.0, "error": 90.0}
    for recorded in (False, True):
        figures["plan"] = {"recorded": recorded, "wall_s": compared}
        file.write_text(json.dumps(figures))
        _, seen = page_of(run)

        assert recorded == ("91 × as much" in seen.words)
    metadata = json.loads((run / "metadata.json").read_bytes())
    (run / "metadata.json").write_text(json.dumps({**metadata, "status": "partial"}))
    assert "91 × as much" not in page_of(run)[1].words


def test_a_plan_without_a_compared_figure_makes_no_table(run: Path) -> None:
    file = run / "logs/benchmark.json"
    figures = {**json.loads(file.read_bytes()), "plan": {"recorded": True, "wall_s": None}}
    file.write_text(json.dumps(figures))

    assert "Predicted before anything was sent" not in page_of(run)[1].words


def test_a_damaged_line_of_the_log_is_no_event(run: Path) -> None:
    (run / "logs/events.jsonl").write_text('["breaker.opened"]\n{"event": "breaker.opened"}\n')

    assert ["Breaker opened"] == noted_events(run)
