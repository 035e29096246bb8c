"""Command `colloquy-ask`: one question to a transcript, a run, a batch or a folder."""

import re
import shlex
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import orjson

from runner.base import errors
from runner.base.command import Arguments, command
from runner.base.errors import ConfigError
from runner.base.format import plural, usd
from runner.base.regular_files import kind_of, user_path
from runner.base.text import print_stderr, to_terminal
from runner.record.stored_transcript import read_transcript_file
from runner.run.execute import execute_job
from runner.run.last_line import resume_command
from runner.run.plan.plan import make_plan, read_histories
from runner.run.question.question import (
    TOKENS,
    AnswerQuote,
    PreparedQuestion,
    Reply,
    build_question,
    read_reply,
)
from runner.run.session import Session
from runner.transcript.model import Transcript

NAME = "colloquy-ask"
USAGE = f"""\
usage: {NAME} WHERE "QUESTION" [KEY=VALUE…] [--tokens N] [--json] [--config-dir DIR]
Answers QUESTION from WHERE: a transcript, the directory of a run or batch, or a folder of
transcripts. Sends the most relevant passages, at most N tokens ({TOKENS}), to the model in one
call. The answer has quotes with times, each checked against the transcripts, or says that nothing
there answers the question. Prints the price before it sends anything; plan=true prints only that.
KEY=VALUE are colloquy's settings, such as model=openai, budget.max_cost_usd=0.1 or
collection.embeddings=MODEL, which also finds synonyms. The answer, or with --json an object, goes
to standard output, everything else to standard error. The answer is stored as a run.

Exit codes: 0 answered or not in the transcripts, otherwise those of colloquy, such as
2 a wrong key, 4 no answer from the model, 6 budget exhausted, 7 no transcript."""
NOTHING = "Nothing in these transcripts answers this."


def _ask(given: Arguments) -> int:
    where, question, *overrides = given.words
    _check_words(where, question, overrides)
    wanted = given.options.get("--tokens", str(TOKENS))
    if not wanted.isdecimal():
        raise ConfigError(f"--tokens {wanted}: expected a whole number, such as {TOKENS}")
    folder = given.options.get("--config-dir")
    folders = [user_path(folder).resolve()] if folder else []
    asked = build_question(where, question, overrides, folders, int(wanted))
    for line in asked.corpus.left_out:
        print_stderr(f"{NAME}: left out: {to_terminal(line)}")
    for word, near in asked.corpus.respelt.items():
        print_stderr(f"{NAME}: {word!r} occurs nowhere; {near!r} is searched for, too")
    if not asked.job.settings.plan:
        print_stderr(f"{NAME}: {price_line(asked)}")
    codes: list[int] = []
    made: list[Path] = []

    def tell() -> None:
        if made:
            _print_answer(asked, made[0], codes[-1], as_json="--json" in given.options)

    try:
        Session(codes, NAME, tell).run(
            lambda shared: execute_job(
                asked.job,
                replace(shared, prints_end=False, prepare=asked.prepare),
                started=made.append,
            )
        )
    except KeyboardInterrupt:
        if not made:
            raise  # before there was a run to resume
    tell()
    return codes[-1]


def _check_words(where: str, question: str, further: Sequence[str]) -> None:
    """Raise ConfigError for several files, words without quotes, and a question before WHERE."""
    loose = [word for word in further if "=" not in word and not word.startswith("~")]
    if kind_of(Path(question)) is not None:
        if loose or kind_of(Path(where)) is not None:
            expected = "expected one file or folder, or a pattern in quotation marks"
            raise ConfigError(f"{where} and {question}: {expected}")
        line = shlex.join((NAME, question, where))
        raise ConfigError(f"the transcript comes first: {line}")
    if loose:
        line = shlex.join((NAME, where, " ".join((question, *loose))))
        raise ConfigError(f"the question needs quotation marks: {line}")


def price_line(asked: PreparedQuestion) -> str:
    """Return what is read and, unless it is free, its cost."""
    job, read = asked.job, _layout_of(asked.job.transcript)
    if not job.is_paid:
        return read
    plan = make_plan(job, read_histories(job))
    cost, most = plan.total("cost_usd"), plan.total("cost_high_usd")
    price = "price unknown" if cost is None else f"about {usd(cost)}, at most {usd(most)}"
    price = "free" if most == 0 else price
    texts = plural(sum(texts for texts, _ in job.to_embed or ()), "text")
    before = f"{texts} to {job.embeds}, then " if job.to_embed else ""
    return f"{before}{read} go to {job.main.settings.name}: {price}"


def _layout_of(passages: Transcript) -> str:
    """Return how many segments *passages* are, and from how many transcripts."""
    return passages.reading.layout.partition(", ")[0] if passages.reading else ""


def _print_answer(asked: PreparedQuestion, path: Path, code: int, *, as_json: bool) -> None:
    reply = read_reply(path)
    if as_json:
        facts = {"question": asked.question, **asdict(reply), "run": str(path), "exit": code}
        print(orjson.dumps(facts).decode(), flush=True)
    elif reply.text is not None or reply.answered == "no":
        lines = lines_of(reply, several=len(asked.corpus.files) > 1)
        sent = read_transcript_file(path)  # by embeddings others than were expected
        if reply.text is None and len(sent.segments) < asked.corpus.segments:
            lines.append(f"Only {_layout_of(sent)} were read.")
        print("\n".join(lines), flush=True)
    if reply.text is None and reply.answered == "unknown" and code != errors.EXIT_OK:
        why = f"{to_terminal(reply.reason, 500)}; " if reply.reason else ""
        print_stderr(f"{NAME}: no answer: {why}{resume_command(path, asked.job, code)}")
    print_stderr(f"{NAME}: stored as {shlex.quote(str(path))}")


def lines_of(reply: Reply, *, several: bool) -> list[str]:
    """Return the page of an answer; *several*: its quotes are from more than one file."""
    if reply.text is None:
        return [NOTHING, *filter(None, [to_terminal(reply.reason, 2000)])]
    lines = ["Partly answered:"] if reply.answered == "partly" else []
    lines.append(to_terminal(reply.text, 10_000))
    lines += [reply.reason] if reply.reason else []
    return [*lines, *(_quoted(each, several=several) for each in reply.quotes)]


def _quoted(quote: AnswerQuote, *, several: bool) -> str:
    segment = "" if several else quote.segment  # the place has that of the file
    place = ", ".join(filter(None, (_speaker(quote), segment, quote.place)))
    mark = {"exact": "", "near": " [near match]"}.get(quote.match, " [not in the transcripts]")
    return "  " + to_terminal(f'"{quote.words}" ({place}){mark}', 2000)


def _speaker(quote: AnswerQuote) -> str:
    """Return the speaker without the file behind it if the place names that, "" for none."""
    speaker, file = quote.speaker or "", quote.place.partition(" of ")[2]
    labels = re.finditer(r" \((?=(.*)\)$)", speaker)
    return next((speaker[: each.start()] for each in labels if file.startswith(each[1])), speaker)


_OPTIONS = ("--tokens", "--config-dir")
main = command(NAME, USAGE, _ask, flags=("--json",), options=_OPTIONS, least=2)
