"""How the offline model finds a reading, and the order of its packages."""

from __future__ import annotations

import ast
from pathlib import Path
from types import ModuleType

import pytest
from helpers.offline import EMPTY, answer, spoken

from analyzers import say_means
from runner.providers.offline.readings import find_reading, generic
from runner.providers.offline.readings import say_means as packaged

ROOT = Path(__file__).resolve().parents[3]
OFFLINE = ROOT / "runner" / "providers" / "offline"
PREFIX = "runner.providers.offline."
ORDER = (
    "document",
    "language",
    "dialogue",
    "argument",
    "synthesis",
    "readings",
    "verbatim",
    "transport",
    "litellm_provider",
)


def imported_parts(path: Path) -> set[str]:
    """Return the parts of the offline provider that a module imports, also inside functions."""
    nodes = [n for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.ImportFrom)]
    modules = [node.module or "" for node in nodes]
    return {m.removeprefix(PREFIX).split(".")[0] for m in modules if m.startswith(PREFIX)}


@pytest.mark.parametrize("path", sorted(OFFLINE.rglob("*.py")), ids=lambda path: path.stem)
def test_a_part_imports_only_itself_and_parts_before_it(path: Path) -> None:
    part = path.relative_to(OFFLINE).parts[0].removesuffix(".py")
    allowed = set() if part == "__init__" else set(ORDER[: ORDER.index(part) + 1])

    assert set() == imported_parts(path) - allowed


def test_analyzers_import_nothing_of_the_offline_provider() -> None:
    found = {p.name: imported_parts(p) for p in (ROOT / "analyzers").glob("*.py")}

    assert {} == {name: parts for name, parts in found.items() if parts}


def test_a_packaged_answer_module_has_the_reading_of_its_name() -> None:
    assert find_reading(say_means) is packaged.read


def test_a_users_module_answers_by_its_own_reading_or_the_generic_one() -> None:
    own, shape_only = ModuleType("colloquy_user_mine"), ModuleType("colloquy_user_say_means")
    own.read = lambda document: {"read": document.question}  # type: ignore[attr-defined]

    assert {"read": ""} == find_reading(own)(EMPTY)
    assert find_reading(shape_only) is generic.read
    assert find_reading(None) is generic.read
    shape_only.Fields = say_means.Fields  # type: ignore[attr-defined]
    with pytest.raises(NotImplementedError, match="needs a function read"):
        find_reading(shape_only)(EMPTY)


def test_plain_words_of_a_short_meeting_are_recognized() -> None:
    said = spoken(
        ("Tom", "I would rather wait until Monday with the payment switch."),
        ("Lena", "I disagree. Marketing has announced Thursday as the day of the switch."),
        ("Priya", "We decide this: the payment switch is on Thursday if the checksums pass."),
        ("Lena", "Fine with me. I'll tell marketing today."),
        ("Priya", "Who pays for the extra month of the old provider?"),
        ("Lena", "Good question. I don't know yet."),
    )
    found = {
        name: answer(name, said)["structured_data"][name]
        for name in ("decisions", "action_items", "disagreements", "open_questions")
    }

    assert [1, 1, 1, 1] == [len(items) for items in found.values()], found
    assert ("Lena", "today") == tuple(found["action_items"][0][key] for key in ("owner", "due"))
