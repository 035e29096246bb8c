"""Verbatim: quotation marks in an answer only around words that its sources have."""

import re
from typing import Any

from runner.providers.offline.document import Document
from runner.providers.offline.language.wording import INNER_MARK

_QUOTED = re.compile(r'"([^"]*)"')
_WORD = re.compile(r"\w")
_GAP = re.compile(r"\s*…\s*")
_KEPT = frozenset({"quote", "segment", "code"})  # evidence, which grounding checks, and names


def checked(answer: Any, document: Document) -> Any:
    """Return *answer* with every quotation in its strings verbatim, or without its marks.

    A … that leaves words out stands outside the marks. The sources are the lines of *document* and
    the evidence of its findings. Evidence is left as it is.
    """
    evidence = (quote for f in document.findings for _, quote in f.evidence)
    return _checked(answer, "\n".join((*(line.text for line in document.lines), *evidence)))


def _checked(value: Any, sources: str) -> Any:
    if isinstance(value, dict):
        return {k: v if k in _KEPT else _checked(v, sources) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_checked(item, sources) for item in value]
    if isinstance(value, str) and value not in sources:
        marked = _QUOTED.sub(lambda m: _marked(m[1].replace(INNER_MARK, '"'), sources), value)
        return marked.replace(INNER_MARK, '"')
    return value


def _marked(quoted: str, sources: str) -> str:
    """Return the parts of *quoted* in marks if each, between whole words, is in *sources*."""
    parts = [quoted] if quoted in sources else _GAP.split(quoted)
    said = [_WORD.search(p) and re.search(rf"(?<!\w){re.escape(p)}(?!\w)", sources) for p in parts]
    if not any(parts) or not all(found for part, found in zip(parts, said, strict=True) if part):
        return quoted.strip()
    marked = (f"“{part}”" if '"' in part else f'"{part}"' if part else "" for part in parts)
    return " … ".join(marked).strip()
