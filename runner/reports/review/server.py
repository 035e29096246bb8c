"""Command `colloquy-review`: a page on a loopback address that contains an unguessable token."""

import asyncio
import fcntl
import getpass
import hmac
import os
import secrets
import signal
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import orjson
from aiohttp import web

from runner.answers.labels import LABELS, VERDICTS, FindingLabel, labels_csv, read_labels, short_sha
from runner.base.command import Arguments, command
from runner.base.errors import ColloquyError, ConfigError, reason
from runner.base.files import write_bytes
from runner.base.json import mapping, text
from runner.base.regular_files import kind_of, user_path
from runner.base.text import print_stderr, to_terminal
from runner.base.threads import offload
from runner.reports.report.render import render, script_of
from runner.reports.review.cards import MAX_CARDS, MAX_LISTED, Card, cards_of

USAGE = """\
usage: colloquy-review DIR [--rater NAME] [--port N] [--list]

Serves one page on 127.0.0.1 on which the findings of the run, batch or sweep in DIR are marked
right (r), wrong (w) or unsure (u), with a note (n) and a correction (c), beside their quotes and
the transcript. Every mark is written to DIR/labels.csv at once. Open the address that it prints;
it holds a token. Ctrl-C ends it.

--rater   your name in the labels; by default your login
--port    the port; by default a free one
--list    print the findings as a table to fill in by hand instead

Exit codes: 0 ended, 2 no run or no finding there."""
HOST = "127.0.0.1"
MAX_REQUEST_BYTES = 64 << 10
_SCRIPT = script_of("review.js")
HEADERS = {
    "Content-Security-Policy": (
        f"default-src 'none'; script-src '{_SCRIPT['script_digest']}'; "
        "style-src 'unsafe-inline'; img-src data:; connect-src 'self'; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


@dataclass
class LabelFile:
    """The labels of one directory; *rater* gives new ones.

    The file is read again before each write, under a lock of its folder, so that labels added by
    others stay.
    """

    folder: Path
    rater: str

    @property
    def path(self) -> Path:
        """The file."""
        return self.folder / LABELS

    def labels(self) -> dict[tuple[str, str, str], FindingLabel]:
        """Return all labels by transcript, key and rater; raise ConfigError."""
        found = read_labels(self.path) if kind_of(self.path) or self.path.is_symlink() else []
        return {(each.transcript, each.key, each.rater): each for each in found}

    def own(self, cards: Iterable[Card]) -> dict[str, FindingLabel]:
        """Return the labels of *cards* by this rater, by their ids; raise ConfigError."""
        labels = self.labels()
        return {c.id: label for c in cards for n in self._names(c) if (label := labels.get(n))}

    def _names(self, card: Card) -> tuple[tuple[str, str, str], ...]:
        """Return the names of a label of *card*: without and with its transcript."""
        key, rater = card.item.key, self.rater
        return ("", key, rater), (short_sha(card.sha256), key, rater)

    def put(self, card: Card, details: Mapping[str, str]) -> None:
        """Store a label, or remove it if the verdict is empty; raise ConfigError, OSError."""
        lock = os.open(self.folder, os.O_RDONLY)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            labels = self.labels()
            for name in self._names(card):
                labels.pop(name, None)
            if details["verdict"]:
                labels[name] = card.label(**details, rater=self.rater)
            write_bytes(self.path, labels_csv(labels.values()))
        finally:
            os.close(lock)


class ReviewServer:
    """Serves *cards* and stores their labels in *labels*; an async context manager.

    Only requests to its own address are answered: the token is in the path, Host must be the
    loopback address, and a change must come from the page itself (Origin, and JSON, which no form
    of another page can send).
    """

    def __init__(
        self, cards: Sequence[Card], labels: LabelFile, media: Sequence[Path] = (), port: int = 0
    ) -> None:
        self._cards = {card.id: card for card in cards}
        self._labels, self._media, self.port = labels, media, port
        self.token = secrets.token_urlsafe(24)

    @property
    def url(self) -> str:
        """The address of the page."""
        return f"http://{HOST}:{self.port}/{self.token}/"

    async def __aenter__(self) -> Self:
        """Listen; raise ConfigError if the port cannot be had."""
        app = web.Application(client_max_size=MAX_REQUEST_BYTES, middlewares=[self._guard])
        app.router.add_get("/{token}/", self._page)
        app.router.add_get("/{token}/media/{number}", self._sound)
        app.router.add_post("/{token}/label", self._label)
        self._runner = web.AppRunner(app, access_log=None, handle_signals=False)
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, HOST, self.port).start()
        except OSError as error:
            await self._runner.cleanup()
            raise ConfigError(f"--port={self.port} of {HOST}: {reason(error)}") from error
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    @web.middleware
    async def _guard(
        self,
        request: web.Request,
        handler: Callable[[web.Request], Awaitable[web.StreamResponse]],
    ) -> web.StreamResponse:
        try:
            self._check(request)
            response = await handler(request)
        except web.HTTPException as error:
            response = web.Response(status=error.status, text=f"{error.text}\n")
        response.headers.update(HEADERS)
        return response

    def _check(self, request: web.Request) -> None:
        """Raise HTTPException for a request that is not of the page."""
        hosts = {f"{HOST}:{self.port}", f"localhost:{self.port}"}
        given = "".join(request.path.split("/")[1:2]).encode("utf-8", "replace")
        if request.headers.get("Host") not in hosts:
            raise web.HTTPForbidden(text="wrong host")
        if not hmac.compare_digest(given, self.token.encode()):
            raise web.HTTPNotFound(text="not found")
        origin = request.headers.get("Origin")
        if origin is not None and origin not in {f"http://{host}" for host in hosts}:
            raise web.HTTPForbidden(text="wrong origin")
        is_json = request.content_type == "application/json"
        if request.method == "POST" and (origin is None or not is_json):
            raise web.HTTPForbidden(text="not from the page")

    async def _page(self, _: web.Request) -> web.Response:
        try:
            own = await offload(self._labels.own, self._cards.values())
        except ConfigError as error:
            raise web.HTTPConflict(text=str(error)) from error
        cards = list(self._cards.values())
        several = len({card.title for card in cards}) > 1
        about = {"rater": self._labels.rater, "file": str(self._labels.path), **_SCRIPT}
        facts = {"cards": cards, "own": own, "verdicts": VERDICTS, "several": several, **about}
        page = await offload(lambda: render("review.html", **facts))
        return web.Response(text=page, content_type="text/html")

    async def _sound(self, request: web.Request) -> web.StreamResponse:
        number = request.match_info["number"]
        if not number.isdecimal() or int(number) >= len(self._media):
            raise web.HTTPNotFound(text="not found")
        return web.FileResponse(self._media[int(number)])

    async def _label(self, request: web.Request) -> web.Response:
        body: Mapping[str, Any] = {}
        with suppress(ValueError):
            body = mapping(orjson.loads(await request.read()))
        card = self._cards.get(text(body.get("id")))
        details = {name: body.get(name) for name in ("verdict", "note", "correction")}
        known = details["verdict"] in ("", *VERDICTS)
        if card is None or not known or not all(isinstance(each, str) for each in details.values()):
            raise web.HTTPBadRequest(text="not a label")
        try:
            await offload(self._labels.put, card, details)
        except ColloquyError as error:
            raise web.HTTPConflict(text=str(error)) from error
        except OSError as error:
            why = f"{self._labels.path} cannot be written: {reason(error)}"
            raise web.HTTPInsufficientStorage(text=why) from error
        return web.Response(status=204)


def _review(given: Arguments) -> None:
    if len(given.words) > 1:
        raise ConfigError(f"expected one directory; {USAGE.splitlines()[0]}")
    folder = user_path(given.words[0])
    rater = to_terminal(given.options.get("--rater") or _login(), 60)
    labels = LabelFile(folder, rater)
    known = labels.labels()
    limit = MAX_LISTED if "--list" in given.options else MAX_CARDS
    marked = {key for _, key, who in known if who == rater}
    cards, media = cards_of(folder, limit, marked)
    if not cards:
        raise ConfigError(f"{folder}: there is no finding to review")
    if len(cards) == limit:
        print_stderr(f"colloquy-review: {limit:,} findings are shown, unmarked ones first")
    if "--list" in given.options:
        own = labels.own(cards)
        empty = [card.label("", rater=rater) for card in cards if card.id not in own]
        print(labels_csv([*known.values(), *empty]).decode(), end="")
        return
    port = given.options.get("--port", "0")
    if not port.isdecimal() or int(port) > 65535:
        raise ConfigError(f"--port={port}: expected a number from 0 to 65535")
    with suppress(KeyboardInterrupt):
        asyncio.run(_serve(ReviewServer(cards, labels, media, int(port))))


def _login() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # no entry for this user
        return "me"


async def _serve(made: ReviewServer) -> None:
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    async with made as server:
        print(to_terminal(f"review={server.url}"), flush=True)
        await ended.wait()


main = command("colloquy-review", USAGE, _review, flags=("--list",), options=("--rater", "--port"))
