"""Aggregation of all analyzers' insights: one list, in which equal insights are merged."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rapidfuzz import fuzz, process

from runner.answers.contradiction import adds_facts
from runner.answers.markdown import cite, md
from runner.base.format import clock, plural
from runner.transcript.model import Segment

SAME_TEXT = 90.0  # of 100: the similarity from which two texts count as equal
SAME_WITH_QUOTE = 75.0  # the same where both cite the same quote
LONGEST = 2.0  # times the length; a longer text is another insight, even if it has all words
COLUMNS = (
    "text", "confidence", "category", "analyzers", "transcript", "speaker", "start", "segment",
    "quote", "match",
)  # fmt: skip


@dataclass
class MergedInsight:
    """An insight of one or more *analyzers*, the most confident first."""

    text: str
    confidence: float
    category: str
    analyzers: list[str]
    evidence: list[dict[str, Any]]


def aggregate(answers: Mapping[str, Mapping[str, Any]]) -> list[MergedInsight]:
    """Return the insights of *answers* (by analyzer), the most confident first.

    Insights are equal if rapidfuzz's token_set_ratio of their texts is at least SAME_TEXT and
    they cite a segment in common, where both cite any, or SAME_WITH_QUOTE and they share a quote;
    and if the longer text has at most LONGEST times the characters of the shorter. The most
    confident one gets the others' evidence. An insight that has a number or a name (a capitalized
    word) that the most confident one lacks, or that negates or reverses it, stays apart.
    """
    every = [
        MergedInsight(i["text"], i["confidence"], i["category"], [name], list(i["evidence"]))
        for name, answer in answers.items()
        for i in answer["insights"]
    ]
    merged: list[MergedInsight] = []
    texts: list[str] = []
    for insight in sorted(every, key=lambda i: -i.confidence):
        text = insight.text.casefold()
        alike = process.extract_iter(
            text, texts, scorer=fuzz.token_set_ratio, score_cutoff=SAME_WITH_QUOTE
        )
        equal = (merged[at] for _, score, at in alike if _equal(insight, merged[at], score))
        if (other := next(equal, None)) is None:
            merged.append(insight)
            texts.append(text)
        else:
            other.analyzers += [name for name in insight.analyzers if name not in other.analyzers]
            cited = _quotes(other)
            more = (e for e in insight.evidence if (e["segment"], e["quote"]) not in cited)
            other.evidence += more
    return merged


def _equal(insight: MergedInsight, other: MergedInsight, similarity: float) -> bool:
    shorter, longer = sorted((len(insight.text), len(other.text)))
    if longer > LONGEST * shorter:
        return False
    if similarity < SAME_TEXT:
        cited = bool(_quotes(insight) & _quotes(other))
    else:
        segments = [{e["segment"] for e in each.evidence} for each in (insight, other)]
        same = insight.text == other.text or not all(segments)
        cited = same or bool(segments[0] & segments[1])
    return cited and not adds_facts(insight.text, other.text)


def _quotes(insight: MergedInsight) -> set[tuple[str, str]]:
    return {(evidence["segment"], evidence["quote"]) for evidence in insight.evidence}


def placed(insights: Iterable[MergedInsight], segments: Iterable[Segment]) -> None:
    """Add to each piece of evidence the speaker, the start and the place of its segment."""
    by_id = {segment.id: segment for segment in segments}
    for insight in insights:
        for at, cited in enumerate(insight.evidence):
            segment = by_id.get(cited["segment"])
            if segment is not None and cited.get("match") != "absent":
                where = {"where": segment.where} if segment.where else {}
                about = {"speaker": segment.speaker, "start_s": segment.start_s, **where}
                insight.evidence[at] = {**cited, **about}


def rows_of(
    insights: Iterable[Mapping[str, Any]], transcript: str, per: str
) -> Iterator[Sequence[object]]:
    """Yield the rows of COLUMNS for *insights* as stored: one *per* `insight` or `evidence`."""
    for insight in insights:
        facts = insight["text"], f"{insight['confidence']:.2f}", insight["category"]
        head = *facts, " ".join(insight["analyzers"]), transcript
        evidence = list(insight["evidence"])
        apart = per == "evidence" and evidence
        for cited in [[each] for each in evidence] if apart else [evidence]:
            yield *head, *_cells(cited)


def _cells(cited: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yield speakers, first start or places, segments, quotes and matches of the *cited*."""
    starts = [e["start_s"] for e in cited if e.get("start_s") is not None]
    yield "; ".join(dict.fromkeys(e["speaker"] for e in cited if e.get("speaker")))
    places = list(dict.fromkeys(e["where"] for e in cited if e.get("where")))
    yield clock(min(starts)) if starts else "; ".join(places)
    yield " ".join(dict.fromkeys(e["segment"] for e in cited))
    yield " | ".join(e["quote"] for e in cited)
    yield " ".join(str(e.get("match", "")) for e in cited).strip()


def as_markdown(insights: Sequence[MergedInsight], analyzers: int) -> str:
    """Return a page of all insights; *analyzers* is the number of analyzers with an answer."""
    told = f"From {plural(analyzers, 'analyzer')}, the most confident first."
    lines = ["# Insights", "", told, ""]
    for number, insight in enumerate(insights, 1):
        names = ", ".join(md(name) for name in insight.analyzers)
        label = f"*{md(insight.category)}, confidence {insight.confidence:.2f}; {names}*"
        lines.append(f"{number}. {md(insight.text)} {label}{cite(insight.evidence)}")
    return "\n".join(lines) + "\n"
