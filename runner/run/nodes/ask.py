"""Questions to models: each is answered from stored answers or by a conversation."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial

from runner.answers.grounding.quotations import describe_absent, find_absent
from runner.answers.outcome import Outcome, failed_outcome, with_note
from runner.base.errors import AnswerError, CallError, NotRunError, one_line
from runner.base.threads import offload
from runner.base.usage import Usage
from runner.calls.call import Terms
from runner.calls.call_log import CallLog
from runner.calls.client import Client
from runner.calls.client_factory import max_in_flight
from runner.calls.prefix_gate import PrefixGate
from runner.calls.schedule import Place, make_slots, ranks, seconds_to_end, steps_to_end
from runner.config.learned import is_cut_off
from runner.job.graph import Node
from runner.job.job import Job
from runner.job.models import Model
from runner.job.parts import AGAIN, ASIDE, has_task, inner_node, owner_of
from runner.job.prefix_policy import is_cacheable, prefix_of, prefix_policy
from runner.job.reply_format import other_format
from runner.job.windows import Fit, counted, longest_reply
from runner.providers.request import Completion, Request
from runner.record.history import REPLY_SHARE, CallAverages, guessed_s
from runner.record.reuse import StoredAnswers
from runner.record.store import request_key
from runner.run.nodes.conversation import Conversation, Messages, cut_error
from runner.run.nodes.validation import Validator


class NotStoredError(Exception):
    """No stored answer to this call."""


@dataclass(frozen=True, slots=True)
class Question:
    """A question of one node to one model; *last*: no fallback follows.

    *recuts* limits how often its material may be cut again. The run can do without an *optional*
    answer.
    """

    node: Node
    model: Model
    calls: CallLog
    fit: Fit
    last: bool
    recuts: int = 0
    optional: bool = False


Get = Callable[[Question, str], Awaitable[Outcome]]  # answers a question on a text


class Asker:
    """Asks through *clients*, by model name; *expected_s* is by node name.

    *place* is the rank of a batch's run, None for a single run. *stored* are the answers that may
    be reused, *averages* the calls of earlier runs by node name. *pending* are the names of nodes
    without a first answer, for which optional questions leave room in the budget.
    """

    def __init__(
        self,
        job: Job,
        clients: Mapping[str, Client],
        stored: StoredAnswers,
        expected_s: Mapping[str, float],
        place: Place | None = None,
        averages: Mapping[str, CallAverages] = {},
    ) -> None:
        self.job, self.stored = job, stored
        self.clients, self._expected_s = clients, expected_s
        processing = job.settings.processing
        self.place = place or Place(
            make_slots(job.pipeline, processing.max_concurrent, processing.mode)
        )
        self._ranks = ranks(job.pipeline, expected_s, processing.mode)
        self._steps = steps_to_end(job.pipeline)
        self._seen_s = {name: each.latency_s for name, each in averages.items()}
        guesses = {
            node.name: guessed_s(REPLY_SHARE * job.settings.analyzers[node.name].max_tokens)
            for node in job.pipeline.nodes
        }
        known = {name: self._seen_s.get(name, guess) for name, guess in guesses.items()}
        behind_s = self.place.behind * sum(known.values()) / max_in_flight(job)
        ends = seconds_to_end(job.pipeline, known)
        self._need_s = {name: seconds + behind_s for name, seconds in ends.items()}
        self._prefix_gate = PrefixGate()
        self._policy = prefix_policy(job)
        self.validator = Validator(job)
        self.pending = {node.name for node in job.pipeline.nodes}

    async def ask(self, question: Question, text: str) -> Outcome:
        """Return the answer about *text*: stored for the same call, or new."""
        request, key = self._request(question, text)
        if (reused := await self._look_up(question, request, key)) is not None:
            return reused
        question.calls.start_conversation()
        model, mask = question.model, self.job.redaction.masked

        def repair(messages: Messages, reply: str, fault: str) -> Messages:
            return self.job.analyzers[request.node].repair(messages, mask(reply), mask(fault))

        conversation = Conversation(repair, request, partial(longest_reply, model))
        try:
            outcome = await self._converse(question, conversation, key)
        except NotRunError:
            raise
        except CallError as error:
            if error.kind == "context_exceeded":
                await self._overflowed(question, conversation.request, error)
            failed = failed_outcome(error, key, conversation.notes())
            return replace(failed, model=model.settings.name)
        if conversation.used_earlier:
            outcome = with_note(outcome, one_line(conversation.used_earlier, 200))
        notes = {**outcome.notes, **conversation.notes()}
        return replace(outcome, key=key, model=model.settings.name, notes=notes)

    async def _overflowed(self, question: Question, sent: Request, error: CallError) -> None:
        """Learn from *error* that *sent* was too long for the window of its model."""
        model, fit = question.model, question.fit
        tokens = await offload(counted, model, sent)
        model.learned.overflowed(
            error.window, error.prompt_tokens, tokens, sent.max_tokens, fit.window, fit.factor
        )

    async def _measure(self, model: Model, request: Request, usage: Usage) -> None:
        """Compare the provider's count of a prompt with ours; raise CallError if it was cut."""
        if model.tokenizer.exact or not model.is_paid or usage.estimated or usage.corrected:
            return
        tokens = await offload(counted, model, request)
        sent = await offload(counted, model, replace(request, schema=None))
        own = model.settings.api_base is not None
        if own and is_cut_off(usage.prompt_tokens, sent, model.window):
            read = f"the server read {usage.prompt_tokens:,} of about {sent:,} tokens"
            why = "its window is smaller than model.context_window (Ollama: num_ctx)"
            error = CallError("context_exceeded", f"{read} and left out the rest: {why}")
            error.window = usage.prompt_tokens
            raise error
        model.learned.measure(usage.prompt_tokens, tokens)

    async def reuse(self, question: Question, text: str) -> Outcome:
        """Return the stored answer about *text*; raise NotStoredError without one."""
        outcome = await self._look_up(question, *self._request(question, text))
        if outcome is None:
            raise NotStoredError
        return outcome

    async def _look_up(self, question: Question, request: Request, own: str) -> Outcome | None:
        """Return the stored answer under the key *own*, or to *request* in the other format."""
        grounder = self.validator.grounder()  # made while a call is in flight
        if not self.stored:
            return None
        for each in filter(None, (request, other_format(request))):
            key = own if each is request else self._key(question, each)
            if self.stored.may_have(key):
                validate = partial(self.validator.validate, await asyncio.shield(grounder))
                outcome = await offload(self.stored.get, question.node, key, validate)
                if outcome is None and self.job.escalation(question.node):
                    beside = inner_node(question.node, ASIDE, key)
                    outcome = await offload(self.stored.get, beside, key, validate)
                if outcome is not None:
                    return replace(outcome, model=question.model.settings.name)
        return None

    def _key(self, question: Question, request: Request) -> str:
        settings = self.job.settings
        grounded = settings.grounding.require == "ask"
        return request_key(request, question.model.settings, settings.repeat, grounded=grounded)

    async def _converse(self, question: Question, conversation: Conversation, key: str) -> Outcome:
        """Return the final answer of *conversation*, whose first request has *key*.

        A doubtful answer, and with `grounding.require=ask` absent quotes, lead to one repair.
        """

        async def read(reply: Completion) -> Outcome:
            try:
                outcome = await self.validator.check(question.node, reply)
            except AnswerError as error:
                cut = error.kind == "invalid_output" and reply.finish_reason == "length"
                raise cut_error(reply) if cut else error from error
            if outcome.incomplete:
                raise cut_error(reply, kept=outcome)
            if outcome.doubt:
                raise AnswerError("invalid_output", outcome.doubt, text=reply.text, kept=outcome)
            asks = self.job.settings.grounding.require == "ask"
            if asks and (absent := find_absent(outcome.answer or {})):
                fault = describe_absent(self.job.redaction.masked(absent))
                raise AnswerError("ungrounded", fault, text=reply.text, kept=outcome)
            return outcome

        first = conversation.request

        async def call(request: Request) -> Completion:
            own = key if request is first else self._key(question, request)
            return question.calls.earlier_reply(own) or await self._call(question, request, own)

        return await conversation.answer(call, read)

    async def _call(self, question: Question, request: Request, key: str) -> Completion:
        """Make one call of the conversation, once its prefix is in the provider's cache."""
        node, model, name = question.node, question.model, request.node
        client, is_first = self.clients[model.name], model is self.job.chain(node)[0]
        batched, rank = client.deliverer is not None, self.place.rank + self._ranks[name]
        slots = self.place.slots[node.stage]
        complete = partial(client.complete, request, slots, question.calls, rank)
        terms = Terms(
            key=key,
            steps=self._steps[name],
            need_s=self._need_s[name],
            expected_s=self._seen_s.get(owner_of(node)) if is_first else None,
            waits_for_outage=question.last,
            spare=self.pending.__len__ if question.optional else None,
        )
        primed = (node.stage, model.name) in self._policy.primed and not batched
        if primed and is_cacheable(model, request):
            prefix = prefix_of(model, request)
            async with self._prefix_gate.turn(prefix, self._expected_s[name]) as lead:
                if lead is not None:
                    terms = replace(terms, on_first_token=lead, on_failure=lead.failed)
                reply = await complete(terms)
        else:
            reply = await complete(terms)
        await self._measure(model, request, reply.usage)
        return reply

    def _request(self, question: Question, text: str) -> tuple[Request, str]:
        model, name = question.model, owner_of(question.node)
        marked = (question.node.stage, model.name) in self._policy.marked
        marked = marked and not has_task(question.node, AGAIN)  # no other call sends its material
        request = self.job.request(name, model, text, question.fit.reply, cache=marked)
        return request, self._key(question, request)
