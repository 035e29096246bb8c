"""No test reaches the network, reads a key or writes outside its own directory."""

from __future__ import annotations

import gc
import os
import shutil
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from helpers import KEY
from hypothesis import HealthCheck, settings

from runner.run.cli.compose import register_resolvers

gc.disable()  # until all tests are imported, of which nothing is garbage

# Every process that a test starts would compile all modules again: 50 s of CPU, and these 20 s.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# Many small files: on a disk, making and removing them takes longer than all else.
_MEMORY = Path("/dev/shm")
if os.access(_MEMORY, os.W_OK) and shutil.disk_usage(_MEMORY).free > 4 << 30:
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(_MEMORY))

SHARED = Path(__file__).resolve().parents[2] / "shared" / "transcripts"
# How fast a machine is decides about nothing; the same examples on every machine.
settings.register_profile(
    "suite",
    deadline=None,
    derandomize=True,
    max_examples=100,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("suite")
LOOPBACK = {"127.0.0.1", "::1", "localhost", None, ""}


def pytest_collection_finish() -> None:
    gc.enable()


@pytest.fixture(scope="session", autouse=True)
def own_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Sign runs with a key of this session; give calls one that opens nothing, and no network."""
    real = socket.getaddrinfo

    def guarded(host: object, *args: object, **kwargs: object) -> object:
        name = host.decode() if isinstance(host, bytes) else host
        if name not in LOOPBACK:
            raise AssertionError(f"a test looked up {name}")
        return real(host, *args, **kwargs)  # type: ignore[arg-type]

    register_resolvers()
    with pytest.MonkeyPatch.context() as patch:
        for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY"):
            patch.delenv(name, raising=False)
        patch.setenv("MY_KEY", KEY)
        patch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.getbasetemp() / "config"))
        patch.setattr(socket, "getaddrinfo", guarded)
        patch.setattr(os, "fsync", lambda _: None)  # which only the death of a machine shows
        yield


@pytest.fixture(autouse=True)
def own_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    yield
    structlog.reset_defaults()  # which commands change for their process


@pytest.fixture(scope="session")
def shared_transcripts() -> Path:
    if not SHARED.is_dir():
        pytest.skip("the shared transcripts are not here")
    return SHARED


@pytest.fixture
def private() -> Iterator[None]:
    """Make files as the program does, so that `verify` finds nothing to say."""
    before = os.umask(0o077)
    yield
    os.umask(before)
