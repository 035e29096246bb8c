"""Recheck: compares the files about a run's answers with what the answers give again."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from math import isclose
from typing import Any

from pydantic import ValidationError

from runner.answers.checks import CheckResult, CheckSubject, evaluate, totals
from runner.answers.coverage import coverage_figures
from runner.answers.grounding.grounder import Grounder, GroundingCounts
from runner.base.errors import one_line
from runner.base.json import amount, at, inside, listing, mapping, mappings, number, section, text
from runner.config.checks import AT_LEAST, TEXTS, Expectations
from runner.transcript.model import Segment

_RECOMPUTED = frozenset(
    (*TEXTS, *AT_LEAST, "count", "is-json")
)  # kinds that need only the run's own files
_STATED = ("check", "type", "status", "analyzer")

Records = Mapping[str, Mapping[str, Any]]  # answers, or the records that hold them, by analyzer
Shares = dict[str | None, dict[str, float | None]]  # of AT_LEAST by analyzer, None for the run


def faults_of_checks(stored: Mapping[str, Any], answers: Records, figures: Shares) -> Iterator[str]:
    """Yield the faults of *stored*, an untrusted checks.json: wrong sums and results.

    Judged checks, Python checks and those of cost, time and references are not repeated.
    """
    results = []
    for each in mappings(stored.get("checks")):
        check, kind, status, name = map(text, map(each.get, _STATED))
        results.append(
            CheckResult(None if each.get("analyzer") is None else name, check, kind, status)
        )
    places = {"total": (section(stored, "total"), results)}
    for name, stated in section(stored, "analyzers").items():
        own = [each for each in results if each.analyzer == name]
        places[f"analyzers.{name}"] = mapping(stated), own
    for place, (stated, own) in places.items():
        for key, value in totals(own).items():
            if key in stated and stated[key] != value:
                yield f"{place}.{key} is {stated[key]!r}, its checks give {value!r}"
    if "declared" in stored:
        yield from _compared(stored["declared"], results, answers, figures)


def _compared(
    declared: Any, results: list[CheckResult], answers: Records, figures: Shares
) -> Iterator[str]:
    try:
        body = Expectations.model_validate(declared)
    except ValidationError:
        yield "declared is not a list of checks"
        return
    stated = defaultdict(list)
    for each in results:
        stated[each.analyzer, each.check, each.type].append(each.status)
    names: list[str | None] = [*dict.fromkeys(r.analyzer for r in results if r.analyzer), None]
    for name in [*names, *(n for n in body.analyzers if n not in names)]:
        found = answers if name is None else answers.get(name)
        about = CheckSubject(name, found, "", figures.get(name, {}))
        own = body.run if name is None else [*body.every, *body.analyzers.get(name, [])]
        for check in (each for each in own if each.kind in _RECOMPUTED):
            try:
                (one,) = evaluate([check], about, {})
            except ValueError as error:  # a path that cannot be
                yield f"declared: {error}"
                continue
            statuses = stated[name, one.check, one.type]
            if one.status not in statuses:
                where = f"{name or 'run'}: {one.check}"
                is_what = ", ".join(map(repr, statuses)) or "missing"
                yield f"{where} is {is_what}, its answer gives {one.status!r}"


def shares_of(
    grounding: Mapping[str, Any], coverage: Mapping[str, Any], run: Mapping[str, Any]
) -> Shares:
    """Return the shares in the untrusted files of a run."""
    grounded, covered = section(grounding, "analyzers"), section(coverage, "analyzers")
    shares: dict[str | None, tuple[Any, Any]] = {
        name: (at(grounded, name, "rate"), at(covered, name, "token_rate"))
        for name in {*grounded, *covered}
    }
    shares[None] = run.get("grounding_rate"), run.get("coverage")
    return {n: {"grounding": number(g), "coverage": number(c)} for n, (g, c) in shares.items()}


_ROUNDED = 1e-3  # relative, of measured times, which are stored in microseconds
_SAID = {"exact": "quote", "near": "said"}  # by match: the transcript's own words


def faults_of_answers(
    files: Mapping[str, Any], answers: Records, records: Records, segments: Sequence[Segment]
) -> Iterator[tuple[str, str]]:
    """Yield name and fault of *files* of a complete run that do not follow from its *answers*.

    *files* are untrusted JSON by name; *answers* are in the pipeline's order, *records* hold them.
    """
    grounder = Grounder(segments)
    for name, answer in answers.items():
        if (lost := next(_lost(answer, grounder), None)) is not None:
            yield "transcript.json", f"{name} quotes {lost}, which this version does not find there"
    speakers = {segment.id: segment.speaker for segment in segments}
    if "insights.json" in files:
        for line in _changed_insights(mappings(files["insights.json"]), answers, speakers):
            yield "insights.json", line
    given = _figures(files, records, coverage_figures(segments, answers, (), len))
    for name in given.keys() & files.keys():
        for place, stated, value in _differing(files[name], given[name]):
            shown = one_line(repr(stated), 60), one_line(repr(value), 60)
            yield name, "{} is {}, the answers give {}".format(place.strip("."), *shown)


def _lost(answer: Mapping[str, Any], grounder: Grounder) -> Iterator[str]:
    """Yield the quotes that are called found, but are not in their segments."""
    for each in inside(answer):
        if isinstance(each, Mapping) and (key := _SAID.get(text(each.get("match")))):
            said, segment = text(each.get(key)), text(each.get("segment"))
            if segment not in [place for place, *_ in grounder.placed(said, segment)[:1]]:
                yield f"{one_line(said, 60)!r} of {one_line(segment, 20)}"


def _changed_insights(
    stored: Sequence[Mapping[str, Any]], answers: Records, speakers: Mapping[str, str | None]
) -> Iterator[str]:
    """Yield what *stored*, merged insights have that no answer has, and what of them is lost.

    How insights are merged is not repeated: other versions do it otherwise.
    """

    def cited(one: Mapping[str, Any]) -> set[tuple[str, ...]]:
        found = set[tuple[str, ...]]()
        for each in mappings(one.get("evidence")):
            segment = text(each.get("segment"))
            speaker = each.get("speaker", speakers.get(segment))
            found.add((segment, *map(text, (each.get("quote"), each.get("match"), speaker))))
        return found

    keys = ("text", "category", "confidence")
    told = [(name, i) for name, a in answers.items() for i in mappings(a.get("insights"))]
    heads = {(name, *(text(i.get(key)) for key in keys)) for name, i in told}
    quotes = {(name, *quote) for name, i in told for quote in cited(i)}
    shown = set[tuple[str, ...]]()
    for place, one in enumerate(stored, 1):
        names = set(map(text, listing(one.get("analyzers"))))
        head = [text(one.get(key)) for key in keys]
        if names - answers.keys() or not any((name, *head) in heads for name in names):
            yield f"insight {place} is in no answer of its analyzers"
        own = cited(one)
        if not all(any((name, *quote) in quotes for name in names) for quote in own):
            yield f"insight {place} has a quote that no answer of its analyzers has"
        shown |= own
    if lost := {quote[1:] for quote in quotes} - shown:
        yield f"the quote {one_line(min(lost)[1], 60)!r} of the answers is missing"


def _figures(
    files: Mapping[str, Any], records: Records, covered: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the figures about the answers by file: of tokens, those of coverage.json."""
    counted = {n: grounding for n, r in records.items() if (grounding := section(r, "grounding"))}
    names = [count.name for count in fields(GroundingCounts)]
    sums = (sum(int(amount(each.get(name))) for each in counted.values()) for name in names)
    total = GroundingCounts(*sums).figures()
    shares = {"total.cited": covered["total"]["cited"]}
    shares |= {f"analyzers.{name}": share for name, share in covered["analyzers"].items()}
    coverage: dict[str, Any] = {"total.segments": covered["total"]["segments"]}
    rates: dict[str, Any] = {"run.grounding_rate": total["rate"]}
    rates |= {f"analyzers.{n}.grounding_rate": g.get("rate") for n, g in counted.items()}
    for place, share in shares.items():
        coverage |= {f"{place}.{key}": share[key] for key in ("segments", "segment_rate")}
        where = place.replace("total.cited", "run")
        rates[f"{where}.coverage"] = at(files.get("coverage.json"), *place.split("."), "token_rate")
    benchmark = mapping(files.get("logs/benchmark.json"))
    timed = section(benchmark, "analyzers")
    for name, record in records.items():
        if at(timed, name, "reused") is None:  # else no call was made
            used = {"cost_usd": record.get("cost_usd"), **section(record, "usage")}
            used |= {key: record.get(key) for key in ("attempts", "latency_s")}
            rates |= {f"analyzers.{name}.{key}": value for key, value in used.items()}
    each = mappings([*timed.values()])
    times = [*(one.get("latency_s") for one in each), *inside([one.get("parts_s") for one in each])]
    rates["run.sum_latency_s"] = sum_s = sum(map(amount, times))
    if (wall_s := amount(at(benchmark, "run", "wall_s"))) > 1e-3:
        rates["run.speed_up"] = sum_s / wall_s
    return {
        "grounding.json": {"total": total, "analyzers": counted},
        "metadata.json": {"grounding": total},
        "coverage.json": coverage,
        "logs/benchmark.json": rates,
    }


def _differing(stated: Any, given: Any, place: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Yield the place of what is *stated* and otherwise *given*, and both values."""
    if isinstance(given, Mapping):
        for key, value in given.items():
            yield from _differing(at(stated, *key.split(".")), value, f"{place}.{key}")
    elif stated is not None and stated != given:  # versions differ in which figures they have
        is_measured = isinstance(stated, float) and isinstance(given, float)
        if not (is_measured and isclose(stated, given, rel_tol=_ROUNDED)):
            yield place, stated, given
