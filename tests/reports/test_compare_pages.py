"""The four files of a comparison, and the command that writes them."""

from __future__ import annotations

import csv
import io
import json
import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from helpers.pages import FILTER, POLICY
from helpers.runs_by_hand import make_run, slots

from runner.reports.compare.compare import compare
from runner.reports.compare.plots import PlotBar, PlotPoint, bars, scatter
from runner.reports.compare.spread import spread
from runner.reports.compare.text import as_csv, as_markdown, as_terminal
from runner.reports.compare.write import after_sweep, as_html, main, write_comparison
from runner.reports.report.render import environment


def drawn(plot: dict[str, Any]) -> str:
    words = '{% import "plots.html" as draw %}{{ draw[plot.kind](plot) }}'
    return environment().from_string(words).render(plot=plot)


HOSTILE = "</title><script>alert(1)</script>\"' onload=x <img src=http://evil.example/a> {{7*7}}"
FORMULA = '=HYPERLINK("http://evil.example")'
VOID = {"meta", "link", "br", "img", "input", "hr"}


class Page(HTMLParser):
    """Keeps tags, attributes and text; knows what was left open."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.said = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.said += data


def hostile(folder: Path) -> Path:
    for at, value in enumerate((HOSTILE, FORMULA, "plain")):
        config = {"model.name": value, "model.api_base": f"{at}", f"analyzers.{HOSTILE}": at}
        status = HOSTILE if at else "failed"
        make_run(folder / str(at), config=config, status=status, overrides=(f"model.name={value}",))
    slots(folder / "3", 8, 1.0, config={"model.name": HOSTILE * 9}, grounding_rate=0.5, cost_usd=1)
    slots(folder / "4", 1, 2.0, config={"model.name": HOSTILE * 9})
    return folder


def test_the_page_has_no_script_no_handler_and_no_address_whatever_the_runs_say(
    tmp_path: Path,
) -> None:
    page = Page(as_html(compare([hostile(tmp_path)]), tmp_path))
    names = {tag for tag, _ in page.tags}
    attributes = {name for _, given in page.tags for name in given}

    assert not page.open
    assert not names & {"script", "iframe", "object", "embed", "img", "base", "form", "a"}
    assert not [name for name in attributes if name.startswith("on")]
    assert not attributes & {"src", "srcset", "action", "style", "xlink:href"}
    assert [given["href"] for _, given in page.tags if "href" in given] == ["data:,"]
    assert "{{7*7}}" in page.said
    assert "<script>alert(1)</script>" in page.said


def test_the_pages_policy_allows_nothing_but_its_own_style(tmp_path: Path) -> None:
    text = as_html(compare([hostile(tmp_path)]), tmp_path)
    policy = [g["content"] for t, g in Page(text).tags if t == "meta" and "http-equiv" in g]
    (style,) = re.findall(r"<style>(.*?)</style>", text, re.DOTALL)

    assert policy == [POLICY.replace(f"script-src '{FILTER['script_digest']}'; ", "")]
    assert "url(" not in style
    assert "@import" not in style


def test_every_plot_has_a_title_and_a_description(tmp_path: Path) -> None:
    page = Page(as_html(compare([hostile(tmp_path)]), tmp_path))
    labels = [given["aria-labelledby"] for tag, given in page.tags if tag == "svg"]
    ids = [i for _, given in page.tags if (i := given.get("id")) and not i.startswith("h-")]

    assert len(labels) == 3
    assert len(ids) == len(set(ids))
    assert {part for label in labels if label for part in label.split()} == set(ids)


def test_the_table_of_cells_never_holds_a_formula(tmp_path: Path) -> None:
    rows = list(csv.reader(io.StringIO(as_csv(compare([hostile(tmp_path)])))))

    assert len(rows) == 6
    assert any(f"'{FORMULA}" in row for row in rows)
    assert not [cell for row in rows for cell in row if cell[:1] in "=+@\t\r" and cell]


def test_a_negative_number_stays_a_number_in_the_table(tmp_path: Path) -> None:
    path = slots(tmp_path / "0", 1, 8.0, config={"model.offset": -1})
    slots(tmp_path / "1", 1, 8.0, config={"model.offset": 1})
    benchmark = json.loads((path / "logs/benchmark.json").read_text())
    benchmark["plan"] = {"wall_s": {"error": -0.25}}
    (path / "logs/benchmark.json").write_text(json.dumps(benchmark))
    (first, _) = csv.DictReader(io.StringIO(as_csv(compare([tmp_path]))))

    assert (first["model.offset"], first["plan_error"]) == ("-1", "-0.25")


def test_markdown_shows_hostile_text_as_text(tmp_path: Path) -> None:
    text = as_markdown(compare([hostile(tmp_path)]))

    assert "<script" not in text.replace("\\<", "")
    assert "http://" not in text


def test_the_terminal_gets_no_control_characters(tmp_path: Path) -> None:
    slots(tmp_path / "0", 1, 8.0, config={"model.name": "\x1b[2Jred\u202e"})
    slots(tmp_path / "1", 1, 8.0)

    assert not re.search("[\x00-\x09\x0b-\x1f\u202e]", as_terminal(compare([tmp_path])))


def test_the_json_holds_every_figure_and_what_is_unknown_as_null(tmp_path: Path) -> None:
    slots(tmp_path / "runs/0", 1, 8.0, cost_usd=None)
    slots(tmp_path / "runs/1", 4, 2.0)
    write_comparison(compare([tmp_path / "runs"]), tmp_path / "out")
    told = json.loads((tmp_path / "out/comparison.json").read_text())

    assert [run["cost_usd"] for run in told["runs"]] == [None, 0.01]
    assert [setting["speed_up"] for setting in told["settings"]] == [1.0, 4.0]
    assert told["keys"] == {"processing.max_concurrent": []}
    assert told["pairs"][0]["verdicts"]["wall_s"]["ratio"] == 4.0


def test_four_files_are_written_and_nothing_else(tmp_path: Path) -> None:
    slots(tmp_path / "runs/0", 1, 8.0)
    write_comparison(compare([tmp_path / "runs"]), tmp_path / "out")

    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        f"comparison.{kind}" for kind in ("csv", "html", "json", "md")
    ]


def test_a_comparison_of_nothing_but_missing_jobs_is_still_a_page(tmp_path: Path) -> None:
    (tmp_path / "0").mkdir()
    found = compare([tmp_path])

    assert "missing" in as_terminal(found)
    assert "missing" in as_markdown(found)
    assert "missing" in Page(as_html(found, tmp_path)).said


def test_labels_of_bars_are_wrapped_and_numbers_of_points_never_overlap() -> None:
    label = "model.name=openai/gpt-4o-mini, " * 5
    words = Page(drawn(bars("a", "t", "s", [PlotBar(label, spread([1.0]), None)]))).said
    dots = [PlotPoint(n, "x", 1 + n % 6 / 50, 0.9 + n % 7 / 90, False) for n in range(40)]
    found = re.findall(
        r'class="value" x="([\d.]+)" y="([\d.]+)"', drawn(scatter("b", "t", ("x", "y"), dots))
    )
    places = [(float(x), float(y)) for x, y in found]

    assert words.count("openai/gpt-4o-mini") == 5 * 3  # in the description, the hint and the label
    assert 0 < len(places) < 40
    assert not [
        (a, b) for a in places for b in places if a < b and abs(a[0] - b[0]) < 15
        and abs(a[1] - b[1]) < 12
    ]  # fmt: skip


def test_small_values_have_ticks_without_an_exponent() -> None:
    points = [PlotPoint(1, "x", 2e-5, 1.0, True), PlotPoint(2, "x", 4e-5, 0.9, True)]
    text = drawn(scatter("b", "t", ("x", "y"), points))

    assert ">0.00002<" in text
    assert "e-05<" not in text


def test_plots_survive_zero_and_nothing() -> None:
    rows = [PlotBar("x", spread([0.0]), None), PlotBar("y", None, None)]

    assert Page(drawn(bars("a", "t", "s", rows))).open == []
    assert (
        Page(drawn(scatter("b", "t", ("x", "y"), [PlotPoint(1, "x", 0.0, 0.0, True)]))).open == []
    )


def test_sixty_settings_make_a_page_of_bounded_plots(tmp_path: Path) -> None:
    for count in range(1, 61):
        slots(
            tmp_path / str(count),
            count,
            1.0 + 1 / count,
            config={"model.name": "offline/extractive"},
            grounding_rate=0.5 + count % 2 / 2,
        )
    text = as_html(compare([tmp_path]), tmp_path)

    assert text.count('class="bar"') == 2 * 40
    assert "1,725 further pairs in comparison.json" in text


def test_one_point_is_set_against_nothing(tmp_path: Path) -> None:
    slots(tmp_path / "0", 1, 8.0)
    text = as_html(compare([tmp_path]), tmp_path)

    assert "wall-clock seconds" in text
    assert "against quality" not in text


def links(page: Path) -> list[str]:
    return [given["href"] or "" for tag, given in Page(page.read_text()).tags if tag == "a"]


def test_runs_lead_to_their_reports_where_there_are_any(tmp_path: Path) -> None:
    odd = slots(tmp_path / 'runs/javascript:alert(1)"<b>', 1, 8.0)
    slots(tmp_path / "runs/without", 2, 8.0)
    (odd / "report.html").touch()
    (tmp_path / "index.html").touch()
    write_comparison(compare([tmp_path / "runs"]), tmp_path / "a/b")

    assert links(tmp_path / "a/b/comparison.html") == [
        "./../../runs/javascript%3Aalert%281%29%22%3Cb%3E/report.html"
    ]


def test_a_sweep_s_page_leads_back_to_the_index_that_is_or_will_be_there(tmp_path: Path) -> None:
    sweep = tmp_path / "sweeps/s1"
    slots(sweep / "0", 1, 8.0)
    write_comparison(compare([sweep]), sweep)
    before = links(sweep / "comparison.html")
    (tmp_path / "index.html").touch()
    write_comparison(compare([sweep]), sweep)
    found = links(sweep / "comparison.html")
    (tmp_path / "index.html").unlink()
    after_sweep(sweep)

    assert before == []
    assert found == links(sweep / "comparison.html") == ["./../../index.html"]


def run(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> object:
    monkeypatch.setattr(sys, "argv", ["colloquy-compare", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        main()
    return ended.value.code


def test_the_command_writes_into_the_sweep_and_prints_the_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    slots(tmp_path / "s/0", 1, 8.0)
    slots(tmp_path / "s/1", 2, 8.0)
    (tmp_path / "s/multirun.yaml").touch()
    code = run(monkeypatch, tmp_path / "s")

    assert code == 0
    assert "processing.max_concurrent=2" in capsys.readouterr().out
    assert (tmp_path / "s/comparison.html").is_file()


def test_the_command_puts_other_sets_of_runs_where_it_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = slots(tmp_path / "a", 1, 8.0), slots(tmp_path / "b", 2, 8.0)

    assert run(monkeypatch, one, other) == 0
    assert (tmp_path / "comparison/comparison.md").is_file()
    assert run(monkeypatch, one, f"--out={tmp_path}/there") == 0
    assert (tmp_path / "there/comparison.md").is_file()


@pytest.mark.parametrize("arguments", [[], ["--what"], ["--out"], ["nowhere"]])
def test_misuse_is_one_line_and_exit_code_2(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code = run(monkeypatch, *arguments)
    said = capsys.readouterr().err

    assert (code, said.count("\n")) == (2, 1)
    assert said.startswith("colloquy-compare: ")


def test_a_comparison_that_fails_after_a_sweep_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    after_sweep(tmp_path / "gone")
    slots(tmp_path / "s/0", 1, 8.0)
    (tmp_path / "s/comparison.md").mkdir()
    after_sweep(tmp_path / "s")
    lines = capsys.readouterr().err.splitlines()

    assert len(lines) == 2
    assert all(line.startswith("colloquy: no comparison of ") for line in lines)
    assert lines[1].endswith("; once that is fixed: colloquy-compare s")


@pytest.mark.parametrize(
    ("console", "said"), [("quiet", ""), ("json", '{"event"'), ("plain", "\n")]
)
def test_the_table_is_shown_as_the_sweeps_console_wants(
    console: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    slots(tmp_path / "s/0", 1, 8.0, config={"output.console": console})
    after_sweep(tmp_path / "s")
    told = capsys.readouterr()

    assert told.out == ""
    assert told.err.startswith(said)
    assert bool(told.err) == (console != "quiet")
