"""Retrieval: the segments most relevant to a question, as one transcript."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from itertools import chain

from runner.answers.findings import Count, segment_line
from runner.answers.passages import inverse_frequencies, relevance
from runner.base.format import count as count_of
from runner.base.format import plural
from runner.base.text import digest
from runner.providers.offline.language.asking import asked_weights, named_in
from runner.run.question.corpus import Corpus
from runner.transcript.model import PASSAGES, Segment, Transcript
from runner.transcript.reading_report import ReadingReport

_MAX_WARNINGS = 20
Scores = Sequence[Sequence[float]]  # of each segment of each file


def lexical_relevance(corpus: Corpus, question: str) -> list[list[float]]:
    """Return the relevance to *question* of each segment of each file by its words, 0 to 1."""
    names = named_in(question, chain.from_iterable(file.speakers for file in corpus.files))
    asked = asked_weights(question, names)
    rare = inverse_frequencies([terms for file in corpus.files for terms in file.terms], asked)
    weights = {term: weight * rare[term] for term, weight in asked.items()}
    scores = [
        relevance(file.terms, weights, [who in names for who in file.speakers])
        for file in corpus.files
    ]
    most = max(map(max, scores)) or 1.0
    return [[score / most for score in each] for each in scores]


def passages(
    corpus: Corpus, scores: Scores, tokens: int, count: Count, how: str = ""
) -> Transcript:
    """Return the segments with the highest *scores*, in order, as one transcript.

    They have at most *tokens* tokens as *count* counts them, or are the single best one. With one
    file they keep their ids. With several, S20012 is S0012 of the second, and a label after the
    speaker names the file, by its number if names are masked. *how* describes the selection.
    """
    every = [(f, n) for f, file in enumerate(corpus.files) for n in range(len(file.terms))]
    every.sort(key=lambda place: -scores[place[0]][place[1]])
    read = cache(lambda file: corpus.files[file].read().segments)
    chosen: dict[tuple[int, int], Segment] = {}
    for file, number in every:
        segment = _sent(corpus, file, read(file)[number])
        tokens -= count(segment_line(segment) + "\n")
        if tokens < 0 and chosen:
            break
        chosen[file, number] = segment
    return _transcript(corpus, dict(sorted(chosen.items())), how)


def _sent(corpus: Corpus, place: int, segment: Segment) -> Segment:
    """Return *segment* of the file at *place* as it is sent."""
    if len(corpus.files) == 1:
        return segment
    label, digits = corpus.files[place].label, max(file.digits for file in corpus.files)
    shown = f"file {place + 1}" if corpus.masked else label
    return replace(
        segment,
        id=f"S{place + 1}{segment.id[1:].zfill(digits)}",
        speaker=f"{segment.speaker or 'unknown'} ({shown})",
        where=", ".join(filter(None, (f"{segment.id} of {label}", segment.where))),
    )


def _transcript(corpus: Corpus, chosen: dict[tuple[int, int], Segment], how: str) -> Transcript:
    segments = tuple(chosen.values())
    files = len({file for file, _ in chosen})
    speakers = Counter(s.speaker for s in segments if s.speaker is not None)
    read = f"{count_of(len(chosen))} of {plural(corpus.segments, 'segment')}"
    reading = ReadingReport(
        PASSAGES,
        ", ".join(filter(None, (f"{read}, {files} of {len(corpus.files)} files", how))),
        dict(speakers),
        len(chosen),
        speakers.total(),
        sum(segment.start_s is not None for segment in segments),
        warnings=corpus.left_out[:_MAX_WARNINGS],
        about={"attendees": ", ".join(corpus.people)} if corpus.people else {},
    )
    sha256 = digest("\n".join(map(segment_line, segments)))
    return Transcript(corpus.name, PASSAGES, sha256, segments, 0, reading)
