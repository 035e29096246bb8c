"""Excerpts of a transcript: the segments near what is cited, within a budget of tokens."""

from collections.abc import Callable, Collection, Iterable, Sequence

from runner.transcript.model import Segment

Count = Callable[[str], int]


def by_distance(transcript: Sequence[Segment], cited: Collection[str]) -> list[int]:
    """Return the places of all segments, those nearest to a cited one first, in linear time."""
    ranked = [place for place, segment in enumerate(transcript) if segment.id in cited]
    known = set(ranked)
    for place in ranked:  # grows as its members' neighbours join: a breadth-first search
        near = [p for p in (place - 1, place + 1) if 0 <= p < len(transcript) and p not in known]
        known.update(near)
        ranked += near
    return ranked


def fitting(segments: Iterable[Segment], budget: int, count: Count) -> list[Segment]:
    """Return each of *segments*, in order of priority, that still fits into *budget* tokens."""
    chosen, used = [], 0
    for segment in segments:
        cost = count(segment_line(segment) + "\n")
        if used + cost <= budget:
            used += cost
            chosen.append(segment)
    return chosen


def segment_line(segment: Segment) -> str:
    """Render a segment as prompts show it: `[S0012 Ann Lee] text`."""
    speaker = f" {segment.speaker.replace(']', ')')}" if segment.speaker else ""
    return f"[{segment.id}{speaker}] {segment.text}"
