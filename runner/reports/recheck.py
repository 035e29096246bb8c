"""Recheck: compares checks.json with the checks evaluated again."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from runner.answers.checks import CheckResult, CheckSubject, evaluate, with_interval
from runner.base.json import mapping, mappings, number, section, text
from runner.config.checks import AT_LEAST, TEXTS, Check, Expectations

_RECOMPUTED = frozenset(
    (*TEXTS, *AT_LEAST, "count", "is-json")
)  # kinds that need only the run's own files


def faults_of_checks(
    stored: Mapping[str, Any],
    answers: Mapping[str, Mapping[str, Any]],
    figures: Mapping[str | None, Mapping[str, float | None]],
) -> Iterator[str]:
    """Yield the faults of *stored*, an untrusted checks.json: wrong sums and results.

    *answers* come from the run's records; *figures* are the shares of AT_LEAST by analyzer, None
    for the run. Judged checks, Python checks and those of cost, time and references are not
    repeated.
    """
    results = [_result(each) for each in mappings(stored.get("checks"))]
    sums = {"total": with_interval(results)}
    for name in section(stored, "analyzers"):
        sums[f"analyzers.{name}"] = with_interval([r for r in results if r.analyzer == name])
    stated = {"total": section(stored, "total")}
    stated |= {f"analyzers.{n}": mapping(v) for n, v in section(stored, "analyzers").items()}
    for name, counts in sums.items():
        for key, value in counts.items():
            if key in stated[name] and stated[name][key] != value:
                yield f"{name}.{key} is {stated[name][key]!r}, its checks give {value!r}"
    if "declared" in stored:
        yield from _compared(stored["declared"], results, answers, figures)


def _result(each: Mapping[str, Any]) -> CheckResult:
    name = each.get("analyzer")
    check, kind, status = (text(each.get(key)) for key in ("check", "type", "status"))
    return CheckResult(None if name is None else text(name), check, kind, status)


def _compared(
    declared: Any,
    results: list[CheckResult],
    answers: Mapping[str, Mapping[str, Any]],
    figures: Mapping[str | None, Mapping[str, float | None]],
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
        for check in _recomputed(body, name):
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


def _recomputed(body: Expectations, name: str | None) -> list[Check]:
    own = body.run if name is None else [*body.every, *body.analyzers.get(name, [])]
    return [check for check in own if check.kind in _RECOMPUTED]


def shares_of(
    grounding: Mapping[str, Any], coverage: Mapping[str, Any], run: Mapping[str, Any]
) -> dict[str | None, dict[str, float | None]]:
    """Return the shares of AT_LEAST by analyzer, None for the run, from its untrusted files."""
    found: dict[str | None, dict[str, float | None]] = {
        None: {
            "grounding": number(run.get("grounding_rate")),
            "coverage": number(run.get("coverage")),
        }
    }
    grounded, covered = section(grounding, "analyzers"), section(coverage, "analyzers")
    for name in {*grounded, *covered}:
        found[name] = {
            "grounding": number(mapping(grounded.get(name)).get("rate")),
            "coverage": number(mapping(covered.get(name)).get("token_rate")),
        }
    return found
