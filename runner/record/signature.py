"""Signatures of runs and sweeps: an HMAC by this user's key over files that resume trusts."""

import hmac
import os
import secrets
import stat
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from hashlib import sha256
from pathlib import Path

import orjson

from runner.base.errors import ConfigError
from runner.base.files import TEMP, as_json, make_directory, write_bytes, write_if_changed
from runner.base.json import MAX_BYTES, listing, mapping, read_json, section
from runner.base.regular_files import open_regular, read_regular, refuse_links
from runner.base.text import print_stderr, to_terminal

SIGNATURE = "config/signature.json"
# The files that determine what resuming a directory sends, reads and executes.
SIGNED = (
    *("config/composed.yaml", "config/inputs.json", "config/overrides.json"),
    *("config/prompts.json", "config/resolved.yaml", "multirun.yaml", "transcript.json"),
)
KEY_VARIABLE = "COLLOQUY_SIGNING_KEY"  # names the file of another key
_KEY_BYTES = range(32, 4097)
ALTERED = "is not as it was signed"
_KEPT = 2  # digests of a file: that of the last session is valid until all files are replaced


def signing_key() -> bytes | None:
    """Return this user's key, made at first use; None, with one warning, if that fails.

    Raises ConfigError for a key that others can read, and for an invalid one.
    """
    file = _key_file()
    try:
        if not os.path.lexists(file):
            _make_key(file)
        if not stat.S_ISREG(file.lstat().st_mode):
            raise ConfigError(f"the signing key {file} is not a regular file")
        with open_regular(file, MAX_BYTES) as opened:
            mode, key = os.fstat(opened.fileno()).st_mode, opened.read(_KEY_BYTES.stop).strip()
    except OSError as error:
        why = f"no signing key {file}: {error.strerror or error}"
        _warn_once(f"this run is not signed, and resuming it needs trusted=true: {why}")
        return None
    if mode & 0o077:
        raise ConfigError(f"the signing key {file} is open to others: expected mode 600")
    if len(key) not in _KEY_BYTES:
        raise ConfigError(f"the signing key {file} has {len(key)} bytes, expected 32 to 4096")
    return key


def _key_file() -> Path:
    if named := os.environ.get(KEY_VARIABLE):
        return Path(named)
    home = Path(os.environ.get("XDG_CONFIG_HOME", ""))
    home = home if home.is_absolute() else Path(os.path.expanduser("~/.config"))  # noqa: PTH111 - pathlib raises without a home
    return home / "colloquy" / "signing.key"


def _make_key(file: Path) -> None:
    """Make a key; if several processes do so at once, the first one's stays."""
    make_directory(file.parent)
    made = file.with_name(f"{TEMP}{file.name}.{secrets.token_hex(4)}")
    write_bytes(made, f"{secrets.token_hex(32)}\n".encode())
    try:
        os.link(made, file)
    except FileExistsError:
        pass
    except OSError:  # this file system has no hard links
        made.replace(file)
    finally:
        made.unlink(missing_ok=True)


@cache
def _warn_once(line: str) -> None:
    print_stderr(to_terminal(f"colloquy: {line}"))


def sign(folder: Path, files: Mapping[str, bytes]) -> None:
    """Sign *files*, by their path in *folder*, which are about to be written; raise OSError.

    The last session's digests stay valid, since a crash may come between signature and files.
    """
    key = signing_key()
    if key is None:
        return
    before = _signed(folder, key) or {}
    digests = {
        name: list(dict.fromkeys([sha256(data).hexdigest(), *before.get(name, [])]))[:_KEPT]
        for name, data in sorted(files.items())
    }
    write_if_changed(folder / SIGNATURE, as_json({"files": digests, "hmac": _mac(key, digests)}))


def sign_stored(folder: Path, *, arrived: bool = False) -> None:
    """Sign the files in *folder*; if it has *arrived*, only those not signed yet."""
    if arrived and _signed(folder, signing_key()) is not None:
        return
    contents = {name: _content(folder / name) for name in SIGNED}
    with suppress(OSError):  # unsigned, it can still be resumed
        make_directory((folder / SIGNATURE).parent)
        refuse_links((folder / SIGNATURE).parent)
        sign(folder, {name: data for name, data in contents.items() if data is not None})


def fault_of(folder: Path) -> str | None:
    """Return why *folder* does not match this user's signature, None if it does."""
    if (config := (folder / SIGNATURE).parent).is_symlink():
        return f"{config} is a link, expected a directory"
    if not os.path.lexists(folder / SIGNATURE):
        return "not signed by you"
    signed = _signed(folder, signing_key())
    if signed is None:
        return f"{SIGNATURE} is not by your key"
    for name in SIGNED:
        data = _content(folder / name)
        if (None if data is None else sha256(data).hexdigest()) not in signed.get(name, [None]):
            return f"{folder / name} {ALTERED}"
    return None


def _signed(folder: Path, key: bytes | None) -> dict[str, list[str]] | None:
    """Return the digests in the signature, by file; None unless it is by *key*."""
    stored = read_json(folder / SIGNATURE)
    digests = {name: listing(value) for name, value in section(stored, "files").items()}
    stated = str(mapping(stored).get("hmac"))
    if key is None or not hmac.compare_digest(stated.encode(), _mac(key, digests).encode()):
        return None
    return digests


def _mac(key: bytes, digests: Mapping[str, list[str]]) -> str:
    signed = orjson.dumps(digests, option=orjson.OPT_SORT_KEYS)
    return hmac.new(key, b"colloquy run 1\n" + signed, "sha256").hexdigest()


def _content(file: Path) -> bytes | None:
    """Return the content of a regular file, None if nothing is there, b"" for anything else."""
    try:
        return read_regular(file, MAX_BYTES)
    except FileNotFoundError:
        return None
    except OSError:
        return b""
