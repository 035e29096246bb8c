"""HTTP session: aiohttp session that reads each reply whole, within limits, for every call.

Its middleware is the only reader of the network, for litellm's provider configurations and for
`acompletion` alike, so that a failure has one kind on both ways.
"""

import asyncio
import socket
import ssl
import zlib
from contextlib import suppress
from urllib.request import getproxies

import aiohttp
import structlog
from aiohttp.base_protocol import BaseProtocol
from aiohttp.connector import AddrInfoType
from aiohttp.http_exceptions import HttpProcessingError
from multidict import CIMultiDict, CIMultiDictProxy

from runner.base.errors import CallError
from runner.providers.litellm.body import REPEATED_REPLY, Readable, readable
from runner.providers.litellm.errors import NOT_FOLLOWED, PROXY_HINT, RefusedError, chain_of
from runner.providers.litellm.stream import EVENTS, FirstToken, has_ended, is_stream, joined
from runner.providers.request import Exchange, current_exchange

MAX_BODY_BYTES = 16 << 20  # of a reply of maximum length with every character escaped, unpacked
MAX_STREAM_BYTES = MAX_BODY_BYTES << 2  # of the same in events, some 300 bytes a token
MAX_ERROR_BYTES = 1 << 18  # of an error, which may repeat a reply; the rest is cut off
KEEP_ALIVE_S = 60
_LINGER_S = 1.0  # for the connection's end, after that of the stream
_RAW_DEFLATE, _GZIP_OR_ZLIB = -zlib.MAX_WBITS, 32 + zlib.MAX_WBITS
_MAX_MEMBERS = 64  # of a gzip body; each one copies the rest of it
_FAILURES = (aiohttp.ClientError, HttpProcessingError, OSError)
# What they mean, the first that fits: the kind, and the message with the host and why.
_MEANINGS: tuple[tuple[type[Exception], str, str], ...] = (
    (ssl.SSLCertVerificationError, "auth", "{host}: certificate verify failed: {why}"),
    (aiohttp.ClientSSLError, "connection", "TLS handshake with {host} failed: {why}"),
    (aiohttp.ClientConnectorDNSError, "connection", "the name of {host} cannot be resolved: {why}"),
    (aiohttp.ClientHttpProxyError, "connection", "the proxy does not connect to {host}: {why}"),
    (aiohttp.ClientProxyConnectionError, "connection", "no connection to the proxy {at}: {why}"),
    (aiohttp.ClientConnectorError, "connection", "no connection to {host}: {why}"),
    (aiohttp.ConnectionTimeoutError, "timeout", "no connection to {host} in time"),
)

_log = structlog.get_logger("httpx")  # whose own log of requests is off


def open_session(*, whole: bool = True) -> aiohttp.ClientSession:
    """Return a session without a connection limit (slots limit calls), cookies and redirects.

    Without *whole*, the caller reads and bounds replies. litellm would send the transcript to the
    target of a redirect, and the key too if it is in a provider-specific header. `trust_env` is set
    only if the environment names a proxy, since aiohttp looks proxies up for every request.
    """
    sent = aiohttp.TraceConfig()
    sent.on_request_headers_sent.append(_sent)
    session = aiohttp.ClientSession(
        auto_decompress=False,
        trace_configs=[sent],
        connector=aiohttp.TCPConnector(limit=0, socket_factory=_kept_alive),
        cookie_jar=aiohttp.DummyCookieJar(),
        middlewares=[_once] if whole else [],
        trust_env=bool(getproxies().keys() - {"no"}),
    )
    # Else a login in ~/.netrc would be sent beside the key, or the request be refused for both.
    session._get_netrc_auth = lambda _: None  # type: ignore[assignment, method-assign]
    return session


def _kept_alive(address: AddrInfoType) -> socket.socket:
    """Return a socket that probes its connection, which gateways drop while a model thinks."""
    made = socket.socket(*address[:3])
    with suppress(OSError):  # calls do without it, where a system refuses an option
        made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name in ("TCP_KEEPIDLE", "TCP_KEEPALIVE", "TCP_KEEPINTVL"):  # the second on macOS
            if hasattr(socket, name):
                made.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), KEEP_ALIVE_S)
    return made


async def _sent(*_: object) -> None:
    current_exchange().send()


async def _once(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """Return the response, or raise the failure that an earlier request of this call had."""
    exchange = current_exchange()
    if exchange.failure is not None:
        raise exchange.failure
    try:
        return await _read_whole(request, handler, exchange)
    except Exception as error:
        exchange.failure = error
        raise


async def _read_whole(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType, exchange: Exchange
) -> aiohttp.ClientResponse:
    """Return a successful response with its body in memory, unpacked and in litellm's form."""
    host = request.url.host_port_subcomponent or ""
    first = FirstToken(exchange.first_token) if exchange.streams else None
    # Compression would delay a stream.
    request.headers["Accept-Encoding"] = "gzip, deflate" if first is None else "identity"
    response, body = await _received(request, handler, host, first)
    status, headers = response.status, CIMultiDict(response.headers)
    coding = headers.pop("Content-Encoding", "")
    _log.info(f'HTTP Request: {request.method} {request.url} "HTTP/1.1 {status} {response.reason}"')
    if 300 <= status < 400:
        message = f"{host} redirects elsewhere ({status}), {NOT_FOLLOWED}"
        raise CallError("bad_request", message, status=status)
    if 200 <= status < 300:
        data = _unpacked(body, coding, max(MAX_BODY_BYTES, len(body)))
    elif REPEATED_REPLY.encode() not in (data := _readable_error(body, coding)):
        raise RefusedError(status, headers, data)
    if status == 202 and not data.strip():  # NVIDIA's, after a minute or more
        message = f"{host} has put the request off (202), and its reply is not fetched"
        raise CallError("timeout", message, status=status, billed=True, slow=True)
    begun = first or FirstToken()
    if not exchange.plain and is_stream(data):  # some servers send nothing else
        if first is None:
            begun.feed(data)
        data, headers["Content-Type"] = _unstreamed(data, host, first), "application/json"
    exchange.arrive()
    meant, data, stopped = Readable(status, data) if exchange.plain else readable(status, data)
    if meant >= 400:
        raise RefusedError(meant, headers, data, begun=begun.seen)
    exchange.headers, exchange.stopped = headers, stopped
    loop = asyncio.get_running_loop()
    response.content = aiohttp.StreamReader(BaseProtocol(loop), MAX_BODY_BYTES, loop=loop)
    response.content.feed_data(data)
    response.content.feed_eof()
    response._headers, response._cache, response.status = CIMultiDictProxy(headers), {}, 200
    return response


def _unstreamed(data: bytes, host: str, first: FirstToken | None) -> bytes:
    """Return the reply in a stream as one body; *first* is None if none was requested."""
    try:
        whole = joined(data)
    except ValueError as error:
        raise CallError("bad_response", str(error), billed=True) from error
    if whole is None:
        message = f"the stream of {host} ended after {len(data):,} bytes, before its reply did"
        raise CallError("connection" if first else "bad_response", message, billed=True)
    return whole


async def _received(
    request: aiohttp.ClientRequest,
    handler: aiohttp.ClientHandlerType,
    host: str,
    first: FirstToken | None,
) -> tuple[aiohttp.ClientResponse, bytes]:
    """Return the response and its body, which *first* reads, too; errors are cut."""
    response, body, ended = None, bytearray(), False
    try:
        response = await handler(request)
        _end_with_connection(response)
        limit = MAX_BODY_BYTES if response.ok else MAX_ERROR_BYTES
        if first is not None and response.ok and response.content_type == EVENTS:
            limit = MAX_STREAM_BYTES
        size = response.content_length or 0 if response.ok else 0
        async with asyncio.timeout(None) as patience:
            async for chunk in response.content.iter_any():
                body += chunk
                if first is not None and response.ok:
                    first.feed(chunk)
                    if not ended and (ended := has_ended(body)):
                        current_exchange().arrive()
                        patience.reschedule(asyncio.get_running_loop().time() + _LINGER_S)
                if (size := max(size, len(body))) > limit:
                    break
    except _FAILURES as error:
        if response is None or (response.ok and not ended):
            raise network_failure(error, host, None if response is None else len(body)) from error
    finally:
        if response is not None and not response.closed:
            response.close()
    if response.ok and size > limit:
        raise _too_large(size, limit)
    return response, bytes(body)


def _end_with_connection(response: aiohttp.ClientResponse) -> None:
    """End the reading of a body with its connection, for which aiohttp (3.14.5) still waits."""
    content, protocol = response.content, response.connection and response.connection.protocol
    if protocol is None:  # the body is complete
        return

    def end(closed: asyncio.Future[None] | None = None) -> None:
        if closed is not None and not closed.cancelled():
            closed.exception()  # or asyncio would log it
        if not content.is_eof() and content.exception() is None:
            content.set_exception(protocol.exception() or aiohttp.ClientPayloadError())

    if protocol.closed is None:
        end()
    else:
        protocol.closed.add_done_callback(end)


def _readable_error(body: bytes, coding: str) -> bytes:
    """Return the body of an error unpacked, empty if that is impossible: its status says enough."""
    with suppress(CallError):
        return _unpacked(body, coding, MAX_ERROR_BYTES)
    return b""


def _unpacked(body: bytes, coding: str, limit: int) -> bytes:
    """Return *body* without its Content-Encoding; raise CallError if it is corrupt or too large.

    Only the requested codings are supported, one at a time. A body that is plain JSON in spite of
    its header is returned as it is.
    """
    coding = coding.strip().lower()
    if coding in ("", "identity") or not body:
        return body
    try:
        return _decompressed(body, coding, limit)
    except ValueError as error:
        if body.lstrip()[:1] in (b"{", b"["):
            return body
        raise CallError("bad_response", str(error), billed=True) from error


def _decompressed(body: bytes, coding: str, limit: int) -> bytes:
    """Return *body*, all members of it if it is gzip; raise ValueError if it is corrupt."""
    if coding not in ("gzip", "x-gzip", "deflate"):
        raise ValueError(f"the reply is encoded with {coding}, expected gzip or deflate")
    raw = coding == "deflate" and body[0] & 0x0F != 8  # RFC 1951 instead of 1950
    data, left, members = b"", body, 0
    while left:
        if (members := members + 1) > _MAX_MEMBERS:
            raise ValueError(f"the reply has more than {_MAX_MEMBERS} members of gzip")
        reader = zlib.decompressobj(_RAW_DEFLATE if raw else _GZIP_OR_ZLIB)
        try:
            data += reader.decompress(left, limit + 1 - len(data))
        except zlib.error as error:
            raise ValueError(f"the reply is not valid {coding}: {error}") from error
        if len(data) > limit:
            raise _too_large(len(data), limit)
        if not reader.eof:
            raise ValueError(f"the reply is truncated {coding}")
        left = reader.unused_data if reader.unused_data.startswith(b"\x1f\x8b") else b""
    return data


def _too_large(size: int, limit: int) -> CallError:
    """Return the failure of a reply with *size* bytes."""
    message = f"the reply has {size:,} bytes or more, expected at most {limit:,}"
    return CallError("bad_response", message, billed=True)


def network_failure(error: Exception, host: str, received: int | None) -> CallError:
    """Return the CallError for a failure between here and *host*.

    *received* is the number of bytes of the reply's body that arrived, None before its headers.
    """
    why = _system_message(error)
    place = f"{getattr(error, 'host', '')}:{getattr(error, 'port', '')}"
    if isinstance(error, aiohttp.ClientHttpProxyError):
        why = f"{error.status} {error.message}"
        if error.status == 407:
            return CallError("auth", f"the proxy does not connect to {host}: {why} ({PROXY_HINT})")
    for known, kind, said in _MEANINGS:
        if isinstance(error, known):
            message = said.format(host=host, why=why, at=place)
            return CallError(kind, message.removesuffix(": "))
    if isinstance(error, TimeoutError):
        return CallError("timeout", f"no answer from {host} in time", billed=True, slow=True)
    kind = "connection"
    if isinstance(error, aiohttp.ClientResponseError | HttpProcessingError):
        detail = str(error.message).partition("\n")[0].rstrip(":")
        kind, message = "bad_response", f"{host} answers, but not in HTTP: {detail}"
    elif received is None:
        message = f"{host} broke the connection off before its reply: {why}"
    else:
        message = f"the reply of {host} broke off after {received:,} bytes: {why}"
    return CallError(kind, message.removesuffix(": "), billed=True)


def _system_message(error: Exception) -> str:
    """Return the operating system's message, which libraries wrap, else the error's own."""
    links = list(chain_of(error))
    certificate = next((e for e in links if isinstance(e, ssl.SSLCertVerificationError)), None)
    if certificate is not None:
        return getattr(certificate, "verify_message", "") or str(certificate)
    causes = [e for e in links if isinstance(e, OSError) and e.args and type(e.args[0]) is int]
    return str(causes[-1]) if causes else ""
