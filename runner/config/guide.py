"""Guide: the questions of an interview, each of which becomes an analyzer made from a template."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
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
_WRAPPED = 30  # characters at least of a line that the next one continues

_LABEL = r"(?i:Q|Question|Frage|Pregunta|Pergunta|Domanda|Vraag)\s?\d{1,3}[.):]?"
_MARK = re.compile(  # of an item in a list: -, 1., 1 -, (2), Q3:, Question 4, 1.2, a), b., iv), 5、
    rf"^\s*(?:(?:(?:{_LABEL}|\d{{1,3}}(?:\.\d{{1,3}})*)\s?[-–—](?=\s+\D)|{_LABEL}|"
    r"[-*+•·●○◦▪‣➢\uf0a7\uf0b7–—>]|\(?Q?\d{1,3}(?:\.\d{1,3})*[.):]|\d{1,3}(?:\.\d{1,3})+|"
    r"\(?(?:[a-z]|[ivx]+)\)|(?-i:[a-z]|[ivx]+)\.|o(?=\t))\s+|"
    r"\d{1,3}[、．]\s*)(?:\[[ x]\]\s+)?",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"\d[\d.]*")
_PROBE = re.compile(r"(?:probe|prompt|follow[- ]?up)s?(?:\W+\d+)?\s*:", re.IGNORECASE)
_UNDERLINED = re.compile(r"^[^\n?]+\n(?:=+|--+)[ \t]*$", re.MULTILINE)  # a heading in Markdown
_NO_QUESTION = re.compile(  # headings, rules, mere numbers of questions
    r"\s*(?:#(?!#+[^?]*\?).*|<!--.*-->\s*|([-*_])(?:\s*\1){2,}\s*|(\*\*|__)[^*_?]+\2:?\s*|"
    rf"{_LABEL}\s*)?"
)
_ASKS = ("?", "？", "؟")
_ENDS = (".", "!", "…", "。", "！")  # of a sentence
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
        before = ((n, b) for n, b in mapping(old.get("analyzers")).items() if n not in analyzers)
        questions = {n: text_of(at(b, "variables", "question")) for n, b in before}
    else:
        questions = read_guide(guide)
    if not isinstance(template, Mapping):
        lacks = f"this pipeline has no analyzer {TEMPLATE!r} to ask its questions"
        raise ConfigError(f"guide={guide}: {lacks}: use pipeline=interviews")
    for name in (name for name in analyzers if name in questions and name != TEMPLATE):
        raise ConfigError(f"guide={guide}: {name!r} names an analyzer already; rename it")
    given, made = mapping(template.get("variables")), dict[str, Any]()
    asked = {n: {**template, "variables": {**given, "question": q}} for n, q in questions.items()}
    for name, body in analyzers.items():
        made |= asked if name == TEMPLATE else {name: body}
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
        named = name or _name_of(line)
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


def _name_of(line: str) -> str:
    """Return the first words of *line* as a name of at most _MAX_NAME characters."""
    words = slug(line, MAX_CHARS)
    whole = words if len(words) <= _MAX_NAME else words[: _MAX_NAME + 1].rpartition("-")[0]
    return (whole or words[:_MAX_NAME]).replace("-", "_")


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
        text = _FRONT_MATTER.sub("", read_text(file, MAX_BYTES))
        lines = _UNDERLINED.sub("", text).splitlines()
        left = (line for line in lines if not _NO_QUESTION.fullmatch(line))
        left = (line.lstrip("# ") if line.startswith("#") else line for line in left)
        yield from (("", question) for question in _questions(_items([*left])))


@dataclass
class _Item:
    """An item of a guide; *line* is its last, *is_head* says that its first ends with a colon."""

    words: str
    line: str
    depth: int
    listed: bool
    is_head: bool = False

    def has(self, words: str, depth: int, *, marked: bool) -> bool:
        """Return whether a line of *words* belongs to it: indented below it, cut off, a probe."""
        if not self.words:  # its mark is alone on a line
            return not marked
        if _PROBE.match(words):
            return True
        if depth > self.depth:
            return not marked or _asks(self.words) or not _ends(words)
        lower = self.words[0].islower() and not self.listed  # one of several subjects
        is_cut = len(self.line) >= _WRAPPED and not lower and self.words[-1] != ":"
        return not marked and words[:1].islower() and is_cut and not _ends(self.words)


_LAST = _Item("", "", -1, listed=False)  # behind all others


class _Line:
    """A line of a guide: its *mark* as an item of a list, "" without one, and its other *words*.

    *indent* counts the blanks at its start; *number* is the one in its mark, such as 1.2. Bullets
    below a line that *is_subject* may be its questions.
    """

    def __init__(self, text: str) -> None:
        mark = _MARK.match(text)
        number = _NUMBER.search(mark[0]) if mark else None
        self.text, self.mark = text, mark[0] if mark else ""
        self.words = text.removeprefix(self.mark).strip()
        self.indent = len(text) - len(text.lstrip())
        self.number = number[0].strip(".") if number else ""
        self.is_subject = not self.indent and not (mark and (not number or _ends(text)))


def _items(texts: Sequence[str]) -> list[_Item]:
    """Return the items in lines; probes, and what is indented below one, belong to it."""
    items, numbers, lines = list[_Item](), set[str](), list(map(_Line, texts))
    has_subjects = len([line for line in lines if line.is_subject]) > 1
    for line in lines:
        depth = line.indent
        if line.number:  # 1.2 is below 1
            numbers.add(line.number)
            parent, dot, _ = line.number.rpartition(".")
            depth += line.number.count(dot) if parent in numbers else 0
        elif line.mark and not line.mark.isupper():
            depth += has_subjects  # a bullet below one of them
        if items and items[-1].has(line.words, depth, marked=bool(line.mark)):
            items[-1].words = f"{items[-1].words} {line.words}".strip()
            items[-1].line = line.text
        else:
            is_head = line.words.endswith(":")
            items.append(_Item(line.words, line.text, depth, bool(line.mark), is_head))
    return [item for item in items if item.words]


@dataclass(frozen=True)
class _Section:
    """What questions deeper than *depth* begin with; *holds_bare*: also those without a mark."""

    head: str = ""
    depth: int = -1
    holds_bare: bool = False

    def holds(self, item: _Item) -> bool:
        """Return whether *item* belongs to it."""
        return item.depth > self.depth and (item.listed or (self.holds_bare and not item.is_head))


def _questions(items: Sequence[_Item]) -> Iterator[str]:
    """Yield the questions in *items*.

    Questions below an item that asks nothing, or below a line with a colon, begin with it; so do
    those of a list below a line without a mark that ends no sentence, unless that is a title: the
    first line, and the only one without a mark.
    """
    section = _Section()
    bare = [item for item in items if not item.listed]
    is_title = len(bare) == 1 and bare[0].words == bare[0].line.rstrip()  # of one line
    for item, after in pairwise([*items, _LAST]):
        section = section if section.holds(item) else _Section()
        question = section.head + item.words
        below = after.depth > item.depth
        colon = question.endswith(":") and (after.listed or not after.is_head)
        lists = colon or (after.listed and not _ends(question))
        if not (below if item.listed else lists and after.depth >= item.depth):
            yield question
            continue
        head = f"{question} " if _ends(question) else f"{question.rstrip(':')}: "
        if is_title and item is items[0] and not (item.listed or below or colon):
            head = ""
        section = _Section(head, item.depth - (not below), below or colon)


def _asks(words: str) -> bool:
    return any(sign in words for sign in _ASKS)


def _ends(words: str) -> bool:
    """Return whether *words* are a question or a sentence, not a mere subject."""
    return _asks(words) or words.rstrip("*_\"'”’») ").endswith(_ENDS)


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
