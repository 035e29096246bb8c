"""Checks of answers against declared expectations, without I/O."""

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

import regex

from runner.answers.grounding.exact_matches import WORD
from runner.answers.paths import texts_in, value_at
from runner.base.errors import one_line
from runner.base.json import mapping, number, rebuilt, text
from runner.base.statistics import rate, wilson
from runner.config.checks import AT_LEAST, AT_MOST, JUDGED, MIN_F1, REFERENCE, Check

REGEX_S = 2.0  # for one pattern on all texts at its path
_SHOWN = 200  # characters of what was found

PASSED, FAILED, UNDECIDED, UNKNOWN = "passed", "failed", "undecided", "not_applicable"
_STATUS = {True: PASSED, False: FAILED}
Function = Callable[[Any, Mapping[str, Any]], Any]  # takes the value and the other facts


@dataclass(frozen=True)
class CheckSubject:
    """The answer of one analyzer, or of the run, with its figures."""

    name: str | None  # None for the run
    answer: Mapping[str, Any] | None  # None without one, for the reason *why*
    why: str = ""
    figures: Mapping[str, float | None] = field(default_factory=dict)  # shares, $, s, tokens


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The result of one check."""

    analyzer: str | None
    check: str
    type: str
    status: str  # passed, failed, undecided (a judge contradicts itself) or not_applicable
    score: float | None = None  # 0 to 1
    found: str = ""
    reason: str = ""


def evaluate(
    checks: Sequence[Check], about: CheckSubject, functions: Mapping[str, Function]
) -> list[CheckResult]:
    """Return the results of *checks*, except judged ones; *functions* are by their `value`."""
    return [_one(check, about, functions) for check in checks if check.kind != JUDGED]


def _one(check: Check, about: CheckSubject, functions: Mapping[str, Function]) -> CheckResult:
    if about.answer is None:
        why = f" ({about.why})" if about.why else ""
        return result(check, about.name, FAILED, reason=f"no answer{why}")
    if check.kind in (*AT_LEAST, *AT_MOST, *REFERENCE):
        return _bounded(check, about.name, about.figures.get(check.kind))
    if check.kind == "is-json":  # replies are parsed and validated before there is an answer
        return result(check, about.name, PASSED, reason="its reply fits the declared shape")
    if check.kind == "count":
        value = value_at(check.path or "", about.answer)
        n = 0 if value is None else len(value) if isinstance(value, list | dict) else 1
        given = number(value)  # such as length() of a list
        return _bounded(check, about.name, float(n) if given is None else given)
    if check.kind == "python":
        return _called(check, about, functions[str(check.value)])
    return _compared(check, about)


def result(check: Check, name: str | None, status: str, **facts: Any) -> CheckResult:
    """Return the result of *check* of analyzer *name*."""
    return CheckResult(name, check.name, check.type, status, **facts)


def _bounded(check: Check, name: str | None, value: float | None) -> CheckResult:
    if value is None:
        return result(check, name, UNKNOWN, reason=f"{check.kind} is not known")
    ends = {"at least": check.min, "at most": check.max}
    expected = " and ".join(f"{word} {end:.12g}" for word, end in ends.items() if end is not None)
    low = check.min is not None and value < check.min
    fits = not (low or (check.max is not None and value > check.max))
    reason = "" if fits else f"{value:.12g}, expected {expected}"
    return result(check, name, _STATUS[fits], found=f"{value:.12g}", reason=reason)


def _compared(check: Check, about: CheckSubject) -> CheckResult:
    found = [" \n".join(texts_in(rebuilt(about.answer, _quoted)))]
    if check.path is not None:
        found = texts_in(value_at(check.path, about.answer))
    until = time.monotonic() + REGEX_S
    try:
        scores = [_score(check, each, until) for each in found]
    except TimeoutError:
        why = f"the pattern takes longer than {REGEX_S:g} s"
        return result(check, about.name, FAILED, reason=why)
    least = (check.threshold or MIN_F1) if check.kind == "f1" else 1.0
    score = (min if check.match == "all" else max)(scores, default=0.0)
    fits = (score >= least) is not check.negated
    score = 1 - score if check.negated else score
    shown = one_line("; ".join(found), _SHOWN)
    reason = "" if fits else "there is nothing at its path" if not found else "not as expected"
    facts = {"score": round(score, 4), "found": shown, "reason": reason}
    return result(check, about.name, _STATUS[fits], **facts)


def _quoted(each: Any) -> Any:
    """Return the quote of evidence, any other object without its confidence, else *each* itself."""
    if {"segment", "quote"} <= mapping(each).keys():
        return each["quote"]
    if number(mapping(each).get("confidence")) is not None:
        return {key: value for key, value in each.items() if key != "confidence"}
    return each


def _score(check: Check, found: str, until: float) -> float:
    kind, wanted = check.kind, check.value
    if kind == "f1":
        return token_f1(found, text(wanted))
    if kind == "regex":
        left = max(0.001, until - time.monotonic())
        return float(regex.search(text(wanted), found, timeout=left) is not None)
    values = texts_in(wanted)
    if kind.startswith("icontains"):
        found, values = found.casefold(), [each.casefold() for each in values]
    inside = [each in found for each in values]
    tests = {
        "equals": found == values[0],
        "starts-with": found.startswith(values[0]),
        "ends-with": found.endswith(values[0]),
    }
    return float(tests.get(kind, all(inside) if kind.endswith("-all") else any(inside)))


def token_f1(found: str, wanted: str) -> float:
    """Return the F1 of words, 0 to 1, as SQuAD (Rajpurkar et al., EMNLP 2016) but with articles."""
    one, other = (Counter(WORD.findall(each.casefold())) for each in (found, wanted))
    common = (one & other).total()
    return 2 * common / (one.total() + other.total()) if common else 0.0


def _called(check: Check, about: CheckSubject, function: Function) -> CheckResult:
    answer = deepcopy(about.answer)  # a function may change what it gets
    value = answer if check.path is None else value_at(check.path, answer)
    known = {"analyzer": about.name, "answer": answer, "figures": dict(about.figures)}
    try:
        returned = function(value, known)
        assert returned is not None, "None: expected a boolean, a score or a mapping with pass"
        body = returned if isinstance(returned, Mapping) else {"score": float(returned)}
        score = float(body.get("score", body.get("pass", 0)))
        least = 1.0 if isinstance(returned, bool) else check.threshold or MIN_F1
        good = bool(body["pass"]) if "pass" in body else score >= least
        good = good and score >= (check.threshold or 0)
        assert 0 <= score <= 1, f"score {score:g}: expected 0 to 1"
    except BaseException as error:  # noqa: BLE001 - foreign code
        why = one_line(f"{check.value} raised {type(error).__name__}: {error}", _SHOWN)
        return result(check, about.name, FAILED, reason=why)
    fits = good is not check.negated
    score = 1 - score if check.negated else score
    why = one_line(text(body.get("reason")), _SHOWN) or ("" if fits else "not as expected")
    facts = {"score": round(score, 4), "found": one_line(text(value), _SHOWN), "reason": why}
    return result(check, about.name, _STATUS[fits], **facts)


def totals(results: Sequence[CheckResult]) -> dict[str, Any]:
    """Return counts by status, and the share passed of those decided, with its 95 % interval."""
    counts = Counter(each.status for each in results)
    decided = counts[PASSED] + counts[FAILED]
    by_status = {status: counts[status] for status in (PASSED, FAILED, UNDECIDED, UNKNOWN)}
    ends = [round(end, 4) for end in wilson(counts[PASSED], decided)] if decided else None
    return {
        "checks": len(results),
        **by_status,
        "rate": rate(counts[PASSED], decided),
        "interval": ends,
    }
