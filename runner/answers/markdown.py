"""Markdown of answers; text from a model is escaped."""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from runner.base.text import to_safe_text

Renderer = Callable[[Mapping[str, Any]], str]

_LABEL = re.compile(r"[a-z]+(_[a-z]+)+")
_MARKUP = re.compile(r"[\\`*_<>\[\]|#~@$^]")
# Addresses that viewers turn into links without markup; entities; Obsidian's comments, highlights
# and fields; template code of site generators.
_LIVE = re.compile(
    r"(?i)(?<=[a-z0-9])(?=://)|(?<=\bwww)(?=\.)|(?=&(?:#|[a-z0-9]{1,32};))"
    r"|(?<=%)(?=%)|(?<==)(?==)|(?<=:)(?=:)|(?<=\{)(?=[{%])"
)
_MAY_BE_LIVE = re.compile(r"://|&|www\.|%%|==|::|\{[{%]")  # in lower case; fast, unlike _LIVE
_BLOCK = re.compile(r"(?:\d{1,9}(?=[.)](?:\s|$))|(?=[-+=](?:[\s=-]|$)))")


def md(value: Any) -> str:
    """Return *value* as inline Markdown that viewers show as plain text.

    No image, link, HTML, formula, comment, name or start of a block; addresses stay readable.
    """
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(md(item) for item in value) or "–"
    text = " ".join(to_safe_text(str(value)).split())
    if _LABEL.fullmatch(text):  # a category or an enumeration's value
        return text.replace("_", " ")
    if _MARKUP.search(text):  # rarely; searching is cheaper than substituting
        text = _MARKUP.sub(r"\\\g<0>", text)
    if _MAY_BE_LIVE.search(text.lower()):
        text = _LIVE.sub(r"\\", text)
    block = _BLOCK.match(text)
    return f"{block[0]}\\{text[block.end() :]}" if block else text


@lru_cache(1024)
def heading(key: str) -> str:
    """Return *key* as a heading: `unmet_needs` becomes `Unmet needs`."""
    return md(key.replace("_", " ").capitalize())


def cite(evidence: Sequence[Mapping[str, str]]) -> str:
    """Return evidence as nested quotes with segment ids and the result of grounding."""
    return "".join(f"\n  > {md(e['quote'])} ({_where(e)})" for e in evidence)


def _where(evidence: Mapping[str, str]) -> str:
    match = evidence.get("match")
    if match == "absent":
        return "not in the transcript"
    near = f", nearly: {md(evidence.get('difference', ''))}" if match == "near" else ""
    return f"{md(evidence['segment'])}{near}"


def answer_markdown(
    name: str,
    answer: Mapping[str, Any],
    render_fields: Renderer | None = None,
    *,
    fields_first: bool = False,
) -> str:
    """Return the page of one answer: insights, then structured data, or the reverse."""
    fields = answer["structured_data"]
    shown = (render_fields or fields_markdown)(fields).strip() if fields else ""
    parts = [shown, _insights(answer)] if fields_first else [_insights(answer), shown]
    return "\n\n".join([f"# {heading(name)}", *filter(None, parts)]) + "\n"


def _insights(answer: Mapping[str, Any]) -> str:
    if not answer["insights"]:  # nothing that they could be about
        return ""
    lines = ["## Insights", ""]
    for number, insight in enumerate(answer["insights"], 1):
        label = f"*{md(insight['category'])}, confidence {insight['confidence']:.2f}*"
        lines.append(f"{number}. {md(insight['text'])} {label}{cite(insight['evidence'])}")
    return "\n".join(lines)


def fields_markdown(fields: Mapping[str, Any]) -> str:
    """Return structured data: a section per key (`text` has no heading), a bullet per item."""
    sections = []
    for key, value in fields.items():
        if isinstance(value, list):
            body = "\n".join(_bullet(item) for item in value) or "None recognised."
        else:
            paragraphs = value.split("\n\n") if isinstance(value, str) else [value]
            body = "\n\n".join(filter(None, map(md, paragraphs))) or "None recognised."
        sections.append(body if key == "text" else f"## {heading(key)}\n\n{body}")
    return "\n\n".join(sections)


def table(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """Return a Markdown table; cells are escaped."""
    lines = ["| " + " | ".join(md(cell) for cell in header) + " |"]
    lines.append("|" + " --- |" * len(header))
    lines += ["| " + " | ".join(md(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines)


def _bullet(item: Any) -> str:
    if not isinstance(item, Mapping):
        return f"- {md(item)}"
    plain = {k: v for k, v in item.items() if not _is_nested(v)}
    first, *rest = plain.items() or [("", "")]
    text = f"- **{md(first[1])}**"
    text += "".join(f"\n  - {heading(key)}: {md(value)}" for key, value in rest if value != "")
    for key, value in item.items():
        if _is_nested(value) and key != "evidence":
            text += f"\n  - {heading(key)}:"
            text += "".join(f"\n    - {_inline(element)}" for element in value)
    return text + (cite(item["evidence"]) if _is_nested(item.get("evidence")) else "")


def _is_nested(value: Any) -> bool:
    return isinstance(value, list) and any(isinstance(element, Mapping) for element in value)


def _inline(element: Mapping[str, Any]) -> str:
    """Return an element of a nested list, its quotes indented below it."""
    shown = {k: v for k, v in element.items() if k != "evidence" and v != ""}
    named = (f"{heading(k).lower()}: {md(v)}" for k, v in shown.items())
    quotes = cite(element["evidence"]) if _is_nested(element.get("evidence")) else ""
    return "; ".join(named) + quotes.replace("\n", "\n    ")
