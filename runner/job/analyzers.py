"""Analyzers of a job: loaded, and given the codebook that some of them apply."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from runner.answers.analyzer import Analyzer, load_analyzer
from runner.answers.codebook import Codebook
from runner.answers.codebook_file import read_codebook
from runner.base.errors import ConfigError
from runner.base.regular_files import user_path
from runner.config.schema import Settings
from runner.transcript.redact.null_redaction import NullRedaction


def load_analyzers(
    settings: Settings, folders: Sequence[Path]
) -> tuple[dict[str, Analyzer], Codebook | None]:
    """Return the analyzers of *settings* by name, and their codebook; raise ConfigError.

    The codebook is part of their prompts and schemas, so of the keys of their answers.
    """
    analyzers: dict[str, Any] = {
        name: load_analyzer(name, body, folders) for name, body in settings.analyzers.items()
    }
    coders = [name for name, each in analyzers.items() if getattr(each, "codes", False)]
    codebook = settings.codebook
    if codebook is None and coders:
        raise ConfigError(f"analyzers.{coders[0]} needs codebook=FILE, CSV or REFI-QDA .qdc")
    if codebook is not None and not coders:
        raise ConfigError(f"codebook={codebook}: no analyzer applies it: add pipeline=codebook")
    book = None if codebook is None else read_codebook(user_path(codebook))
    if book is not None:
        analyzers |= {name: analyzers[name].coded_by(book) for name in coders}
    return analyzers, book


def check_codes(book: Codebook | None, redaction: NullRedaction) -> None:
    """Raise ConfigError for a code whose name *redaction* would change."""
    for name in (code.name for code in book.codes) if book else ():
        if redaction.mask(name, eager=True) != name:
            fault = f"transcript.redact replaces a name or identifier in the code {name!r}"
            raise ConfigError(f"codebook: {fault}: rename it")
