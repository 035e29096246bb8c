"""Semantic search: relevance of passages to a question by embeddings, priced beforehand."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from operator import mul

from runner.answers.passages import smoothed
from runner.base.threads import offload
from runner.base.tokens import tokenizer_for
from runner.calls.call_log import CallLog
from runner.calls.client import Client
from runner.calls.client_factory import EMBEDDINGS
from runner.calls.schedule import gather_all, make_slots
from runner.config.schema import Settings
from runner.job.build import run_job
from runner.job.job import Job
from runner.providers.litellm.embedding import embedding_route
from runner.record.recorder import Recorder
from runner.record.reuse import StoredAnswers
from runner.record.run_directory import RunDirectory
from runner.record.store import Store
from runner.record.vectors import FOLDER, vector_key
from runner.run.embedder import MAX_TEXTS, Embedder
from runner.run.question.corpus import Corpus
from runner.run.question.retrieval import Scores, lexical_relevance, passages
from runner.transcript.redact.redacted import redacted

PASSAGE_WORDS = 80  # of a passage: consecutive segments, or a single longer one
_WEIGHT = 0.25  # of embeddings beside words


@dataclass(frozen=True, slots=True)
class Passage:
    """Segments from *start* to before *stop* of the file at place *file*, as they are sent."""

    file: int
    start: int
    stop: int
    text: str


@dataclass(frozen=True)
class SemanticSearch:
    """Selects at most *tokens* of the passages of *corpus* most relevant to *question*."""

    corpus: Corpus
    question: str
    tokens: int

    def priced(self, job: Job) -> Job:
        """Return *job* with the texts to embed: those without a stored vector.

        None if it reads the whole corpus anyway.
        """
        settings = job.settings
        unused = settings.collection.embeddings is None
        if unused or len(job.transcript.segments) == self.corpus.segments:
            return job
        store = None if settings.reuse == "off" else Store(job.root / "store")
        route = embedding_route(settings.collection.embeddings or "", settings.model)
        count, seen, calls = tokenizer_for(route.map_name).count, set[str](), []
        for part in self._parts(job):
            keys = {vector_key(settings, each.text): each.text for each in part}
            new = [k for k in keys if k not in seen and not (store and store.has(k))]
            seen.update(new)
            if new:
                calls.append((len(new), sum(count(keys[key]) for key in new)))
        return replace(job, to_embed=tuple(calls))

    async def chosen(
        self,
        job: Job,
        clients: Mapping[str, Client],
        directory: RunDirectory,
        stored: StoredAnswers,
    ) -> tuple[Job, CallLog]:
        """Return *job* with passages by words and embeddings, and the calls that this took.

        If they fail, words alone select the passages.
        """
        calls, settings, processing = CallLog(), job.settings, job.settings.processing
        slots = make_slots(job.pipeline, processing.max_concurrent, processing.mode)
        embedder = Embedder(
            settings,
            clients.get(EMBEDDINGS),
            stored.store or Store(directory.path / FOLDER),
            Recorder(job, directory, stored),
            slots,
            lambda _, made: calls.absorb(made),
        )
        if similarity := await self._similarity(embedder, job):
            job = await offload(self._with_both, job, similarity)
            directory.write_job(job)
        return job, calls

    def _with_both(self, job: Job, found: Scores) -> Job:
        files = zip(lexical_relevance(self.corpus, self.question), _centred(found), strict=True)
        scores = [[w + _WEIGHT * e for w, e in zip(*both, strict=True)] for both in files]
        how = f"by words and {job.embeds}"
        chosen = passages(self.corpus, scores, self.tokens, job.main.tokenizer.count, how)
        return run_job(job, chosen)

    async def _similarity(self, embedder: Embedder, job: Job) -> Scores:
        """Return the cosine of each segment's passage with the question; empty without them.

        The texts of at most one call per slot are in memory.
        """
        node, parts = job.pipeline.nodes[0], enumerate(self._parts(job))
        scores = [[0.0] * len(file.terms) for file in self.corpus.files]
        asked: Sequence[float] = ()
        most = job.settings.processing.max_concurrent
        wave: list[tuple[int, list[Passage]]]
        while wave := await offload(list, islice(parts, most)):
            vectors = await gather_all(
                embedder.vectors(node, str(number or ""), [each.text for each in part])
                for number, part in wave
            )
            for (_, part), made in zip(wave, vectors, strict=True):
                if not made:
                    return []
                asked = asked or made[0]
                for each, vector in zip(part, made, strict=True):
                    if len(vector) != len(asked):
                        return []
                    similarity = sum(map(mul, asked, vector))
                    if each.stop:
                        span = slice(each.start, each.stop)
                        scores[each.file][span] = [similarity] * (each.stop - each.start)
        return scores

    def _parts(self, job: Job) -> Iterator[list[Passage]]:
        """Yield the texts of each call, the question first; names are masked as in prompts."""
        every = self._passages(job.settings)
        part = [Passage(0, 0, 0, job.redaction.mask(self.question, fixed=True))]
        while part := part + list(islice(every, MAX_TEXTS - len(part))):
            yield part
            part = []

    def _passages(self, settings: Settings) -> Iterator[Passage]:
        for place, file in enumerate(self.corpus.files):
            lines, start, words = list[str](), 0, 0
            shown = redacted(settings.transcript, file.read())[1]
            for number, segment in enumerate(shown.segments):
                size = len(segment.text.split())
                if lines and words + size > PASSAGE_WORDS:
                    yield Passage(place, start, number, "\n".join(lines))
                    lines, start, words = [], number, 0
                speaker = f"{segment.speaker}: " if segment.speaker else ""
                lines.append(speaker + segment.text)
                words += size
            yield Passage(place, start, start + len(lines), "\n".join(lines))


def _centred(found: Scores) -> list[list[float]]:
    """Return *found* averaged over neighbours, as shares of the maximum above the mean."""
    near = [smoothed(each) for each in found]
    every = [value for each in near for value in each]
    mean = sum(every) / len(every)
    most = max(every) - mean or 1.0
    return [[(value - mean) / most for value in each] for each in near]
