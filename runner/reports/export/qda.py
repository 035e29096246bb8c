"""REFI-QDA projects: transcripts as plain texts, codes, and codings by code points; REFI 1.0."""

import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from itertools import groupby
from xml.etree.ElementTree import Element, tostring
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from runner.answers.codebook import ORIGIN, Codebook, add_codes, add_element, as_xml, guid_of
from runner.base.errors import one_line
from runner.base.format import clock
from runner.transcript.model import Segment, Transcript

NAMESPACE = "urn:QDA-XML:project:1.0"
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")
COLUMNS = (
    "file", "segment", "start", "end", "speaker", "code", "quote", "start_position",
    "end_position", "match", "reason", "coder",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class PlacedCoding:
    """A code on words of one segment, and where they are in the source's text, in code points.

    Words that are not in the transcript have no positions; *segment* is then the claimed one, or
    UNKNOWN. *match* is that of the quote's check.
    """

    file: str
    segment: Segment
    code: str
    quote: str
    start: int | None
    end: int | None
    match: str
    reason: str
    coder: str

    def row(self) -> Sequence[object]:
        """Return the cells of COLUMNS."""
        held = self.segment
        start, end = (None if t is None else clock(t) for t in (held.start_s, held.end_s))
        return (self.file, held.id, start or held.where, end, held.speaker, self.code, self.quote,
                self.start, self.end, self.match, self.reason, self.coder)  # fmt: skip


@dataclass(frozen=True, slots=True)
class SourceText:
    """The transcript of *file* as a plain text: a segment a line, after its speaker.

    *name* is without folders, since programs also use it as a file's; *starts* are the code points
    at which the words of each segment begin.
    """

    file: str
    name: str
    transcript: Transcript
    text: str
    starts: dict[str, int]
    segments: dict[str, Segment]

    @property
    def guid(self) -> str:
        """Its GUID, the same for the same words in a file of the same name."""
        return guid_of("source", self.file, self.text)


def source_of(transcript: Transcript, file: str, name: str) -> SourceText:
    """Return *transcript*, read from *file*, as the text *name* that codings are placed in."""
    parts, starts, at = list[str](), dict[str, int](), 0
    for segment in transcript.segments:
        label = f"{segment.speaker}: " if segment.speaker else ""
        starts[segment.id] = at + len(label)
        parts.append(f"{label}{segment.text}\n")
        at += len(parts[-1])
    segments = {segment.id: segment for segment in transcript.segments}
    return SourceText(file, name, transcript, "".join(parts), starts, segments)


class Project:
    """A project called *name* that is made source by source, in memory.

    Its times are those of the runs and its GUIDs depend on the content only.
    """

    def __init__(self, name: str, book: Codebook) -> None:
        self._name, self._book = name, book
        self._guids = {code.name: code.guid for code in book.codes}
        self._coders: dict[str, str] = {}
        self._begun = ""
        self._file = BytesIO()
        self._zip = ZipFile(self._file, "w", ZIP_DEFLATED)
        self._sources: list[bytes] = []  # compressed, since a thousand take hundreds of MB

    def add(self, source: SourceText, codings: Sequence[PlacedCoding], started_at: str) -> None:
        """Add a source with its codings; those without positions are left out."""
        known = _TIME.match(started_at)
        time = {"creationDateTime": f"{known[0]}Z"} if known else {}
        self._begun = self._begun or time.get("creationDateTime", "")
        guid = source.guid  # a digest of the text
        path = f"{guid}.txt"
        self._zip.writestr(_member(f"sources/{path}"), source.text.encode())
        about = {"guid": guid, "name": source.name, "plainTextPath": f"internal://{path}"}
        placed = [c for c in codings if c.start is not None and c.end is not None]
        placed.sort(key=_span)
        inside = Element("Sources")
        made = add_element(inside, "TextSource", **about, **time)
        for _, group in groupby(placed, key=_span):
            self._select(made, guid, list(group), time)
        self._sources.append(zlib.compress(tostring(made, "utf-8")))

    def _select(
        self, inside: Element, source: str, codings: Sequence[PlacedCoding], time: dict[str, str]
    ) -> None:
        """Add one coder's codes of one passage of a source."""
        start, end, coder = span = _span(codings[0])
        made = {"creatingUser": self._coders.setdefault(coder, guid_of("coder", coder)), **time}
        about = {
            "guid": guid_of("selection", source, *span),
            "name": one_line(codings[0].quote, 80),
            "startPosition": str(start),
            "endPosition": str(end),
        }
        reasons = {each.code: each.reason for each in codings}
        remarks = [f"{code}: {why}" if len(reasons) > 1 else why for code, why in reasons.items()]
        selection = add_element(inside, "PlainTextSelection", **about, **made)
        add_element(selection, "Description", "\n".join(remarks))
        for code in reasons:
            own = guid_of("coding", source, *span, code)
            coding = add_element(selection, "Coding", guid=own, **made)
            add_element(coding, "CodeRef", targetGUID=self._guids[code])

    def content(self) -> bytes:
        """Return the finished project."""
        time = {"creationDateTime": self._begun} if self._begun else {}
        about = {"xmlns": NAMESPACE, "name": self._name, "origin": ORIGIN, **time}
        root = add_element(Element("projects"), "Project", **about)
        users = add_element(root, "Users") if self._coders else root
        for name, guid in self._coders.items():
            add_element(users, "User", guid=guid, name=name)
        add_codes(add_element(root, "CodeBook"), self._book)
        head, end, _ = as_xml(root).rpartition("</Project>")
        with self._zip.open(_member("project.qde"), "w") as opened:
            opened.write(head.encode())
            if self._sources:
                opened.write(b"<Sources>")
                for each in self._sources:
                    opened.write(zlib.decompress(each))
                opened.write(b"</Sources>")
            opened.write(f"{end}\n".encode())
        self._zip.close()
        return self._file.getvalue()


def _span(coding: PlacedCoding) -> tuple[int, int, str]:
    return coding.start or 0, coding.end or 0, coding.coder


def _member(name: str) -> ZipInfo:
    member = ZipInfo(name)  # its time is 1980, so that equal projects are equal bytes
    member.compress_type, member.external_attr = ZIP_DEFLATED, 0o600 << 16
    return member
