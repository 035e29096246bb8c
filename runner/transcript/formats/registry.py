"""The readers of this package, in the order in which they are tried."""

from collections.abc import Callable, Iterable

from runner.transcript import hearing
from runner.transcript.decode import document_kind
from runner.transcript.formats import (
    cue_lines,
    json_formats,
    markup,
    sami,
    subtitles,
    tables,
    tiers,
    timed_xml,
    trees,
)
from runner.transcript.model import Turn
from runner.transcript.reader_notes import Notes
from runner.transcript.readers import Reader, Source
from runner.transcript.text import read_text_layout, turns_of_text


def _document(kind: str, *suffixes: str) -> Reader:
    """Return the reader of a kind of document, whose text is read like that of any file."""

    def recognises(source: Source) -> bool:
        if source.binary or kind not in ("html", "rtf"):
            return document_kind(source.data) == kind
        return markup.is_html(source.text) if kind == "html" else source.text.startswith("{\\rtf")

    def turns(source: Source, notes: Notes) -> Iterable[Turn]:
        from runner.transcript.formats.documents import DOCUMENTS

        document = DOCUMENTS[kind](source, notes)
        if document.in_rows() and tables.explained(document.rows):
            for paragraph in document.paragraphs:
                notes.leave_out("text outside the table", paragraph)
            return tables.turns_from_rows(document.rows, source.name, notes)
        places = tuple(document.places()) if kind != "html" else ()
        text, bold = document.text(), Notes()
        if len({*document.bold.values()}) < len(document.bold):  # names, if that is the layout
            turns = turns_of_text(document.text({""}), bold)
            if bold.layout == "label in bold":
                text = document.text({turn.speaker for turn in turns if turn.speaker})
        inner = Source(source.name, text.encode("utf-8", "replace"), places=places)
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


def _is_vtt(source: Source) -> bool:
    named = source.suffix == ".vtt" and not subtitles.has_cue_times(source.text)
    return named or source.text.lstrip().startswith("WEBVTT")


_VTT = Reader(
    "vtt", _is_vtt, lambda s, notes: subtitles.parse_vtt(s.text, s.name, notes), (".vtt",)
)
_SRT = _text("srt", subtitles.has_cue_times, subtitles.parse_srt, ".srt", ".sbv", by_suffix=True)
_PROSE = (
    Reader(
        "hearing",
        lambda s: hearing.looks_like_hearing(s.text),
        lambda s, notes: hearing.parse_hearing(s.text, notes, s.places),
    ),
    Reader("text", lambda s: True, read_text_layout, (".txt", ".md")),
)
_IN_DOCUMENTS = (_VTT, _SRT, *_PROSE)
_JSON = (".json", ".jsonl", ".ndjson", ".json3")
# Tried in this order, after those of other packages; the last recognises any text.
OWN_READERS = (
    _document("docx", ".docx"),
    _document("odt", ".odt"),
    _document("pdf", ".pdf"),
    _document("rtf", ".rtf"),
    _text("ass", cue_lines.is_ass, cue_lines.parse_ass, ".ass", ".ssa"),
    _text("ttml", timed_xml.is_timed_xml, timed_xml.parse_timed_xml, ".ttml", ".dfxp", ".srv3"),
    _text("sami", sami.HEAD.match, sami.parse_sami, ".smi"),
    _text("textgrid", tiers.HEAD.match, tiers.parse_text_grid, ".textgrid"),
    _document("html", ".html", ".htm"),
    _text("tree", trees.is_tree, trees.parse_tree, ".xml", ".trs", ".yaml", ".yml"),
    _text("json", json_formats.is_json, json_formats.parse_json, *_JSON, by_suffix=True),
    _VTT,
    _text("lrc", cue_lines.is_lrc, cue_lines.parse_lrc, ".lrc", by_suffix=True),
    _SRT,
    _text("sub", cue_lines.one_line_format, cue_lines.parse_lines),
    _text("table", tables.is_table, tables.parse_table, ".csv", ".tsv", by_suffix=True),
    *_PROSE,
)
