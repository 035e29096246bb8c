"""Corpus: the transcripts that a question is asked of; passages are read again when sent."""

import sys
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from runner.base.errors import ConfigError, TranscriptError
from runner.base.json import listing, section, text
from runner.base.regular_files import folders_in, kind_of, user_path
from runner.config.schema import Settings
from runner.job.build import open_transcript
from runner.job.job import keys_of
from runner.providers.offline.language.asking import asked_terms, respelt, terms_of
from runner.providers.offline.language.sentences import words
from runner.record.batch_directory import is_batch, single_runs, transcripts_of
from runner.record.run_directory import KINDS
from runner.record.stored_transcript import REDACTION, read_transcript_file
from runner.reports.stored_run import config_of, find_runs, is_run
from runner.transcript.inputs import find_inputs, is_many, root_of
from runner.transcript.model import PASSAGES, Transcript, renamed
from runner.transcript.redact.redacted import redacted

_KEPT = 20_000  # segments kept in memory, so that few files are read only once
_MAX_LABEL = 60  # characters
_PERSON = "PERSON"  # prefix of the stand-ins of people


@dataclass(frozen=True, slots=True)
class CorpusFile:
    """A transcript of a corpus: the speaker and the question's terms of each segment.

    *sizes* are the characters of each, *digits* those of the longest id; `open` reads the
    transcript again.
    """

    label: str
    sha256: str
    digits: int
    speakers: tuple[str, ...]
    terms: tuple[frozenset[str], ...]
    sizes: tuple[int, ...]
    open: Callable[[], Transcript]

    def read(self) -> Transcript:
        """Return the transcript; raise TranscriptError if it has changed."""
        if (transcript := self.open()).sha256 != self.sha256:
            raise TranscriptError(f"{self.label} has changed while it was read: ask again")
        return transcript


@dataclass(frozen=True)
class Corpus:
    """Transcripts, and those *left_out* with the reason.

    *name* is that of the only transcript or of the folder; *people* are the names to be
    masked, if it is *masked*. Words of the question that occur nowhere are *respelt* as the likest
    that do.
    """

    name: str
    files: tuple[CorpusFile, ...]
    masked: bool
    people: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    respelt: Mapping[str, str] = field(default_factory=dict)

    @property
    def segments(self) -> int:
        """Segments of all files."""
        return sum(len(file.terms) for file in self.files)


def read_corpus(settings: Settings, question: str) -> Corpus:
    """Return the transcripts of `transcript.path`: a file, folder, pattern, run or batch.

    Only the words of *question* are kept, and those that misspelt ones are most like. Raises
    TranscriptError or ConfigError if none can be read.
    """
    found, said = _read(settings, question)
    known = frozenset[str]().union(*(terms for file in found.files for terms in file.terms))
    if near := respelt(question, known, said):
        found, _ = _read(settings, f"{question} {' '.join(near.values())}")
    return replace(found, respelt=near)


def _read(settings: Settings, question: str) -> tuple[Corpus, set[str]]:
    """Return the corpus with the terms of *question*, and all words that are said."""
    path = settings.transcript.path
    files: dict[str, CorpusFile] = {}  # by label
    names: dict[str, str] = {}  # by digest
    left_out: list[str] = []
    people: dict[str, None] = {}
    said = set[str]()
    name, sources, asked = "", _sources(settings), asked_terms(question)
    for given, opened in sources:
        try:
            transcript = opened()
        except (TranscriptError, ConfigError) as error:
            if len(sources) == 1:
                raise
            left_out.append(str(error))
            continue
        if transcript.format == PASSAGES and len(sources) > 1:  # of an earlier question
            continue
        if (same := names.get(transcript.sha256)) is not None:
            if given not in ("", same):  # the others are runs of one file
                left_out.append(f"{given}: the same as {same}")
            continue
        name = transcript.name
        names[transcript.sha256] = called = given or transcript.name
        label = _label(called, files)
        kept = sum(len(file.terms) for file in files.values()) + len(transcript.segments) <= _KEPT
        again = opened if not kept else lambda found=transcript: found
        files[label] = _file(label, transcript, asked, again)
        people |= dict.fromkeys(_people(settings, transcript))
        said.update(*(words(segment.text) for segment in transcript.segments))
    if not files:
        more = f" ({len(left_out) - 1} more)" if len(left_out) > 1 else ""
        left_out = left_out or [f"{path}: only runs of earlier questions"]
        raise TranscriptError(left_out[0] + more)
    name = name if len(files) == 1 else root_of(path).resolve().name
    masked = settings.transcript.redact != "off"
    return Corpus(name, tuple(files.values()), masked, tuple(people), tuple(left_out)), said


def _file(
    label: str, found: Transcript, asked: frozenset[str], opened: Callable[[], Transcript]
) -> CorpusFile:
    segments, known = found.segments, dict[frozenset[str], frozenset[str]]()
    terms = (terms_of(segment.text) & asked for segment in segments)
    return CorpusFile(
        label,
        found.sha256,
        max(len(segment.id) for segment in segments) - 1,
        tuple(sys.intern(segment.speaker or "") for segment in segments),
        tuple(known.setdefault(each, each) for each in terms),
        tuple(len(segment.text) for segment in segments),
        opened,
    )


def _label(name: str, known: Collection[str]) -> str:
    shown, number = name[-_MAX_LABEL:], 2
    while shown in known:
        shown, number = f"{name[-_MAX_LABEL:]} {number}", number + 1
    return shown


def _sources(settings: Settings) -> list[tuple[str, Callable[[], Transcript]]]:
    """Return for each transcript a name, empty if it has its own, and a function that opens it."""
    path = settings.transcript.path
    if not is_many(path):
        return [("", partial(open_transcript, settings, keys_of(settings)))]
    if found := _runs_in(user_path(path)):
        names = {run: name for batch in filter(is_batch, found)
                 for run, name in transcripts_of(batch).items()}  # fmt: skip
        runs = single_runs(found)
        return [(names.get(run, ""), partial(_stored, run, settings)) for run in runs]
    files, opened = find_inputs(settings), partial(open_transcript, settings, keys_of(settings))
    return [(file.name, partial(opened, file.path)) for file in files]


def redaction_of(path: str) -> tuple[str, list[str], list[str]]:
    """Return the strictest `redact` of the runs in *path*, and the patterns and terms of all."""
    runs = (run for run in single_runs(_runs_in(user_path(path))) if kind_of(run / REDACTION))
    every = [section(config_of(run), "transcript") for run in runs]
    patterns = [text(p) for each in every for p in listing(each.get("redact_patterns"))]
    terms = [text(t) for each in every for t in listing(section(each, "about").get("glossary"))]
    # The strictest is the first by name: all, names, off.
    redact = min((text(each.get("redact")) or "all" for each in every), default="off")
    return redact, list(dict.fromkeys(patterns)), list(dict.fromkeys(terms))


def _runs_in(folder: Path) -> list[Path]:
    """Return *folder* if it is a run or batch, else those in it if it is a folder of outputs."""
    if is_run(folder):
        return [folder]
    parts = folders_in(folder) if kind_of(folder) == "directory" else []
    outputs = any(part.name in KINDS or is_run(part) for part in parts)
    return find_runs(folder) if outputs else []


def _stored(run: Path, settings: Settings) -> Transcript:
    return renamed(read_transcript_file(run), settings.transcript.speakers or {})


def _people(settings: Settings, transcript: Transcript) -> list[str]:
    """Return the names to redact in a whole *transcript*, which its passages alone may not show."""
    if settings.transcript.redact == "off":
        return []
    stand_ins = redacted(settings.transcript, transcript)[0].as_dict()
    return [each["text"] for name, each in stand_ins.items() if f"{_PERSON}_" in name]
