"""Guide: the questions of an interview, each of which becomes an analyzer made from a template."""

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from runner.base.errors import ConfigError, one_line, reason
from runner.base.json import at, load_yaml, mapping
from runner.base.json import text as text_of
from runner.base.regular_files import kind_of, user_path
from runner.base.tables import read_table, read_text
from runner.base.text import digest, slug, to_safe_text
from runner.config.section import NAME

TEMPLATE = "guide_question"  # the template analyzer of a guide's questions
MAX_BYTES = 200_000
MAX_QUESTIONS = 200
MAX_CHARS = 2000  # of a question
_MAX_NAME = 40  # characters of a name made from its words

_MARK = re.compile(  # of an item in a list: -, 1., (2), Q3:, 1.2, a), iv)
    r"^\s*(?:[-*+•–]|\(?Q?\d{1,3}(?:\.\d{1,3})*[.):]|\d{1,3}(?:\.\d{1,3})+|\(?(?:[a-z]|[ivx]+)\))\s+"
    r"(?:\[[ x]\]\s+)?",
    re.IGNORECASE,
)
_NO_QUESTION = re.compile(  # headings, rules
    r"\s*(?:#.*|<!--.*-->\s*|([-*_])(?:\s*\1){2,}\s*|(\*\*|__)[^*_?]+\2:?\s*)?"
)
_ASKS = ("?", "？", "؟")
_ENDS = (*_ASKS, ".", "!", "…")  # of a question, but not of a mere probe
_FRONT_MATTER = re.compile(r"\A---[ \t]*\n(?:\w[\w-]*:[^?\n]*\n|[ \t-].*\n)*---[ \t]*(?:\n|\Z)")
_EXPECTED = (
    "expected a question a line, or YAML: a list of questions, or NAME: question; or a table with "
    "a column `question`"
)


def with_guide(data: dict[str, Any], kept: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return the resolved configuration *data* with the questions of `guide` as analyzers.

    They replace the analyzer `guide_question`, which is removed without a guide. If the file is
    gone, they come from *kept*, the result for an earlier session. Raises ConfigError for a guide
    that cannot be read, or a pipeline without that analyzer.
    """
    analyzers, guide = mapping(data.get("analyzers")), data.get("guide")
    template = analyzers.get(TEMPLATE)
    if not guide or not isinstance(guide, str):
        others = {name: body for name, body in analyzers.items() if name != TEMPLATE}
        return {**data, "analyzers": others} if template is not None else data
    old = mapping(kept)
    if old.get("guide") == guide and not kind_of(user_path(guide)):
        asked = ((n, b) for n, b in mapping(old.get("analyzers")).items() if n not in analyzers)
        questions = {n: text_of(at(b, "variables", "question")) for n, b in asked}
    else:
        questions = read_guide(guide)
    if not isinstance(template, Mapping):
        raise ConfigError(
            f"guide={guide}: this pipeline has no analyzer {TEMPLATE!r} to ask its "
            f"questions: use pipeline=interviews"
        )
    made: dict[str, Any] = {}
    for name, body in analyzers.items():
        if name == TEMPLATE:
            given = mapping(template.get("variables"))
            made |= {
                each: {**template, "variables": {**given, "question": text}}
                for each, text in questions.items()
            }
        elif name in questions:
            raise ConfigError(f"guide={guide}: {name!r} names an analyzer already; rename it")
        else:
            made[name] = body
    return {**data, "analyzers": made}


def read_guide(path: str) -> dict[str, str]:
    """Return the questions in the file *path* by the name of their analyzer; raise ConfigError.

    A name made from the words stays if questions are added before it, and so do its answers.
    """
    file = user_path(path)
    try:
        found = list(_questions_in(file, file.suffix.lower()))
    except OSError as error:
        raise ConfigError(f"guide={path}: cannot be read: {reason(error, file)}") from error
    except ConfigError as error:  # begins with the file, and maybe a line
        raise ConfigError(f"guide={error}") from error
    except (TypeError, ValueError) as error:
        raise ConfigError(f"guide={path}: {one_line(str(error), 200)}: {_EXPECTED}") from error
    if not 0 < len(found) <= MAX_QUESTIONS:
        count = f"it has {len(found)} questions, expected 1 to {MAX_QUESTIONS}"
        raise ConfigError(f"guide={path}: {count}")
    questions: dict[str, str] = {}
    for number, (name, text) in enumerate(found, 1):
        where = f"guide={path}: question {number}"
        line = " ".join(to_safe_text(text).split())
        named = name or slug(line, _MAX_NAME).replace("-", "_")
        if not name and (named in {*questions, "unnamed"} or not NAME.match(named)):
            named = f"q_{digest(line, 8)}"
        shown = repr(one_line(line, 60))
        if not any(char.isalnum() for char in line) or len(line) > MAX_CHARS:
            raise ConfigError(f"{where}: {shown}: expected words, at most {MAX_CHARS} characters")
        if not NAME.match(named) or named in questions:
            expected = "expected another name of lower-case letters, digits and _"
            raise ConfigError(f"{where}: {one_line(named, 60)!r}: {expected}")
        if line.casefold() in map(str.casefold, questions.values()):
            raise ConfigError(f"{where}: {shown} appears twice: expected each question once")
        questions[named] = line
    return questions


def _questions_in(file: Path, ending: str) -> Iterator[tuple[str, str]]:
    """Yield name, empty for none, and text of each question; raise OSError, TypeError, ValueError.

    A table has a column `question`, and maybe `name`. Raises ConfigError.
    """
    if ending in (".yaml", ".yml", ".json"):
        yield from _of_yaml(load_yaml(file))
    elif ending in (".csv", ".tsv"):
        for _, row in read_table(file, ("question",), MAX_BYTES, 10 * MAX_QUESTIONS):
            yield row.get("name", ""), row["question"]
    else:
        lines = _FRONT_MATTER.sub("", read_text(file, MAX_BYTES)).splitlines()
        for each in _items(line for line in lines if not _NO_QUESTION.fullmatch(line)):
            yield "", each


def _items(lines: Iterable[str]) -> Iterator[str]:
    """Yield the questions in *lines*; what is indented below one, such as probes, belongs to it.

    Questions below a list's item that asks nothing, or below a line with a colon, begin with it.
    """
    item, depth, asks, listed, head, top = "", 0, False, False, "", -1
    for line in lines:
        mark = _MARK.match(line)
        indent = len(line) - len(line.lstrip())
        words = (line[mark.end() :] if mark else line).strip()
        below = bool(item) and indent > depth
        if below and (not mark or asks or (listed and not words.endswith(_ENDS))):
            item, asks = f"{item} {words}", asks or words.endswith(_ASKS)
            continue
        if below and listed:
            head, top = f"{item.rstrip(':')}: ", depth
        elif item:
            yield item
        head = head if indent > top else ""
        item, depth, asks = head + words, indent, words.endswith(_ASKS)
        listed = bool(mark) or words.endswith(":")
    if item:
        yield item


def _of_yaml(value: Any) -> Iterator[tuple[str, str]]:
    """Yield name, empty for none, and text of each question; raise TypeError."""
    if isinstance(value, Mapping) and list(value) == ["questions"]:
        value = value["questions"]
    if not isinstance(value, Mapping | list):
        raise TypeError(f"{one_line(repr(value), 60)} is not a list")
    rows = value.items() if isinstance(value, Mapping) else [("", each) for each in value]
    for name, each in rows:
        if isinstance(each, Mapping) and set(each) in ({"name", "question"}, {"question"}):
            name, each = each.get("name", ""), each["question"]
        if not isinstance(each, str) or not isinstance(name, str):
            raise TypeError(f"{one_line(repr(each), 60)} is not a question")
        yield name, each
