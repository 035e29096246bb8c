"""Cited words: the quotes of earlier findings, each once, with speaker, analyzers and weight."""

import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from runner.answers.findings import Citation, Finding
from runner.providers.offline.dialogue.insights import cite, not_recognised, said, says
from runner.providers.offline.document import Document
from runner.providers.offline.language.cues import has
from runner.providers.offline.language.fragments import is_statement, roughness
from runner.providers.offline.language.ranking import centrality, diverse, term_weights
from runner.providers.offline.language.sentences import Sentence, content_words
from runner.providers.offline.language.wording import capital, insight_of, listed

_LABEL = re.compile(r"^([^:;,!?\"]{1,40}): (?=\S)")


@dataclass(frozen=True, slots=True, eq=False)
class Cited:
    """One quote: *sentence* holds it, *findings* cite it, *score* is 0 to 1.

    The score joins its centrality among all quotes (TextRank), the number of analyzers that cite
    it and how whole it is.
    """

    sentence: Sentence
    findings: tuple[Finding, ...]
    score: float

    @property
    def sources(self) -> list[str]:
        """The analyzers that cite it, each once."""
        return list(dict.fromkeys(f.analyzer for f in self.findings))

    @property
    def said(self) -> str:
        """The speaker and the words."""
        return said(self.sentence, 200)

    def says(self, does: str = "") -> str:
        """Return the same as a sentence, with what the speaker *does*."""
        return says(self.sentence, 200, does=does)

    @property
    def evidence(self) -> list[dict[str, str]]:
        """The quote as evidence."""
        return cite(self.sentence)

    @property
    def is_stated(self) -> bool:
        """Whether it states something: no question, no doubt, no talk about the talk."""
        text = self.sentence.text
        return is_statement(text) and not ("whether" in text.lower() or has("unsure", text))

    def under(self, *keys: str) -> list[Finding]:
        """Return the findings of *keys* that cite it."""
        return [f for f in self.findings if f.key in keys]


def cited_in(document: Document) -> list[Cited]:
    """Return the quotes of all findings, best first; one inside another of its segment is left."""
    holders: defaultdict[Citation, list[Finding]] = defaultdict(list)
    for finding in document.findings:
        for citation in finding.evidence:
            holders[citation].append(finding)
    speakers = speakers_in(document)
    kept = [c for c in holders if not any(_inside(c, other) for other in holders)]
    said = [
        Sentence(quote, segment, speakers.get(segment), n)
        for n, (segment, quote) in enumerate(sorted(kept, key=lambda c: int(c[0][1:])))
    ]
    central = centrality(said, term_weights(said))
    found = []
    for s, middle in zip(said, central, strict=True):
        by = holders[s.segment, s.text]
        several = min(1.0, (len({f.analyzer for f in by}) - 1) / 3)
        score = 0.5 * middle + 0.4 * several + 0.1 - roughness(s.text)
        found.append(Cited(s, tuple(by), min(0.95, max(0.05, score))))
    return sorted(found, key=lambda c: -c.score)


def _inside(inner: Citation, outer: Citation) -> bool:
    return inner[0] == outer[0] and inner[1] != outer[1] and inner[1] in outer[1]


def speakers_in(document: Document) -> dict[str, str]:
    """Return the speaker of each segment as far as the transcript or the findings say it.

    A finding says it where it names one speaker and cites one segment, or one for each segment.
    """
    known: dict[str, str] = {}
    for finding in document.findings:
        fields, segments = finding.fields, [segment for segment, _ in finding.evidence]
        names = [fields.get("speaker") or fields.get("holder") or ""]
        if finding.key in ("tensions", "shared_ground"):
            names = (fields.get("between") or fields.get("holders") or "").split("; ")
        if finding.key == "contradictions":
            heads = [_LABEL.match(fields.get(side, "")) for side in ("first", "second")]
            names = [head[1] if head else "" for head in heads]
        if len(names) == len(segments) or len(set(segments)) == 1 == len(names):
            for segment, name in zip(segments, names, strict=False):
                if name and name != "none":
                    known.setdefault(segment, name)
    read = (*document.excerpts, *document.lines)
    return known | {line.segment: line.speaker for line in read if line.speaker}


def chosen(
    quotes: Sequence[Cited], n: int, fits: Callable[[Cited], object] = lambda _: True
) -> list[Cited]:
    """Return up to *n* of the *quotes* that fit, best first, no two alike."""
    return diverse(
        [c for c in quotes if fits(c)],
        n,
        text=lambda c: c.sentence.text,
        group=lambda c: c.sentence.speaker,
    )


def related(quote: Cited, quotes: Sequence[Cited], least: int = 2) -> list[Cited]:
    """Return the other *quotes* that share at least *least* stems with *quote*, most first."""
    own = set(content_words(quote.sentence.text))
    shared = {id(c): len(own & set(content_words(c.sentence.text))) for c in quotes}
    near = [c for c in quotes if c is not quote and shared[id(c)] >= least]
    return sorted(near, key=lambda c: (-shared[id(c)], -c.score))


def on(quote: Cited, text: str, category: str) -> dict[str, object]:
    """Return an insight that cites *quote*."""
    return insight_of(capital(text), quote.score, category, quote.evidence)


def framed(document: Document) -> list[str]:
    """Return the topics that analyzers report in a speaker's words."""
    told = (f.text for f in document.findings if f.key == "topic" and f.text)
    return [text for text in told if not text.startswith("Frequent terms")]


def nothing(document: Document, quotes: Sequence[Cited], sought: str) -> list[dict[str, object]]:
    """Return the insight that nothing of *sought*, a plural, is recognised in the *quotes*."""
    if quotes:
        return not_recognised(sought)
    absent = f" ({listed(document.missing)} gave none)" if document.missing else ""
    text = f"No findings with quotes reached this stage{absent}; {sought} are not recognised."
    return [insight_of(text, 0.05, "no_findings", [])]


def pairs(document: Document, quotes: Sequence[Cited]) -> list[tuple[Cited, Cited, Finding]]:
    """Return what earlier analyzers set against each other, best first."""
    by: Mapping[Citation, Cited] = {(c.sentence.segment, c.sentence.text): c for c in quotes}
    found: dict[tuple[Cited, Cited], Finding] = {}
    for finding in document.findings:
        if finding.key in ("contradictions", "tensions") and len(finding.evidence) > 1:
            first, second = by.get(finding.evidence[0]), by.get(finding.evidence[-1])
            if first and second and first is not second:
                found.setdefault((first, second), finding)
    rows = [(first, second, finding) for (first, second), finding in found.items()]
    return sorted(rows, key=lambda p: (p[2].key != "contradictions", -p[0].score - p[1].score))
