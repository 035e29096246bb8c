from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from helpers import ScriptedTransport, job
from helpers.batches import execute_batch, write
from helpers.planted import (
    collection,
    interviews,
    planted,
    prompt_of,
    stored,
)

from runner.base.errors import CallError, NotRunError
from runner.base.files import as_json
from runner.job.job import BatchJob
from runner.providers.offline.document import read_document
from runner.providers.offline.readings import find_reading
from runner.record.batch_directory import current_runs
from runner.reports.collection.facts import source_of_quote
from runner.reports.compare.rows import read_row
from runner.reports.verify import verify
from runner.reports.verify_collection import collection_faults
from runner.run.batch.plan import plan_batch
from runner.run.last_line import nothing_to_do

PLAN = {
    "ann": ["train", "price"],
    "bob": ["train", "-price", "staff"],
    "cem": ["train", "price", "The canteen on coach nine burned down twice."],
    "dee": ["-train", "wifi"],
    "eva": ["staff", "wifi"],
    "fay": ["Nobody has ever asked me anything at all."],
}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    yield

    assert [] == collection_faults(Path("batch"))  # holds whatever a test has done


def told(batch: str = "batch") -> dict[str, tuple[set[str], set[str], set[str], int]]:
    """Return files for, files against, silent files and number of quotes of each theme."""
    return {
        theme.title: (
            {voice.file[:3] for voice in theme.for_},
            {voice.file[:3] for voice in theme.against},
            {name[:3] for name in theme.silent},
            len(theme.quotes),
        )
        for theme in stored(Path(batch)).themes
    }


READ_OFFLINE = ("pipeline=interviews", "model=offline", "transcript=file", "transcript.path=many")
GERMAN = (
    "Die Nachtschicht ist zu lang und wir haben zu wenig Personal auf der Station.",
    "Das Protokoll dauert jeden Abend eine Stunde, und die Leitung hört nicht zu.",
    "Wir haben die Übergabe verkürzt, aber es bleibt ein Problem, das niemand löst.",
)


def offline(request: Any) -> str:
    """Answer as the offline model does."""
    return json.dumps(readings()[request.node](read_document(prompt_of(request))))


@cache
def readings() -> dict[str, Any]:
    made = job(*READ_OFFLINE)
    return {name: find_reading(each.module) for name, each in made.analyzers.items()}


EXPECTED = {
    "train": ({"ann", "bob", "cem"}, {"dee"}, {"eva", "fay"}, 4),
    "price": ({"ann", "cem"}, {"bob"}, {"dee", "eva", "fay"}, 3),
    "staff": ({"bob", "eva"}, set[str](), {"ann", "cem", "dee", "fay"}, 2),
    "wifi": ({"dee", "eva"}, set[str](), {"ann", "bob", "cem", "fay"}, 2),
}


@pytest.mark.parametrize("budget", [24_000, 330, 250])
def test_counts_are_those_of_the_findings_whatever_the_tree(budget: int) -> None:
    interviews(PLAN)

    result, _ = execute_batch(collection(f"stages.across.context.token_budget={budget}"), planted)

    found = stored()
    assert (result.status, result.exit_code) == ("completed", 0)
    assert told() == EXPECTED
    assert [len(found.read), len(found.unread), found.status] == [6, 0, "completed"]
    assert {one.text.split()[1] for one in found.outliers} >= {"canteen", "has"}
    assert (budget < 400) == any(row.level > 0 for row in found.ledger)
    assert all(row.tokens_in <= row.tokens_budget for row in found.ledger)
    assert [] == verify(Path("batch"))


def test_sides_and_merges_can_be_followed_back_to_findings() -> None:
    interviews(PLAN)
    execute_batch(collection("stages.across.context.token_budget=330"), planted)
    found = stored()
    train = next(theme for theme in found.themes if theme.title == "train")
    contradictions = {each.statement: each for each in found.contradictions}

    assert set(train.findings) == {name for s in train.merged for part in s.parts for name in part}
    assert {step.by.partition("/")[0] for step in train.merged} <= {"themes", "words"}
    assert any(step.reason == "all on train" for step in train.merged)
    assert [["ann", "bob", "cem"], ["dee"]] == [
        sorted({quote.file[:3] for quote in side.quotes})
        for side in contradictions["The night train is a joy."].sides
    ]
    assert ("T01",) == found.synthesis[0].themes
    unknown = [line for row in found.ledger for line in row.left_out if "unknown" in line]
    assert "ids of the reply that are unknown: T99" in unknown
    assert "ids of the reply that are unknown: F999" in unknown


def test_a_new_file_costs_its_own_calls_and_its_branch() -> None:
    small = "stages.across.context.token_budget=300"
    interviews({f"p{number:02}": ["train", "price", "staff"] for number in range(24)})
    _, first = execute_batch(collection(small), planted)
    before = {row.node for row in stored().ledger if row.node.startswith("themes")}
    interviews({"gus": ["train", "-staff"]})

    result, transport = execute_batch(collection(small), planted, again=True)

    asked = [request.node for request in transport.requests]
    assert not {*map(prompt_of, first.requests)} & {*map(prompt_of, transport.requests)}
    assert result.status == "completed"
    assert 1 == asked.count("findings")
    assert asked.count("themes") <= len(before) // 2
    assert 25 == len(stored().read)
    assert ({"gus"}, 24) == (told()["staff"][1], len(told()["staff"][0]))
    assert [] == verify(Path("batch"))


def test_a_file_that_is_removed_renamed_or_changed_counts_as_it_is_now() -> None:
    interviews({name: ["train", "price", "staff"] for name in ("ann", "bob", "cem", "dee")})
    execute_batch(made := collection(), planted)

    def read_after(change: Callable[[], object]) -> tuple[list[str], list[str]]:
        change()
        made = collection()
        assert not nothing_to_do(Path("batch"), made)
        _, transport = execute_batch(made, planted, again=True)
        assert nothing_to_do(Path("batch"), made)
        assert [] == verify(Path("batch"))
        asked = [request.node for request in transport.requests if request.node == "findings"]
        return asked, [each.file[:3] for each in stored().read]

    assert nothing_to_do(Path("batch"), made)
    assert ([], ["ann", "bob", "cem"]) == read_after(Path("many/dee.txt").unlink)
    rename = Path("many/cem.txt").rename
    kept = ["ann", "bob", "zoe"]
    assert (["findings"], kept) == read_after(lambda: rename("many/zoe.txt"))
    assert (["findings"], kept) == read_after(lambda: interviews({"bob": ["wifi"]}))
    assert {"ann", "zoe"} == told()["train"][0]


def test_what_was_found_in_a_file_that_can_no_longer_be_read_is_not_counted() -> None:
    interviews({name: ["train", "price"] for name in ("ann", "bob", "cem")})
    execute_batch(collection(), planted)
    Path("many/ann.txt").write_text(" \n")
    execute_batch(collection(), planted, again=True)

    assert ["bob.txt", "cem.txt"] == [each.file for each in stored().read]
    assert ["ann.txt"] == [each.file for each in stored().unread]
    assert "ann.txt" not in Path("batch/insights.csv").read_text()
    assert ["bob", "cem"] == sorted(run.name[:3] for run in current_runs(Path("batch")))
    assert [] == verify(Path("batch"))


def test_resuming_asks_only_for_what_is_missing() -> None:
    interviews(PLAN)
    asked: list[str] = []

    def failing(request: Any) -> str:
        asked.append(request.node)
        return planted(request) if request.node != "outliers" else "no JSON"

    first, _ = execute_batch(collection(), failing)
    before = stored()
    second, transport = execute_batch(collection(), planted, again=True)

    assert (first.status, first.exit_code) == ("partial", 3)
    assert ("partial", ()) == (before.status, before.outliers)
    assert any("nothing of it was read" in line for row in before.ledger for line in row.left_out)
    assert ["1 of 4 calls got no answer"] == [n.partition(":")[0] for n in before.notes]
    assert () == stored().notes
    assert (second.status, second.exit_code) == ("completed", 0)
    assert ["outliers", "synthesis"] == [request.node for request in transport.requests]
    assert EXPECTED == told()


def test_a_quote_of_a_printed_hearing_has_its_line() -> None:
    interviews({"ann": ["train", "price"]})
    said = "    Mr. Li. The night train is a joy.\n    Ms. Day. Tickets are too dear.\n" * 3
    write("hearing.txt", f"TITLE\n\n{said}")

    execute_batch(collection(), planted)

    quotes = [quote for theme in stored().themes for quote in theme.quotes]
    sources = {source_of_quote(quote) for quote in quotes}
    assert {"Mr. Li, line 3, S0001, hearing.txt", "Ann, S0001, ann.txt"} <= sources


def test_a_file_that_lacks_an_answer_is_named() -> None:
    interviews(PLAN)
    Path("guide.txt").write_text("Why?\n")

    execute_batch(collection("guide=guide.txt"), planted)  # which does not answer the question
    (note,) = stored().notes

    named = ", ".join(f"{name}.txt" for name in PLAN)
    assert note.startswith(f"some analyzers did not answer for 6 files ({named}): themes, counts")


def test_an_unreadable_file_is_named_among_those_not_read() -> None:
    interviews({"ann": ["train"], "bob": ["train"]})
    Path("many/zed.txt").write_text("")
    result, _ = execute_batch(collection(), planted)
    found = stored()

    assert ("partial", 3) == (result.status, result.exit_code)
    assert ["zed.txt"] == [each.file for each in found.unread]
    assert found.unread[0].why
    assert 2 == len(found.themes[0].files)


def test_a_collection_of_one_is_skipped_and_complete() -> None:
    interviews({"ann": ["train"]})

    result, transport = execute_batch(collection(), planted)

    assert ("completed", 0) == (result.status, result.exit_code)
    assert ("skipped", 1) == (stored().status, len(stored().read))
    about = json.loads(Path("batch/metadata.json").read_bytes())["collection"]
    assert "the collection is skipped: 1 transcript read, it needs 2" == about["why"]
    assert ["findings"] == [request.node for request in transport.requests]
    assert Path("batch/COMPLETED").exists()


def test_no_name_leaves_and_all_names_come_back() -> None:
    interviews(
        {"ann": ["train"], "bob": ["train", "Eve Miller and Ann Parker run the night train."]}
    )

    def talking(request: Any) -> str:
        shown = re.findall(r"PERSON_\d{6}(?:_\d+)?", prompt_of(request))
        said = planted(request)
        return (
            said.replace('"reason": "all on train', f'"reason": "{shown[0]} says')
            if shown
            else said
        )

    result, transport = execute_batch(collection("transcript.redact=names"), talking)

    sent = "".join(prompt_of(request) for request in transport.requests)
    found = stored()
    assert "completed" == result.status
    assert not {"Eve", "Miller", "Parker"} & set(re.findall(r"\w+", sent))
    assert any("Eve Miller" in each.text for each in found.outliers)
    assert "PERSON" not in as_json(found.content()).decode()
    assert {"Ann", "Bob"} == {voice.speaker for voice in found.themes[0].for_}
    assert [] == verify(Path("batch"))


def test_a_budget_ends_the_collection_and_a_larger_one_finishes_it() -> None:
    interviews(PLAN)

    def poor(request: Any) -> str:
        if request.node == "agreements":
            raise NotRunError("budget", "the budget is used up")
        return planted(request)

    first, _ = execute_batch(collection(), poor)
    before = stored()
    second, transport = execute_batch(collection(), planted, again=True)

    assert ("partial", 6) == (first.status, first.exit_code)
    assert ("partial", 4, ()) == (before.status, len(before.themes), before.contradictions)
    assert ("completed", 0) == (second.status, second.exit_code)
    assert ["agreements", "synthesis"] == [request.node for request in transport.requests]


def test_a_window_that_proves_smaller_parts_the_tree_again() -> None:
    interviews(
        {
            f"p{number:02}": [
                "train",
                "price",
                "staff",
                " ".join(f"w{number}x{k}" for k in range(30)),
            ]
            for number in range(24)
        }
    )

    def small(request: Any) -> str:
        if request.node == "themes" and len(prompt_of(request)) > 9000:
            error = CallError("context_exceeded", "too long")
            error.window = 8000
            raise error
        return planted(request)

    result, transport = execute_batch(collection(), small)

    assert ("completed", 0) == (result.status, result.exit_code)
    assert [24] * 3 == [len(theme.files) for theme in stored().themes]
    assert any(row.level for row in stored().ledger)
    shown = [prompt_of(each) for each in transport.requests if each.node == "themes"]
    assert len(shown) == len(set(shown))


def test_the_same_transcript_twice_counts_once() -> None:
    interviews({"ann": ["train"], "bob": ["train"]})
    Path("many/copy.txt").write_bytes(Path("many/ann.txt").read_bytes())

    execute_batch(collection(), planted)

    found = stored()
    assert [("copy.txt", "the same transcript as ann.txt")] == [
        (each.file, each.why) for each in found.unread
    ]
    assert 2 == len(found.themes[0].files)
    assert [] == verify(Path("batch"))


def test_the_offline_model_reads_a_collection() -> None:
    said = [
        "The night train is far too expensive for families with children.",
        "I need a quiet place where I can work on board.",
        "Buying a ticket at the machine takes much too long.",
    ]
    interviews(dict.fromkeys(("ann", "bob", "cem", "dee"), said))

    result, _ = execute_batch(collection(), offline)
    found = stored()

    assert ("completed", 0) == (result.status, result.exit_code)
    assert [4, 4, 4] == [len(theme.files) for theme in found.themes]
    assert "They mention “night train”." in {theme.statement for theme in found.themes}
    assert "4 of 4 files" in found.synthesis[0].text
    assert (
        f"{said[0]} (Ann, S0001, ann.txt, and 3 more)"
        in Path("batch/final/synthesis.md").read_text()
    )
    assert [] == verify(Path("batch"))


@pytest.mark.parametrize(
    ("said", "noted"),
    [
        (
            dict.fromkeys(("ann", "bob", "cem"), GERMAN),
            "the transcripts do not look",
        ),  # each is short
        (
            {"ann": GERMAN * 3, "bob": ["train"] * 3, "cem": ["price", "staff", "wifi"]},
            "1 of 3 files (ann.txt) do not look",
        ),
        ({"bob": ["train"], "cem": ["train"]}, ""),
    ],
)
def test_an_offline_model_says_which_files_it_cannot_recognise_anything_in(
    said: dict[str, Sequence[str]], noted: str
) -> None:
    interviews(said)
    made = job(*READ_OFFLINE)
    assert isinstance(made, BatchJob)

    execute_batch(made, offline)

    assert [noted] * bool(noted) == [note[: len(noted)] for note in stored().notes]


def test_a_plan_predicts_the_calls_of_a_collection() -> None:
    interviews(PLAN)
    large, small = (
        plan_batch(collection(f"stages.across.context.token_budget={budget}")).plan()
        for budget in (24_000, 260)
    )
    one = collection("transcript.path=many/ann*")

    assert {"findings", "themes", "agreements", "outliers", "synthesis"} == large.nodes.keys()
    assert [6, 1, 1, 1, 1] == [node.calls for node in large.nodes.values()]
    assert small.nodes["themes"].calls > 5
    assert not large.nodes["themes"].seen
    assert {"findings"} == plan_batch(one).plan().nodes.keys()
    execute_batch(made := collection(), planted)
    later = plan_batch(made).plan()

    assert all(node.seen for node in later.nodes.values())
    assert [20.0, 20.0] == [later.nodes[name].reply_tokens for name in ("themes", "synthesis")]


def test_a_contradiction_has_sides_of_their_own_and_is_told_once() -> None:
    interviews(PLAN)

    def hostile(request: Any) -> str:
        reply = json.loads(planted(request))
        if request.node == "agreements":
            whole, one = ["T01.for"], ["F1"]
            pairs = [(whole, whole), (whole, one), *[(whole, ["T01.against"])] * 500]
            reply["structured_data"]["contradictions"] = [
                {
                    "statement": f"Statement {number}",
                    "sides": [{"position": "p", "members": side} for side in pair],
                    "reason": "",
                }
                for number, pair in enumerate(pairs)
            ]
        return json.dumps(reply)

    execute_batch(collection(), hostile)

    found = stored()
    sides = [[len(side.findings) for side in each.sides] for each in found.contradictions]
    assert [("Statement 1", [2, 1]), ("Statement 2", [3, 1])] == [
        (each.statement, of) for each, of in zip(found.contradictions, sides, strict=True)
    ]
    row = next(row for row in found.ledger if row.node == "agreements")
    assert ["and 488 more"] == [line[-12:] for line in row.left_out if "two sides" in line]
    assert [] == verify(Path("batch"))


def test_all_contradictions_of_a_part_are_kept_and_the_last_call_repeats_none() -> None:
    interviews(PLAN)

    def arguing(request: Any) -> str:
        reply = json.loads(planted(request))
        if request.node.startswith("agreements") and "T01.against" in (shown := prompt_of(request)):
            ids = re.findall(r"id: (F\d+) \| side: T01.for", shown)
            pairs = [("T01.for", "T01.against"), *itertools.pairwise(ids[:2])]
            reply["structured_data"]["contradictions"] = [
                {
                    "statement": " ".join(pair),
                    "sides": [{"position": each, "members": [each]} for each in pair],
                    "reason": "",
                }
                for pair in pairs
            ]
        return json.dumps(reply)

    execute_batch(collection("stages.contrasts.context.token_budget=330"), arguing)

    found = [each.statement for each in stored().contradictions if each.themes == ("T01",)]
    assert any(row.level for row in stored().ledger if row.node == "agreements")
    assert ["T01.for T01.against", "F1 F2"] == found
    assert [] == verify(Path("batch"))


def test_a_line_that_alone_is_too_long_is_read_alone_and_the_ledger_says_so() -> None:
    interviews(PLAN)

    def wordy(request: Any) -> str:
        reply = json.loads(planted(request))
        for each in reply["structured_data"].get("themes", []):
            if request.node.startswith("themes"):
                each["statement"] = " ".join(f"word{n}" for n in range(90))
        return json.dumps(reply)

    execute_batch(collection("stages.final.context.token_budget=200"), wordy)

    row = next(each for each in stored().ledger if each.node == "synthesis")
    assert row.tokens_in > row.tokens_budget
    assert 1 == row.inputs
    assert "not shown, too many for the token budget: T02" in row.left_out[0]
    assert [] == verify(Path("batch"))


def test_a_theme_that_alone_is_too_long_for_a_call_shows_fewer_findings() -> None:
    interviews({f"p{number:02}": ["train", "-train"] for number in range(6)})

    execute_batch(collection("stages.contrasts.context.token_budget=260"), planted)

    rows = [row for row in stored().ledger if row.node.startswith("agreements")]
    assert ["T01: 4 of 12 findings are shown"] == [each for r in rows for each in r.left_out]
    assert all(row.tokens_in <= row.tokens_budget for row in rows)


def test_no_finding_is_lost_where_themes_of_parts_overlap() -> None:
    interviews({f"p{number}": ["train", "price", "staff", "wifi"] for number in range(8)})

    def chained(request: Any) -> str:
        reply = json.loads(planted(request))
        if request.node == "themes":
            ids = re.findall(r"^- id: ([TF]\d+) ", prompt_of(request), re.MULTILINE)
            pairs = [ids[:2]] if ids[0] == "T1" else list(itertools.pairwise(ids[:4]))
            reply["structured_data"]["themes"] = [
                {"title": f"{n}", "statement": f"{n}", "members": pair, "against": [], "reason": ""}
                for n, pair in enumerate(pairs)
            ]
        return json.dumps(reply)

    _, transport = execute_batch(collection("stages.across.context.token_budget=250"), chained)

    found = stored()
    named = {name for theme in found.themes for name in theme.findings} | {*found.unassigned}
    assert any("T1" in prompt_of(each) for each in transport.requests if each.node == "themes")
    assert 32 == len(named)
    assert [] == verify(Path("batch"))


def test_branches_with_the_same_material_are_paid_for_once() -> None:
    interviews({name: ["train", "price", "staff", "wifi"] for name in ("ann", "bob", "cem", "dee")})

    _, transport = execute_batch(collection("stages.across.context.token_budget=250"), planted)

    asked = [prompt_of(each) for each in transport.requests if each.node == "themes"]
    leaves = [row for row in stored().ledger if row.node.startswith("themes/leaf")]
    assert 4 == len(leaves)
    assert 1 == len([each for each in asked if "### findings" in each])
    assert [] == verify(Path("batch"))


def test_the_same_words_in_several_parts_are_one_line_for_the_call_that_merges() -> None:
    interviews({f"p{number}": ["train", "price", f"Number {number}."] for number in range(8)})

    def silent(request: Any) -> str:
        reply = json.loads(planted(request))
        if request.node == "themes" and "## collection\n### findings" in prompt_of(request):
            reply["structured_data"]["themes"] = []
        return json.dumps(reply)

    _, transport = execute_batch(collection("stages.across.context.token_budget=330"), silent)

    asked = [prompt_of(each) for each in transport.requests if each.node == "themes"]
    merging = [each for each in asked if "### themes" in each and "id: T1 " not in each]
    assert {1} == {each.count("text: The night train is a joy.") for each in merging}
    assert [("price", 8), ("train", 8)] == [
        (each.title, len(each.files)) for each in stored().themes
    ]
    assert [] == verify(Path("batch"))


def test_an_answer_that_fails_goes_to_the_model_to_escalate_to_also_in_a_tree() -> None:
    interviews(PLAN)
    strong = ScriptedTransport(planted)

    def weak(request: Any) -> str:
        return "I cannot do that." if request.node.startswith("themes") else planted(request)

    escalates = ("+model@models.strong=simulated", "model.escalate=[strong]")
    made = collection("stages.across.context.token_budget=260", *escalates)
    plan = plan_batch(made)
    result, _ = execute_batch(made, weak, strong=strong)
    asked = [request.node for request in strong.requests]
    about = json.loads(Path("batch/metadata.json").read_text())["collection"]

    assert 0 == result.exit_code
    assert EXPECTED == told()
    assert len(asked) > 2
    assert {"themes"} == {name.partition("/")[0] for name in asked}
    assert (len(asked), len(asked)) == (about["escalated"], about["mended"])
    assert about["escalation_usd"] == result.benchmark["run"]["escalation_usd"]
    assert len(asked) == sum(row.escalated for row in stored().ledger)
    assert float(len(asked)) == read_row(Path("batch")).figure("escalated")
    assert 0 == plan.joint["themes > strong"].calls
    assert plan.joint["themes > strong"].most_tokens > 0
    assert [] == verify(Path("batch"))
    _, again = execute_batch(made, weak, strong=(other := ScriptedTransport(planted)), again=True)

    assert [] == again.requests == other.requests


def test_an_answer_set_aside_in_a_tree_is_found_again() -> None:
    interviews(PLAN)

    def absent(request: Any) -> str:
        reply = json.loads(planted(request))
        quote = {"segment": "S0001", "quote": "Nobody has said any of this anywhere"}
        if request.node.startswith("themes"):
            reply["insights"][0]["evidence"] = [quote]
        return json.dumps(reply)

    def broken(request: Any) -> str:
        if request.node == "synthesis":
            raise CallError("transient", "down", status=500)
        return absent(request)

    strong = ("+model@models.strong=simulated", "models.strong.name=openai/strong")
    escalates = ("model.escalate=[strong]", "grounding.min_rate=1")
    made = collection("stages.across.context.token_budget=260", *strong, *escalates)
    execute_batch(made, broken, strong=(first := ScriptedTransport(absent)))
    other = ScriptedTransport(absent)
    result, again = execute_batch(made, absent, strong=other, again=True)

    assert len(first.requests) > 2
    assert ["synthesis"] == [each.node for each in again.requests + other.requests]
    assert 0 == result.exit_code
