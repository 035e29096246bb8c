from __future__ import annotations

import os
from pathlib import Path
from zlib import crc32

import pytest
from helpers.runs import load
from helpers.sessions import RUN, begin, resume

from runner.base.usage import Usage
from runner.providers.request import Completion
from runner.record.reply_buffer import NAME, SLOT_BYTES, ReplyBuffer
from runner.reports.verify import verify

RECORD = "intermediate/stage_a/say_means.json"


def reply(text: str) -> Completion:
    return Completion(text, "stop", Usage())


def taken(root: Path) -> ReplyBuffer:
    buffer = ReplyBuffer(root)
    buffer.take_over(root)
    return buffer


def test_what_is_kept_is_given_once_to_the_next_session_and_slots_are_used_again(
    tmp_path: Path,
) -> None:
    buffer, long = ReplyBuffer(tmp_path), "a\nb\u2028" * SLOT_BYTES
    for unit, key, text in (("u", "k", "first"), ("v", "l", long), ("w", "m", "last")):
        buffer.keep(unit, key, reply(text))
    buffer.drop("v")
    buffer.keep("v", "n", reply("new"))
    size = sum(file.stat().st_size for file in tmp_path.iterdir())
    again = taken(tmp_path)  # the first session was killed
    third = taken(tmp_path)  # and so was the second

    assert size < 2 * len(long.encode()) + 3 * SLOT_BYTES
    for session in (again, third):
        assert [reply("first"), None, reply("last"), reply("new"), None] == [
            session.earlier(key) for key in "klmnk"
        ]
    for unit in "uvw":
        third.drop(unit)
    third.close()
    assert [] == list(tmp_path.iterdir())


def test_replies_for_which_there_is_no_room_stay_where_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ReplyBuffer(tmp_path).keep("u", "k", reply("text"))
    real = os.pwrite
    with monkeypatch.context() as disk, pytest.raises(OSError, match="No space left"):
        disk.setattr(os, "pwrite", lambda file, data, at: real(file, data[:9], at))
        taken(tmp_path)

    assert reply("text") == taken(tmp_path).earlier("k")


def test_a_torn_reply_is_not_joined_to_the_one_that_its_slot_had_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    buffer, real = ReplyBuffer(tmp_path), os.pwrite
    buffer.keep("u", "k", reply("said by Ann " * 9))
    buffer.drop("u")
    monkeypatch.setattr(os, "pwrite", lambda file, data, at: real(file, data[:99], at))
    buffer.keep("u", "k", reply("said by Bob " * 9))

    monkeypatch.undo()
    assert taken(tmp_path).earlier("k") is None


def test_a_hostile_buffer_gives_nothing_and_is_removed(tmp_path: Path) -> None:
    for number, line in enumerate(
        (b"", b"\0" * 9, b"[1]", b"null", b"{" * 9999, b'{"unit":1}', b'{"unit":"u","key":{}}')
    ):
        summed = b"%08x %b\n" % (crc32(line), line)
        (tmp_path / f"{NAME}.{number}").write_bytes(line + b"\n" + summed)
    (tmp_path / f"{NAME}.link").symlink_to("/etc/passwd")
    os.mkfifo(tmp_path / f"{NAME}.fifo")
    taken(tmp_path).close()

    assert [] == list(tmp_path.iterdir())


def test_a_reply_that_a_killed_session_had_is_not_asked_for_again() -> None:
    begin()
    record = load(RECORD)
    for left in (RUN / RECORD, RUN / "COMPLETED"):
        left.unlink()
    killed = ReplyBuffer(RUN)
    killed.keep("/stage_a/say_means", record["key"], reply(record["raw_output"]))
    code, asked = resume()
    same = ("key", "raw_output", "insights", "structured_data")

    assert (0, []) == (code, asked)
    assert [record[name] for name in same] == [load(RECORD)[name] for name in same]
    assert [] == verify(RUN)


def test_a_faulty_reply_before_an_interrupted_correction_is_not_asked_for_again() -> None:
    _, asked = begin(answers=1, reply=lambda _: "no JSON")
    left, (code, rest) = verify(RUN), resume()
    record = load(f"intermediate/stage_a/{asked[0]}.json")

    assert (1, [], 0) == (len(asked), left, code)
    assert 1 == rest.count(asked[0])  # the correction
    assert ["no JSON"] == [each["raw_output"] for each in record["rejected"]]
    assert [] == verify(RUN)


def test_equal_requests_of_two_runs_have_a_reply_each(tmp_path: Path) -> None:
    buffer = ReplyBuffer(tmp_path)
    for unit, text in (("u", "one"), ("v", "other")):
        buffer.keep(unit, "k", reply(text))
    again = taken(tmp_path)

    assert [reply("one"), reply("other"), None] == [again.earlier("k") for _ in range(3)]
