from __future__ import annotations

import errno
import json
from pathlib import Path
from typing import Any

import orjson
import pytest
from helpers import job
from helpers.disk import full_disk
from helpers.runs import STAGE_A, STAGE_B, Reply, failing, load, simulated
from helpers.sessions import RUN, begin, begin_anew, resume

from runner.base.errors import CallError, NotRunError, OutputError
from runner.providers.request import Completion, Request
from runner.record.reuse import PreviousSession, keep_answer, read_record
from runner.record.store import payload_digest
from runner.reports.verify import verify

pytestmark = pytest.mark.usefixtures("private")

FILE = RUN / "intermediate/stage_a/say_means.json"


def half(data: bytes) -> bytes:
    return data[: len(data) // 2]


def bit_flip(data: bytes) -> bytes:
    place = data.index(b'"raw_output"') + 40
    return data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]


def high_bit_flip(data: bytes) -> bytes:
    place = len(data) // 3
    return data[:place] + bytes([data[place] ^ 128]) + data[place + 1 :]


def edited(data: bytes) -> bytes:
    record = json.loads(data)
    record["insights"][0]["confidence"] = 0.123
    return json.dumps(record).encode()


def edited_with_a_digest_of_its_own(data: bytes) -> bytes:
    record = {"schema_version": 2, "status": "ok", "key": json.loads(data)["key"]}
    return orjson.dumps({**record, "sha256": payload_digest(record)})


DAMAGES = {
    "empty": lambda _: b"",
    "half": half,
    "bit_flip": bit_flip,
    "high_bit_flip": high_bit_flip,
    "object": lambda _: b"{}",
    "list": lambda _: b"[]",
    "edited": edited,
    "digest_of_its_own": edited_with_a_digest_of_its_own,
}


def otherwise(request: Request) -> str | Completion:
    """Answer `say_means` with one insight less than before."""
    said = simulated(request)
    if request.node != "say_means":
        return said
    body = json.loads(str(said))
    return json.dumps({**body, "insights": body["insights"][1:]})


def test_a_record_that_is_not_what_was_written_is_damaged() -> None:
    begin()
    whole = FILE.read_bytes()

    assert read_record(FILE)[0] is None
    for name, damage in DAMAGES.items():
        FILE.write_bytes(damage(whole))

        assert read_record(FILE)[0] is not None, name


def test_a_damaged_record_is_set_aside_and_its_node_alone_is_asked_again() -> None:
    begin()
    whole = load("intermediate/stage_a/say_means.json")
    harmed = half(FILE.read_bytes())
    FILE.write_bytes(harmed)
    code, asked = resume()
    kept = FILE.with_name("say_means.json.corrupt-1")

    assert (0, ["say_means"]) == (code, asked)
    assert harmed == kept.read_bytes()
    assert whole["insights"] == load("intermediate/stage_a/say_means.json")["insights"]
    assert [] == verify(RUN)
    assert (0, []) == resume()


def test_what_read_the_old_answer_is_asked_again_when_the_new_one_is_another() -> None:
    begin()
    FILE.write_bytes(b"")
    code, asked = resume(reply=otherwise)
    kept = sorted(path.parent.name for path in (RUN / "superseded").rglob("*.json"))

    assert 0 == code
    assert ["say_means", *sorted(STAGE_B)] == [asked[0], *sorted(asked[1:])]
    assert ["stage_b"] * 4 == kept
    assert [] == verify(RUN)


def nobody(request: Request) -> str:
    raise CallError("timeout", "late")


def stopped(request: Request) -> str:
    raise NotRunError("interrupted", "not called: interrupted")


@pytest.mark.parametrize("reply", [nobody, stopped])
def test_answers_are_not_lost_when_what_they_read_cannot_be_asked_again(reply: Reply) -> None:
    """The new outcome of stage B, that it was not due, takes the place of a good answer."""
    begin()
    before = {path.name: path.read_bytes() for path in RUN.glob("intermediate/stage_b/*")}
    for name in STAGE_A:
        FILE.with_name(f"{name}.json").write_bytes(b"")
    code, _ = resume(reply=reply)

    assert code in (4, 130)
    assert [] == verify(RUN)

    code, asked = resume()

    assert (0, sorted(STAGE_A)) == (code, sorted(asked))
    assert before == {path.name: path.read_bytes() for path in RUN.glob("intermediate/stage_b/*")}
    assert [] == verify(RUN)


def test_a_change_that_is_taken_back_costs_nothing() -> None:
    begin()
    before = FILE.read_bytes()
    changed = resume("analyzers.say_means.temperature=0.9", "allow_changed=true")
    back = resume("analyzers.say_means.temperature=0.2", "allow_changed=true")

    assert [(0, ["say_means"]), (0, [])] == [changed, back]
    assert before == FILE.read_bytes()
    assert [] == verify(RUN)


def test_each_damaged_copy_is_kept() -> None:
    begin()
    for number in (1, 2, 3):
        FILE.write_bytes(f"damage {number}".encode())

        assert (0, ["say_means"]) == resume()

    kept = sorted(FILE.parent.glob("*.corrupt-*"))

    assert ["damage 1", "damage 2", "damage 3"] == [path.read_text() for path in kept]


def test_a_damaged_record_of_stage_b_touches_no_other() -> None:
    begin()
    (RUN / "intermediate/stage_b/patentability.json").write_bytes(b"{}")

    assert (0, ["patentability"]) == resume()


def test_a_record_that_is_gone_is_asked_for_again() -> None:
    begin()
    FILE.unlink()

    assert (0, ["say_means"]) == resume()


def test_a_page_that_is_gone_is_written_again_without_asking() -> None:
    begin(answers=6)
    page = FILE.with_suffix(".md")
    before = page.read_text()
    page.unlink()
    resume()

    assert before == page.read_text()


def test_a_page_never_outlives_the_outcome_it_shows() -> None:
    begin(faults={"say_means": CallError("timeout", "late")})
    page = FILE.with_suffix(".md")

    assert "(timeout)" in page.read_text()

    full = full_disk(lambda path: path == page)
    with full, pytest.raises(OutputError, match="No space left on device"):
        resume()

    assert "ok" == load("intermediate/stage_a/say_means.json")["status"]
    assert not page.exists()
    assert 0 == resume()[0]
    assert "(timeout)" not in page.read_text()


def test_an_answer_that_could_not_be_written_is_not_called_ok() -> None:
    full = full_disk(lambda path: path == FILE, errno.EIO)
    with full, pytest.raises(OutputError, match="Input/output error"):
        begin_anew()

    assert "unsaved" == load("metadata.json")["stages"]["stage_a"]["analyzers"]["say_means"]
    assert [] == verify(RUN)
    assert "say_means" in resume()[1]


@pytest.mark.parametrize(
    "record",
    [
        {},
        {"status": "ok"},
        {"status": "error", "error": None, "key": "k", "raw_output": None},
        {"status": "ok", "key": None, "raw_output": "x", "finish_reason": "stop"},
        {"status": "ok", "key": "a/../../../x", "raw_output": "x", "finish_reason": "stop"},
        {"status": 7, "key": "k", "raw_output": "x"},
    ],
)
def test_a_record_with_a_right_digest_and_a_wrong_shape_is_none(
    tmp_path: Path, record: dict[str, Any]
) -> None:
    body = {"schema_version": 2, "analyzer": "say_means", "stage": "stage_a", **record}
    file = tmp_path / "say_means.json"
    file.write_bytes(orjson.dumps({**body, "sha256": payload_digest(body)}))
    fault, found = read_record(file)

    assert ("not the record of a node", {}) == (fault, found)


def test_the_answers_of_a_node_are_looked_for_under_its_stage_and_key() -> None:
    made = job("output.console=quiet")
    begin()
    nodes = {node.name: node for node in made.pipeline.nodes}
    earlier, key = PreviousSession(RUN), load("intermediate/stage_a/say_means.json")["key"]
    found = earlier.record(nodes["say_means"], key)

    assert found is not None
    assert "ok" == found["status"]
    assert earlier.record(nodes["say_means"], "another") is None
    assert FILE.exists()

    keep_answer(RUN, nodes["say_means"], key)

    assert FILE.exists()

    keep_answer(RUN, nodes["say_means"], "another")

    assert not FILE.exists()
    assert found == earlier.record(nodes["say_means"], key)
    assert FILE.exists()


def test_failures_of_a_node_are_kept_where_only_they_are_there() -> None:
    begin(reply=failing({name: CallError("refused", "no") for name in STAGE_A}))

    assert (4, []) == resume()
    assert "refused" == load("intermediate/stage_a/say_means.json")["error"]["kind"]
