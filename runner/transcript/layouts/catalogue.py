"""Catalogue of the layouts: the arrangements of labels, times and text that are known."""

from dataclasses import dataclass
from typing import NamedTuple

from runner.transcript.layouts import openings as shapes
from runner.transcript.layouts.label_reading import Opening
from runner.transcript.layouts.openings import Opens


class OpenedTurn(NamedTuple):
    """A turn: its *opening*, and who speaks, None if unknown."""

    speaker: str | None
    opening: Opening


Turns = dict[int, OpenedTurn]  # by the row that opens the turn


@dataclass(frozen=True, slots=True)
class Layout:
    """One arrangement of labels, times and text.

    *opens* reads the opening of a row. *share* is the least share of the places for turns that its
    openings take. In layouts that are not *plain*, text looks like an opening easily, so that a
    label must recur or be two words. *heads_block*: turns start at a blank line, if the file has
    any. *timed*: every opening has a time. What looks like an opening in a *sure* one, or in one
    with times, is one (speaker unknown if the label is none). In a *marked* one the mark opens
    a turn whoever speaks; a *pair* has two marks and needs both.
    """

    name: str
    opens: Opens
    share: float = 0.0
    plain: bool = True
    heads_block: bool = False
    timed: bool = False
    sure: bool = False
    marked: bool = False
    pair: bool = False


LAYOUTS = (
    Layout("label in the line", shapes.in_line, 0.05),
    Layout(">> and text", shapes.after_chevrons, marked=True),
    Layout("Q and A", shapes.question_or_answer, marked=True, pair=True),
    Layout("label and time above the text", shapes.above_with_time, 0.1, timed=True),
    Layout("time and label above the text", shapes.below_time, 0.1, timed=True),
    Layout("label with a time in the line", shapes.with_time_inside, 0.3, timed=True),
    Layout("angled label", shapes.wrapped("<"), 0.3, sure=True),
    Layout("bracketed label", shapes.wrapped("[【［「"), 0.4, sure=True),
    Layout("label in parentheses", shapes.wrapped("(（"), 0.4),
    Layout("label in bold", shapes.emphasised, 0.4),
    Layout("label, full stop, text", shapes.before_full_stop, 0.2, plain=False),
    Layout("label, dash, text", shapes.dashed, 0.5, plain=False),
    Layout("label and text in columns", shapes.in_columns, 0.5, plain=False),
    Layout("time, call sign, text", shapes.call_sign, 0.6, plain=False, timed=True),
    Layout("label above the text", shapes.above, 0.4, plain=False, heads_block=True),
)
