"""Batch APIs that answer what nobody expects: cut, huge, endless, of another, for another host."""

from __future__ import annotations

import json
from typing import Any

import pytest
from aiohttp import web
from helpers import KEY
from helpers.batch_wires import (
    ANTHROPIC_SPOKEN,
    GEMINI_SPOKEN,
    MARK,
    OPENAI_SPOKEN,
    SINCE,
    SPOKEN,
    Spoken,
    anthropic_batch,
    fake_keys,
    openai_batch,
    openai_result,
    run,
    speaking,
)
from helpers.provider_wire import REPLY, REQUEST

from runner.base.errors import CallError
from runner.providers.batches import wire
from runner.providers.batches.endpoint import MAX_PAGES

BATCH, LIST, CANCEL, FILE = OPENAI_SPOKEN.at
FILE_OF = {BATCH: openai_batch("completed", error_file_id=None)}
GOOD = json.dumps(openai_result("a", OPENAI_SPOKEN.wire.answer)).encode()


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    fake_keys(monkeypatch)


def failure(spoken: Spoken, answers: dict[str, Any], call: Any) -> tuple[CallError, list[str]]:
    """Return the CallError that *call* of the endpoint ends with, and what was asked."""

    async def main() -> Any:
        async with speaking(spoken, answers) as (endpoint, double):
            with pytest.raises(CallError) as caught:
                await call(endpoint)
            return caught.value, [each.what for each in double.met]

    return run(main)  # type: ignore[no-any-return]


async def all_of(endpoint: Any) -> list[bytes]:
    return [line async for line in endpoint.results("batch_1")]


def found_in(endpoint: Any) -> Any:
    return endpoint.find(MARK, SINCE, ("a",))


def redirect(_: Any) -> web.Response:
    return web.Response(status=302, headers={"Location": f"http://127.0.0.1:9/?key={KEY}"})


def limited(_: Any) -> web.Response:
    return web.json_response({}, status=429, headers={"Retry-After": "7"})


@pytest.mark.parametrize(
    ("answers", "call", "kind", "said"),
    [
        ({BATCH: b"{"}, "status", "bad_response", "cannot be read"),
        ({BATCH: b"[" * 300 + b"]" * 300}, "status", "bad_response", ""),
        ({BATCH: [[]]}, "status", "bad_response", "invalid id of a batch"),
        ({BATCH: openai_batch(id="batch_2")}, "status", "bad_response", "received batch_2"),
        ({BATCH: openai_batch(id="../files")}, "status", "bad_response", "invalid id of a batch"),
        ({BATCH: openai_batch(id=KEY)}, "status", "bad_response", "invalid id of a batch"),
        ({LIST: {"data": [openai_batch(id=KEY)]}}, "find", "bad_response", "invalid id of a batch"),
        ({BATCH: redirect}, "status", "bad_request", "redirects elsewhere"),
        ({BATCH: limited}, "status", "throttle", ""),
        ({CANCEL: 404}, "cancel", "not_found", "nothing at /v1/batches/batch_1/cancel"),
        ({LIST: limited}, "find", "throttle", ""),
        ({LIST: 500}, "find", "transient", "500"),
        ({FILE: redirect}, "results", "bad_request", "redirects elsewhere"),
        ({FILE: limited}, "results", "throttle", ""),
        ({FILE: (GOOD + b"\n" + GOOD[:50],)}, "results", "connection", "broke off after"),
        (
            {BATCH: openai_batch("completed", output_file_id="x/../../v1/keys?a=b")},
            *("results", "bad_response", "invalid id of a batch"),
        ),
        (
            {FILE: lambda _: web.Response(body=GOOD, headers={"Content-Encoding": "gzip"})},
            *("results", "bad_response", "encoded with gzip"),
        ),
    ],
)
def test_what_cannot_be_believed_fails_on_one_line(
    answers: dict[str, Any], call: str, kind: str, said: str
) -> None:
    calls = {
        "status": lambda endpoint: endpoint.status("batch_1"),
        "cancel": lambda endpoint: endpoint.cancel("batch_1"),
        "find": found_in,
        "results": all_of,
    }
    found, _ = failure(OPENAI_SPOKEN, FILE_OF | answers, calls[call])

    assert found.kind == kind
    assert said in str(found)
    assert KEY not in str(found)
    assert "\n" not in str(found)
    assert found.retry_after_s == (7.0 if kind == "throttle" else None)


@pytest.mark.parametrize("spoken", SPOKEN, ids=lambda spoken: spoken.wire.choice)
def test_an_id_that_would_lead_elsewhere_is_never_sent(spoken: Spoken) -> None:
    for bad in ("", "a/b", "..", "a?b", "a#b", "a\nb", "a%2fb", "é", "x" * 300):
        for name in ("status", "cancel", "results"):

            async def call(endpoint: Any, name: str = name, bad: str = bad) -> None:
                if name == "results":
                    async for _ in endpoint.results(bad):
                        pass
                else:
                    await getattr(endpoint, name)(bad)

            _, asked = failure(spoken, {}, call)

            assert asked == []


def test_what_came_before_a_download_broke_off_is_kept() -> None:
    seen: list[bytes] = []

    async def read(endpoint: Any) -> None:
        async for line in endpoint.results("batch_1"):
            seen.append(line)

    failure(OPENAI_SPOKEN, {**FILE_OF, FILE: (GOOD + b"\n" + GOOD[:50],)}, read)

    assert seen == [GOOD]


def test_a_line_beyond_the_bound_is_cut_and_the_others_are_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(wire, "MAX_BODY_BYTES", len(GOOD))
    seen: list[bytes] = []

    async def read(endpoint: Any) -> None:
        async for line in endpoint.results("batch_1"):
            seen.append(line)
        raise CallError("bad_request", "read whole")

    failure(OPENAI_SPOKEN, {**FILE_OF, FILE: b"x" * 60 + GOOD + b"\n" + GOOD}, read)

    assert (len(GOOD), GOOD) == (len(seen[0]), seen[1])


def test_a_file_beyond_the_bound_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "MAX_RESULT_BYTES", 2 * len(GOOD))
    found, _ = failure(OPENAI_SPOKEN, {**FILE_OF, FILE: (GOOD + b"\n") * 9}, all_of)

    assert "the results have more than" in str(found)


def test_a_list_without_end_is_left() -> None:
    page = {"data": [openai_batch(metadata=None)], "has_more": True, "last_id": "batch_1"}
    found, asked = failure(OPENAI_SPOKEN, {"*": page, LIST: page}, found_in)

    assert "lists more than 50 pages" in str(found)
    assert len(asked) == MAX_PAGES


def test_pages_are_read_until_they_are_older() -> None:
    first = {"data": [openai_batch(metadata={})], "has_more": True, "last_id": "batch_1"}
    second = {**first, "data": [openai_batch(created_at=SINCE - 1000)], "last_id": "batch_0"}

    async def main() -> Any:
        answers = {LIST: first, f"{LIST}&after=batch_1": second}
        async with speaking(OPENAI_SPOKEN, answers) as (endpoint, double):
            return await found_in(endpoint), len(double.met)

    assert run(main) == (None, 2)


def test_lines_of_no_result_have_no_key_or_a_failure() -> None:
    async def main() -> Any:
        async with speaking(OPENAI_SPOKEN) as (endpoint, _):
            keyless = [
                GOOD[:40],
                b"{}",
                b"[]",
                b"\xff",
                b'{"custom_id": 7}',
                b'{"custom_id": "a b"}',
            ]
            for line in keyless:
                with pytest.raises(ValueError):
                    endpoint.key_of(line)
            bodies: list[Any] = [None, [], "x", {"choices": []}, {"choices": [{"message": 1}]}]
            broken = {"finish_reason": "error", "error": {"message": f"of {KEY}\nand more"}}
            bodies.append({"choices": [broken]})
            raw = [json.dumps(openai_result("a", body)).encode() for body in bodies]
            raw += [json.dumps(openai_result("a", {}, "200")).encode(), b'{"custom_id": "a"}']  # type: ignore[arg-type]
            raw += [b'{"custom_id": "a", "response": ' + b"[" * 300 + b"]" * 300 + b"}"]
            return [endpoint.read(line, REQUEST) for line in raw]

    found = run(main)
    empty, found[3:5] = found[3:5], []

    assert ["", ""] == [each.text for each in empty]
    assert all(isinstance(each, CallError) for each in found)
    assert "the provider broke the reply off: of *** and more" == str(found[3])


def test_half_a_character_nan_and_bad_bytes_lose_no_result() -> None:
    async def main() -> Any:
        async with speaking(OPENAI_SPOKEN) as (endpoint, _):
            for text in (b"half \\ud83d", b"bytes \xff"):
                line = GOOD.replace(json.dumps(REPLY)[1:-1].encode(), text)
                line = line.replace(b'"created": 0', b'"created": NaN')
                assert endpoint.key_of(line) == "a"
                yield endpoint.read(line, REQUEST)

    async def all_() -> list[Any]:
        return [each async for each in main()]

    assert [each.text for each in run(all_)] == ["half \ufffd", "bytes \ufffd"]


def test_a_key_that_no_batch_may_hold_is_refused_before_it_is_sent() -> None:
    async def main() -> None:
        async with speaking(OPENAI_SPOKEN) as (endpoint, _):
            for key in ("", 'a"b', "a b", "x" * 65, "é"):
                with pytest.raises(ValueError):
                    endpoint.line(key, REQUEST)

    run(main)


def test_results_and_files_of_another_host_are_not_asked_for() -> None:
    place = {
        "POST /upload/v1beta/files": lambda _: web.Response(
            headers={"X-Goog-Upload-URL": "http://127.0.0.1:9/upload"}
        )
    }
    found, asked = failure(GEMINI_SPOKEN, place, lambda e: e.submit([e.line("a", REQUEST)], MARK))

    async def main() -> Any:
        told = anthropic_batch("ended")  # which names another address
        answers = {ANTHROPIC_SPOKEN.at[0]: told, ANTHROPIC_SPOKEN.at[3]: b""}
        async with speaking(ANTHROPIC_SPOKEN, answers) as (endpoint, double):
            _ = [line async for line in endpoint.results("msgbatch_1")]
            return [each.what for each in double.met]

    assert "another host" in str(found)
    assert len(asked) == 1
    assert run(main) == [ANTHROPIC_SPOKEN.at[0], ANTHROPIC_SPOKEN.at[3]]
