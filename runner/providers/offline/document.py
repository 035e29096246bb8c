"""Document: a prompt parsed into transcript lines, findings and the question."""

import re
from dataclasses import dataclass

from runner.answers.findings import Finding, read_findings

BLOCK = re.compile(r'<(transcript|context) id="([0-9a-f]+)">\n(.*?)\n</\1 id="\2">', re.DOTALL)
_LINE = re.compile(r"^\[(S\d{4,})(?: ([^\]]+))?\] (.*)$")  # [S0012 Ann Lee] text


@dataclass(frozen=True, slots=True)
class Utterance:
    """One transcript segment as printed in the prompt."""

    segment: str
    speaker: str | None
    text: str


@dataclass(frozen=True, slots=True)
class Document:
    """A parsed prompt.

    *lines* are the transcript's segments (empty with only a context), *findings* are earlier
    answers, *missing* names analyzers without one, *question* is the rest, and *excerpts* are the
    segments that a context has.
    """

    lines: tuple[Utterance, ...]
    findings: tuple[Finding, ...]
    missing: tuple[str, ...]
    question: str
    excerpts: tuple[Utterance, ...] = ()


def read_document(prompt: str) -> Document:
    """Parse *prompt*; text outside the blocks is the question."""
    lines: list[Utterance] = []
    findings: list[Finding] = []
    missing: list[str] = []
    excerpts: list[Utterance] = []
    for match in BLOCK.finditer(prompt):
        if match[1] == "transcript":
            lines += _read_lines(match[3])
        else:
            found, absent = read_findings(match[3])
            findings += found
            missing += absent
            excerpts += _read_lines(match[3])
    question = BLOCK.sub("", prompt).strip()
    return Document(tuple(lines), tuple(findings), tuple(missing), question, tuple(excerpts))


def _read_lines(body: str) -> list[Utterance]:
    matches = (_LINE.match(line) for line in body.split("\n"))
    return [Utterance(m[1], m[2], m[3]) for m in matches if m]
