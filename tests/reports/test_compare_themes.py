"""Themes of two settings compared: counts, cost, and how far they group the same segments alike."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from helpers.batches import execute_batch
from helpers.planted import collection, interviews, planted

from runner.reports.compare.compare import compare
from runner.reports.compare.themes import adjusted_rand, figures_of
from runner.reports.compare.write import write_comparison


def test_the_index_is_that_of_hubert_and_arabie() -> None:
    one, other = "aabbbc", "ppqqrr"

    assert adjusted_rand("aabb", "xxyy") == pytest.approx(1.0)
    assert adjusted_rand("abab", "xxyy") == pytest.approx(-0.5)
    assert pytest.approx((2 - 4 * 3 / 15) / ((4 + 3) / 2 - 4 * 3 / 15)) == adjusted_rand(one, other)
    assert None is adjusted_rand("", "") is adjusted_rand("aa", "bb") is adjusted_rand("ab", "cd")


def test_settings_of_a_collection_are_compared_by_their_themes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    plan = ["train", "price", "staff", "wifi"]
    interviews({"ann": plan, "bob": plan, "cem": ["train", "price", "x y z"]})

    def lumping(request: Any) -> str:
        answer = json.loads(planted(request))
        if request.node == "themes":
            (first, second, *rest) = answer["structured_data"]["themes"]
            first["members"] += second["members"]
            answer["structured_data"]["themes"] = [first, *rest]
        return json.dumps(answer)

    for name, answer in (("one", planted), ("two", lumping)):
        made = collection(f"collection.threshold={0.8 if name == 'one' else 0.9}")
        execute_batch(made, answer)
        Path("batch").rename(name)
    comparison = compare([Path("one"), Path("two")])
    write_comparison(comparison, Path("out"))
    (pair,) = comparison.themes
    rows = list(csv.DictReader(Path("out/comparison.csv").read_text().splitlines()))
    page = Path("out/comparison.html").read_text()

    assert (pair.segments, pair.either) == (10, 10)
    assert pytest.approx(adjusted_rand("tttpppssww", "ttttttssww")) == pair.rand
    assert [("4", "3"), ("0.004", "0.004"), ("4", "4")] == [
        tuple(row[name] for row in rows)
        for name in ("themes", "collection_cost_usd", "collection_calls")
    ]
    assert ["0.909090909"] * 2 == [row["grouped"] for row in rows]
    assert pair.rand == json.loads(Path("out/comparison.json").read_text())["themes"][0]["rand"]
    for text in (page, Path("out/comparison.md").read_text()):
        assert "adjusted Rand index" in text
        assert f"{pair.rand:.2f}" in text
    assert {None} == set(figures_of(Path("out")).values())
