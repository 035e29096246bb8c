"""What the offline model does not recognise: said as that, never as a fact about the talk."""

from __future__ import annotations

import re
from pkgutil import iter_modules
from types import ModuleType

import pytest
from helpers.offline import spoken

from runner.base.json import strings_in
from runner.providers.offline import readings
from runner.providers.offline.readings import find_reading

CHINESE = spoken(("王", "我们今天讨论预算。"), ("李", "我不同意这个计划, 因为太贵了。"))
HEDGED = spoken(
    ("Ann", "I think we should probably buy the new pump because the old one fails every week."),
    ("Bo", "That depends on the price, which maybe is too high for us this year."),
)
NAMES = [module.name for module in iter_modules(readings.__path__) if module.name != "generic"]


@pytest.mark.parametrize("document", [CHINESE, spoken()], ids=["not English", "empty"])
@pytest.mark.parametrize("name", NAMES)
def test_no_reading_states_the_absence_of_what_it_cannot_see(name: str, document: object) -> None:

    said = str(find_reading(ModuleType(f"analyzers.{name}"))(document))  # type: ignore[arg-type]

    assert not re.search(
        r"nobody|no one|(?<!that )nothing (?:was|is said|patentable is in)"
        r"|no decision is recorded|one view",
        said,
        re.IGNORECASE,
    ), said


@pytest.mark.parametrize("name", NAMES)
def test_a_field_that_no_rule_fills_is_not_recognised_instead_of_none(name: str) -> None:
    answer = find_reading(ModuleType(f"analyzers.{name}"))(HEDGED)

    assert "none" not in {text.casefold() for text in strings_in(answer)}
