"""Line format of findings: how prompts show the answers of earlier stages.

    # Findings of stage_a
    Not available: premises_assertions (timeout)

    ## say_means
    ### insights
    - (0.82, hedge) Ann doubts the date. {S0012 "I suppose we could"} {S0040 "if it holds"}
    ### gaps
    - speaker: Ann | said: I suppose | meant: doubts the date {S0012 "I suppose we could"}

The context reducer writes this format and the offline model parses it.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from runner.answers.grounding.exact_matches import ABSENT

Citation = tuple[str, str]  # segment id, verbatim quote

_CITATION = re.compile(r' \{(S\d{4,}) "([^{}]*)"\}$')
_CITED = re.compile(  # {S0012 "…"}, [S0012 Ann Lee] …, S0012: …
    r"\s*(?:[\[(](S\d{4,12})\b[^\])\n]*[\])]|\{?(S\d{4,12})\b)\s*[:,–—-]?\s*(\S.*?)\}?\s*",
    re.DOTALL,
)
_INSIGHT = re.compile(r"^\((\d(?:\.\d+)?), ([^)]*)\) (.*)$")
_MISSING = "Not available: "


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of findings."""

    analyzer: str
    key: str  # `insights` or a key of the structured data
    fields: Mapping[str, str]  # `text` of an insight, else the item's fields as text
    confidence: float | None  # 0 to 1, None unless it is an insight
    category: str | None
    evidence: tuple[Citation, ...]

    @property
    def text(self) -> str:
        """The insight's text, or the item's field values joined by semicolons."""
        return "; ".join(value for value in self.fields.values() if value)


def insight_line(insight: Mapping[str, Any]) -> str:
    """Render an insight as one line."""
    category = flat(insight["category"]).replace(")", "")
    head = f"({insight['confidence']:.2f}, {category}) {flat(insight['text'])}"
    return f"- {head}{_citations(insight['evidence'])}"


def item_line(item: Any) -> str:
    """Render one element of a structured key as one line."""
    if not isinstance(item, Mapping):
        return f"- text: {flat(item)}"
    shown = {k: v for k, v in item.items() if k != "evidence" or isinstance(v, str)}
    body = " | ".join(f"{key}: {flat(value)}" for key, value in shown.items())
    evidence = item.get("evidence")
    return f"- {body}{_citations(evidence) if isinstance(evidence, list) else ''}"


def missing_line(missing: Mapping[str, str]) -> str:
    """Render which analyzers have no answer; *missing* maps name to reason."""
    return _MISSING + ", ".join(f"{name} ({flat(why)})" for name, why in missing.items())


def read_findings(text: str) -> tuple[list[Finding], list[str]]:
    """Parse the format; return the findings and the names of missing analyzers."""
    findings: list[Finding] = []
    missing: list[str] = []
    analyzer = key = ""
    for line in text.split("\n"):
        if line.startswith(_MISSING):
            missing += [part.split(" (")[0] for part in line[len(_MISSING) :].split("), ")]
        elif line.startswith("### "):
            key = line[4:].strip()
        elif line.startswith("## "):
            analyzer = line[3:].strip()
        elif line.startswith("- ") and analyzer:
            findings.append(_read_line(line[2:], analyzer, key))
    return findings, missing


def _read_line(body: str, analyzer: str, key: str) -> Finding:
    citations: list[Citation] = []
    while match := _CITATION.search(body):
        citations.insert(0, (match[1], match[2]))
        body = body[: match.start()]
    insight = _INSIGHT.match(body) if key == "insights" else None
    if insight:
        confidence, category, text = insight.groups()
        about = {"text": text}, float(confidence), category.strip()
        return Finding(analyzer, key, *about, tuple(citations))
    pairs = (part.partition(": ") for part in body.split(" | "))
    fields = {name if colon else "text": value if colon else name for name, colon, value in pairs}
    return Finding(analyzer, key, fields, None, None, tuple(citations))


def citation_in(value: Any) -> dict[str, str] | None:
    """Return segment and quote of evidence in one text, as prompts and models write it."""
    found = _CITED.fullmatch(value) if isinstance(value, str) else None
    return found and {"segment": found[1] or found[2], "quote": found[3].strip(' "“”')}


def flat(value: Any) -> str:
    """Return any JSON value on one line, without the characters that delimit the format."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        value = ", ".join(f"{flat(v)}" for k, v in value.items() if k != "evidence" and v != "")
    elif isinstance(value, list):
        value = "; ".join(flat(item) for item in value)
    folded = " ".join(str(value).split())
    return folded.replace(" | ", " / ").replace("{", "(").replace("}", ")")


def _citations(evidence: Sequence[Mapping[str, str]]) -> str:
    """Render evidence without quotes that are absent from the transcript."""
    present = (e for e in evidence if e.get("match") != ABSENT)
    return "".join(f' {{{e["segment"]} "{flat(e["quote"])}"}}' for e in present)
