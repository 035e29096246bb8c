"""Names of speakers that JSON lists beside the transcript: by number, by key, or in order."""

from collections.abc import Iterator, Sequence

from runner.base.json import listing, mapping, mappings
from runner.transcript.formats.fields import Record, parts_of, simple_name
from runner.transcript.formats.records import sampled
from runner.transcript.reader_notes import Notes

_NUMBERS = ("speakerid", "id", "speaker", "label")  # of speakers
_MAX_PEOPLE = 1000


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
    """Return the number and the name of a *person*; one of *keys* has the number."""
    found = {simple_name(key)[0]: value for key, value in person.items()}
    number = next((found[key] for key in keys if key in found), None)
    name = _name_in(person)
    return (str(number), name) if isinstance(number, str | int) and name else None
