from __future__ import annotations

import dataclasses
import errno
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from helpers import job
from helpers.runs import STAGE_A, execute, failing
from structlog.testing import capture_logs

from runner.base.errors import CallError
from runner.base.files import write_json
from runner.base.usage import Usage
from runner.config.schema import ModelSettings
from runner.providers.request import Completion, Request
from runner.record import store as answers
from runner.record.reuse import StoredAnswers
from runner.record.store import Store, request_key

KEY = "ab" + 62 * "0"


def written(folder: Path, text: str = "an answer") -> Path:
    """Return the file of a record that answers the call with KEY."""
    record = {"key": KEY, "raw_output": text, "finish_reason": "stop"}
    file = folder / f"{text}.json"
    write_json(file, {**record, "sha256": answers.payload_digest(record)})
    return file


def without_links(*_: object, **__: object) -> None:
    raise OSError(errno.EPERM, "no links here")


@pytest.mark.parametrize("links", [True, False])
def test_what_was_put_in_comes_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, links: bool
) -> None:
    if not links:
        monkeypatch.setattr(os, "link", without_links)
    store, first, second = Store(tmp_path / "store"), written(tmp_path), written(tmp_path, "newer")
    for record in (first, first, second):  # the same one twice, and another one
        store.put(KEY, record)

    assert Completion("newer", "stop", Usage()) == store.get(KEY)
    assert store.get(KEY.replace("a", "c")) is None
    assert [tmp_path / "store/ab" / f"{KEY}.json"] == [
        path for path in (tmp_path / "store").rglob("*") if path.is_file()
    ]


def edited(data: bytes) -> bytes:
    return data.replace(b"an answer", b"another one")


def of_another_call(data: bytes) -> bytes:
    return data.replace(KEY.encode(), KEY.replace("0", "1").encode())


@pytest.mark.parametrize(
    "damage",
    [
        lambda _: b"",
        lambda data: data[: len(data) // 2],
        lambda _: b"{}",
        lambda _: b"[]",
        lambda _: b"\xff\xfe",
        edited,
        of_another_call,
    ],
    ids=["empty", "half", "object", "list", "bytes", "edited", "of_another_call"],
)
def test_a_damaged_entry_is_a_miss_and_a_warning(
    tmp_path: Path, damage: Callable[[bytes], bytes]
) -> None:
    store = Store(tmp_path)
    store.put(KEY, written(tmp_path))
    file = tmp_path / "ab" / f"{KEY}.json"
    file.write_bytes(damage(file.read_bytes()))
    with capture_logs() as events:
        found = store.get(KEY)

    assert found is None
    assert [("store.damaged", "warning", KEY)] == [
        (event["event"], event["log_level"], event["key"]) for event in events
    ]


def test_a_second_run_asks_nothing_and_says_where_its_answers_come_from() -> None:
    made, store = job(), Store(Path("outputs/store"))
    first, _, _ = execute(made, into="first", stored=StoredAnswers(store=store))
    second, path, transport = execute(made, into="second", stored=StoredAnswers(store=store))
    record = json.loads((path / "intermediate/stage_b/patentability.json").read_bytes())

    assert [] == transport.requests
    assert 0 == second.exit_code
    assert {n: o.answer for n, o in first.outcomes.items()} == {
        n: o.answer for n, o in second.outcomes.items()
    }
    assert ("store", 0.0, []) == (record["reused"], record["cost_usd"], record["attempts"])


def test_failures_are_never_stored() -> None:
    made, store = job(), Store(Path("outputs/store"))
    faults: Mapping[str, CallError | str] = {
        "say_means": CallError("bad_request", "no"),
        "postulate_theorem": "not json at all",
    }
    execute(made, failing(faults), into="first", stored=StoredAnswers(store=store))
    _, _, transport = execute(made, into="second", stored=StoredAnswers(store=store))
    asked = [request.node for request in transport.requests]

    assert {"say_means", "postulate_theorem"} == set(asked) & set(STAGE_A)


def test_a_store_that_cannot_be_written_costs_no_answer() -> None:
    Path("blocked").write_text("a file where the store should be")
    result, _, _ = execute(job(), stored=StoredAnswers(store=Store(Path("blocked/store"))))

    assert 0 == result.exit_code


def test_another_repeat_asks_again() -> None:
    stored = StoredAnswers(store=Store(Path("outputs/store")))
    asked = [
        len(execute(job(f"repeat={repeat}"), into=str(at), stored=stored)[2].requests)
        for at, repeat in enumerate((0, 0, 1))
    ]

    assert [8, 0, 8] == asked


REQUEST = Request(
    "say_means", ({"role": "user", "content": "hello"},), 100, 0.2, {"type": "object"}
)
OTHER_REQUESTS: Mapping[str, Any] = {
    "node": "patentability",  # it names the schema that is sent
    "messages": ({"role": "user", "content": "hello!"},),
    "max_tokens": 101,
    "temperature": 0.3,
    "schema": {"type": "array"},
    "own_schema": {"type": "string"},
}
SAME_REQUESTS: Mapping[str, Any] = {"cache": True}  # how a prompt is billed, not what it says
OTHER_MODELS: Mapping[str, Any] = {
    "name": "openai/gpt-4o",
    "api_base": "https://example.org/v1",
    "params": {"seed": 7},
    "effort": "low",
    "base_model": "gpt-6-luna",
}
SAME_ANSWERS: Mapping[str, Any] = {
    "allow_http": True,
    "api_key_env": "ANOTHER_KEY",
    "cached_usd_per_mtok": 0.5,
    "fallbacks": ["backup"],
    "escalate": ["strong"],
    "requires_env": ["ANOTHER_VARIABLE"],
    "transport": "litellm",
    "timeout_s": 1.0,
    "max_retries": 0,
    "retry_delay_s": 9.0,
    "deadline_s": 5.0,
    "rpm": 1,
    "tpm": 1,
    "itpm": 1,
    "otpm": 1,
    "burst_s": 2.0,
    "service_tier": "flex",
    "delivery": "batch",
    "cache": "1h",
    "context_window": 5,
    "input_usd_per_mtok": 1.0,
    "output_usd_per_mtok": 1.0,
    # These reach a call through its request.
    "max_tokens": 7,
    "temperature": 1.5,
    "reply_format": "text",
}


@pytest.fixture(scope="module")
def model() -> ModelSettings:
    return job().settings.model.model_copy(update={"name": "openai/gpt-4o-mini"})


@pytest.mark.parametrize("field", OTHER_REQUESTS)
def test_whatever_is_sent_is_part_of_the_key(model: ModelSettings, field: str) -> None:
    other = dataclasses.replace(REQUEST, **{field: OTHER_REQUESTS[field]})

    assert request_key(REQUEST, model, 0) != request_key(other, model, 0)


@pytest.mark.parametrize("field", OTHER_MODELS)
def test_whoever_answers_is_part_of_the_key(model: ModelSettings, field: str) -> None:
    other = model.model_copy(update={field: OTHER_MODELS[field]})

    assert request_key(REQUEST, model, 0) != request_key(REQUEST, other, 0)


@pytest.mark.parametrize("field", SAME_REQUESTS)
def test_what_says_nothing_to_the_model_is_not_part_of_the_key(
    model: ModelSettings, field: str
) -> None:
    other = dataclasses.replace(REQUEST, **{field: SAME_REQUESTS[field]})

    assert request_key(REQUEST, model, 0) == request_key(other, model, 0)


@pytest.mark.parametrize("field", SAME_ANSWERS)
def test_what_changes_no_answer_is_not_part_of_the_key(model: ModelSettings, field: str) -> None:
    other = model.model_copy(update={field: SAME_ANSWERS[field]})

    assert request_key(REQUEST, model, 0) == request_key(REQUEST, other, 0)


def test_no_field_is_forgotten() -> None:
    """A new field has to be put on one side or the other."""
    assert {*OTHER_REQUESTS, *SAME_REQUESTS} == {
        field.name for field in dataclasses.fields(Request)
    }
    assert {*OTHER_MODELS, *SAME_ANSWERS, "simulate"} == set(ModelSettings.model_fields)


def test_the_key_depends_on_content_and_not_on_the_order_of_fields(model: ModelSettings) -> None:
    one = dataclasses.replace(REQUEST, schema={"type": "object", "title": "x"})
    other = dataclasses.replace(REQUEST, schema={"title": "x", "type": "object"})

    assert request_key(one, model, 0) == request_key(other, model, 0)


def test_another_release_of_the_offline_reader_is_another_model(
    model: ModelSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    offline = model.model_copy(update={"name": "offline/extractive"})
    before = request_key(REQUEST, offline, 0), request_key(REQUEST, model, 0)
    monkeypatch.setattr(answers, "own_version", lambda: "99.0")
    after = request_key(REQUEST, offline, 0), request_key(REQUEST, model, 0)

    assert before[0] != after[0]
    assert before[1] == after[1]
