"""Second reading: asks an analyzer again about silent segments, and merges the answers."""

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, replace
from functools import partial

import structlog

from runner.answers.outcome import Outcome, failed_outcome
from runner.answers.second_answer import additions, merge_notes, silent_segments
from runner.base.errors import AnswerError, NotRunError
from runner.calls.schedule import gather_all
from runner.job.graph import Node, asks_again
from runner.job.job import Job
from runner.job.parts import AGAIN, inner_node
from runner.record.recorder import Recorder
from runner.run.nodes.ask import Get, Question
from runner.run.nodes.validation import Validator

log = structlog.get_logger("colloquy.run")

ReadPart = Callable[[Question, Node, str, Get], Awaitable[Outcome]]


@dataclass(frozen=True)
class SecondReading:
    """Dependencies of a second question; *read_part* asks about a part and records its outcome."""

    job: Job
    recorder: Recorder
    validator: Validator
    read_part: ReadPart

    async def add(self, question: Question, first: Outcome, get: Get) -> Outcome:
        """Ask again about the segments that *first* does not cite; merge the answer.

        A failure leaves *first* unchanged; the note `asked_again` says so.
        """
        node = question.node
        if first.answer is None or not asks_again(self.job.settings, node):
            return first
        silent = silent_segments(self.job.transcript.segments, first.answer)
        materials, left = dict[int, str](), set(silent)
        for chunk in question.fit.chunks or (None,):  # segments of two parts belong to the first
            if text := self.job.silent_material(chunk, left):
                materials[chunk.number if chunk else 1] = text
            left -= {each.id for each in self.job.segments_of(chunk)}
        if not materials:
            return first
        if first.reused is None:
            await self.recorder.keep_answer(node, first, question.calls)
        ask = partial(self._ask_again, question, get)
        outcomes = await gather_all(ask(n, text) for n, text in materials.items())
        return await self._with_more(node, first, outcomes, silent)

    async def _ask_again(self, question: Question, get: Get, number: int, text: str) -> Outcome:
        try:
            return await self.read_part(
                question, inner_node(question.node, AGAIN, number), text, get
            )
        except NotRunError as error:
            if error.kind != "budget":
                raise
            return failed_outcome(error)

    async def _with_more(
        self, node: Node, first: Outcome, outcomes: Sequence[Outcome], silent: Collection[str]
    ) -> Outcome:
        """Return *first* merged with *outcomes*, and a note that counts the additions."""
        good = [each for each in outcomes if each.answer is not None]
        failed = ", ".join(dict.fromkeys(o.kind or o.status for o in outcomes if o.answer is None))
        joined = first
        try:
            if good:
                joined = await self.validator.joined(node, [first, *good], silent)
        except AnswerError as error:  # such as a matrix that the additions would leave incomplete
            failed = error.kind
        assert first.answer is not None
        assert joined.answer is not None
        counts = additions(first.answer, joined.answer)
        note = {"segments": len(silent), "calls": len(outcomes), "found": counts, "failed": failed}
        log.info(
            "coverage.asked_again",
            analyzer=node.name,
            segments=len(silent),
            found=sum(counts.values()),
            failed=failed or None,
        )
        again = all(each.reused == first.reused for each in outcomes)
        return replace(
            first,
            answer=joined.answer,
            grounding=joined.grounding,
            reused=first.reused if again else None,
            notes=merge_notes(first.notes, joined.notes, note),
        )
