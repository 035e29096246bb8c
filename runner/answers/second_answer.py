"""Second answer: which segments an answer cites nothing from, and what asking again adds."""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from copy import deepcopy
from typing import Any

from runner.answers.coverage import cited_segments
from runner.answers.grounding.quotations import QUOTATIONS
from runner.base.format import plural
from runner.base.json import amount, mapping, mappings, rebuilt, text
from runner.transcript.model import Segment

# It follows the segments, so that no transcript can place it elsewhere.
ASKED_AGAIN = (
    "An earlier answer to the question below cites nothing from these segments; others stood "
    "between them. Report only what these segments add, each finding with evidence from them. If "
    "they add nothing, leave all lists empty but `insights`, and give one insight that says so, "
    "without evidence.\n\n"
)
ASKED_AGAIN_TOKENS = 80  # of that text, by any tokenizer
_NUMBERED = re.compile(r"^(\D*)(\d+)$")


def silent_segments(segments: Sequence[Segment], answer: Mapping[str, Any]) -> frozenset[str]:
    """Return the ids of *segments* without a verified quote of *answer*."""
    return frozenset(each.id for each in segments) - frozenset(cited_segments(answer))


def merge_answers(
    first: Mapping[str, Any], more: Mapping[str, Any], silent: Collection[str]
) -> dict[str, Any]:
    """Return answer *first* with additions of *more* from *silent* segments at its lists' ends.

    Items that cite no silent segment, or exist already, are left out. Ids stay unique: `P1` of
    *more* becomes the next free one, also where its other items refer to it. Everything else is
    *first*'s.
    """
    result = deepcopy(dict(first))
    more = _with_free_ids(more, _ids(first))
    for new, old in zip(_lists(more), _lists(result), strict=True):
        for key, items in new.items():
            if key in old:
                old[key] += [i for i in items if i not in old[key] and _adds(i, silent)]
    return result


def without_grounding(answer: Any) -> Any:
    """Return *answer* as it was sent: its evidence without the marks of grounding."""

    def unmarked(each: Any) -> Any:
        is_marked = {"segment", "quote", "match"} <= mapping(each).keys()
        return {key: each[key] for key in ("segment", "quote")} if is_marked else each

    return rebuilt(answer, unmarked)


def additions(first: Mapping[str, Any], joined: Mapping[str, Any]) -> dict[str, int]:
    """Return how many items at the end of each list of *joined* are not in *first*."""
    grown: dict[str, int] = {}
    for old, new in zip(_lists(first), _lists(joined), strict=True):
        grown |= {key: len(items) - len(old.get(key, ())) for key, items in new.items()}
    return {key: count for key, count in grown.items() if count > 0}


def merge_notes(
    first: Mapping[str, Any], joined: Mapping[str, Any], note: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the notes of *first* with *note*; those on quotations are of the *joined* answer."""
    kept = [mark for mark in first.get("reply_notes", ()) if QUOTATIONS not in mark]
    kept += [mark for mark in joined.get("reply_notes", ()) if QUOTATIONS in mark]
    return {**first, "reply_notes": kept, "asked_again": dict(note)}


def describe_additions(note: Any) -> str:
    """Return the result of asking again in words, from the untrusted *note* of a record; or ""."""
    stored = mapping(note)
    if not stored:
        return ""
    found = [
        (str(key).replace("_", " "), int(amount(n)))
        for key, n in mapping(stored.get("found")).items()
    ]
    what = ", ".join(f"{key} {n:,}" for key, n in found if n) or "nothing"
    failed = f"; failed: {text(stored.get('failed'))}" if stored.get("failed") else ""
    about = plural(int(amount(stored.get("segments"))), "segment")
    return f"asked again about {about} that it cited nothing from; found: {what}{failed}"


def added_count(note: Any, key: str) -> int:
    """Return how many items at the end of list *key* were added by asking again."""
    return int(amount(mapping(mapping(note).get("found")).get(key)))


def _lists(answer: Mapping[str, Any]) -> tuple[dict[str, list[Any]], dict[str, list[Any]]]:
    """Return the insights and the lists of the structured data, by key."""
    named = mapping(answer.get("structured_data")).items()
    return {"insights": answer["insights"]}, {k: v for k, v in named if isinstance(v, list)}


def _adds(item: Any, silent: Collection[str]) -> bool:
    """Return whether *item* cites one of the *silent* segments, or has no room for evidence."""
    if not isinstance(item, Mapping) or "evidence" not in item:
        return True
    return any(segment in silent for segment in cited_segments(item))


def _ids(answer: Mapping[str, Any]) -> list[str]:
    items = (item for each in _lists(answer)[1].values() for item in mappings(each))
    return [item["id"] for item in items if isinstance(item.get("id"), str)]


def _with_free_ids(answer: Mapping[str, Any], taken: Collection[str]) -> Mapping[str, Any]:
    """Return *answer* with other ids for those of its items that are *taken*."""
    used, renamed = {*taken, *_ids(answer)}, dict[str, str]()
    for name in _ids(answer):
        match = _NUMBERED.match(name)
        if name in taken and match is not None:
            number = int(match[2][:9]) + 1
            while (free := f"{match[1]}{number}") in used:
                number += 1
            used.add(free)
            renamed[name] = free
    if not renamed:
        return answer
    pattern = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, renamed))})(?!\w)")
    result: dict[str, Any] = _mapped(
        answer, lambda said: pattern.sub(lambda m: renamed[m[0]], said)
    )
    return result


def _mapped(value: Any, change: Callable[[str], str]) -> Any:
    """Return *value* with *change* applied to every text in it but evidence."""
    if isinstance(value, Mapping):
        return {k: v if k == "evidence" else _mapped(v, change) for k, v in value.items()}
    if isinstance(value, list):
        return [_mapped(each, change) for each in value]
    return change(value) if isinstance(value, str) else value
