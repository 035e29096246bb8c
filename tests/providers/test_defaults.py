"""Defaults of conf/model: current by litellm's map, and shown in the documentation."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import yaml
from helpers.documentation import ROOT

from runner.config.model_facts import map_entries, map_entry

NAMES = {
    path.stem: str(yaml.safe_load(path.read_text(encoding="utf-8"))["name"])
    for path in ROOT.glob("conf/model/*.yaml")
    if path.stem != "base"
}
_DATED = re.compile(r"20\d{6}|20\d\d-\d\d-\d\d|latest|preview|exp|beta")


def parts(name: str) -> tuple[str, tuple[int, ...], frozenset[str]]:
    """Return a model's maker's word, its version, and its other words: claude, 5.5, sonnet."""
    words = re.findall(r"[a-z]+|\d+(?:\.\d+)*", re.sub(r"\d+[bk]\b|v\d+:\d+", "", name))
    numbers = [int(n) for word in words if word[0].isdigit() for n in word.split(".")]
    letters = [word for word in words if not word[0].isdigit()]
    return (letters or [""])[0], tuple(numbers), frozenset(letters[1:])


def price(entry: Mapping[str, Any]) -> tuple[float, float]:
    return tuple(entry.get(f"{way}_cost_per_token", 0.0) for way in ("input", "output"))


def successors(name: str) -> Iterator[str]:
    """Yield the map's later models of *name*'s provider and maker that cost no more.

    Of a later version only those of the same kind count (a sonnet for a sonnet), unless that
    version has none of this kind, as GPT-6 has no mini.
    """
    entry, bare = map_entry(name) or {}, name.rsplit("/", 1)[-1]
    maker, version, kind = parts(bare)
    later: dict[tuple[int, ...], dict[frozenset[str], list[str]]] = {}
    for other, facts in map_entries().items():
        own = other.rsplit("/", 1)[-1]
        who, which, what = parts(own)
        same = facts.get("litellm_provider") == entry.get("litellm_provider") and who == maker
        chat = facts.get("mode") == "chat" and facts.get("supports_response_schema")
        if same and chat and which > version and not _DATED.search(own):
            later.setdefault(which, {}).setdefault(what, []).append(other)
    for kinds in later.values():
        for other in kinds.get(kind) or [name for names in kinds.values() for name in names]:
            paid = zip(price(map_entries()[other]), price(entry), strict=True)
            enough = map_entries()[other].get("max_input_tokens", 0) >= entry["max_input_tokens"]
            if enough and all(theirs <= ours for theirs, ours in paid):
                yield other


@pytest.mark.parametrize("choice", [c for c, name in NAMES.items() if map_entry(name)])
def test_no_default_has_a_successor_that_costs_no_more(choice: str) -> None:
    assert [] == list(successors(NAMES[choice]))


def test_a_default_that_is_out_of_date_would_be_found() -> None:
    assert "gpt-6-luna" in successors("openai/gpt-5-mini")
    assert "gpt-6-luna" in successors("openai/gpt-5.6-luna")
    assert "claude-sonnet-5-5" in successors("anthropic/claude-sonnet-4-6")
    assert "gemini/gemini-3.8-flash" in successors("gemini/gemini-3.7-flash")


def test_the_table_of_providers_is_the_one_that_conf_and_map_make() -> None:
    spec = importlib.util.spec_from_file_location("made", ROOT / "docs" / "providers.py")
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    text = made.PAGE.read_text(encoding="utf-8")

    assert text == made.page(text)
    assert all(f"| `{choice}` |" in text for choice in NAMES)
