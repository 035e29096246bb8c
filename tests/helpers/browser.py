"""A headless Chromium driven over its DevTools protocol, with nothing but aiohttp."""

from __future__ import annotations

import asyncio
import base64
import os
import shutil
import signal
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

NAMES = ("chromium", "chromium-browser", "chromium-headless-shell", "google-chrome")
COMPLAINTS = ("Log.entryAdded", "Runtime.exceptionThrown", "Runtime.consoleAPICalled")


def executable() -> str | None:
    """Return the browser's path, None where there is none."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)


@dataclass
class Page:
    """One tab; *complaints* are all that it logged, violations of its policy included."""

    socket: aiohttp.ClientWebSocketResponse
    complaints: list[Any] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    events: list[str] = field(default_factory=list)
    _last: int = 0

    async def send(self, method: str, **params: Any) -> dict[str, Any]:
        self._last += 1
        number = self._last
        await self.socket.send_json({"id": number, "method": method, "params": params})
        while True:
            message = await self.socket.receive_json(timeout=600)
            if message.get("id") == number:
                assert "error" not in message, message
                return dict(message["result"])
            self._note(message)

    def _note(self, message: dict[str, Any]) -> None:
        method, params = message.get("method", ""), message.get("params", {})
        self.events.append(method)
        refused = method == "Audits.issueAdded" and "Security" in params["issue"]["code"]
        if method in COMPLAINTS or refused:
            self.complaints.append(params)
        elif method == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])

    async def open(self, address: str) -> None:
        """Load *address* and wait until it has loaded; a fragment of it has."""
        self.events.clear()
        done = await self.send("Page.navigate", url=address)
        while "loaderId" in done and "Page.loadEventFired" not in self.events:
            self._note(await self.socket.receive_json(timeout=600))

    async def value(self, expression: str) -> Any:
        """Return what a debugger's expression gives; the page itself runs nothing."""
        done = await self.send("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in done, done
        return done["result"].get("value")

    async def size(self, width: int, height: int) -> None:
        await self.send(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,  # a phone widens its window to what sticks out
        )

    async def prefer(self, scheme: str) -> None:
        feature = {"name": "prefers-color-scheme", "value": scheme}
        await self.send("Emulation.setEmulatedMedia", features=[feature])

    async def picture(self, file: Path, *, whole: bool = False) -> None:
        """Store a screenshot."""
        shot = await self.send("Page.captureScreenshot", captureBeyondViewport=whole)
        file.write_bytes(base64.b64decode(shot["data"]))

    async def paper(self, file: Path) -> None:
        """Store the page as a PDF."""
        printed = await self.send("Page.printToPDF", printBackground=True)
        file.write_bytes(base64.b64decode(printed["data"]))


@asynccontextmanager
async def browsing(profile: Path) -> AsyncIterator[Page]:
    """Start a browser of our own and yield a tab; *profile* is an empty directory."""
    program = executable()
    assert program is not None
    flags = ["--headless=new", "--no-sandbox", "--disable-gpu", "--remote-debugging-port=0"]
    flags += ["--disable-dev-shm-usage", "--no-first-run", "--disable-background-networking"]
    process = subprocess.Popen(
        [program, *flags, f"--user-data-dir={profile}", "about:blank"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,  # what is named may be a script that starts the browser
    )
    try:
        port = await asyncio.to_thread(_port, process)
        async with aiohttp.ClientSession(trust_env=False) as session:
            async with session.get(f"http://127.0.0.1:{port}/json") as reply:
                tabs = await reply.json()
            address = next(t["webSocketDebuggerUrl"] for t in tabs if t["type"] == "page")
            async with session.ws_connect(address, max_msg_size=0) as socket:
                page = Page(socket)
                for domain in ("Page", "Runtime", "Log", "Network", "Audits"):
                    await page.send(f"{domain}.enable")
                yield page
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        await asyncio.to_thread(process.communicate)


def _port(process: subprocess.Popen[str]) -> int:
    """Wait until the browser says where it listens."""
    assert process.stderr is not None
    for line in process.stderr:
        if "DevTools listening on" in line:
            return int(line.rpartition("ws://127.0.0.1:")[2].partition("/")[0])
    raise AssertionError("the browser ended before it listened")
