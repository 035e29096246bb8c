"""Redaction as a transcript's settings ask for it."""

from collections.abc import Iterable

from runner.config.schema import TranscriptSettings
from runner.transcript.model import Transcript
from runner.transcript.redact.null_redaction import NullRedaction


def redacted(
    settings: TranscriptSettings, transcript: Transcript, further: Iterable[str] = ()
) -> tuple[NullRedaction, Transcript]:
    """Return the redaction of *transcript* and the transcript as prompts show it.

    *further* are other texts of prompts, such as examples, whose names are replaced too. Raises
    ConfigError for a pattern of a user that takes too long.
    """
    if settings.redact == "off":
        return NullRedaction(), transcript
    from runner.transcript.redact.build import redact  # its patterns take 50 ms to compile

    return redact(settings, transcript, tuple(further))
