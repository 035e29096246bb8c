"""Coverage: which part of a transcript is cited, used in a context, or in no finding at all."""

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from runner.base.json import inside
from runner.base.statistics import rate
from runner.transcript.model import Segment

MAX_STRETCHES = 20  # stretches and questions listed, longest or first ones
BINS = 200  # of the strip along the transcript
_QUESTION_CHARS = 200
_NEAR = 2  # segments after a question that may hold its answer
_QUESTION = re.compile(r"[?؟\u037e՞፧][!?.…\"'“”‘’»«)\]*_]*(?:\s|$)|？")

CITED, USED, SILENT = "cited", "used", "silent"


def coverage_figures(
    segments: Sequence[Segment],
    answers: Mapping[str, Mapping[str, Any]],
    used: Collection[str],
    count: Callable[[str], int],
) -> dict[str, Any]:
    """Return the content of coverage.json.

    *answers* are those of the analyzers by name, *used* the ids of the segments in any context,
    *count* counts tokens. A segment is cited if it contains a quote that grounding has found, else
    used, else silent. Shares are of segments and of tokens, 0 to 1.
    """
    tokens = [count(each.text) for each in segments]
    cites = {name: frozenset(cited_segments(answer)) for name, answer in answers.items()}
    cited = frozenset().union(*cites.values())
    states = [
        CITED if each.id in cited else USED if each.id in used else SILENT for each in segments
    ]
    shares = {
        state: _share(tokens, [s == state for s in states]) for state in (CITED, USED, SILENT)
    }
    stretches = sorted(_stretches(segments, tokens, states), key=lambda one: -one["tokens"])
    questions = list(_unanswered(segments, cited))
    return {
        "total": {"segments": len(segments), "tokens": sum(tokens), **shares},
        "analyzers": {
            name: _share(tokens, [each.id in ids for each in segments])
            for name, ids in cites.items()
        },
        "silent_stretches": stretches[:MAX_STRETCHES],
        "more_stretches": max(0, len(stretches) - MAX_STRETCHES),
        "unanswered_questions": questions[:MAX_STRETCHES],
        "more_questions": max(0, len(questions) - MAX_STRETCHES),
        "strip": {state: _strip(tokens, [s == state for s in states]) for state in (CITED, USED)},
    }


def cited_segments(value: object) -> Iterator[str]:
    """Yield the ids of the segments where grounding has found evidence of *value*."""
    for each in inside(value):
        is_found = isinstance(each, dict) and "quote" in each and each.get("match") != "absent"
        if is_found and isinstance(segment := each.get("segment"), str):
            yield segment


def _share(tokens: Sequence[int], chosen: Sequence[bool]) -> dict[str, Any]:
    held, count = sum(n for n, is_in in zip(tokens, chosen, strict=True) if is_in), sum(chosen)
    return {
        "segments": count,
        "tokens": held,
        "segment_rate": rate(count, len(chosen)),
        "token_rate": rate(held, sum(tokens)),
    }


def _stretches(
    segments: Sequence[Segment], tokens: Sequence[int], states: Sequence[str]
) -> Iterator[dict[str, Any]]:
    """Yield the runs of silent segments with their first and last id, length and times."""
    for state, group in groupby(range(len(segments)), key=lambda place: states[place]):
        places = list(group)
        if state == SILENT:
            first, last = segments[places[0]], segments[places[-1]]
            yield {
                "first": first.id,
                "last": last.id,
                "segments": len(places),
                "tokens": sum(tokens[place] for place in places),
                "start_s": first.start_s,
                "end_s": last.end_s,
            }


def _unanswered(segments: Sequence[Segment], cited: Collection[str]) -> Iterator[dict[str, Any]]:
    """Yield the questions of the transcript without a finding's quote nearby."""
    for place, each in enumerate(segments):
        ends = [match.end() for match in _QUESTION.finditer(each.text)]
        if not ends:
            continue
        if not any(near.id in cited for near in segments[place : place + 1 + _NEAR]):
            yield {
                "segment": each.id,
                "speaker": each.speaker,
                "start_s": each.start_s,
                "text": each.text[max(0, ends[-1] - _QUESTION_CHARS) : ends[-1]].strip(),
            }


def _strip(tokens: Sequence[int], chosen: Sequence[bool]) -> list[int]:
    """Return per cent of each bin of the transcript, by tokens; at most BINS bins."""
    total = sum(tokens)
    bins = min(BINS, len(tokens))
    if not total:
        return []
    held, before = [0.0] * bins, 0
    for amount, is_in in zip(tokens, chosen, strict=True):
        start, end = before * bins / total, (before + amount) * bins / total
        for place in range(int(start), min(bins, int(end) + 1)):
            held[place] += max(0.0, min(end, place + 1) - max(start, place)) * is_in
        before += amount
    return [round(100 * share) for share in held]
