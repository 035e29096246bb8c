"""The command `colloquy-review`: mark findings right or wrong in a browser."""

import asyncio
import getpass
import signal
from contextlib import suppress

from runner.answers.labels import labels_csv
from runner.base.command import Arguments, command
from runner.base.errors import ConfigError
from runner.base.regular_files import user_path
from runner.base.text import print_stderr, to_terminal
from runner.reports.review.cards import MAX_CARDS, MAX_LISTED, cards_of
from runner.reports.review.server import LabelFile, ReviewServer

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
