"""Corpus: the transcripts that a question is put to, and the passages of them about it."""

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from runner.answers.excerpts import Count, segment_line
from runner.answers.passages import relevance
from runner.base.errors import ConfigError, TranscriptError
from runner.base.format import count as count_of
from runner.base.format import plural
from runner.base.json import number
from runner.base.regular_files import folders_in, kind_of, user_path
from runner.base.text import digest
from runner.config.schema import Settings, TranscriptSettings
from runner.job.build import open_transcript
from runner.providers.offline.language.asking import asked_terms, terms_of
from runner.providers.offline.language.sentences import words
from runner.record.batch_directory import single_runs
from runner.record.stored_transcript import TRANSCRIPT, read_transcript_file
from runner.reports.stored_run import find_runs, is_run
from runner.transcript.inputs import find_inputs, is_many, root_of
from runner.transcript.model import PASSAGES, Segment, Transcript, renamed
from runner.transcript.redact.unredacted import redacted
from runner.transcript.report import ReadingReport

_BETWEEN = 40  # empty segments between files, so that words of one count little in the next
_MOST_LABEL = 60  # characters
_OUTPUTS = ("runs", "batches", "sweeps")
_MOST_WARNINGS = 20
_PERSON = "PERSON"  # in the stand-ins of people
_ID = re.compile(r"S\d{4,12}")


@dataclass(frozen=True)
class Corpus:
    """Transcripts by label, and those *left_out* with the reason.

    *name* is that of the only transcript or of the folder; *people* are the names to be
    masked, if it is *masked*.
    """

    name: str
    transcripts: dict[str, Transcript]
    masked: bool
    people: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()


def read_corpus(settings: Settings) -> Corpus:
    """Return the transcripts of `transcript.path`: a file, folder, pattern, run or batch.

    Raises TranscriptError or ConfigError where there is none that can be read.
    """
    path = settings.transcript.path
    transcripts: dict[str, Transcript] = {}
    labels: dict[str, str] = {}  # by digest
    left_out: list[str] = []
    sources = _sources(settings)
    for name, opened in sources:
        try:
            found = opened()
        except (TranscriptError, ConfigError) as error:
            if len(sources) == 1:
                raise
            left_out.append(str(error))
            continue
        if found.format == PASSAGES and len(sources) > 1:  # of an earlier question
            continue
        if (same := labels.get(found.sha256)) is not None:
            left_out += [f"{name}: the same as {same}"] if name else []  # else runs of one file
            continue
        labels[found.sha256] = label = _label(name or found.name, transcripts)
        transcripts[label] = found
    if not transcripts:
        more = f" ({len(left_out) - 1} more)" if len(left_out) > 1 else ""
        raise TranscriptError(
            f"{left_out[0]}{more}" if left_out else f"{path}: only runs of earlier questions"
        )
    people = _people(settings.transcript, transcripts.values())
    only = next(iter(transcripts.values()))
    name = only.name if len(transcripts) == 1 else root_of(path).resolve().name
    masked = settings.transcript.redact != "off"
    return Corpus(name, transcripts, masked, people, tuple(left_out))


def _label(name: str, known: Collection[str]) -> str:
    """Return a label that is not *known*."""
    shown, number = name[-_MOST_LABEL:], 2
    while shown in known:
        shown, number = f"{name[-_MOST_LABEL:]} {number}", number + 1
    return shown


def _sources(settings: Settings) -> list[tuple[str, Callable[[], Transcript]]]:
    """Return a name, empty where the transcript has its own, and what opens each transcript."""
    path = settings.transcript.path
    root = user_path(path)
    if not is_many(path):
        return [("", partial(open_transcript, settings))]
    if is_run(root):
        runs = single_runs([root])
    else:
        runs = _runs_in(root) if kind_of(root) == "directory" else []
    if runs:
        return [("", partial(_stored, run, settings)) for run in runs]
    files = find_inputs(settings)
    return [(file.name, partial(open_transcript, settings, file.path)) for file in files]


def _runs_in(folder: Path) -> list[Path]:
    """Return the runs in a folder of outputs; empty for a folder of transcripts."""
    if not any(part.name in _OUTPUTS or is_run(part) for part in folders_in(folder)):
        return []
    return single_runs(find_runs([folder]))


def _stored(run: Path, settings: Settings) -> Transcript:
    """Return the transcript of a run, which anyone may have written; raise ConfigError."""
    found = read_transcript_file(run)
    if not found.segments or not all(map(_is_sound, found.segments)):
        raise ConfigError(f"{run / TRANSCRIPT} is not what a run writes there")
    return renamed(found, settings.transcript.speakers or {})


def _is_sound(segment: Segment) -> bool:
    spoken = _is_text(segment.text) and segment.text == " ".join(segment.text.split())
    named = segment.speaker is None or _is_text(segment.speaker)
    times = all(t is None or number(t) is not None for t in (segment.start_s, segment.end_s))
    known = _is_text(segment.id) and _ID.fullmatch(segment.id) is not None
    return bool(segment.text) and spoken and named and times and known and _is_text(segment.where)


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _people(settings: TranscriptSettings, transcripts: Iterable[Transcript]) -> tuple[str, ...]:
    """Return the names that a redaction of each whole transcript finds.

    The passages alone may not tell that a word in them is a name.
    """
    if settings.redact == "off":
        return ()
    names: dict[str, None] = {}
    for transcript in transcripts:
        found = redacted(settings, transcript)[0].as_dict()
        names |= dict.fromkeys(e["text"] for name, e in found.items() if f"{_PERSON}_" in name)
    return tuple(names)


def passages(corpus: Corpus, question: str, tokens: int, count: Count) -> Transcript:
    """Return the segments most about *question*, in order, as one transcript.

    They have at most *tokens* tokens as *count* counts them, or are the single best one. Of one
    file they keep their ids. Of several, S20012 is S0012 of the second, and a label behind the
    speaker names the file: its number where names are masked.
    """
    every = list(_labelled(corpus))
    rows: list[frozenset[str]] = []
    named: list[bool] = []
    places: list[int] = []
    asked = set(words(question))
    before = ""
    for label, _, original in every:
        if label != before and rows:
            rows += [frozenset()] * _BETWEEN
            named += [False] * _BETWEEN
        before = label
        places.append(len(rows))
        rows.append(terms_of(original.text))
        speaker = set(words(original.speaker or ""))
        named.append(bool(speaker) and speaker <= asked)
    names = {each[2].speaker or "" for each, n in zip(every, places, strict=True) if named[n]}
    scores = relevance(rows, asked_terms(question, names), named)
    order = sorted(range(len(every)), key=lambda n: -scores[places[n]])
    chosen: list[int] = []
    left = tokens
    for n in order:
        left -= count(segment_line(every[n][1]) + "\n")
        if left < 0 and chosen:
            break
        chosen.append(n)
    return _transcript(corpus, [every[n][:2] for n in sorted(chosen)])


def _labelled(corpus: Corpus) -> Iterator[tuple[str, Segment, Segment]]:
    """Yield label, segment as it is sent, and as it stands in its file."""
    several = len(corpus.transcripts) > 1
    ids = (s.id for t in corpus.transcripts.values() for s in t.segments)
    width = max(map(len, ids)) - 1
    for file, (label, transcript) in enumerate(corpus.transcripts.items(), 1):
        shown = f"file {file}" if corpus.masked else label
        for segment in transcript.segments:
            sent = segment
            if several:
                where = ", ".join(filter(None, (f"{segment.id} of {label}", segment.where)))
                sent = replace(
                    segment,
                    id=f"S{file}{segment.id[1:].zfill(width)}",
                    speaker=f"{segment.speaker or 'unknown'} ({shown})",
                    where=where,
                )
            yield label, sent, segment


def _transcript(corpus: Corpus, chosen: list[tuple[str, Segment]]) -> Transcript:
    segments = tuple(segment for _, segment in chosen)
    files, all_files = len({label for label, _ in chosen}), len(corpus.transcripts)
    total = sum(len(transcript.segments) for transcript in corpus.transcripts.values())
    speakers = Counter(s.speaker for s in segments if s.speaker is not None)
    reading = ReadingReport(
        PASSAGES,
        f"{count_of(len(segments))} of {plural(total, 'segment')}, {files} of {all_files} files",
        dict(speakers),
        len(segments),
        speakers.total(),
        sum(segment.start_s is not None for segment in segments),
        warnings=corpus.left_out[:_MOST_WARNINGS],
        about={"attendees": ", ".join(corpus.people)} if corpus.people else {},
    )
    sha256 = digest("\n".join(map(segment_line, segments)))
    return Transcript(corpus.name, PASSAGES, sha256, segments, 0, reading)
