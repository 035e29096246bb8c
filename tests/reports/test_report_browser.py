"""The pages in a real browser: what they look like, what they load, where their links lead."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest
from helpers.browser import Page, browsing, executable
from helpers.pages import HOSTILE, batch_by_hand, matrix, record_of
from helpers.runs_by_hand import make_run
from helpers.themes_by_hand import SITES, collection, theme, with_collection

from benchmarks.report import synthetic_run
from runner.reports.compare.compare import compare
from runner.reports.compare.write import write_comparison
from runner.reports.report.write import try_write_report, write_index, write_report

T = TypeVar("T")

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(executable() is None, reason="there is no Chromium here"),
]

# Elements that stick out of the window although nothing around them scrolls.
TOO_WIDE = """[...document.querySelectorAll('body *')].filter(e =>
  e.getBoundingClientRect().right > innerWidth + 1 && !e.closest('.scroll')
  && e.checkVisibility()).map(e => e.tagName + ' ' + e.className).slice(0, 5)"""
OVERFLOW = "document.documentElement.scrollWidth > innerWidth"
BACKGROUND = "getComputedStyle(document.body).backgroundColor"
# The least contrast of text with its background over all text that shows (WCAG 2.2, 1.4.3).
CONTRAST = """(() => {
  const parse = c => c.match(/[\\d.]+/g).map(Number);
  const light = c => { const [r, g, b] = parse(c).map(v => v / 255).map(
    v => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4);
    return .2126 * r + .7152 * g + .0722 * b; };
  const ground = e => { for (; e; e = e.parentElement) { const c =
    getComputedStyle(e).backgroundColor; if ((parse(c)[3] ?? 1) > 0) return c; }
    return 'rgb(255,255,255)'; };
  let least = [99, ''];
  for (const e of document.querySelectorAll('body :not(svg *)')) {
    if (![...e.childNodes].some(n => n.nodeType === 3 && n.data.trim())) continue;
    const a = light(getComputedStyle(e).color), b = light(ground(e));
    const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    if (ratio < least[0]) least = [ratio, e.outerHTML.slice(0, 120)];
  }
  return least; })()"""


def in_browser(tmp_path: Path, visit: Callable[[Page], Awaitable[T]]) -> T:
    """Return what *visit* finds in a tab that complained of nothing and fetched nothing else."""

    async def go() -> T:
        async with browsing(tmp_path / "profile") as page:
            found = await visit(page)
            complaints, requests = page.complaints, page.requests
        assert complaints == []
        assert {request.partition(":")[0] for request in requests} <= {"file", "data"}
        assert not [r for r in requests if r.startswith("file") and ".html" not in r]
        return found

    return asyncio.run(go())


def hostile_run(path: Path) -> Path:
    """Make a run whose model and transcript are out to do harm, with a matrix."""
    synthetic_run(path, 8)
    evidence = [{"segment": "S0003", "quote": HOSTILE, "match": "near", "difference": HOSTILE}]
    insight = {"text": HOSTILE, "confidence": 0.5, "category": HOSTILE, "evidence": evidence}
    unbroken = {"word": "x" * 4000, "rtl": "\u05e9\u05dc\u05d5\u05dd " * 40}
    record_of(path, "analyzer_000", insights=[insight], structured_data={**matrix(), **unbroken})
    file = path / "transcript.json"
    spoken = file.read_text().replace("I say sentence 3 ", json.dumps(HOSTILE)[1:-1])
    file.write_text(spoken)
    (path / "config/overrides.json").write_text(json.dumps(["a=" + "y" * 500]))
    return path


@pytest.fixture
def address(tmp_path: Path) -> str:
    return write_report(hostile_run(tmp_path / "runs" / "r1")).as_uri()


def test_a_hostile_run_renders_in_silence_and_runs_nothing(tmp_path: Path, address: str) -> None:
    async def visit(page: Page) -> Any:
        await page.open(address)
        return await page.value(
            "[document.title, document.scripts.length, document.images.length,"
            " document.querySelectorAll('section').length, document.styleSheets.length]"
        )

    title, *counts = in_browser(tmp_path, visit)

    assert title == "made-up: completed"
    assert counts == [1, 0, 8, 1]


def test_the_filter_shows_the_insights_of_a_speaker_or_with_a_word(
    tmp_path: Path, address: str
) -> None:
    shown = "[...document.querySelectorAll('#findings li[data-label]')].filter(e => "
    shown += "!e.hasAttribute('data-hidden')).length"
    enter = """(() => {{ const e = document.querySelector('.filter [name={0}]');
      e.value = {1}; e.dispatchEvent(new Event('input', {{bubbles: true}}));
      return document.querySelector('.filter output').textContent; }})()"""

    async def visit(page: Page) -> Any:
        await page.open(address)
        found = [await page.value(shown)]
        for name, value in (
            ("words", "'of  insight 0'"),
            ("words", "''"),
            ("speaker", "'Speaker 1'"),
        ):
            found += [await page.value(enter.format(name, value)), await page.value(shown)]
        return found

    every, said, with_word, cleared, again, of_speaker, theirs = in_browser(tmp_path, visit)

    assert 0 < with_word < every == again
    assert 0 < theirs < every
    assert (f"{with_word} of {every} insights", "") == (said, cleared)
    assert f"{theirs} of {every} insights" == of_speaker


def test_the_page_of_a_batch_is_filtered_by_file_speaker_and_analyzer_and_leads_into_its_reports(
    tmp_path: Path,
) -> None:
    batch = batch_by_hand(tmp_path / "b")
    try_write_report(batch)
    choose = """(() => {{ const e = document.querySelector('.filter [name={0}]');
      e.value = '{1}'; e.dispatchEvent(new Event('input', {{bubbles: true}}));
      return document.querySelector('.filter output').textContent; }})()"""
    shown = "[...document.querySelectorAll('.files > li, #actions tr[data-item], #insights li')]"
    shown += ".filter(e => e.checkVisibility()).map(e => e.dataset.file)"

    async def visit(page: Page) -> Any:
        await page.open((batch / "report.html").as_uri())
        found = [await page.value(shown)]
        for name, value in (("file", "b.txt"), ("speaker", "Zoe"), ("file", "a.txt")):
            found += [await page.value(choose.format(name, value)), await page.value(shown)]
        await page.value(choose.format("speaker", ""))
        await page.value(choose.format("analyzer", "analyzer_000"))
        found.append(await page.value(shown))
        quoted = "#actions tr:not([data-hidden]) a[href*='#']"
        await page.open(await page.value(f'document.querySelector("{quoted}").href'))
        return [*found, await page.value("document.querySelector('.spoken :target').id")]

    every, *steps, by_analyzer, place = in_browser(tmp_path, visit)

    assert every == ["a.txt", "b.txt", "b.txt", "a.txt", "b.txt", "a.txt"]
    assert steps == [
        *("7 of 14 items", ["b.txt"] * 3),
        *("0 of 14 items", []),
        *("1 of 14 items", ["a.txt"]),
    ]
    assert by_analyzer == ["a.txt", "a.txt"]
    assert place == "seg-3"


def test_the_page_of_a_collection_fits_any_screen_and_is_filtered_by_an_attribute(
    tmp_path: Path,
) -> None:
    data = collection(themes=[theme("T01", "x" * 300, "ab", "e"), theme("T02", HOSTILE, "efgh")])
    batch = with_collection(batch_by_hand(tmp_path / "b"), data, SITES)
    try_write_report(batch)
    choose = """(() => {{ const e = document.querySelector('.filter [name={0}]');
      e.value = '{1}'; e.dispatchEvent(new Event('input', {{bubbles: true}}));
      return document.querySelector('.filter output').textContent; }})()"""

    async def visit(page: Page) -> Any:
        found = []
        for scheme, width in (("light", 390), ("dark", 1300)):
            await page.prefer(scheme)
            await page.size(width, 844)
            await page.open("about:blank")
            await page.open((batch / "collection/report.html").as_uri())
            await page.value("document.querySelectorAll('details').forEach(d => d.open = true)")
            least = await page.value(CONTRAST)
            found.append((await page.value(OVERFLOW), await page.value(TOO_WIDE), least[0] >= 4.5))
        chosen = await page.value(choose.format("a0", "N"))
        await page.open(await page.value("document.querySelector('#themes blockquote a').href"))
        return found, chosen, await page.value("document.querySelector('.spoken :target').id")

    found, chosen, place = in_browser(tmp_path, visit)

    assert found == [(False, [], True)] * 2
    assert chosen == "2 of 7 quotes"
    assert place == "seg-3"


def test_a_quotes_link_opens_the_transcript_at_the_segment(tmp_path: Path, address: str) -> None:
    async def visit(page: Page) -> Any:
        await page.size(1280, 900)
        await page.open(address)
        closed = await page.value("document.querySelector('#transcript details').open")
        await page.value("document.querySelector('blockquote a[href^=\"#seg-\"]').click()")
        await page.value("new Promise(requestAnimationFrame)")
        target = "document.querySelector('.spoken :target')"
        return [
            closed,
            await page.value("document.querySelector('#transcript details').open"),
            await page.value(f"{target}.id"),
            await page.value(f"Math.abs({target}.getBoundingClientRect().top) < innerHeight"),
            await page.value(f"getComputedStyle({target}).outlineStyle"),
        ]

    assert in_browser(tmp_path, visit) == [False, True, "seg-3", True, "solid"]


def test_nothing_sticks_out_of_the_page_on_a_phone_a_tablet_or_a_desk(
    tmp_path: Path, address: str
) -> None:
    batch = batch_by_hand(tmp_path / "batches/b")
    (batch / "results.jsonl").write_text(
        (batch / "results.jsonl").read_text().replace("the file is empty", "y" * 500)
    )
    try_write_report(batch)
    index = write_index(tmp_path).as_uri()
    widths = (360, 390, 768, 1280)

    async def visit(page: Page) -> Any:
        found = []
        for where in (address, index, (batch / "report.html").as_uri()):
            await page.open(where)
            await page.value("document.querySelectorAll('details').forEach(d => d.open = true)")
            for width in widths:
                await page.size(width, 844)
                found.append((await page.value(OVERFLOW), await page.value(TOO_WIDE)))
        return found

    assert in_browser(tmp_path, visit) == [(False, [])] * 3 * len(widths)


def test_of_every_run_the_index_shows_the_status_on_a_phone_and_all_figures_on_a_desk(
    tmp_path: Path,
) -> None:
    for name in ("20261125T231930Z_a_long_name_of_a_transcript_9ec2d0", "short"):
        synthetic_run(tmp_path / "runs" / name, 4)
    index = write_index(tmp_path).as_uri()

    async def visit(page: Page) -> Any:
        await page.open(index)
        await page.size(390, 844)
        tags = "[...document.querySelectorAll('td .tag')].map(e => e.getBoundingClientRect().right)"
        phone = await page.value(tags)
        await page.size(1200, 900)
        scrolls = (
            "[...document.querySelectorAll('.scroll')].map(e => e.scrollWidth > e.clientWidth)"
        )
        return phone, await page.value(scrolls)

    phone, scrolls = in_browser(tmp_path, visit)

    assert len(phone) == 2
    assert max(phone) < 390
    assert scrolls == [False]


def test_a_comparison_renders_in_silence_and_fits_a_phone_and_a_desk(tmp_path: Path) -> None:
    for number in (0, 1, 2):
        config = {"model.name": HOSTILE * number, "processing.max_concurrent": number + 1}
        run = make_run(tmp_path / "sweeps/s" / str(number), wall_s=3.0 - number, config=config)
        (run / "report.html").touch()
    write_index(tmp_path)
    write_comparison(compare([tmp_path / "sweeps/s"]), tmp_path / "sweeps/s")
    address = (tmp_path / "sweeps/s/comparison.html").as_uri()

    async def visit(page: Page) -> Any:
        found = []
        for scheme, width in (("light", 390), ("dark", 1280)):
            await page.prefer(scheme)
            await page.size(width, 844)
            await page.open("about:blank")
            await page.open(address)
            least = await page.value(CONTRAST)
            found.append((await page.value(OVERFLOW), await page.value(TOO_WIDE), least[0] >= 4.5))
        bar = "document.querySelector('svg .bar').getBoundingClientRect().height > 10"
        links = "[...document.querySelectorAll('a')].map(a => a.getAttribute('href'))"
        return found, await page.value(bar), await page.value(links)

    found, bar, links = in_browser(tmp_path, visit)

    assert found == [(False, [], True)] * 2
    assert bar
    assert links == ["./../../index.html", *(f"./{n}/report.html" for n in range(3))]


def test_light_and_dark_differ_and_every_text_can_be_read_in_both(
    tmp_path: Path, address: str
) -> None:
    async def visit(page: Page) -> Any:
        found = []
        for scheme in ("light", "dark"):
            await page.prefer(scheme)
            await page.open("about:blank")
            await page.open(address)
            await page.value("document.querySelectorAll('details').forEach(d => d.open = true)")
            found.append((await page.value(BACKGROUND), await page.value(CONTRAST)))
        return found

    (light, least), (dark, least_dark) = in_browser(tmp_path, visit)

    assert light == "rgb(246, 247, 249)"
    assert dark == "rgb(20, 23, 27)"
    assert least[0] >= 4.5, least
    assert least_dark[0] >= 4.5, least_dark


def test_on_paper_closed_parts_are_open_and_nothing_is_cut(tmp_path: Path, address: str) -> None:
    paper = tmp_path / "page.pdf"

    async def visit(page: Page) -> Any:
        await page.open(address)
        await page.send("Emulation.setEmulatedMedia", media="print")
        await page.size(718, 1000)
        await page.paper(paper)
        height = "document.querySelector('{}').getBoundingClientRect().height"
        spoken, filter_ = [await page.value(height.format(at)) for at in (".spoken", ".filter")]
        return [spoken > 1000, filter_, await page.value(OVERFLOW)]

    assert in_browser(tmp_path, visit) == [True, 0, False]
    assert paper.read_bytes().startswith(b"%PDF")


def test_eight_hundred_analyzers_open_and_scroll(tmp_path: Path) -> None:
    address = write_report(synthetic_run(tmp_path / "runs" / "many", 800)).as_uri()

    async def visit(page: Page) -> Any:
        await page.size(1280, 900)
        await page.open(f"{address}#node-799")
        return [
            await page.value("document.querySelectorAll('details.node').length"),
            await page.value("document.querySelector(':target').id"),
            await page.value("document.querySelectorAll('svg rect').length > 800"),
            await page.value(OVERFLOW),
        ]

    assert in_browser(tmp_path, visit) == [800, "node-799", True, False]
