from __future__ import annotations

from runner.answers.markdown import fields_markdown


def test_what_is_empty_is_left_out_of_an_item_and_named_as_a_section() -> None:
    fields = {"problem": "", "quotes": [{"text": "It fell.", "who": None, "why": ""}]}

    assert fields_markdown(fields) == (
        "## Problem\n\nNone recognised.\n\n## Quotes\n\n- **It fell.**\n  - Who: –"
    )
