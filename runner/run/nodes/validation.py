"""Validation of replies: parsed, restored, and checked against the transcript."""

import asyncio
import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import reduce
from typing import Any

from runner.answers.coverage import cited_segments
from runner.answers.grounding.grounder import Grounder
from runner.answers.grounding.quotations import describe_quotations, drop_absent
from runner.answers.outcome import Outcome, read_reply, with_note
from runner.answers.second_answer import merge_answers, without_grounding
from runner.base.errors import AnswerError
from runner.base.json import with_texts
from runner.base.text import digest
from runner.base.threads import offload
from runner.base.usage import Usage
from runner.job.graph import Node
from runner.job.job import Job
from runner.job.parts import owner_of
from runner.providers.request import Completion

_CHECKING, _INDEXING = 5, 2  # cost of a reply's check and of the index, relative to other text

_NOTHING = {"text": "Nothing is found.", "confidence": 0.0, "category": "silent", "evidence": []}


class Validator:
    """Turns the replies of one job into outcomes; the transcript is indexed once, in a thread."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self._limit = job.settings.output.max_insights_per_analyzer
        self._indexing: asyncio.Task[Grounder] | None = None

    async def check(self, node: Node, reply: Completion) -> Outcome:
        """Return the outcome of *reply*, computed in a thread; raise AnswerError."""
        return await self._checked(lambda g: self.validate(g, node, reply), [reply.text])

    async def _checked(
        self, check: Callable[[Grounder], Outcome], texts: Iterable[str | None]
    ) -> Outcome:
        """Return the result of *check* on *texts*, computed in a thread."""
        grounder = await asyncio.shield(self.grounder())
        chars = _CHECKING * sum(len(text or "") for text in texts)
        return await offload(check, grounder, chars=chars)

    async def joined(
        self, node: Node, answers: Sequence[Outcome], silent: Collection[str]
    ) -> Outcome:
        """Return the outcome of the first of *answers* merged with the others.

        They are joined as they were sent, so that the result is checked like a reply. Raises
        AnswerError if it no longer has the shape of an answer.
        """
        limit, read = self._limit, self.job.analyzers[owner_of(node)].read

        def join(grounder: Grounder) -> Outcome:
            found = (read(each.raw_output or "").answer for each in answers)
            every = [each.model_dump(mode="json", round_trip=True) for each in found]
            for each in every:
                each["insights"] = each["insights"][:limit]
            first = reduce(lambda one, more: merge_answers(one, more, silent), every)
            whole = json.dumps(_with_insights(first, every), ensure_ascii=False)
            reply = Completion(whole, "stop", Usage())
            return self.validate(grounder, node, reply, limit * len(answers))

        return await self._checked(join, (each.raw_output for each in answers))

    async def merge_parts(self, node: Node, parts: Sequence[Outcome]) -> Outcome:
        """Return the outcome of all answers to *parts* of a transcript together.

        A segment of two parts counts in the first that cites it: of later parts, only items on
        further segments are added. The insights are the most confident ones. Its key is the digest
        of the parts' keys.
        """
        good = [each for each in parts if each.answer is not None]

        def join(grounder: Grounder) -> Outcome:
            whole, *others = answers = [without_grounding(each.answer) for each in good]
            for more in others:
                silent = {*cited_segments(more)}.difference(cited_segments(whole))
                whole = merge_answers(whole, more, silent)
            whole = _with_insights(whole, answers)
            whole["insights"].sort(key=lambda insight: -insight["confidence"])
            joined = json.dumps(self.job.redaction.masked(whole), ensure_ascii=False)
            return self.validate(grounder, node, Completion(joined, "stop", Usage()))

        outcome = await self._checked(join, (each.raw_output for each in good))
        key = digest("\n".join(each.key or "" for each in good))
        return replace(outcome, key=key, model=good[0].model)

    def validate(
        self, grounder: Grounder, node: Node, reply: Completion, limit: int | None = None
    ) -> Outcome:
        """Return the outcome of *reply*, with at most *limit* insights (None: the setting)."""
        limit = self._limit if limit is None else limit
        analyzer = self.job.analyzers[owner_of(node)]
        restore = self.job.redaction.restore
        text, unknown = restore(reply.text, in_json=True)
        try:
            outcome = read_reply(analyzer, text, reply.finish_reason, limit, self.job.secrets)
        except AnswerError:  # its message may cut a name, and a name's quotes may end a string
            outcome = read_reply(analyzer, reply.text, reply.finish_reason, limit, self.job.secrets)
        if self.job.redaction:  # stored as it was sent and received
            notes = {**outcome.notes, **({"unknown_stand_ins": unknown} if unknown else {})}
            answer = with_texts(outcome.answer, lambda text: restore(text)[0])  # those in escapes
            outcome = replace(outcome, answer=answer, raw_output=reply.text, notes=notes)
        answer, counts = grounder.ground(outcome.answer or {})
        total, absent = grounder.absent_quotations(answer, analyzer.verbatim)
        counts = replace(counts, quotations=total, quotations_absent=len(absent))
        if absent:
            outcome = with_note(outcome, describe_quotations(absent, total))
        if self.job.settings.grounding.require == "drop":
            answer = drop_absent(answer)
        return replace(outcome, answer=answer, grounding=counts)

    def grounder(self) -> asyncio.Task[Grounder]:
        """Return the index of the transcript's words; it is made once, in a thread."""
        if self._indexing is None:
            segments, near = self.job.transcript.segments, self.job.settings.grounding.near_score
            chars = _INDEXING * sum(len(segment.text) for segment in segments)
            self._indexing = asyncio.create_task(offload(Grounder, segments, near, chars=chars))
        return self._indexing


def _with_insights(answer: Mapping[str, Any], parts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return *answer* with insights, of which a reply has one at least, but a silent part none."""
    others = [insight for part in parts for insight in part["insights"]]
    return {**answer, "insights": answer["insights"] or others or [_NOTHING]}
