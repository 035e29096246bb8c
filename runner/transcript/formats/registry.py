"""The readers of this package, in the order in which they are tried."""

from collections.abc import Callable, Iterable

from runner.transcript.decode import document_kind
from runner.transcript.formats import sami, tiers
from runner.transcript.formats.cue_lines import (
    is_ass,
    is_lrc,
    one_line_format,
    parse_ass,
    parse_lines,
    parse_lrc,
)
from runner.transcript.formats.json_formats import is_json, parse_json
from runner.transcript.formats.markup import is_html
from runner.transcript.formats.subtitles import has_cue_times, parse_srt, parse_vtt
from runner.transcript.formats.tables import explained, is_table, parse_table, turns_from_rows
from runner.transcript.formats.timed_xml import is_timed_xml, parse_timed_xml
from runner.transcript.formats.trees import is_tree, parse_tree
from runner.transcript.hearing import looks_like_hearing, parse_hearing
from runner.transcript.model import Turn
from runner.transcript.reader_notes import Notes
from runner.transcript.readers import Reader, Source
from runner.transcript.text import read_text_layout


def _document(kind: str, *suffixes: str) -> Reader:
    """Return the reader of a kind of document, whose text is read like that of any file."""

    def recognises(source: Source) -> bool:
        found = document_kind(source.data)
        if found is None and kind in ("html", "rtf"):
            return is_html(source.text) if kind == "html" else source.text.startswith("{\\rtf")
        return found == kind

    def turns(source: Source, notes: Notes) -> Iterable[Turn]:
        from runner.transcript.formats.documents import DOCUMENTS

        document = DOCUMENTS[kind](source, notes)
        if document.in_rows() and explained(document.rows):
            for paragraph in document.paragraphs:
                notes.leave_out("text outside the table", paragraph)
            return turns_from_rows(document.rows, source.name, notes)
        places = tuple(document.places()) if kind != "html" else ()
        inner = Source(source.name, document.text().encode("utf-8", "replace"), places=places)
        if not inner.data.strip():
            return []
        return next(each for each in _IN_DOCUMENTS if each.recognises(inner)).read(inner, notes)

    return Reader(kind, recognises, turns, suffixes)


def _text(
    name: str,
    is_it: Callable[[str], object],
    parse: Callable[[str, str, Notes], Iterable[Turn]],
    *suffixes: str,
    by_suffix: bool = False,
) -> Reader:
    """Return the reader of a format recognized by text and, if *by_suffix*, by suffix."""

    def recognises(source: Source) -> bool:
        return (by_suffix and source.suffix in suffixes) or bool(is_it(source.text))

    return Reader(name, recognises, lambda s, notes: parse(s.text, s.name, notes), suffixes)


_VTT = Reader(
    "vtt",
    lambda s: (
        s.text.lstrip().startswith("WEBVTT") or (s.suffix == ".vtt" and not has_cue_times(s.text))
    ),
    lambda s, notes: parse_vtt(s.text, s.name, notes),
    (".vtt",),
)
_SRT = _text("srt", has_cue_times, parse_srt, ".srt", ".sbv", by_suffix=True)
_PROSE = (
    Reader(
        "hearing",
        lambda s: looks_like_hearing(s.text),
        lambda s, notes: parse_hearing(s.text, notes, s.places),
    ),
    Reader("text", lambda s: True, read_text_layout, (".txt", ".md")),
)
_IN_DOCUMENTS = (_VTT, _SRT, *_PROSE)
# Tried in this order, after those of other packages; the last recognises any text.
OWN_READERS = (
    _document("docx", ".docx"),
    _document("odt", ".odt"),
    _document("pdf", ".pdf"),
    _document("rtf", ".rtf"),
    _text("ass", is_ass, parse_ass, ".ass", ".ssa"),
    _text("ttml", is_timed_xml, parse_timed_xml, ".ttml", ".dfxp", ".srv3"),
    _text("sami", sami.HEAD.match, sami.parse_sami, ".smi"),
    _text("textgrid", tiers.HEAD.match, tiers.parse_text_grid, ".textgrid"),
    _document("html", ".html", ".htm"),
    _text("tree", is_tree, parse_tree, ".xml", ".trs", ".yaml", ".yml"),
    _text("json", is_json, parse_json, ".json", ".jsonl", ".ndjson", ".json3", by_suffix=True),
    _VTT,
    _text("lrc", is_lrc, parse_lrc, ".lrc", by_suffix=True),
    _SRT,
    _text("sub", one_line_format, parse_lines),
    _text("table", is_table, parse_table, ".csv", ".tsv", by_suffix=True),
    *_PROSE,
)
