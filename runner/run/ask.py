"""One question to one model: what is known of it already, or the talk that answers it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial

from runner.answers.grounding.absent_quotes import describe_absent, drop_absent, find_absent
from runner.answers.grounding.grounder import Grounder
from runner.answers.outcome import Outcome, failed_outcome, read_reply
from runner.base.errors import AnswerError, CallError, NotRunError
from runner.base.threads import Behind, compute, offload
from runner.calls.call_log import CallLog
from runner.calls.client import Client
from runner.calls.prefix_gate import Primer
from runner.calls.schedule import Place, make_slots, ranks
from runner.job.graph import Node
from runner.job.job import Job
from runner.job.models import Model
from runner.job.parts import owner_of
from runner.job.prefix_policy import is_cacheable, marked_stages, prefix_of, primed_stages
from runner.job.windows import Fit, longest_reply
from runner.providers.request import Completion, Request
from runner.record.keys import request_key
from runner.record.recorder import Recorder
from runner.record.reuse import Known
from runner.run.conversation import Conversation


@dataclass(frozen=True, slots=True)
class Turn:
    """One node asked of one model; *last* says that there is no other to ask.

    Without *asking* only what is known already is wanted.
    """

    node: Node
    model: Model
    calls: CallLog
    fit: Fit
    last: bool
    asking: bool = True


class NotKnownError(Exception):
    """What is known already does not answer the call."""


class Asker:
    """Asks through *clients*, by model name; *expected_s* is by node name.

    *place* is the run's among others that it shares slots with, None where it has its own.
    """

    def __init__(
        self,
        job: Job,
        clients: Mapping[str, Client],
        known: Known,
        recorder: Recorder,
        expected_s: Mapping[str, float],
        place: Place | None = None,
    ) -> None:
        self.job = job
        self._clients = clients
        self._known = known
        self._recorder = recorder
        self._expected_s = expected_s
        processing = job.settings.processing
        self._place = place or Place(
            make_slots(job.pipeline, processing.max_concurrent, processing.mode)
        )
        self._ranks = ranks(job.pipeline, expected_s, processing.mode)
        self._in_order = processing.mode == "sequential"
        self._primer = Primer()
        self._primed = primed_stages(job)
        self._marked = marked_stages(job, self._primed)
        self._grounder: asyncio.Task[Grounder] | None = None
        self._behind = Behind()

    async def ask(self, turn: Turn, text: str) -> Outcome:
        """Return the answer on *text*: an earlier one to the same call, or a new one."""
        node, model = turn.node, turn.model
        request = self._request(turn, text)
        asked_twice = self.job.settings.grounding.require == "ask"
        repeat = self.job.settings.repeat
        key = request_key(request, model.settings, repeat, grounded=asked_twice)
        self._grounder = self._grounder or asyncio.create_task(self._make_grounder())
        if self._grounder.done():
            self._grounder.result()  # without it no reply could be read
        held = await offload(self._known.find, node, key) if self._known else None
        if held is not None:
            validate = partial(self._validate, await self._ready_grounder())
            known = await offload(self._known.read, held, node, key, validate)
            if known is not None:
                return replace(known, model=model.settings.name)
        if not turn.asking:
            raise NotKnownError
        turn.calls.begin()
        talk = Conversation(
            self.job.analyzers[request.node], request, partial(longest_reply, model)
        )
        try:
            outcome, reply = await self._answer(turn, talk)
        except NotRunError:
            raise
        except CallError as error:
            return replace(failed_outcome(error, key, talk.notes()), model=model.settings.name)
        if self._known:  # beside the run's own record, which does not wait for it
            keeping = asyncio.to_thread(self._known.keep, key, model.settings.name, reply)
            self._recorder.write(keeping)
        notes = {**outcome.notes, **talk.notes()}
        return replace(outcome, key=key, model=model.settings.name, notes=notes)

    async def _answer(self, turn: Turn, talk: Conversation) -> tuple[Outcome, Completion]:
        """Return the answer that *talk* comes to, and the reply that it was in.

        An answer with invented quotes is asked for once more where that is wanted; what becomes
        of that, it is better than none.
        """
        ungrounded: list[tuple[Outcome, Completion]] = []

        async def call(asked: Request) -> Completion:
            return await self._call(turn, asked)

        async def read(said: Completion) -> tuple[Outcome, Completion]:
            chars = 10 * len(said.text)  # quotes cost more
            grounder = await self._ready_grounder()
            outcome = await compute(chars, self._validate, grounder, turn.node, said)
            if self.job.settings.grounding.require == "ask" and not ungrounded:
                invented = find_absent(outcome.answer or {})
                if invented:
                    ungrounded.append((outcome, said))
                    raise AnswerError("ungrounded", describe_absent(invented), text=said.text)
            return outcome, said

        try:
            return await talk.answer(call, read)
        except CallError:
            if not ungrounded:
                raise
            return ungrounded[0]

    async def _call(self, turn: Turn, asked: Request) -> Completion:
        """Make one call of the conversation, after the one that warms its prefix."""
        name = asked.node
        slots, rank = self._place.slots[turn.node.stage], self._place.rank + self._ranks[name]
        client = self._clients[turn.model.name]
        complete = partial(
            client.complete,
            asked,
            slots,
            turn.calls,
            rank,
            patient=turn.last,
            in_order=self._in_order,
        )
        primed = (turn.node.stage, turn.model.name) in self._primed
        if not primed or not is_cacheable(turn.model, asked):
            return await complete()
        prefix = prefix_of(turn.model, asked)
        async with self._primer.turn(prefix, self._expected_s[name]) as go_on:
            return await complete(on_failure=go_on)

    def _request(self, turn: Turn, text: str) -> Request:
        """Return the request of *turn* with *text* as its material."""
        name, marked = owner_of(turn.node), (turn.node.stage, turn.model.name) in self._marked
        return self.job.request(name, turn.model, text, turn.fit.reply, cache=marked)

    def _validate(self, grounder: Grounder, node: Node, reply: Completion) -> Outcome:
        limit = self.job.settings.output.max_insights_per_analyzer
        outcome = read_reply(
            self.job.analyzers[owner_of(node)], reply.text, reply.finish_reason, limit
        )
        answer, counts = grounder.ground(outcome.answer or {})
        if self.job.settings.grounding.require == "drop":
            answer = drop_absent(answer)
        return replace(outcome, answer=answer, grounding=counts)

    async def _ready_grounder(self) -> Grounder:
        """Return what checks quotes; made once, while the first calls are out if none is known."""
        assert self._grounder is not None
        self._behind.hurry()
        return await asyncio.shield(self._grounder)

    async def _make_grounder(self) -> Grounder:
        segments, near = self.job.transcript.segments, self.job.settings.grounding.near_score
        chars = 10 * sum(len(segment.text) for segment in segments)  # an index costs more
        await self._behind.wait()
        return await compute(chars, Grounder, segments, near)
