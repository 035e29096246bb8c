"""Tree of a collection's calls over its files: a hash trie with stable branches.

A file's place is the digest of its name. A branch whose findings fit into one call is a leaf; any
other is parted by the next bit. So a new file changes only its leaf and the branches above.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from runner.record.collection_findings import GroundedFinding, place_of

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class File:
    """Findings of one file, the *tokens* of their lines, and the *bits* that place it."""

    found: tuple[GroundedFinding, ...]
    tokens: int
    bits: str


def files_of(
    found: Iterable[GroundedFinding], tokens: Callable[[GroundedFinding], int]
) -> list[File]:
    """Return the files of the findings *found*, in the order of the trie."""
    by_name: dict[str, list[GroundedFinding]] = {}
    for each in found:
        by_name.setdefault(each.file, []).append(each)
    files = (
        File(tuple(findings), sum(map(tokens, findings)), place_of(name))
        for name, findings in by_name.items()
    )
    return sorted(files, key=lambda file: file.bits)


def fits(files: Sequence[File], room: int) -> bool:
    """Return whether one call of *room* tokens reads *files*; a single finding always fits."""
    return sum(file.tokens for file in files) <= room or sum(len(f.found) for f in files) == 1


def branches(
    prefix: str, files: Sequence[File], room: int, tokens: Callable[[GroundedFinding], int]
) -> list[tuple[str, list[File]]]:
    """Return the names and files of the branches of *files*, which do not fit into one call.

    *prefix* is the name of their branch. A file with more findings than fit is cut.
    """
    if len(files) == 1:
        cut = packed(files[0].found, tokens, room)
        parts = (File(tuple(part), sum(map(tokens, part)), files[0].bits) for part in cut)
        return [(f"{prefix}_{number}", [part]) for number, part in enumerate(parts, 1)]
    depth = len(prefix)
    while len({file.bits[depth] for file in files}) == 1:
        depth += 1
    common = files[0].bits[:depth]
    return [(f"{common}{bit}", [f for f in files if f.bits[depth] == bit]) for bit in "01"]


def leaves(
    prefix: str, files: Sequence[File], room: int, tokens: Callable[[GroundedFinding], int]
) -> Iterator[tuple[str, Sequence[File]]]:
    """Yield the names and files of all leaves."""
    if fits(files, room):
        yield prefix, files
        return
    for name, part in branches(prefix, files, room, tokens):
        yield from leaves(name, part, room, tokens)


def packed(items: Iterable[T], tokens: Callable[[T], int], room: int) -> Iterator[list[T]]:
    """Yield *items* in parts that fit, in order; one that alone is too long is a part."""
    part, left = list[T](), room
    for each in items:
        used = tokens(each)
        if part and used > left:
            yield part
            part, left = [], room
        part.append(each)
        left -= used
    yield part
