"""Signatures: what this user's key has signed, and what counts as altered."""

from __future__ import annotations

import errno
import json
import os
import stat
from pathlib import Path

import pytest

from runner.base.errors import ConfigError
from runner.record.signature import (
    SIGNATURE,
    SIGNED,
    fault_of,
    sign,
    sign_stored,
    signing_key,
)

RUN = Path("run")
KEY = Path("config/colloquy/signing.key")


@pytest.fixture(autouse=True)
def own_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


def write(folder: Path = RUN) -> Path:
    for name in SIGNED:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"content of {name}")
    sign_stored(folder)
    return folder


def test_a_key_is_made_once_and_for_this_user_only() -> None:
    first = signing_key()
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (KEY, KEY.parent)]

    assert [0o600, 0o700] == modes
    assert first == signing_key()
    assert [KEY] == list(KEY.parent.iterdir())
    assert 64 == len(first or b"")


def test_a_key_is_made_where_there_are_no_hard_links(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)

    assert signing_key() == signing_key()
    assert [KEY] == list(KEY.parent.iterdir())


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o666])
def test_a_key_that_is_open_to_others_is_refused(mode: int) -> None:
    signing_key()
    KEY.chmod(mode)
    with pytest.raises(ConfigError, match=r"signing\.key is open to others: expected mode 600"):
        signing_key()


@pytest.mark.parametrize("kind", ["link", "folder", "pipe", "short", "empty", "large"])
def test_what_is_no_key_is_refused(kind: str) -> None:
    signing_key()
    KEY.rename("elsewhere")
    match kind:
        case "link":
            KEY.symlink_to(Path("elsewhere").resolve())
        case "folder":
            KEY.mkdir()
        case "pipe":
            os.mkfifo(KEY, 0o600)
        case _:
            KEY.write_bytes(b"x" * {"short": 31, "empty": 0, "large": 5000}[kind])
            KEY.chmod(0o600)
    with pytest.raises(ConfigError, match=r"signing\.key (is not a regular file|has \d+ bytes)"):
        signing_key()


def test_without_a_place_for_a_key_that_is_said_once_and_nothing_is_signed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("file").touch()
    monkeypatch.setenv("COLLOQUY_SIGNING_KEY", "file/key")
    write()
    said = capsys.readouterr().err.splitlines()

    assert 1 == len(said)
    assert "not signed" in said[0]
    assert "trusted=true" in said[0]
    assert not (RUN / SIGNATURE).exists()
    assert "not signed by you" == fault_of(RUN)


def test_another_key_can_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    write()
    monkeypatch.setenv("COLLOQUY_SIGNING_KEY", "other")

    assert f"{SIGNATURE} is not by your key" == fault_of(RUN)

    sign_stored(RUN)

    assert fault_of(RUN) is None
    assert 0o600 == stat.S_IMODE(Path("other").stat().st_mode)


def test_a_directory_may_be_moved() -> None:
    assert fault_of(write().rename("elsewhere")) is None


@pytest.mark.parametrize("name", SIGNED)
@pytest.mark.parametrize("kind", ["changed", "emptied", "removed", "link", "pipe"])
def test_a_file_that_is_not_what_was_signed_is_named(name: str, kind: str) -> None:
    file = write() / name
    file.rename("kept")
    match kind:
        case "changed":
            file.write_text(Path("kept").read_text() + " ")
        case "emptied":
            file.touch()
        case "link":
            file.symlink_to(Path("kept").resolve())
        case "pipe":
            os.mkfifo(file)

    assert f"run/{name} is not as it was signed" == fault_of(RUN)


@pytest.mark.parametrize("name", SIGNED)
def test_a_file_that_appears_is_named(name: str) -> None:
    write()
    (RUN / name).unlink()
    sign_stored(RUN)
    (RUN / name).touch()

    assert f"run/{name} is not as it was signed" == fault_of(RUN)


@pytest.mark.parametrize(
    "change",
    [
        lambda told: told.update(hmac="0" * 64),
        lambda told: told.update(hmac="\u00e9"),
        lambda told: told.update(hmac=None),
        lambda told: told.update(files={}),
        lambda told: told.update(files=[1]),
        lambda told: told["files"].update({"transcript.json": "x"}),
        lambda told: told["files"]["transcript.json"].append("0" * 64),
        lambda told: told.clear(),
    ],
)
def test_a_signature_cannot_be_made_up(change: object) -> None:
    file = write() / SIGNATURE
    told = json.loads(file.read_bytes())
    change(told)  # type: ignore[operator]
    file.write_text(json.dumps(told))

    assert f"{SIGNATURE} is not by your key" == fault_of(RUN)


@pytest.mark.parametrize("content", [b"", b"[]", b"\xff", b"{" * 100_000])
def test_a_damaged_signature_signs_nothing(content: bytes) -> None:
    (write() / SIGNATURE).write_bytes(content)

    assert f"{SIGNATURE} is not by your key" == fault_of(RUN)


def test_a_crash_between_signature_and_files_leaves_a_valid_directory() -> None:
    write()
    later = {name: f"later {name}".encode() for name in SIGNED}
    sign(RUN, later)
    for name, data in later.items():
        assert fault_of(RUN) is None

        (RUN / name).write_bytes(data)

    assert fault_of(RUN) is None


def test_what_arrives_is_signed_unless_it_was_altered_after_this_user_signed_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLLOQUY_SIGNING_KEY", "of_another_machine")
    write()
    write(Path("ours"))
    monkeypatch.delenv("COLLOQUY_SIGNING_KEY")
    sign_stored(RUN, arrived=True)
    (RUN / "transcript.json").write_text("altered")
    sign_stored(RUN, arrived=True)
    sign_stored(Path("ours"), arrived=True)

    assert "run/transcript.json is not as it was signed" == fault_of(RUN)
    assert fault_of(Path("ours")) is None


def test_a_linked_folder_is_not_written_through() -> None:
    Path("outside").mkdir()
    RUN.mkdir()
    (RUN / "config").symlink_to(Path("outside").resolve())
    sign_stored(RUN)

    assert [] == list(Path("outside").iterdir())
