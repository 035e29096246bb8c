"""Coverage of a run: a strip along its transcript, silent stretches, repeated questions."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import Any

from runner.answers.coverage import BINS, CITED, MAX_STRETCHES, SILENT, USED
from runner.answers.second_answer import describe_additions
from runner.base.json import amount, at, listing, mapping, mappings, number, text
from runner.reports.report.findings import Places, SegmentPlace
from runner.reports.report.nodes import NodeFacts
from runner.reports.stored_run import StoredRun

HEIGHT = 100  # of the strip, in units of its picture; a part of the transcript is 1 wide


def covered_of(
    run: StoredRun, nodes: Sequence[NodeFacts], places: Places
) -> Mapping[str, Any] | None:
    """Return *run*'s coverage.json as facts for the template, None without one; shares 0 to 1."""
    stored = run.coverage
    if not mapping(stored.get("total")):
        return None
    shares = [(kind, mapping(at(stored, "total", kind))) for kind in (CITED, USED, SILENT)]
    strip = {  # per cent of the parts of the transcript
        kind: [min(100.0, amount(each)) for each in listing(at(stored, "strip", kind))[:BINS]]
        for kind in (CITED, USED)
    }
    stretches, questions = (
        mappings(stored.get(key))[:MAX_STRETCHES]
        for key in ("silent_stretches", "unanswered_questions")
    )
    by_analyzer = mapping(stored.get("analyzers"))
    return {
        "shares": [
            (k, number(s.get("segment_rate")), number(s.get("token_rate"))) for k, s in shares
        ],
        "areas": list(_areas(strip[CITED], strip[USED])),
        "height": HEIGHT,
        "width": max(map(len, strip.values())),
        "stretches": [(each, _places(each, places, "first", "last")) for each in stretches],
        "more_stretches": int(amount(stored.get("more_stretches"))),
        "questions": [(each, _places(each, places, "segment")) for each in questions],
        "more_questions": int(amount(stored.get("more_questions"))),
        "analyzers": [
            (n, mapping(by_analyzer[n.name]), describe_additions(n.record.get("asked_again")))
            for n in nodes
            if n.name in by_analyzer
        ],
    }


def _areas(cited: Sequence[float], used: Sequence[float]) -> Iterator[tuple[str, str]]:
    """Yield kind and SVG path of each area: that of all in use, and before it that of the cited."""
    both = [c + u for c, u in zip_longest(cited, used, fillvalue=0.0)]
    for kind, tops in ((USED, both), (CITED, cited)):
        steps = "".join(f"V{max(0.0, HEIGHT - top):g}h1" for top in tops)
        yield kind, f"M0,{HEIGHT}{steps}V{HEIGHT}Z"


def _places(stored: Mapping[str, Any], places: Places, *keys: str) -> list[SegmentPlace]:
    """Return the places of the segments that *stored* names, each once."""
    names = dict.fromkeys(text(stored.get(key)) for key in keys)
    return [places.get(name, SegmentPlace(name)) for name in names]
