"""HTTP session: aiohttp session of a model's calls, without redirects and with a size limit."""

import asyncio
from urllib.request import getproxies

import aiohttp
from aiohttp.base_protocol import BaseProtocol

from runner.base.errors import CallError
from runner.providers.litellm.errors import NOT_FOLLOWED

MAX_BODY_BYTES = 16 << 20  # a reply of maximum length with all characters escaped


def open_session() -> aiohttp.ClientSession:
    """Return a session without a connection limit (slots limit calls), cookies and redirects.

    litellm would send the transcript to the target of a redirect, and the key too if it is in a
    provider-specific header. `trust_env` is set only if the environment names a proxy, since
    aiohttp looks proxies up in a thread for every request.
    """
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0),
        cookie_jar=aiohttp.DummyCookieJar(),
        middlewares=[_read_whole],
        trust_env=bool(getproxies()),
    )


async def _read_whole(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """Return the response with its body in memory.

    Raises CallError for a redirect and for a body of more than MAX_BODY_BYTES, of which the
    rest is not read.
    """
    response = await handler(request)
    status, body = response.status, bytearray()
    if 300 <= status < 400:
        response.close()
        message = f"{request.url.authority} redirects elsewhere ({status}), {NOT_FOLLOWED}"
        raise CallError("bad_request", message, status=status)
    async for chunk in response.content.iter_any():
        body += chunk
        size = max(len(body), response.content_length or 0)
        if size > MAX_BODY_BYTES:
            response.close()
            raise _too_large(size)
    loop = asyncio.get_running_loop()
    response.content = aiohttp.StreamReader(BaseProtocol(loop), MAX_BODY_BYTES, loop=loop)
    response.content.feed_data(bytes(body))
    response.content.feed_eof()
    return response


def _too_large(size: int) -> CallError:
    limit = f"expected at most {MAX_BODY_BYTES:,}"
    return CallError("bad_response", f"the reply has {size:,} bytes, {limit}", billed=True)
