"""Let one request at a time get from our code onto the wire, in the order they come.

Making a request costs litellm several milliseconds of CPU with pauses in between; four made at
once are all sent when the last is ready. One after the other, the first (the longest expected)
leaves after a quarter of that time, and the last no later than before.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import Any

import aiohttp

from runner.base.errors import CallError
from runner.providers.litellm.errors import NOT_FOLLOWED

MAX_HOLD_S = 0.02  # for clients that send without telling us
MAX_BODY_BYTES = 16 << 20  # a reply of the most characters, with every one of them escaped

Network = Callable[[aiohttp.ClientRequest], Awaitable[aiohttp.ClientResponse]]

# What answers this task's requests in place of the network.
STAND_IN: ContextVar[Network | None] = ContextVar("stand_in", default=None)
_release: ContextVar[Callable[[], None] | None] = ContextVar("release", default=None)


class LaunchGate:
    """One turn at a time; a turn ends when its request is on the wire, or waits for a connection.

    Belongs to one event loop.
    """

    def __init__(self) -> None:
        self._lock = asyncio.Lock()

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for the turn; the block may go on long after its turn has ended."""
        await self._lock.acquire()
        held = True

        def release() -> None:
            nonlocal held
            if held:
                held = False
                self._lock.release()

        token = _release.set(release)
        timer = asyncio.get_running_loop().call_later(MAX_HOLD_S, release)
        try:
            yield
        finally:
            timer.cancel()
            release()
            _release.reset(token)


def open_session() -> aiohttp.ClientSession:
    """Return a session that tells the gate when a request leaves or has to wait.

    Connections are not limited here: slots do that. Redirections are refused here, for litellm
    would follow them with the transcript and, where its header is the provider's own, the key.
    """
    trace = aiohttp.TraceConfig()
    for signal in (
        trace.on_request_headers_sent,
        trace.on_connection_create_start,
        trace.on_connection_queued_start,
    ):
        signal.append(_end_turn)
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0),
        cookie_jar=aiohttp.DummyCookieJar(),
        trace_configs=[trace],
        middlewares=[_refuse_strays],
        trust_env=True,
    )


def open_beside(session: aiohttp.ClientSession) -> aiohttp.ClientSession:
    """Return a session that shares *session*'s connections, and tells the gate nothing.

    Nor does it look a proxy up, which aiohttp does anew, in a thread, for every request.
    """
    return aiohttp.ClientSession(
        connector=session.connector,
        connector_owner=False,
        cookie_jar=aiohttp.DummyCookieJar(),
        middlewares=[_refuse_strays],
    )


async def _end_turn(*_: Any) -> None:
    release = _release.get()
    if release is not None:
        release()


async def _refuse_strays(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """Refuse to be sent elsewhere, and bodies that would fill the memory."""
    stand_in = STAND_IN.get()
    response = await (handler(request) if stand_in is None else stand_in(request))
    status, size = response.status, response.content_length or 0
    if 300 <= status < 400:
        response.close()
        told = f"{request.url.authority} redirects elsewhere ({status}), {NOT_FOLLOWED}"
        raise CallError("bad_request", told, status=status)
    if size > MAX_BODY_BYTES:
        response.close()
        raise too_large(size)
    return response


def too_large(size: int) -> CallError:
    """Return the failure of a reply of *size* bytes, or of more than have been read."""
    limit = f"expected at most {MAX_BODY_BYTES:,}"
    return CallError("bad_response", f"the reply has {size:,} bytes, {limit}", billed=True)
