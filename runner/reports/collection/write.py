"""Writes the tables and pages of a batch's collection, from its themes.json."""

from importlib.util import find_spec

import structlog

from runner.answers.themes import FILE
from runner.base.files import write_bytes, write_text
from runner.base.json import at, text
from runner.base.regular_files import kind_of, refuse_links
from runner.record.batch_directory import REPORT, rows_of, write_table
from runner.record.word_document import as_docx
from runner.reports.collection.facts import facts_of
from runner.reports.collection.notes import themes_md
from runner.reports.collection.page import collection_page
from runner.reports.collection.tables import TABLES
from runner.reports.stored_run import StoredRun
from runner.transcript.inputs import root_of

OPTIONAL = {"groups.csv", "answers.csv", "themes.docx"}
WORD_QUOTES = 40  # of a theme's side in themes.docx; themes.md has all

log = structlog.get_logger("colloquy.report")


def write_collection(run: StoredRun) -> bool:
    """Write the tables and pages of *run*'s themes, and results.csv; return whether it has themes.

    The Word document comes with `output.pages=docx`. Raises OSError and ConfigError.
    """
    file = run.path / FILE
    if kind_of(file) != "file":
        return False
    refuse_links(file.parent)
    facts = facts_of(run)
    if facts is None:
        log.warning("collection.unreadable", file=FILE, path=str(run.path))
        return False
    name = root_of(text(at(run.metadata, "transcript", "name"))).name or run.name
    pages = {page: make(facts).encode() for page, make in TABLES.items()}
    pages["themes.md"] = themes_md(facts, name).encode()
    if not facts.differences:
        del pages["groups.csv"]
    if not facts.questions:
        del pages["answers.csv"]
    if at(run.config, "output", "pages") == "docx" and find_spec("docx"):
        short = themes_md(facts, name, WORD_QUOTES)
        pages["themes.docx"] = as_docx(short, title=f"Themes of {name}")
    for page in OPTIONAL - pages.keys():
        (file.parent / page).unlink(missing_ok=True)  # of a session with other settings
    for page, content in pages.items():
        write_bytes(file.with_name(page), content)
    write_text(file.with_name(REPORT), collection_page(run, facts, name))  # links to those above
    write_table(run.path, rows_of(run.path))
    return True
