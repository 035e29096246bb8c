"""Prompt text: segments and tagged blocks as prompts show them."""

from collections.abc import Callable

from runner.base.text import digest
from runner.transcript.model import Segment

Count = Callable[[str], int]  # the number of tokens of a text

BRACKETS = str.maketrans("<>", "‹›")  # no tag of a prompt can be imitated


def wrap(tag: str, text: str) -> str:
    """Return *text* between tags that it cannot contain: their id is its digest."""
    nonce = digest(text, 12)
    return f'<{tag} id="{nonce}">\n{text.strip()}\n</{tag} id="{nonce}">\n\n'


def segment_line(segment: Segment) -> str:
    """Render a segment as prompts show it: `[S0012 Ann Lee] text`."""
    speaker = f" {segment.speaker.replace(']', ')')}" if segment.speaker else ""
    return f"[{segment.id}{speaker}] {segment.text}"
