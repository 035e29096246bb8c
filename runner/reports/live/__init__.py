"""The live table of a run on a terminal."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TextIO

from runner.base.secrets import Secrets


def live_handler(run: Path, stream: TextIO, secrets: Secrets, forced: bool) -> logging.Handler:
    """Return the log handler that draws the run in directory *run* on *stream*.

    *forced* draws it even when *stream* is not a terminal.
    """
    from runner.reports.live.view import LiveHandler  # imports rich

    return LiveHandler(run, stream, secrets, forced=forced)
