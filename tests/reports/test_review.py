"""The review page: who may ask it, what it stores, and that marks survive."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from helpers.browser import browsing, executable
from helpers.pages import HOSTILE, record_of

from benchmarks.report import synthetic_run
from runner.answers.labels import read_labels
from runner.base.errors import ConfigError
from runner.reports.review.cards import Card, cards_of
from runner.reports.review.server import LabelFile, ReviewServer


@pytest.fixture
def run(tmp_path: Path) -> Path:
    path = synthetic_run(tmp_path / "runs" / "one", 2)
    insight = {"text": HOSTILE, "confidence": 0.5, "category": "x", "evidence": []}
    name = next(path.glob("intermediate/*/*.json")).stem
    record_of(path, name, insights=[insight])
    return path


Ask = Callable[..., Awaitable[tuple[int, str, Any]]]


def served(run: Path, script: Callable[[ReviewServer, list[Card], Ask], Awaitable[None]]) -> None:
    """Serve the findings of *run* to *script*, which asks by method, address and headers."""

    async def main() -> None:
        cards, media = cards_of(run)
        async with (
            ReviewServer(cards, LabelFile(run, "ann"), media) as server,
            aiohttp.ClientSession(trust_env=False) as session,
        ):

            async def ask(method: str, address: str, **more: Any) -> tuple[int, str, Any]:
                async with session.request(method, address, **more) as reply:
                    return reply.status, await reply.text(), reply.headers

            await script(server, cards, ask)

    asyncio.run(main())


def body(card: Card, verdict: str = "right", **more: str) -> dict[str, str]:
    return {"id": card.id, "verdict": verdict, "note": "", "correction": "", **more}


def test_only_the_page_itself_is_answered(run: Path) -> None:
    async def script(server: ReviewServer, cards: list[Card], ask: Ask) -> None:
        root, label = f"http://127.0.0.1:{server.port}", f"{server.url}label"
        own = {"Origin": root}
        said = body(cards[0])
        asked = [
            ("GET", f"{root}/", {}, 404),
            ("GET", f"{root}/{'x' * len(server.token)}/", {}, 404),
            ("GET", f"{root}/é/", {}, 404),
            ("GET", server.url, {"headers": {"Host": "evil.example"}}, 403),
            ("GET", server.url, {"headers": {"Origin": "http://evil.example"}}, 403),
            ("GET", f"{server.url}media/0", {}, 404),
            ("GET", f"{server.url}../../etc/passwd", {}, 404),
            ("PUT", label, {"json": said, "headers": own}, 405),
            ("POST", label, {"json": said}, 403),
            ("POST", label, {"json": said, "headers": {"Origin": "null"}}, 403),
            ("POST", label, {"data": "{}", "headers": own}, 403),
            ("POST", label, {"json": [], "headers": own}, 400),
            ("POST", label, {"json": {**said, "verdict": "yes"}, "headers": own}, 400),
            ("POST", label, {"json": {**said, "id": "other"}, "headers": own}, 400),
            ("POST", label, {"json": {**said, "note": 3}, "headers": own}, 400),
            ("POST", label, {"json": {**said, "note": "x" * 70_000}, "headers": own}, 413),
        ]
        for method, address, more, status in asked:
            got, _, headers = await ask(method, address, **more)

            assert (method, address, status) == (method, address, got)
            assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert not (run / "labels.csv").exists()

    served(run, script)


def test_marks_are_stored_at_once_and_stay(run: Path) -> None:
    async def script(server: ReviewServer, cards: list[Card], ask: Ask) -> None:
        own = {"Origin": f"http://127.0.0.1:{server.port}"}

        async def put(card: Card, verdict: str, **more: str) -> int:
            said = body(card, verdict, **more)
            return (await ask("POST", f"{server.url}label", json=said, headers=own))[0]

        assert [204, 204, 204] == [await put(c, "wrong", note="=no") for c in cards[:3]]
        by_hand = b"bk,right,,,bo,,,,\r\n"
        with (run / "labels.csv").open("ab") as file:
            file.write(by_hand)
        assert [204, 204] == [await put(cards[0], ""), await put(cards[1], "right")]
        found = {(e.key, e.rater): (e.verdict, e.note) for e in read_labels(run / "labels.csv")}

        assert found == {
            (cards[2].item.key, "ann"): ("wrong", "=no"),
            ("bk", "bo"): ("right", ""),
            (cards[1].item.key, "ann"): ("right", ""),
        }
        assert (run / "labels.csv").stat().st_mode & 0o077 == 0
        (run / "labels.csv").write_text("key,verdict\nx,maybe\n")
        assert await put(cards[0], "right") == 409
        assert "maybe" in (run / "labels.csv").read_text()

    served(run, script)


def test_two_people_who_mark_at_once_and_a_table_by_hand_lose_nothing(run: Path) -> None:
    cards, _ = cards_of(run)
    (run / "labels.csv").write_text(f"key,verdict,rater\n{cards[0].item.key},wrong,ann\n")
    files = [LabelFile(run, rater) for rater in ("ann", "bo")]
    assert "wrong" == files[0].own(cards)[cards[0].id].verdict

    told = {"verdict": "right", "note": "", "correction": ""}
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda pair: pair[1].put(pair[0], told), product(cards, files)))
    found = read_labels(run / "labels.csv")

    assert {(c.item.key, who) for c in cards for who in ("ann", "bo")} == {
        (each.key, each.rater) for each in found
    }
    assert {"right"} == {each.verdict for each in found}


def test_a_page_has_the_findings_without_a_mark_where_there_are_too_many(run: Path) -> None:
    cards, _ = cards_of(run)
    shown, _ = cards_of(run, 2, {card.item.key for card in cards[:-1]})

    assert [cards[-2].id, cards[-1].id] == [card.id for card in shown]


def test_findings_of_several_runs_are_mixed_for_the_first_marks_to_fall_on_all(run: Path) -> None:
    for at in range(3):
        other = synthetic_run(run.parent / f"more{at}", 2)
        name = next(other.glob("intermediate/*/*.json")).stem
        words = [f"{word} {at}" for word in ("one", "two", "three", "four")]
        record_of(other, name, insights=[{"text": text, "evidence": []} for text in words])
    keys = [card.item.key for card in cards_of(run.parent)[0]]

    assert len(keys) > 12
    assert sorted(keys) == keys


def test_untrusted_text_is_shown_as_text(run: Path) -> None:
    async def script(server: ReviewServer, cards: list[Card], ask: Ask) -> None:
        _, page, _ = await ask("GET", server.url)

        assert page.count("<script>") == 1
        assert "<img src=x" not in page
        assert "&lt;script&gt;alert(1)" in page
        assert not any(ord(char) in (0x1B, 0x202E) for char in page)

    served(run, script)


def test_local_media_is_served_and_nothing_else_that_a_run_names(run: Path, tmp_path: Path) -> None:
    def media(name: str) -> list[Path]:
        (tmp_path / name).write_bytes(b"sound")
        file = run / "config/resolved.yaml"
        file.write_text(f"transcript: {{media: '{tmp_path / name}'}}\n")
        return cards_of(run)[1]

    assert [] == media("id_rsa")
    assert [] == media("page.html")
    assert [tmp_path / "talk.mp3"] == media("talk.mp3")


def test_a_folder_without_a_run_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no run"):
        cards_of(tmp_path)


@pytest.mark.browser
@pytest.mark.skipif(executable() is None, reason="there is no Chromium")
@pytest.mark.parametrize("width", [1300, 390])
def test_a_person_marks_findings_with_the_keyboard_alone(
    run: Path, tmp_path: Path, width: int
) -> None:
    async def script(server: ReviewServer, cards: list[Card], ask: Ask) -> None:
        async with browsing(tmp_path / "profile") as page:

            async def press(key: str, text: str = "") -> None:
                for kind in ("keyDown", "keyUp"):
                    typed = text or key
                    more = {"text": typed} if kind == "keyDown" and len(typed) == 1 else {}
                    await page.send("Input.dispatchKeyEvent", type=kind, key=key, **more)

            await page.size(width, 800)
            await page.open(server.url)
            for key in "rwn":
                await press(key)
            await page.send("Input.insertText", text="who? r w u")
            await press("Enter", "\r")
            await page.send(
                "Runtime.evaluate", expression="window.reviewSaved()", awaitPromise=True
            )
            found = {(e.key, e.verdict, e.note) for e in read_labels(run / "labels.csv")}

            assert found == {
                (cards[0].item.key, "right", ""),
                (cards[1].item.key, "wrong", ""),
                (cards[2].item.key, "unsure", "who? r w u"),
            }
            assert await page.value("document.getElementById('count').textContent") == "3"
            assert await page.value("document.documentElement.scrollWidth") <= width
            assert page.complaints == []
            await page.open(server.url)
            assert await page.value("document.querySelector('[data-current]').dataset.id") == (
                cards[3].id
            )
            await page.value("document.querySelector('[data-current] .said').focus()")
            await press("ArrowDown", "")
            assert await page.value("document.querySelector('[data-current]').dataset.id") == (
                cards[3].id
            )
            await server.__aexit__()
            await press("r")
            await page.send(
                "Runtime.evaluate", expression="window.reviewSaved()", awaitPromise=True
            )
            assert await page.value("document.getElementById('status').textContent") == (
                "Not saved: colloquy-review has ended"
            )

    served(run, script)


@pytest.mark.browser
@pytest.mark.skipif(executable() is None, reason="there is no Chromium")
def test_a_click_on_unsure_after_typing_a_note_keeps_both(run: Path, tmp_path: Path) -> None:
    async def script(server: ReviewServer, cards: list[Card], ask: Ask) -> None:
        async with browsing(tmp_path / "profile") as page:

            async def click(selector: str) -> None:
                box = f"document.querySelector('{selector}').getBoundingClientRect()"
                place = {side: await page.value(f"{box}.{side} + 5") for side in ("x", "y")}
                for kind in ("mousePressed", "mouseReleased"):
                    more = {"button": "left", "clickCount": 1, **place}
                    await page.send("Input.dispatchMouseEvent", type=kind, **more)
                await page.send(
                    "Runtime.evaluate", expression="window.reviewSaved()", awaitPromise=True
                )

            await page.size(1300, 800)
            await page.open(server.url)
            await click("[name=note]")
            await page.send("Input.insertText", text="who?")
            await click("[data-mark=unsure]")

            stored = [(e.key, e.verdict, e.note) for e in read_labels(run / "labels.csv")]
            assert stored == [(cards[0].item.key, "unsure", "who?")]
            await page.value("document.querySelector('.card').scrollIntoView()")
            await click("[data-mark=unsure]")
            assert read_labels(run / "labels.csv") == []

    served(run, script)


def test_a_card_names_the_fields_of_an_item(run: Path) -> None:
    name = next(run.glob("intermediate/*/*.json")).stem
    item = {"what": "Mend the pump", "owner": "Bo", "due_date": None, "evidence": []}
    record_of(run, name, insights=[], structured_data={"action_items": [item, {"what": "Wait"}]})
    cards, _ = cards_of(run)

    assert {"Mend the pump; owner: Bo", "Wait"} <= {card.words for card in cards}
    assert {"Mend the pump; Bo", "Wait"} <= {card.item.text for card in cards}
