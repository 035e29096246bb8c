"""Records in text: Markdown tables, and blocks of lines `Speaker: Ana`, `Time: 0:01`, `Text: …`."""

import itertools
import re
from collections import Counter
from collections.abc import Iterator, Sequence

from runner.transcript.formats.fields import Fields, fields_named
from runner.transcript.formats.moments import moment_of
from runner.transcript.formats.records import turns_from
from runner.transcript.formats.tables import turns_from_rows
from runner.transcript.layouts.labels import Likeness, likeness
from runner.transcript.layouts.preface import is_speech
from runner.transcript.model import Turn, join_lines
from runner.transcript.reader_notes import Notes

_FIELD = re.compile(
    r"[\s>*+-]{0,12}[*_]{0,3}([A-Za-z][\w -]{0,30}?)[*_]{0,3}\s?"
    r"(?::[*_]{0,3}(?:\s|$)|=)[*_]{0,3}(.*)$"
)
_BETWEEN = re.compile(
    r"\A(?:[-=_*#~\s]*$|\W{0,20}\d{1,9}\W{0,20}$|\[[^][]{0,300}\]$)"
)  # rules and numbers of records
_TEXT = "text"  # the key of words that have none
_SAMPLE = 4000
_MOSTLY = 0.8
_MAX_NAME_WORDS = 5

_Line = tuple[str, str, str]  # as written, its key or "", and the value


def turns_of_blocks(text: str, notes: Notes) -> list[Turn] | None:
    """Return the turns in the records of *text*, or None if it has none.

    Two keys that recur equally often are a speaker, with values like names, and words. Without a
    key for words, the words are the lines below the others.
    """
    lines = [_field(line) for line in text.split("\n")]
    fields = _fields_of(lines[:_SAMPLE])
    if fields is None:
        return None
    notes.layout = "blocks of fields"
    records = list(_records(lines, fields, notes))
    for record in records:
        read = {fields.first(role, record)[0] for role in ("speaker", "text")}
        for key in record.keys() - read:
            if any(map(str.isalpha, record[key])) and moment_of(record[key]) is None:
                notes.leave_out(f"fields '{key}'", record[key])
    return turns_from(records, notes)


def _field(line: str) -> _Line:
    match = _FIELD.match(line) if ":" in line[:50] or "=" in line[:50] else None
    return (line, match[1], match[2].strip()) if match else (line, "", "")


def _fields_of(lines: Sequence[_Line]) -> Fields | None:
    counts = Counter(key for _, key, _ in lines if key)
    fields = fields_named(key for key, count in counts.items() if count > 1)
    if not fields.keys["speaker"]:
        return None
    who = fields.keys["speaker"][0]
    words = fields.keys["text"][0] if fields.keys["text"] else ""
    if not words:
        keys = [key if key in fields.known else "" for line, key, _ in lines if line.strip()]
        counts[words] = sum(a != "" == b for a, b in itertools.pairwise(keys))
        fields = fields_named((*fields.known, words, _TEXT))
    if min(counts[who], counts[words]) < max(counts[who], counts[words]) * _MOSTLY:
        return None
    names = [value.strip("*_ ") for _, key, value in lines if key == who and value]
    named = sum(
        len(name.split()) <= _MAX_NAME_WORDS
        and (likeness(name) >= (Likeness.WORD if words else Likeness.NAME) or name.isdigit())
        for name in names
    )
    if not words and not fields.keys["start"] and len(set(names)) == len(names):
        return None
    return fields if names and named >= len(names) * _MOSTLY else None


def _records(lines: Sequence[_Line], fields: Fields, notes: Notes) -> Iterator[dict[str, str]]:
    """Yield the records; one ends where a key comes again, or at a gap once it has words."""
    texts = fields.keys["text"]
    record: dict[str, list[str]] = {}
    key, gap = "", False
    for line, found, value in lines:
        between = _BETWEEN.match(line) is not None
        if found in fields.known:
            if found in record or (gap and not record.keys().isdisjoint(texts)):
                yield _joined(record)
                record = {}
            key, gap = found, False
            record[key] = [value]
        elif key and not between:
            key = key if key in texts else texts[0]
            record.setdefault(key, []).append(line)
        else:
            gap = gap or between
            if line.strip():
                kind = "page and cue numbers" if between else "lines above the first turn"
                notes.leave_out(kind, line)
    yield _joined(record)


def _joined(record: dict[str, list[str]]) -> dict[str, str]:
    return {key: join_lines(lines).strip("*_") for key, lines in record.items()}


# Below a header; in Org and PostgreSQL with a plus, around a grid with one at both ends.
_RULE = re.compile(
    r"\s{0,8}[|+]?(?:\s{0,40}:?[-=]{2,200}:?\s{0,40}[|+]){1,30}(?:\s{0,40}:?[-=]{2,200}:?)?\s*$"
)
_BOX = str.maketrans("│┃║─━═", "|||---")
_CORNERS = re.compile("[\u2500-\u257f]")  # all other parts of boxes
_LEAST_SHARE = 4  # one in so many characters
_CELL_END = re.compile(r"(?<!\\)\|")


def turns_of_table(text: str, name: str, notes: Notes) -> list[Turn] | None:
    """Return the turns of the tables in *text*, drawn with bars; or None.

    One without columns for speaker and words may be of facts, and needs a quarter of the file.
    Sentences around tables are turns without speaker; other lines are left out.
    """
    if "│" in text or "┃" in text or "║" in text:
        text = _CORNERS.sub("+", text.translate(_BOX))
    if "|" not in text or ("--" not in text and "==" not in text):
        return None
    lines, turns, done = text.split("\n"), list[Turn](), 0
    for at, line in enumerate(lines[1:], start=1):
        header = _header(lines[at - 1]) if at > done and _is_rule(line) else None
        if header is None:
            continue
        below = (n for n in range(at, len(lines)) if not ("|" in lines[n] or _is_rule(lines[n])))
        end = next(below, len(lines))
        roles = fields_named(_cells(lines[at - 1])).keys
        sure = roles["speaker"] and (roles["start"] or roles["text"])
        if sure or len("".join(lines[at - 1 : end])) * _LEAST_SHARE >= len(text):
            turns += _around(lines[done : at - 1], notes)
            turns += turns_from_rows([header, *_rows(lines[at:end])], name, notes, "|")
            done = end
    return [*turns, *_around(lines[done:], notes)] if done else None


def _is_rule(line: str) -> bool:
    return ("--" in line or "==" in line) and _RULE.match(line) is not None


def _rows(lines: Sequence[str]) -> Iterator[list[str]]:
    """Yield the rows below a header; in a grid, rules part them."""
    rules = [at for at, line in enumerate(lines) if _is_rule(line)]
    if len(rules) < 3 and "=" not in lines[0]:
        yield from (_cells(line) for line in lines if not _is_rule(line))
        return
    for start, end in itertools.pairwise([*rules, len(lines)]):
        cells = map(_cells, lines[start + 1 : end])
        yield [" ".join(filter(None, each)) for each in itertools.zip_longest(*cells, fillvalue="")]


def _header(line: str) -> list[str] | None:
    """Return the names of columns that hold a transcript; one of unknown name holds the words."""
    cells = _cells(line)
    fields = fields_named(cells)
    if not fields.keys["speaker"] and not fields.keys["start"]:
        return None
    others = [cell for cell in cells if cell not in fields.known]
    if not fields.keys["text"] and len(others) == 1:
        return ["text" if cell == others[0] else cell for cell in cells]
    return cells if fields.keys["text"] else None


def _cells(line: str) -> list[str]:
    cells = [cell.replace("\\|", "|").strip(" *") for cell in _CELL_END.split(line.strip())]
    cells = cells if cells[0] else cells[1:]  # a bar opens the line
    return cells if not cells or cells[-1] else cells[:-1]  # and ends it


def _around(lines: Sequence[str], notes: Notes) -> list[Turn]:
    turns = []
    for paragraph in re.split(r"\n\s*\n", "\n".join(lines)):
        text = join_lines(paragraph.split("\n"))
        if is_speech(text):
            turns.append(Turn(None, text))
        elif text:
            notes.leave_out("lines outside the table", paragraph)
    return turns
