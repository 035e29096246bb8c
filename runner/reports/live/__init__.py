"""The live table of a run on a terminal."""

from __future__ import annotations

from pathlib import Path
from typing import TextIO

from runner.base.secrets import Secrets
from runner.record.events import Sink


def live_view(run: Path, stream: TextIO, secrets: Secrets, forced: bool) -> Sink:
    """Return the sink of events that draws the run in directory *run* on *stream*.

    *forced* draws it even when *stream* is not a terminal.
    """
    from runner.reports.live.view import LiveView  # imports rich

    return LiveView(run, stream, secrets, forced=forced)
