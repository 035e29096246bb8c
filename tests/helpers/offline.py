"""Builders for tests of the offline model: documents, validated answers and their citations."""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from runner.answers.findings import read_findings
from runner.answers.shape import answer_shape
from runner.providers.offline.document import Document, Utterance
from runner.providers.offline.readings import find_reading

EMPTY = Document((), (), (), "")

PUMP = (
    ("Ann Lee", "The cooling pump failed twice last week because the inlet filter was clogged."),
    ("Bo Chen", "I disagree that the filter is the cause of the pump failure."),
    ("Ann Lee", "If the inlet filter stays clogged, then the pump will overheat again."),
    ("Bo Chen", "I suppose we could replace the inlet filter. I'm not sure whether it fits."),
    ("Ann Lee", "Bo, could you please order a spare filter this week?"),
    ("Bo Chen", "I'll order a spare filter tomorrow, if the supplier has one."),
    ("Cy Diaz", "We should run the spare pump at half load until the filter arrives."),
    ("Ann Lee", "Agreed. Who pays for the overtime of the night crew?"),
    ("Cy Diaz", "We'll come back to that. The main pump must never run dry."),
)


def spoken(*said: tuple[str | None, str], question: str = "") -> Document:
    """Return a document of one segment for each (speaker, text), from S0001 on."""
    lines = (Utterance(f"S{n:04d}", who, text) for n, (who, text) in enumerate(said, start=1))
    return replace(EMPTY, lines=tuple(lines), question=question)


def handed_on(text: str) -> Document:
    """Return a document of the findings in *text*, written as in a prompt."""
    findings, missing = read_findings(text)
    return replace(EMPTY, findings=tuple(findings), missing=tuple(missing))


def answer(name: str, document: Document) -> dict[str, Any]:
    """Return the answer of analyzer *name* to *document*, validated by its shape."""
    module = importlib.import_module(f"analyzers.{name}")
    data = json.loads(json.dumps(find_reading(module)(document)))
    shaped = answer_shape(name, module.Fields).model_validate(data)
    dumped: dict[str, Any] = shaped.model_dump(mode="json")
    return dumped


def cited(node: Any) -> Iterator[tuple[str, str]]:
    """Yield each (segment, quote) in an answer or a part of it."""
    if isinstance(node, dict):
        if set(node) == {"segment", "quote"}:
            yield node["segment"], node["quote"]
        for value in node.values():
            yield from cited(value)
    elif isinstance(node, list):
        for value in node:
            yield from cited(value)
