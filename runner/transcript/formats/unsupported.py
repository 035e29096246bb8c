"""Text formats that are not supported, and how to convert them."""

import re

from runner.transcript.decode import fault, unsupported
from runner.transcript.formats.markup import xml_root

_HEAD_CHARS = 20_000
TO_TEXT = "convert it to JSON, CSV or text"
_HEADER = r"(?:[A-Z][\w-]{1,40}: .{0,900}\n(?:[ \t]+\S.{0,900}\n){0,20}){0,60}"
_TAG_LINE = re.compile(r"^\s{0,40}</?[A-Za-z][\w:.-]{0,60}(?:\s[^<>]{0,2000})?/?>", re.MULTILINE)
_TAG = re.compile(r"</?[A-Za-z][^<>]{0,2000}>")
_MANY = 0.5


def refuse_other_formats(text: str, source: str) -> None:
    """Raise TranscriptError if *text* begins like an unsupported format."""
    start = text[:_HEAD_CHARS]
    patterns = unsupported()["text"].items()
    shapes = ((shape.replace("HEADER", _HEADER), what) for shape, what in patterns)
    found = (what for shape, what in shapes if re.match(shape, start, re.IGNORECASE))
    if what := next(found, unsupported()["xml"].get(xml_root(text) or "")):
        raise fault(source, f"this is {what}")


def is_other_xml(text: str) -> bool:
    """Return whether *text* is XML with any elements."""
    start = text[:_HEAD_CHARS]
    if xml_root(text) is None:
        return False
    declared = start.lstrip()[:9].lower().startswith(("<?xml", "<!doctype"))
    lines = sum(1 for line in start.split("\n") if line.strip())
    return declared or len(_TAG.findall(start)) >= lines


def refuse_markup(text: str, source: str) -> None:
    """Raise TranscriptError if *text* has more tags than words."""
    start = text[:_HEAD_CHARS]
    lines = [line for line in start.split("\n") if line.strip()]
    rows = [match[0].strip() for match in _TAG_LINE.finditer(start)]
    closed = any(
        row.startswith("</") or f"</{row[1:].split()[0].strip('/>')}" in start for row in rows
    )
    dense = len(_TAG.findall(start)) > max(2, len(_TAG.sub(" ", start).split()))
    if dense or (closed and len(rows) >= max(2, len(lines) * _MANY)):
        raise fault(source, f"this is markup ({start.strip()[:40]} …); {TO_TEXT}")
