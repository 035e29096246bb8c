"""Command `colloquy-read`: shows how a transcript is read; calls no model."""

from collections.abc import Iterator
from itertools import islice

from runner.answers.prompt_text import segment_line
from runner.base.command import Arguments, command
from runner.base.errors import ConfigError
from runner.base.format import aligned, count
from runner.base.text import to_terminal
from runner.config.resolve import resolve
from runner.config.schema import Settings, known_keys
from runner.job.build import checked_settings, open_transcript
from runner.job.job import keys_of
from runner.run.cli.command_line import composed
from runner.transcript.model import Transcript
from runner.transcript.redact.null_redaction import NullRedaction
from runner.transcript.redact.redacted import redacted

USAGE = """\
usage: colloquy-read FILE [transcript.KEY=VALUE…] [--segments N]
Shows how FILE is read: format, layout, speakers, what is left out, warnings, and the first N
segments (10). With transcript.redact=all (or names) also what would be masked, and the segments
as they would be sent. Nothing is sent or written.

Exit codes: 0 read, 2 a wrong option or key, 7 no transcript."""
SEGMENTS = 10


def _read(given: Arguments) -> None:
    file, *overrides = given.words
    wanted = given.options.get("--segments", str(SEGMENTS))
    if not wanted.isdecimal():
        raise ConfigError(f"--segments {wanted}: expected a whole number, such as {SEGMENTS}")
    settings = _settings(file, overrides)
    transcript = open_transcript(settings, keys_of(settings))
    print("\n".join(_page(transcript, *redacted(settings.transcript, transcript), int(wanted))))


def _settings(file: str, overrides: list[str]) -> Settings:
    short = tuple(f"{key}=" for key in known_keys(["transcript"]))
    overrides = [f"transcript.{o}" if o.startswith(short) else o for o in overrides]
    for override in overrides:
        if not override.startswith("transcript."):
            expected = "expected transcript.KEY=VALUE; see colloquy-read --help"
            raise ConfigError(f"{override}: {expected}")
    return checked_settings(resolve(composed([f"transcript={file}", *overrides])[0]))


def _page(
    transcript: Transcript, redaction: NullRedaction, shown: Transcript, wanted: int
) -> Iterator[str]:
    report = transcript.reading
    if report is not None:
        yield from report.as_lines()
        yield from (to_terminal(f"{key}: {value}") for key, value in report.about.items())
        if report.speakers:
            names = [(name, count(turns)) for name, turns in report.speakers.items()]
            yield from ("", *aligned([("speaker", "segments"), *names]))
        if report.left_out:
            rows = [(e.kind, count(e.lines), count(e.words), e.example) for e in report.left_out]
            yield from ("", *aligned([("left out", "lines", "words", "example"), *rows], (0, 3)))
    if redaction:
        masked = [
            (name, to_terminal(each["text"]), count(each["times"]))
            for name, each in redaction.as_dict().items()
            if each["times"]
        ]
        yield from ("", *aligned([("stand-in", "for", "times"), *masked], (0, 1)))
    yield ""
    for each in islice(shown.segments, wanted):
        yield to_terminal(f"{each.place} {segment_line(each)}".lstrip())
    if (more := len(transcript.segments) - wanted) > 0:
        yield f"and {count(more)} more"


main = command("colloquy-read", USAGE, _read, options=("--segments",))
