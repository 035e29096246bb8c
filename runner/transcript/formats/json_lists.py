"""Lists of records in JSON, and which of them is the transcript."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from runner.base.json import mapping
from runner.transcript.formats.fields import (
    Record,
    fields_named,
    fields_of,
    simple_name,
    speaker_of,
    text_of,
)
from runner.transcript.formats.records import sampled

_WORD_KEYS = ("word", "punctuatedword")
_WORD_TYPES = {"word", "punctuation", "pronunciation", "punct", "spacing", "text", "entity"}
_MAX_WORDS = 1.3  # in an item of a list of single words
_ENOUGH = 0.8  # of the letters of the longest list
_BRANCH = (dict, list)
_NONE: tuple[object, ...] = (None, "", [], {})
_SAMPLE = 2000


@dataclass(slots=True)
class RecordList:
    """All lists of objects at one *path*, which omits the numbers of items."""

    path: tuple[str, ...]
    records: list[Record]
    size: int = 0  # letters of its texts
    words: bool = False
    rank: tuple[bool, bool, int] = (False, False, 0)

    @property
    def name(self) -> str:
        """The key that holds the list, or "" at the top."""
        return next((part for part in reversed(self.path) if part != "*"), "")

    def is_in(self, other: "RecordList") -> bool:
        """Return whether it is *other* or inside of it."""
        return self.path[: len(other.path)] == other.path

    def text(self) -> str:
        """Return all of its texts."""
        fields = sampled(self.records)
        return " ".join(text_of(record, fields) or "" for record in self.records)


def lists_in(data: object) -> Iterator[RecordList]:
    """Yield the lists of objects in *data*, one for each path."""
    found: dict[tuple[str, ...], list[Record]] = {}
    todo: list[tuple[tuple[str, ...], object]] = [((), data)]
    while todo:
        path, node = todo.pop()
        node = _rows(node) if isinstance(node, dict) else node
        if isinstance(node, dict):
            values = list(node.values())
            if len(values) > 1 and all(isinstance(value, dict) for value in values):
                found.setdefault((*path, "*"), []).extend(values)
            todo += [
                ((*path, key), each)
                for key, each in reversed(node.items())
                if isinstance(each, _BRANCH)
            ]
        elif isinstance(node, list):
            if path and fields_named(path[-1:]).best:
                node = node[:1]  # the transcript; the others are alternatives
            else:
                objects: list[Record] = [each for each in node if isinstance(each, dict)]
                if objects := objects or _triples(node):
                    found.setdefault(path, []).extend(objects)
            inside = (*path, "*")
            todo += [(inside, each) for each in reversed(node) if _branches(each)]
    for path, records in found.items():
        yield _measured(RecordList(path, _flat(records)))


def _triples(node: list[object]) -> list[Record]:
    """Return lists of a word, its start and its end as records (IBM)."""
    triples = (each for each in node if isinstance(each, list) and len(each) == 3)
    return [
        {"word": word, "start": start, "end": end}
        for word, start, end in triples
        if isinstance(word, str) and isinstance(start, int | float) and isinstance(end, int | float)
    ]


def _flat(records: list[Record]) -> list[Record]:
    """Return *records*, with the fields of the object in which each has its words or speaker."""
    fields = sampled(records)
    for key in fields.keys["text"][:1]:  # a message with its author
        if all(isinstance(record.get(key), dict | None) for record in records):
            return [{**each, key: None, **mapping(each.get(key))} for each in records]
    if fields.keys["text"] and not fields.keys["speaker"]:  # `data`, of an editor
        for key, value in records[0].items():
            if isinstance(value, dict) and any("speaker" in inner.lower() for inner in value):
                return [{**mapping(each.get(key)), **each} for each in records]
    if fields.keys["text"] or fields.best or fields.parts:
        return records
    for key, value in records[0].items():
        if isinstance(value, dict) and text_of(value, fields_of([value])) is not None:
            inner = ((record, record.get(key)) for record in records)
            return [{**each, **its} if isinstance(its, dict) else each for each, its in inner]
    return records


def _branches(value: object) -> bool:
    if isinstance(value, dict):
        return any(isinstance(each, _BRANCH) for each in value.values())
    return isinstance(value, list)


def _rows(node: dict[str, object]) -> object:
    """Return the rows of a table that is written by columns, or *node* itself."""
    if sum(isinstance(value, list) for value in node.values()) < 2:
        return node
    columns = {key: value for key, value in node.items() if isinstance(value, list)}
    lengths = {len(value) for value in columns.values()}
    plain = not any(isinstance(each, _BRANCH) for value in columns.values() for each in value[:9])
    if len(lengths) != 1 or not plain or not fields_named(columns).keys["text"]:
        return node
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _measured(found: RecordList) -> RecordList:
    fields = sampled(found.records)
    texts = [text_of(record, fields) or "" for record in found.records]
    found.size = sum(len(text) - text.count(" ") for text in texts)
    last = "".join(texts[-1:]).replace(" ", "")
    if len(last) * 2 == found.size and "".join(texts[:-1]).replace(" ", "") == last:
        found.size = len(last)  # the last has all words again, with speakers
    some = [*found.records[:50], *found.records[-50:]]
    keys = [key for key in fields.keys["speaker"] if simple_name(key)[0] != "from"]
    who = any(r.get(key) not in _NONE for key in keys for r in found.records)
    texts_of = ((record, fields.first("text", record)[1]) for record in some)
    who = who or any(_has_speaker(r) for r, text in texts_of if not isinstance(text, list))
    when = any(record.get(key) is not None for record in some for key in fields.keys["start"])
    found.rank = (who, when, -len(found.records))
    spoken = [text for text in texts[:_SAMPLE] if text.strip()]
    if not spoken or not (fields.keys["text"] or fields.best or fields.parts):
        return found
    mean = sum(len(text.split()) for text in spoken) / len(spoken)
    types = {str(record.get("type")) for record in found.records[:50]}
    typed = bool(types & _WORD_TYPES) and types <= _WORD_TYPES | {"audio_event", "None"}
    named = simple_name(found.name)[0] in ("words", "elements", "items", "tokens", "wordsegments")
    keyed = bool(fields.keys["text"]) and simple_name(fields.keys["text"][0])[0] in _WORD_KEYS
    found.words = mean <= _MAX_WORDS and (typed or named or keyed) and len(spoken) > 1
    return found


def _has_speaker(record: Record, depth: int = 3) -> bool:
    """Return whether *record*, or something in it, has a speaker."""
    fields = fields_of([record])
    for key in fields.keys["speaker"]:
        if speaker_of(record[key]) is not None and simple_name(key)[0] != "from":
            return True
    return depth > 0 and any(
        _has_speaker(each, depth - 1)
        for value in record.values()
        for each in (value[:1] + value[-1:] if isinstance(value, list) else ())
        if isinstance(each, dict)
    )


def best_of(lists: Sequence[RecordList]) -> RecordList | None:
    """Return the list with the most speakers and times among those with nearly all words."""
    most = max((each.size for each in lists), default=0)
    enough = [each for each in lists if each.size and each.size >= most * _ENOUGH]
    return max(enough, key=lambda each: each.rank, default=None)
