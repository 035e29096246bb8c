"""Codings in REFI-QDA projects (.qdpx) of any program: untrusted archives, read within limits."""

import lzma
import zlib
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from operator import itemgetter
from pathlib import Path
from xml.etree.ElementTree import Element
from zipfile import BadZipFile, LargeZipFile, ZipFile

from runner.answers.codebook import codes_in
from runner.base.errors import ConfigError, TranscriptError, one_line, reason
from runner.base.regular_files import open_regular
from runner.transcript.formats.markup import xml_tree

MAX_BYTES = 500_000_000  # of an archive, which may hold recordings
MAX_MEMBERS = 20_000
MAX_MEMBER = 40_000_000  # bytes of a member that is read, and
MAX_READ = 400_000_000  # of all of them
MAX_TAGS = 1_000_000  # of a project, whose elements are all held in memory
MAX_CODES = 5_000
_ENTRY = b"PK\x01\x02"  # begins each member's entry, all of which ZipFile holds in memory
_INTERNAL = "internal://"
_KINDS = ("TextSource", "PDFSource", "PictureSource", "AudioSource", "VideoSource")
_UNREADABLE = (BadZipFile, LargeZipFile, NotImplementedError, RuntimeError, EOFError, zlib.error,
               lzma.LZMAError, UnicodeDecodeError, ValueError)  # fmt: skip


@dataclass(slots=True)
class CodedText:
    """A text source: *codings* are code points start and end (exclusive), and a code's GUID.

    *whole* counts those without positions; a source that is not *plain* has no text.
    """

    name: str
    path: str
    text: str
    codings: list[tuple[int, int, str]]
    whole: int
    plain: bool


@dataclass(frozen=True, slots=True)
class CodedProject:
    """The text sources of a project, and the names of its codes by GUID.

    *whole* counts codings of a text as a whole, which have no positions, *others* those in
    recordings, pictures and PDF.
    """

    codes: Mapping[str, str]
    sources: tuple[CodedText, ...]
    whole: int
    others: int


def read_project(file: Path) -> CodedProject:
    """Return the codings of the project in *file*; nothing is written. Raises ConfigError."""
    try:
        with open_regular(file, MAX_BYTES) as opened:
            members = sum(piece.count(_ENTRY) for piece in iter(lambda: opened.read(1 << 20), b""))
            if members > MAX_MEMBERS:
                raise ValueError(f"{members:,} members, expected at most {MAX_MEMBERS:,}")
            with ZipFile(opened) as archive:
                return _read(_Archive(archive), file)
    except OSError as error:
        raise ConfigError(f"{file} cannot be read: {reason(error, file)}") from error
    except TranscriptError as error:
        raise ConfigError(str(error)) from error
    except _UNREADABLE as error:
        raise ConfigError(f"{file} is not a REFI-QDA project: {one_line(str(error))}") from error


class _Archive:
    """Reads the members of an archive by name, within the limits on one and on all of them."""

    def __init__(self, archive: ZipFile) -> None:
        self._archive, self._left = archive, MAX_READ
        self.names = archive.namelist()

    def read(self, name: str) -> bytes:
        """Return a member, without trusting its stated size; raise ValueError if too large."""
        limit = min(MAX_MEMBER, self._left)
        with self._archive.open(name) as opened:
            data = opened.read(limit + 1)
        if len(data) > limit:
            raise ValueError(f"{name[:80]!r} unpacks to more than {limit:,} bytes")
        self._left -= len(data)
        return data


def _read(archive: _Archive, file: Path) -> CodedProject:
    projects = [name for name in archive.names if name.lower().endswith(".qde") and "/" not in name]
    if len(projects) != 1:
        raise ValueError(f"{len(projects)} files .qde in it, expected one")
    place = f"{file}: {projects[0]}"
    data = archive.read(projects[0])
    if data.count(b"<") > MAX_TAGS:
        raise ValueError(f"more than {MAX_TAGS:,} tags in {projects[0][:80]!r}")
    root = xml_tree(data, place, "REFI-QDA XML")
    codes = {code.guid: code.name for code in codes_in(root, place, MAX_CODES)}
    every = list(_sources(root))
    sources = tuple(source for source in every if source.plain)
    others = sum(each.whole + len(each.codings) for each in every if not each.plain)
    by_name = {_base(name): name for name in archive.names}
    for source in sources:
        if source.path and source.codings:
            inside = by_name.get(_base(source.path.removeprefix(_INTERNAL)))
            if not source.path.startswith(_INTERNAL) or inside is None:
                raise ValueError(f"the text of {source.name!r} is not in it: {source.path[:80]!r}")
            source.text = archive.read(inside).decode("utf-8-sig")
        source.codings = _recounted(source)
    return CodedProject(codes, sources, sum(source.whole for source in sources), others)


def _base(path: str) -> str:
    """Return the last part of a *path*, as file systems that ignore case compare it."""
    return path.replace("\\", "/").rpartition("/")[2].casefold()


def _recounted(source: CodedText) -> list[tuple[int, int, str]]:
    """Return the codings in code points, by whichever count most begin and end at edges of words.

    The standard counts code points; programs also count UTF-16 units, or a line's end as one.
    """
    text, best = source.text, (-1, source.codings)
    wide = not text.isascii() and max(text) > "\uffff"
    for halves, joined in product((False, wide), (False, "\r\n" in text)):
        at = _points(text, halves=halves, joined=joined)
        last = len(at) - 1
        spans = [(at[min(a, last)], at[min(b, last)], code) for a, b, code in source.codings]
        places = [place for span in spans for place in span[:2]]
        edges = sum(not (text[p - 1 : p].isalnum() and text[p : p + 1].isalnum()) for p in places)
        best = max(best, (edges, spans), key=itemgetter(0))  # of equal ones the first
        if edges == len(places):
            break
    return best[1]


def _points(text: str, *, halves: bool, joined: bool) -> Sequence[int]:
    """Return the code point at each position that a program counts."""
    if not halves and not joined:
        return range(len(text) + 1)
    found = array("L")
    for at, char in enumerate(text):
        if joined and char == "\n" and text[at - 1 : at] == "\r":
            continue
        found.append(at)
        if halves and char > "\uffff":
            found.append(at)
    found.append(len(text))
    return found


def _sources(root: Element) -> Iterator[CodedText]:
    """Yield the sources in project.qde, those without inline text without theirs."""
    for each in root.iter():
        if each.tag not in _KINDS:
            continue
        name, text = each.get("name", ""), each.findtext("PlainTextContent", "")
        codings = []
        for selected in each.findall("PlainTextSelection"):
            ends = selected.get("startPosition", ""), selected.get("endPosition", "")
            if not all(end.isdecimal() and len(end) < 12 for end in ends):
                raise ValueError(f"a selection in {name[:80]!r} has no positions: {ends!r:.80}")
            for ref in selected.iter("CodeRef"):
                code = ref.get("targetGUID", "").strip("{} ").lower()
                codings.append((int(ends[0]), int(ends[1]), code))
        whole, plain = sum(1 for _ in each.iter("CodeRef")) - len(codings), each.tag == _KINDS[0]
        yield CodedText(name, each.get("plainTextPath", ""), text, codings, whole, plain)
