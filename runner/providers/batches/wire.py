"""HTTP of batch APIs: single, bounded attempts; every failure is a CallError without keys."""

import io
from collections.abc import AsyncGenerator, Mapping
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import orjson

from runner.base.errors import CallError, one_line
from runner.base.json import mapping, parse_json
from runner.base.secrets import Secrets
from runner.providers.litellm.errors import NOT_FOLLOWED, RefusedError, classify
from runner.providers.litellm.route import ModelRoute
from runner.providers.litellm.session import (
    MAX_BODY_BYTES,
    MAX_ERROR_BYTES,
    network_failure,
    open_session,
)
from runner.providers.request import Exchange

MAX_RESULT_BYTES = 1 << 30  # of a file of results
_CONNECT_S, _READ_S, _UPLOAD_S = 30.0, 60.0, 600.0  # the last two: of silence
_LONGEST = 30  # times such a silence: the limit of an exchange, and of a download
_NOT_OURS = ("content-type", "accept", "accept-encoding", "content-length")
Sent = bytes | aiohttp.FormData | Mapping[str, Any] | None


class Wire:
    """Requests to one API: *base* is its address, *headers* hold the key, *tls* checks the host."""

    def __init__(
        self, base: str, headers: Mapping[str, str], route: ModelRoute, secrets: Secrets, tls: Any
    ) -> None:
        self.base = base.rstrip("/")
        self._safe: dict[str, Any] = {"allow_redirects": False, "ssl": tls}
        self._headers = {k: v for k, v in headers.items() if k.lower() not in _NOT_OURS}
        self._route, self._secrets = route, secrets
        self._session, self._files = open_session(), open_session(whole=False)

    async def close(self) -> None:
        """Close the connections."""
        await self._session.close()
        await self._files.close()

    async def exchange(
        self, method: str, url: str, sent: Sent = None, headers: Mapping[str, str] = {}
    ) -> tuple[Mapping[str, Any], Mapping[str, str]]:
        """Return the object in the response to a request, without keys, and its headers."""
        headers = {**self._headers, **headers}
        read_s = _READ_S if sent is None else _UPLOAD_S
        if isinstance(sent, Mapping):
            headers, sent = {**headers, "Content-Type": "application/json"}, orjson.dumps(sent)
        data = io.BytesIO(sent) if isinstance(sent, bytes) else sent
        timeout, delivered = _timeout(read_s, read_s * _LONGEST), False
        try:
            with Exchange(plain=True).begun() as exchange:
                async with self._session.request(
                    method, url, data=data, headers=headers, timeout=timeout, **self._safe
                ) as reply:
                    raw, delivered = await reply.read(), True
            said = self._secrets.redact_all(parse_json(raw) if raw else {}, shapes=False)
            return mapping(said), exchange.headers
        except Exception as error:  # noqa: BLE001 - libraries raise anything
            raise self._failure(error, url, delivered=delivered) from None

    async def lines(self, url: str) -> AsyncGenerator[bytes]:
        """Yield the lines of the file at *url*, up to MAX_BODY_BYTES of each.

        Raises CallError if it breaks off, and for more than MAX_RESULT_BYTES.
        """
        headers = {**self._headers, "Accept-Encoding": "identity"}
        timeout, received = _timeout(_READ_S, _UPLOAD_S * _LONGEST), None
        try:
            async with self._files.get(
                url, headers=headers, timeout=timeout, **self._safe
            ) as reply:
                await self._check(reply)
                rest, received = bytearray(), 0
                async for chunk in reply.content.iter_any():
                    received += len(chunk)
                    first, *more = chunk.split(b"\n")
                    rest += first[: MAX_BODY_BYTES - len(rest)]  # what is cut cannot be read
                    _bound(received)
                    for part in more:
                        if rest:
                            yield bytes(rest)
                        rest = bytearray(part)
                if rest:
                    yield bytes(rest)
        except (RefusedError, CallError) as error:
            raise self._failure(error, url) from None
        except (aiohttp.ClientError, OSError) as error:
            failed = network_failure(error, urlsplit(url).netloc, received)
            raise self._failure(failed, url) from None

    async def _check(self, reply: aiohttp.ClientResponse) -> None:
        """Raise CallError for an error, a redirect, or an encoded file."""
        if 300 <= reply.status < 400:
            message = f"{reply.url.host} redirects elsewhere ({reply.status}), {NOT_FOLLOWED}"
            raise CallError("bad_request", message, status=reply.status)
        if reply.status != 200:
            body = await reply.content.read(MAX_ERROR_BYTES)
            raise RefusedError(reply.status, reply.headers, body)
        coding = reply.headers.get("Content-Encoding", "identity")
        if coding.lower() != "identity":
            message = f"the results are encoded with {one_line(coding, 20)}, expected no encoding"
            raise CallError("bad_response", message)

    def _failure(self, error: Exception, url: str, *, delivered: bool = False) -> CallError:
        found = classify(error, self._route, self._secrets, delivered=delivered)
        if found.kind == "not_found":
            message = str(found).partition(": ")[2]
            text = f"{self._route.host} has nothing at {urlsplit(url).path}: {message}"
            found.args = (self._secrets.redact(one_line(text)),)
        return found

    def shown(self, text: Any) -> str:
        """Return a provider's text on one line, without keys."""
        return one_line(self._secrets.redact(text if isinstance(text, str) else ""), 300)


def _timeout(silence_s: float, whole_s: float) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(whole_s, sock_connect=_CONNECT_S, sock_read=silence_s)


def _bound(received: int) -> None:
    if received > MAX_RESULT_BYTES:
        message = f"the results have more than {MAX_RESULT_BYTES:,} bytes"
        raise CallError("bad_request", message, billed=True)
