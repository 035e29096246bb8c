"""The readers of this package, in the order in which they are tried."""

from collections.abc import Iterable

from runner.transcript.decode import document_kind
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
from runner.transcript.formats.sami import is_sami, parse_sami
from runner.transcript.formats.subtitles import has_cue_times, parse_srt, parse_vtt
from runner.transcript.formats.tables import explained, is_table, parse_table, turns_from_rows
from runner.transcript.formats.tiers import is_text_grid, parse_text_grid
from runner.transcript.formats.timed_xml import is_timed_xml, parse_timed_xml
from runner.transcript.formats.trees import is_tree, parse_tree
from runner.transcript.hearing import looks_like_hearing, parse_hearing
from runner.transcript.model import Turn
from runner.transcript.readers import Reader, Source
from runner.transcript.report import Notes
from runner.transcript.text import read_text_layout

_JSON_SUFFIXES = (".json", ".jsonl", ".ndjson", ".json3")


def _is_vtt(source: Source) -> bool:
    named = source.suffix == ".vtt" and not has_cue_times(source.text)
    return named or source.text.lstrip().startswith("WEBVTT")


def _is_table(source: Source) -> bool:
    return source.suffix in (".csv", ".tsv") or is_table(source.text)


def _has_cues(source: Source) -> bool:
    return source.suffix in (".srt", ".sbv") or has_cue_times(source.text)


def _document(kind: str, *suffixes: str) -> Reader:
    """Return the reader of a kind of document, whose text is read like that of any file."""

    def recognises(source: Source) -> bool:
        found = document_kind(source.data)
        if found is None and kind in ("html", "rtf"):
            return is_html(source.text) if kind == "html" else source.text.startswith("{\\rtf")
        return found == kind

    def turns(source: Source, notes: Notes) -> Iterable[Turn]:
        from runner.transcript.formats.documents import document_of

        document = document_of(source, kind, notes)
        if document.in_rows() and explained(document.rows):
            for paragraph in document.paragraphs:
                notes.leave_out("text outside the table", paragraph)
            return turns_from_rows(document.rows, source.name, notes)
        places = tuple(document.places()) if kind != "html" else ()
        inner = Source(source.name, document.text().encode("utf-8", "replace"), places=places)
        if not inner.data.strip():
            return []
        return next(each for each in _TEXTS if each.recognises(inner)).read(inner, notes)

    return Reader(kind, recognises, turns, suffixes)


# The formats that the text of a document may have, too.
_TEXTS = (
    Reader("vtt", _is_vtt, lambda s, notes: parse_vtt(s.text, s.name, notes), (".vtt",)),
    Reader("srt", _has_cues, lambda s, notes: parse_srt(s.text, s.name, notes), (".srt", ".sbv")),
    Reader(
        "hearing",
        lambda s: looks_like_hearing(s.text),
        lambda s, notes: parse_hearing(s.text, notes, s.places),
    ),
    Reader("text", lambda s: True, read_text_layout, (".txt", ".md")),
)
# Tried in this order, after those of other packages; the last recognises any text.
OWN_READERS = (
    _document("docx", ".docx"),
    _document("odt", ".odt"),
    _document("pdf", ".pdf"),
    _document("rtf", ".rtf"),
    Reader(
        "ass",
        lambda s: is_ass(s.text),
        lambda s, notes: parse_ass(s.text, s.name, notes),
        (".ass", ".ssa"),
    ),
    Reader(
        "ttml",
        lambda s: is_timed_xml(s.text),
        lambda s, notes: parse_timed_xml(s.text, s.name, notes),
        (".ttml", ".dfxp", ".srv3"),
    ),
    Reader(
        "sami",
        lambda s: is_sami(s.text),
        lambda s, notes: parse_sami(s.text, s.name, notes),
        (".smi",),
    ),
    Reader(
        "textgrid",
        lambda s: is_text_grid(s.text),
        lambda s, notes: parse_text_grid(s.text, s.name, notes),
        (".textgrid",),
    ),
    _document("html", ".html", ".htm"),
    Reader(
        "tree",
        lambda s: is_tree(s.text),
        lambda s, notes: parse_tree(s.text, s.name, notes),
        (".xml", ".trs", ".yaml", ".yml"),
    ),
    Reader(
        "json",
        lambda s: s.suffix in _JSON_SUFFIXES or is_json(s.text),
        lambda s, notes: parse_json(s.text, s.name, notes),
        _JSON_SUFFIXES,
    ),
    *_TEXTS[:1],
    Reader(
        "lrc",
        lambda s: s.suffix == ".lrc" or is_lrc(s.text),
        lambda s, notes: parse_lrc(s.text, s.name, notes),
        (".lrc",),
    ),
    *_TEXTS[1:2],
    Reader(
        "sub",
        lambda s: one_line_format(s.text) is not None,
        lambda s, notes: parse_lines(s.text, s.name, notes),
    ),
    Reader(
        "table",
        _is_table,
        lambda s, notes: parse_table(s.text, s.name, notes),
        (".csv", ".tsv"),
    ),
    *_TEXTS[2:],
)
