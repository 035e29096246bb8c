"""Repair of JSON that is invalid or truncated, without adding or losing a word."""

import itertools
import json
import re
import sys
import time
from typing import Any, NamedTuple

import json_repair

from runner.base.json import strings_in

MAX_DEPTH = 64
MAX_REPAIR_S = 1.0  # of CPU; a reply of 64,000 tokens takes 0.7

_TOKEN = re.compile(r'"(?:[^"\\]++|\\.)*+"|"|[{}\[\],:]|[^\s"{}\[\],:]+', re.DOTALL)


class TooCostlyError(ValueError):
    """A repair exceeded its time limit."""


class Completed(NamedTuple):
    """The complete part of a truncated value, as JSON; *dropped*: more of it was left out."""

    text: str
    dropped: bool


def complete(text: str) -> Completed | None:
    """Return the complete part of the value at the start of *text*; None if it is closed.

    An element of a list is complete at its last bracket, any other value but a string once
    something follows it. Raises ValueError beyond MAX_DEPTH.
    """
    stack: list[str] = []  # of open brackets
    inside: list[int] = []  # depths of the elements of lists that are not closed
    last, open_then = None, list[str]()  # the last token of the complete part, and the stack there
    before = ""
    for token in _TOKEN.finditer(text):
        mark = token[0]
        if mark == '"':  # a truncated string
            break
        if mark in "{[":
            if stack and stack[-1] == "[":
                inside.append(len(stack))
            stack.append(mark)
            if len(stack) > MAX_DEPTH:
                raise ValueError(f"is nested deeper than {MAX_DEPTH}")
        elif mark in "}]":
            if not stack or "{["["}]".index(mark)] != stack.pop() or not stack:
                return None
            if inside and inside[-1] == len(stack):
                inside.pop()
        is_value = before == ":" or stack[-1:] == ["["]  # no key
        whole = mark in "{[}]" or (mark[0] == '"' and is_value)
        if not inside and (whole or mark == ","):
            last, open_then = token, stack.copy()
        before = mark
    if not stack or last is None:
        return None
    kept = text[: last.start() if last[0] == "," else last.end()]
    closing = ("}" if bracket == "{" else "]" for bracket in reversed(open_then))
    return Completed(kept + "".join(closing), bool(text[last.end() :].strip(" \n\r\t,`")))


def repair(text: str) -> Any:
    """Return the JSON value of the almost valid *text*, with the same words; raise ValueError."""
    plain = _BARE.sub(_as_json, text)
    plain = plain if '"' in plain else plain.translate(_QUOTES)
    try:
        value = _repaired(plain)
    except TooCostlyError:
        raise
    except (ValueError, RecursionError, IndexError) as error:
        raise ValueError("is not JSON") from error
    if not isinstance(value, dict | list) or not value:
        raise ValueError("is not a JSON object")
    words = _words(json.dumps(value, ensure_ascii=False))
    last = max(text.rfind("}"), text.rfind("]")) + 1 or len(text)
    if all(
        _words(original) != words
        for original in (text[:last], _COMMENT.sub(lambda found: found[1] or " ", text[:last]))
    ):
        raise ValueError("is not JSON, and a repair would change its words")
    literals = (each for each in strings_in(value) if _LITERAL.fullmatch(each))
    if any(f'"{each}"' not in plain and f"'{each}'" not in plain for each in literals):
        raise ValueError("is not JSON, and a repair would turn a literal into text")
    return value


_QUOTES = dict.fromkeys(map(ord, "“”„‟«»＂"), '"')
_BARE = re.compile(  # outside of strings
    r'("(?:[^"\\]++|\\.)*+")|([:\[,]\s*)(?:(?:undefined|nil)|(\d[\d.]*\s?%))(?=\s*[,}\]])',
    re.DOTALL,
)
_LITERAL = re.compile(r"\W*(?:null|none|nan|undefined|nil|true|false)\W*", re.IGNORECASE)
_COMMENT = re.compile(r'("(?:[^"\\]++|\\.)*+")|//[^\n]*|/\*.*?\*/|^\s*#[^\n]*', re.DOTALL | re.M)
_NOTHING = re.compile(r"\b(?:none|null|undefined|nil)\b")
_APART = re.compile(r"[^\w'’\"]|(?<!\w)['’\"]|['’\"](?!\w)")  # no mark within a word
_ZEROS = re.compile(r"(\.\d*?)0+(?!\d)|(?<![\w.])0+(?=\.\d*[1-9])")
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(')|.)", re.DOTALL)


def _as_json(match: re.Match[str]) -> str:
    string, before, share = match.groups()
    return string or before + (f'"{share}"' if share else "null")


def _words(text: str) -> str:
    """Return the letters and digits of *text*, without the syntax of JSON and similar formats."""
    plain = _ESCAPE.sub(lambda e: chr(int(e[1], 16)) if e[1] else e[2] or " ", text).casefold()
    return _APART.sub("", _ZEROS.sub(r"\1", _NOTHING.sub("", plain)))


def _repaired(text: str) -> Any:
    """Return the value that json_repair finds; raise TooCostlyError after MAX_REPAIR_S.

    It takes quadratic time for many texts, which only a profiling function can interrupt.
    """
    ends, steps, profiler = time.thread_time() + MAX_REPAIR_S, itertools.count(), sys.getprofile()

    def check(*_: object) -> None:
        if not next(steps) % 1000 and time.thread_time() > ends:
            raise TooCostlyError(f"is not JSON, and not repaired in {MAX_REPAIR_S:g} s")

    sys.setprofile(check)
    try:
        return json_repair.loads(text, skip_json_loads=True)
    finally:
        sys.setprofile(profiler)


def loops(text: str) -> bool:
    """Return whether *text* ends in a loop: its last part mostly repeats itself.

    True where fewer than a quarter of the n-grams (64 characters) of the last 1,024, 2,048, …
    characters are distinct. Takes time in proportion to the length.
    """
    seen: set[str] = set()
    tail = text[-(1 << 18) :]
    for count in range(1, len(tail) - 63):
        seen.add(tail[len(tail) - 63 - count : len(tail) + 1 - count])
        if count >= 1024 and not count & (count - 1) and len(seen) < count / 4:
            return True
    return False
