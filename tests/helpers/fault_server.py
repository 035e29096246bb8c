"""Fault server: HTTP/1.1 on raw sockets, in threads, with the standard library only.

It shares no code with the simulated provider. A *script* gives the steps of each answer, so that
every byte, pause and reset on the wire is the test's own; the server counts what it received and
what it delivered.
"""

from __future__ import annotations

import gzip
import itertools
import json
import select
import socket
import struct
import threading
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from typing import Any

RESET = "reset"  # the connection ends by RST
CLOSE = "close"  # by FIN
LEFT = "left"  # waits until the client has closed its end
Step = bytes | str | threading.Event | Callable[[], object]

_RST = struct.pack("ii", 1, 0)  # SO_LINGER with no time
_LIMIT_S = 60.0  # of any wait, so that no thread outlives a failed test for long


@dataclass(frozen=True)
class Asked:
    """One request: its place among all requests, path, headers in lower case, and body."""

    place: int
    path: str
    headers: Mapping[str, str]
    body: Mapping[str, Any]
    connection: int

    @property
    def wire(self) -> str:
        """`openai`, `anthropic` or `gemini`, by the path."""
        if self.path.endswith("/messages"):
            return "anthropic"
        return "gemini" if "enerateContent" in self.path else "openai"

    @property
    def key(self) -> str:
        """The key that came with the request, in whichever header the wire has for it."""
        found = [self.headers.get(name) for name in ("authorization", "x-api-key")]
        found.append(self.headers.get("x-goog-api-key"))
        return next((key.removeprefix("Bearer ") for key in found if key), "")


Script = Callable[[Asked], Iterable[Step]]


def http(
    body: bytes = b"",
    status: str = "200 OK",
    *headers: str,
    coding: str = "",
    chunk: int = 0,
    length: int | None = None,
    kind: str = "application/json",
) -> bytes:
    """Return a whole response; *chunk* is the size of its chunks, *length* a false length."""
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {kind}", *headers]
    if coding:
        lines.append(f"Content-Encoding: {coding}")
    if chunk:
        lines.append("Transfer-Encoding: chunked")
        body = chunked(body, chunk) + b"0\r\n\r\n"
    else:
        lines.append(f"Content-Length: {len(body) if length is None else length}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def chunked(body: bytes, size: int) -> bytes:
    """Return *body* in chunks of *size* bytes, without the last chunk."""
    parts = (body[at : at + size] for at in range(0, len(body), size))
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts)


def compressed(body: bytes, coding: str) -> bytes:
    """Return *body* as `gzip`, `deflate` (RFC 1950) or `raw` (RFC 1951)."""
    if coding == "gzip":
        return gzip.compress(body, mtime=0)
    made = zlib.compressobj(9, zlib.DEFLATED, 15 if coding == "deflate" else -15)
    return made.compress(body) + made.flush()


@cache
def bomb(size: int, coding: str = "gzip") -> bytes:
    """Return *size* bytes of spaces, compressed, without holding them in memory."""
    made = zlib.compressobj(1, zlib.DEFLATED, 31 if coding == "gzip" else 15, 9, zlib.Z_RLE)
    block = b" " * (1 << 20)
    parts = [made.compress(block) for _ in range(size >> 20)]
    return b"".join([*parts, made.flush()])


def reply(asked: Asked, text: str = '{"x": 1}') -> bytes:
    """Return the body of a good reply on the wire that *asked* came on."""
    if asked.wire == "anthropic":
        body: dict[str, Any] = {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "model": asked.body.get("model", ""),
            "content": [{"type": "text", "text": text}],
            "stop_reason": "end_turn",
            "usage": {"input_tokens": 50, "output_tokens": 20},
        }
    elif asked.wire == "gemini":
        part = {"parts": [{"text": text}], "role": "model"}
        body = {
            "candidates": [{"content": part, "finishReason": "STOP", "index": 0}],
            "usageMetadata": {
                "promptTokenCount": 50,
                "candidatesTokenCount": 20,
                "totalTokenCount": 70,
            },
        }
    else:
        message = {"role": "assistant", "content": text}
        body = {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 1,
            "model": asked.body.get("model", ""),
            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 50, "completion_tokens": 20, "total_tokens": 70},
        }
    return json.dumps(body).encode()


def good(asked: Asked, text: str = '{"x": 1}') -> list[Step]:
    """Return the steps of a good reply."""
    return [http(reply(asked, text))]


def refused_key(asked: Asked) -> list[Step]:
    """Return the steps of the answer to a key that the provider does not know."""
    if asked.wire == "anthropic":
        error: dict[str, Any] = {"type": "authentication_error", "message": "invalid x-api-key"}
        body: dict[str, Any] = {"type": "error", "error": error}
    elif asked.wire == "gemini":
        body = {"error": {"code": 401, "message": "no such key", "status": "UNAUTHENTICATED"}}
    else:
        error = {"message": "Incorrect API key", "code": "invalid_api_key"}
        body = {"error": {**error, "type": "invalid_request_error", "param": None}}
    return [http(json.dumps(body).encode(), "401 Unauthorized", "Connection: close"), LEFT]


@dataclass
class FaultServer:
    """Listens on 127.0.0.1 and ::1, on one port, as a context manager.

    `stop` closes the port and all connections at once, as a crash does; `start` opens the same
    port again. *delivered* counts, by key, the answers with status 200 that were sent whole; it is
    complete after the `with` block, which waits for the threads that count.
    """

    script: Script = good
    asked: list[Asked] = field(default_factory=list)
    delivered: Counter[str] = field(default_factory=Counter)
    sent_bytes: int = 0
    port: int = 0

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._numbers = itertools.count()
        self._listening: list[socket.socket] = []
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []

    @property
    def has_ipv6(self) -> bool:
        return len(self._listening) > 1

    def url(self, host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}"

    def __enter__(self) -> FaultServer:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        for thread in self._threads:
            thread.join(_LIMIT_S)

    def start(self) -> None:
        for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
            opened = socket.socket(family)
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                opened.bind((host, self.port))
            except OSError:
                opened.close()
                if family == socket.AF_INET:
                    raise
                continue  # a machine without IPv6
            opened.listen(256)
            self.port = opened.getsockname()[1]
            self._listening.append(opened)
            self._run(self._accept, opened)

    def stop(self) -> None:
        with self._lock:
            listening, self._listening = self._listening, []
            for opened in self._open:
                with suppress(OSError):
                    opened.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RST)
                    opened.shutdown(socket.SHUT_RDWR)  # its thread closes it
        for one in listening:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)  # wakes `accept`
            one.close()

    def _run(self, target: Callable[[socket.socket], None], opened: socket.socket) -> None:
        thread = threading.Thread(target=target, args=(opened,), daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self, listening: socket.socket) -> None:
        while True:
            try:
                opened, _ = listening.accept()
            except OSError:
                return
            opened.settimeout(_LIMIT_S)
            with self._lock:
                if listening not in self._listening:
                    opened.close()
                    return
                self._open.add(opened)
            self._run(self._serve, opened)

    def _serve(self, opened: socket.socket) -> None:
        number = next(self._numbers)
        try:
            with opened, opened.makefile("rb") as read, suppress(OSError, ValueError):
                while (asked := self._read(opened, read, number)) is not None:
                    if not self._answer(opened, asked):
                        return
        finally:
            with self._lock:
                self._open.discard(opened)

    def _read(self, opened: socket.socket, read: Any, connection: int) -> Asked | None:
        """Return the next request on a connection, None at its end."""
        first = read.readline().decode("latin-1").split()
        if len(first) < 2:
            return None
        lines = iter(lambda: read.readline().decode("latin-1").strip(), "")
        pairs = (line.partition(":") for line in lines)
        headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
        if headers.get("expect") == "100-continue":
            opened.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        raw = read.read(int(headers.get("content-length", 0)))
        body = json.loads(raw) if raw else {}
        with self._lock:
            asked = Asked(len(self.asked), first[1], headers, body, connection)
            self.asked.append(asked)
        return asked

    def _answer(self, opened: socket.socket, asked: Asked) -> bool:
        """Do the steps of one answer; return whether the connection stays open."""
        first = b""
        for step in self.script(asked):
            if isinstance(step, bytes):
                first = first or step
                self._send(opened, step)
            elif isinstance(step, threading.Event):
                _wait(step, opened)
            elif callable(step):
                step()
            elif step == LEFT:
                while opened.recv(1 << 16):
                    pass
            else:
                if step == RESET:
                    opened.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RST)
                return False  # closes it
        if b" 200 " in first.split(b"\r\n", 1)[0]:
            with self._lock:
                self.delivered[asked.key] += 1
        return True

    def _send(self, opened: socket.socket, data: bytes) -> None:
        view = memoryview(data)
        while view:
            sent = opened.send(view[: 1 << 16])
            view = view[sent:]
            with self._lock:
                self.sent_bytes += sent


def _wait(event: threading.Event, opened: socket.socket) -> None:
    """Wait for *event*; raise ConnectionError when the client has left."""
    while not event.wait(0.02):
        readable, _, _ = select.select([opened], [], [], 0)
        if readable and not opened.recv(1, socket.MSG_PEEK):
            raise ConnectionError
