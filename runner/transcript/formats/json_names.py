"""Speakers that JSON lists beside the words: by number, by key, in order, or by time."""

from bisect import bisect
from collections.abc import Iterator, Sequence

from runner.base.json import listing, mapping, mappings
from runner.transcript.formats.fields import Record, parts_of, simple_name
from runner.transcript.formats.moments import span_in
from runner.transcript.formats.records import sampled
from runner.transcript.reader_notes import Notes

_NUMBERS = ("speakerid", "id", "speaker", "label")  # of speakers
_MAX_PEOPLE = 1000
_EDGE = 0.2  # of the length of a record, which may lie outside of its speaker's time
_MAX_OVERLAPS = 8  # times of speakers that hold one moment


def items_in(data: object) -> Iterator[tuple[str, object]]:
    """Yield all keys in *data* with their values; of long lists those of the first items."""
    todo = [data]
    while todo:
        node = todo.pop()
        if isinstance(node, dict):
            yield from node.items()
            todo += node.values()
        todo += listing(node)[:_MAX_PEOPLE]


def names_in(data: object, records: Sequence[Record], notes: Notes) -> dict[str, str]:
    """Return the names of speakers that *data* lists by number or letter, or in order."""
    names: dict[str, str] = {}
    for key, value in items_in(data):
        sure = "speaker" in key.lower() or "participant" in key.lower()
        if isinstance(value, list) and len(value) <= _MAX_PEOPLE:
            keys = _NUMBERS if sure else _NUMBERS[:1]
            found = dict(pair for each in mappings(value) if (pair := _named(each, keys)))
            in_order = [name for each in value if (name := _name_in(each))] if sure else []
            if in_order and not found and len(in_order) == len(value):
                found = _numbered(in_order, records, notes)
            names |= found
        elif sure and isinstance(value, dict):
            by_key = {k: name for k, each in value.items() if (name := _name_in(each))}
            names |= by_key if len(by_key) == len(value) else {}
    return names


def _numbered(people: list[str], records: Sequence[Record], notes: Notes) -> dict[str, str]:
    """Return the names *people* by the numbers in *records*, which count from 0 or from 1."""
    fields = sampled(records)
    voices = (voice for each in records for voice in (each, *parts_of(each, fields)))
    used = {str(fields.first("speaker", voice)[1]) for voice in voices} - {"None"}
    if not used or not all(map(str.isdecimal, used)) or "".join(people).isdecimal():
        return {}
    first = 0 if "0" in used else 1
    found = {str(number): name for number, name in enumerate(people, start=first)}
    if used <= found.keys() and (first == 0 or str(len(people)) in used):
        return found
    what = "it is not clear whose the numbers of speakers are"
    notes.warn(f"{len(people)} names of speakers are listed, such as '{people[0]}', but {what}")
    return {}


def _name_in(person: object) -> str | None:
    """Return the name of a *person*: a text, or an object with a name and no words."""
    if isinstance(person, str):
        return person or None
    found = {simple_name(key)[0]: value for key, value in mapping(person).items()}
    name = next((found[k] for k in ("name", "displayname", "speakername") if k in found), None)
    return name if isinstance(name, str) and "text" not in found and name else None


def _named(person: Record, keys: Sequence[str]) -> tuple[str, str] | None:
    found = {simple_name(key)[0]: value for key, value in person.items()}
    number = next((found[key] for key in keys if key in found), None)
    name = _name_in(person)
    return (str(number), name) if isinstance(number, str | int) and name else None


def speakers_by_time(records: Sequence[Record], spans: Sequence[Record]) -> list[object]:
    """Return for each of *records* who speaks then by *spans*, None where none or several do."""
    who, inner = sampled(spans), sampled(records)
    times = []
    for span in spans:
        start, end = span_in(span, who)
        if start and (speaker := who.first("speaker", span)[1]) is not None:
            times.append((start.value, end.value if end else None, speaker))
    times.sort(key=lambda each: each[0])
    starts = [*(start for start, _, _ in times), float("inf")]
    ends = [starts[at] if end is None else end for at, (_, end, _) in enumerate(times, 1)]

    def at(moment: float) -> list[object]:
        last = bisect(starts, moment)
        near = range(max(0, last - _MAX_OVERLAPS), last)
        return [times[n][2] for n in near if moment < ends[n] or moment == starts[n]]

    found: list[object] = []
    for start, end in (span_in(record, inner) for record in records):
        edge = (end.value - start.value) * _EDGE if start and end else 0.0
        moments = [start.value + edge, (end or start).value - edge] if start else []
        voices = [voice for moment in moments for voice in at(moment)]
        sure = len(voices) == len(moments) > 0 and all(each == voices[0] for each in voices)
        found.append(voices[0] if sure else None)
    return found
