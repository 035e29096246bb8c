"""Batch endpoint: requests as live calls send them, results read as live replies are."""

import importlib
import json
import re
from abc import abstractmethod
from collections.abc import AsyncGenerator, AsyncIterator, Collection, Iterable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import orjson

from runner.base.errors import CallError
from runner.base.json import check_size, mapping, mappings, parse_json
from runner.base.secrets import secrets_of
from runner.providers.batches.payload import id_in, key_in
from runner.providers.litellm.parameters import Adaptation
from runner.providers.litellm.route import ModelRoute
from runner.providers.litellm.words import WORDS
from runner.providers.request import Request, Result

if TYPE_CHECKING:  # they import aiohttp, which runs without batches do not need
    from runner.providers.batches.wire import Sent, Wire
    from runner.providers.litellm.http import BuiltRequest

State = Literal["waiting", "running", "ended", "expired", "cancelled", "failed"]
OVER: frozenset[State] = frozenset({"ended", "expired", "cancelled", "failed"})
MAX_PAGES = 50  # of a list of batches
PAGE = 100
SKEW_S = 300.0  # by which a provider's clock may be behind
_OVERFULL = re.compile("token_limit_exceeded|enqueued[ _]token", re.IGNORECASE)  # OpenAI, Azure
SERVED = "batches"  # the tier of prices.py
# Its headers, including a schema's beta headers, serve every request.
_PROBE = Request(
    "probe",
    ({"role": "user", "content": "x"},),
    max_tokens=1,
    schema={"type": "object", "properties": {}, "additionalProperties": False},
)


class NotKnownYetError(CallError):
    """Whether a provider has a batch shows only later: this is no failure of it."""


@dataclass(frozen=True, slots=True)
class BatchLimits:
    """Limits on a batch: requests, bytes of its file, seconds until a provider lets it expire."""

    requests: int = 50_000
    bytes: int = 100_000_000
    window_s: float = 86_400.0


@dataclass(frozen=True, slots=True)
class SubmittedBatch:
    """A batch as its provider describes it; times are seconds since 1970, None if unknown.

    *error* is the reason if it failed as a whole, else empty.
    """

    id: str
    state: State
    created_at: float | None = None
    ended_at: float | None = None
    error: str = ""

    @property
    def failure_kind(self) -> str:
        """The kind of failure (see `CallError`) of the requests that it ended without."""
        if self.is_overfull:
            return "throttle"
        code = self.error.partition(": ")[0] if self.state == "failed" else ""
        return "billing" if code in WORDS["codes"]["billing"] else "transient"

    @property
    def is_overfull(self) -> bool:
        """Whether it failed because more tokens were queued than its provider allows."""
        return self.state == "failed" and _OVERFULL.search(self.error) is not None


class BatchEndpoint:
    """One model's batch API; each provider's has its own addresses, states and results.

    Every method makes one attempt and raises CallError if it fails. A request, which is sent as a
    live call would be, is identified by its *key*, at most 64 characters of [A-Za-z0-9_-], which
    its result repeats. A *mark*, of the same characters, is stored with a batch so that a process
    that died after sending finds it again.
    """

    limits = BatchLimits()
    _path = "/chat/completions"  # of a live call
    _batches, _cancel = "/batches", "/cancel"  # of all batches, and behind one to stop it
    _query, _after = "", "after"  # a query of every address, and the name of a list's cursor
    _key, _value, _more = "custom_id", "body", b""  # a line's fields

    def __init__(self, route: ModelRoute) -> None:
        from runner.providers.litellm.transport import LiteLLMTransport

        self.route = replace(route, delivery="batch")  # at batch prices, with `auto` too
        self._transport = LiteLLMTransport(self.route)
        self._sent: dict[str, Adaptation] = {}  # parameters omitted from each request, by key
        self._opened: Wire | None = None

    @property
    def _wire(self) -> "Wire":
        assert self._opened is not None, "call open() first"
        return self._opened

    async def open(self) -> None:
        """Import litellm and open the sessions; raise ConfigError for unsupported routes."""
        from runner.providers.batches.wire import Wire

        await self._transport.open()
        built = self._built(_PROBE)
        secrets = secrets_of(self.route.api_key_env)
        http = importlib.import_module("litellm.llms.custom_httpx.http_handler")
        tls = http.get_ssl_configuration()  # that of live calls
        base = built.url.rpartition(self._path)[0]
        self._opened = Wire(base, built.headers, self.route, secrets, tls)

    async def close(self) -> None:
        """Release connections."""
        await self._transport.close()
        if self._opened is not None:
            await self._opened.close()

    def _built(self, request: Request) -> "BuiltRequest":
        return self._transport.built(request)

    def _url(self, path: str, query: str = "") -> str:
        query = "&".join(filter(None, (self._query, query)))
        return f"{self._wire.base}{path}{'?' if query else ''}{query}"

    async def _ask(
        self, method: str, path: str, sent: "Sent" = None, query: str = ""
    ) -> Mapping[str, Any]:
        return (await self._wire.exchange(method, self._url(path, query), sent))[0]

    def line(self, key: str, request: Request) -> bytes:
        """Return *request* as a line of the batch; its body is that of a live call."""
        body, self._sent[key_in(key)] = self._built(request).body, self._transport.adapted
        return b'{"%b":"%b"%b,"%b":%b}' % (
            *(self._key.encode(), key.encode(), self._more),
            *(self._value.encode(), body.replace(b"\n", b" ")),
        )

    def key_of(self, line: bytes) -> str:
        """Return the key of a result; raise ValueError for a line without one, as if cut."""
        return key_in(_object(line).get(self._key))

    def read(self, line: bytes, request: Request) -> Result:
        """Return the reply in the result of *request*, at batch prices, or its failure."""
        try:
            result = _object(line)
            sent = self._sent.get(key_in(result.get(self._key)), Adaptation())
            status, body = self._reply(result)
            return self._transport.read(request, sent, status, json.dumps(body).encode(), SERVED)
        except CallError as error:
            return error
        except ValueError as error:
            message = f"the result of a request in a batch cannot be read: {error}"
            return CallError("bad_response", message, billed=True)

    @abstractmethod
    async def submit(self, lines: Sequence[bytes], mark: str) -> SubmittedBatch:
        """Send *lines* as one batch."""

    @abstractmethod
    def _reply(self, result: Mapping[str, Any]) -> tuple[int, Any]:
        """Return what a live call would get; raise CallError for a request that was not made."""

    async def status(self, batch: str) -> SubmittedBatch:
        """Return the batch with that id."""
        return self._parse(await self._fetch(batch))

    async def cancel(self, batch: str) -> None:
        """Ask the provider to stop the batch; finished requests are kept and billed."""
        await self._ask("POST", f"{self._batches}/{id_in(batch)}{self._cancel}")

    async def results(self, batch: str) -> AsyncIterator[bytes]:
        """Yield the lines of the results, failed requests included, in any order."""
        for url in self._files(await self._fetch(batch)):
            async for line in self._wire.lines(url):
                yield line

    async def _fetch(self, batch: str) -> Mapping[str, Any]:
        """Return the provider's description of *batch*; raise CallError if it is another one."""
        payload = await self._ask("GET", f"{self._batches}/{id_in(batch)}")
        if (parsed := self._parse(payload)).id != batch:
            other = self._wire.shown(parsed.id)
            raise CallError("bad_response", f"asked for batch {batch}, received {other}")
        return payload

    @abstractmethod
    def _files(self, payload: Mapping[str, Any]) -> Iterable[str]:
        """Return the addresses of the results of the batch that *payload* describes."""

    async def _page(self, cursor: str, since: float) -> tuple[list[Mapping[str, Any]], str]:
        """Return a page of the existing batches, and the cursor of the next, "" for none."""
        query = f"limit={PAGE}" + (f"&{self._after}={cursor}" if cursor else "")
        payload = await self._ask("GET", self._batches, query=query)
        page = mappings(payload.get("data"))
        more = payload.get("has_more") is True and bool(page)
        return page, id_in(payload.get("last_id") or page[-1].get("id")) if more else ""

    @abstractmethod
    def _parse(self, payload: Mapping[str, Any]) -> SubmittedBatch:
        """Return the batch that *payload* describes."""

    def _mark(self, payload: Mapping[str, Any]) -> Any:
        """Return the mark of the batch that *payload* describes, None if none is stored."""
        return None

    async def find(self, mark: str, since: float, keys: Collection[str]) -> SubmittedBatch | None:
        """Return the batch with *mark* that was made after *since* (seconds since 1970), if any.

        Without stored marks (Anthropic), the *keys* of the requests sent identify the batch. Raises
        NotKnownYetError if that is not known yet, so that absence is never assumed.
        """
        async with aclosing(self._since(since)) as pages:
            async for payload, batch in pages:
                if self._mark(payload) == mark:
                    return batch
        return None

    async def _since(
        self, since: float
    ) -> AsyncGenerator[tuple[Mapping[str, Any], SubmittedBatch]]:
        """Yield the batches made after *since*, newest first; raise CallError beyond MAX_PAGES."""
        cursor, since = "", since - SKEW_S
        for _ in range(MAX_PAGES):
            page, cursor = await self._page(cursor, since)
            parsed = [(payload, self._parse(payload)) for payload in page]
            for payload, batch in parsed:
                if batch.created_at is None or batch.created_at >= since:
                    yield payload, batch
            old = [b.created_at is not None and b.created_at < since for _, b in parsed]
            if not cursor or (old and all(old)):
                return
        why = f"{self.route.host} lists more than {MAX_PAGES} pages of batches"
        raise CallError("bad_response", why)


def _object(line: bytes) -> Mapping[str, Any]:
    """Return the object in *line*, which may hold NaN or invalid UTF-8, as a live reply may."""
    try:
        return mapping(parse_json(line))
    except orjson.JSONDecodeError:
        check_size(line)
    try:
        return mapping(json.loads(line.decode(errors="replace")))
    except RecursionError as error:
        raise ValueError("nested too deep") from error
