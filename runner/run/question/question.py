"""A question to a corpus: the run that reads relevant passages, and its answer."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runner.base.errors import ConfigError
from runner.base.json import mapping, mappings, text
from runner.base.text import to_safe_text
from runner.base.tokens import tokenizer_for
from runner.config.resolve import resolve
from runner.config.section import as_switch
from runner.job.build import build_job, checked_settings
from runner.job.job import Job
from runner.record.reuse import read_record
from runner.record.stored_transcript import read_transcript_file
from runner.run.cli.command_line import composed
from runner.run.execute import Prepare
from runner.run.question.corpus import Corpus, read_corpus, redaction_of
from runner.run.question.retrieval import lexical_relevance, passages
from runner.run.question.semantic_search import SemanticSearch
from runner.transcript.model import UNKNOWN

ANALYZER = "ask"
MAX_CHARS = 2000  # of a question
TOKENS = 8000  # of the passages
UNQUOTED = "No quote supports this answer: do not rely on it."

# Interpolations of OmegaConf, with the backslashes that it would read as escapes.
_INTERPOLATION = re.compile(r"(\\*)\$\{")


@dataclass(frozen=True)
class PreparedQuestion:
    """A *question*, its *job* and *corpus*; *prepare* selects the passages by embeddings."""

    question: str
    job: Job
    corpus: Corpus
    prepare: Prepare | None = None


@dataclass(frozen=True, slots=True)
class AnswerQuote:
    """A quote of an answer: *match* is exact, near or absent; *place* its time and file."""

    words: str
    segment: str
    speaker: str | None
    start_s: float | None
    match: str
    place: str


@dataclass(frozen=True, slots=True)
class Reply:
    """The stored answer: *answered* is yes, partly, no, or unknown without one.

    It is unknown, too, where no quote of it is in the transcripts. *reason* is the model's for
    `no`, or why it is unknown, else empty.
    """

    answered: str
    text: str | None
    quotes: tuple[AnswerQuote, ...]
    reason: str = ""


def build_question(
    where: str,
    question: str,
    overrides: Sequence[str],
    folders: Sequence[Path] = (),
    tokens: int = TOKENS,
) -> PreparedQuestion:
    """Return the run that answers *question* from at most *tokens* of the passages in *where*.

    *where* is a transcript, the directory of a run or batch, or a folder or pattern of
    transcripts. Raises ConfigError or TranscriptError before anything is sent or written.
    """
    question = checked(question)
    if not isinstance(tokens, int) or tokens < 1:
        raise ConfigError(f"tokens={tokens}: expected at least 1")
    cfg, typed = composed([f"transcript={where}", f"pipeline={ANALYZER}", *overrides], folders)
    if ANALYZER not in cfg.analyzers:
        raise ConfigError("a question needs pipeline=ask, not another pipeline")
    cfg.analyzers[ANALYZER].variables.question = _literal(question)
    if not any(each.lstrip("+").startswith("transcript.redact=") for each in typed):
        _redact_again(cfg.transcript)
    data = resolve(cfg)
    settings = checked_settings(data)
    corpus = read_corpus(settings, question)
    count = tokenizer_for(settings.model.map_name).count
    chosen = passages(corpus, lexical_relevance(corpus, question), tokens, count)
    job = build_job(cfg, data=data, config_folders=folders, overrides=typed, transcript=chosen)
    assert isinstance(job, Job)
    meaning = SemanticSearch(corpus, question, tokens)
    job = meaning.priced(job)
    return PreparedQuestion(question, job, corpus, meaning.chosen if job.embeds else None)


def _redact_again(composed: Any) -> None:
    """Have runs redacted as they were, by the settings `transcript`: they hold the real names."""
    redact, patterns, terms = redaction_of(composed.path)
    if redact != "off":
        composed.redact = min(redact, str(as_switch(composed.redact)))  # the stricter
        composed.redact_patterns += list(map(_literal, patterns))
        composed.about.glossary += list(map(_literal, terms))


def _literal(text: str) -> str:
    """Return what OmegaConf reads as *text*."""
    return _INTERPOLATION.sub(r"\1\1\\${", text)


def checked(question: str) -> str:
    """Return *question* as one line; raise ConfigError if it is no text, empty or too long."""
    if not isinstance(question, str):
        raise ConfigError(f"question={question!r}: expected a text")
    line = " ".join(to_safe_text(question).split())
    if not any(char.isalnum() for char in line):
        raise ConfigError(f"the question {line!r} has no word")
    if len(line) > MAX_CHARS:
        raise ConfigError(f"the question has {len(line)} characters, expected at most {MAX_CHARS}")
    return line


def read_reply(run: Path) -> Reply:
    """Return the answer stored in the directory *run*."""
    fault, record = read_record(run / "intermediate" / "stage_a" / f"{ANALYZER}.json")
    if fault is not None or record.get("status") != "ok":
        return Reply("unknown", None, (), text(mapping(record.get("error")).get("message")))
    fields = mapping(record.get("structured_data"))
    told = [text(insight.get("text")) for insight in mappings(record.get("insights"))]
    answer = text(fields.get("answer")).strip() or " ".join(told)
    if fields.get("answered") not in ("yes", "partly") or not answer:
        return Reply("no", None, (), told[0] if told else "")
    segments = {segment.id: segment for segment in read_transcript_file(run).segments}
    quotes = list[AnswerQuote]()
    for each in mappings(fields.get("quotes")):
        words, segment, match = (text(each.get(name)) for name in ("quote", "segment", "match"))
        of = segments.get(segment, UNKNOWN)
        quotes.append(AnswerQuote(words, segment, of.speaker, of.start_s, match, of.place))
    if all(quote.match == "absent" for quote in quotes):
        return Reply("unknown", answer, tuple(quotes), UNQUOTED)
    return Reply(text(fields.get("answered")), answer, tuple(quotes))
