"""Judged checks: each answer goes to a judge twice, with the order swapped."""

from asyncio import Lock
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import orjson

from runner.answers import judge
from runner.answers.checks import FAILED, PASSED, UNDECIDED, UNKNOWN, CheckResult, result
from runner.answers.outcome import Outcome
from runner.base.errors import CallError
from runner.base.json import text
from runner.base.text import digest
from runner.base.threads import offload
from runner.calls.activity import one_at_a_time
from runner.calls.call_log import CallLog
from runner.calls.schedule import gather_all
from runner.config.checks import Check
from runner.job.graph import Node
from runner.job.job import Job
from runner.job.models import Model
from runner.job.parts import JUDGE, inner_node
from runner.providers.request import Completion, Request
from runner.record.recorder import Recorder
from runner.record.reuse import Read
from runner.record.store import request_key
from runner.run.nodes.ask import Asker


class _Verdict(NamedTuple):
    """Whether an answer *meets* the rubric, None where that is open, and why."""

    meets: bool | None
    why: str
    answered: bool = True  # by the judge


@dataclass
class Judging:
    """Asks the judge of *job* about *outcomes*; its calls count for no analyzer."""

    job: Job
    asker: Asker
    recorder: Recorder
    calls: CallLog = field(default_factory=CallLog)  # of all questions together
    _asked: dict[tuple[str, str, str], tuple[Lock, list[_Verdict]]] = field(default_factory=dict)

    async def results(self, outcomes: Mapping[str, Outcome]) -> list[CheckResult]:
        """Return the results of the judged checks of all answers.

        The results of a judge that the check's labels do not validate are `undecided`, with its
        verdict as the reason.
        """
        nodes = {node.name: node for node in self.job.pipeline.nodes}
        judged = self.job.expected.judged(outcomes)
        first = {id(check): (nodes[name], check) for name, check in reversed(judged)}
        found = await gather_all(self._agreement(node, check) for node, check in first.values())
        agreement = dict(zip(first, found, strict=True))
        return await gather_all(
            self._one(nodes[name], check, outcomes[name], agreement[id(check)])
            for name, check in judged
        )

    async def _agreement(self, node: Node, check: Check) -> Mapping[str, Any]:
        """Return the agreement with the labels of *check*, which runs of a batch ask for once."""
        mask, labels, shared = self.job.redaction.mask, check.validation_labels, self.job.expected
        answers = [mask(each.answer, eager=True) for each in labels]
        key = digest(orjson.dumps([text(check.value), answers]).decode())
        async with one_at_a_time(shared.locks[key]):
            if key in shared.agreements:
                return shared.agreements[key]
            verdicts = await gather_all(self._verdict(node, check, each) for each in answers)
            pairs = zip(verdicts, labels, strict=True)
            found = judge.agreement([(one.meets, each.label == "right") for one, each in pairs])
            if all(verdict.answered for verdict in verdicts):
                shared.agreements[key] = found
            return found

    async def _one(
        self, node: Node, check: Check, outcome: Outcome, agreement: Mapping[str, Any]
    ) -> CheckResult:
        if outcome.answer is None:
            why = f"no answer ({outcome.kind or outcome.status})"
            return result(check, node.name, FAILED, reason=why)
        judged = {key: outcome.answer[key] for key in ("insights", "structured_data")}
        masked = orjson.dumps(self.job.redaction.masked(judged)).decode()
        meets, why, answered = await self._verdict(node, check, masked)
        agreed = f"agrees with {agreement['agreed']} of {agreement['labels']} labels"
        if agreement["kappa"] is not None:
            agreed += f", kappa {agreement['kappa']:.2f}"
        if meets is None:
            status = UNDECIDED if answered else UNKNOWN
            return result(check, node.name, status, reason=why)
        fits = meets is not check.negated
        if not agreement["proven"]:
            finding = "meets" if meets else "does not meet"
            why = f"unvalidated judge ({agreed}): {finding} the rubric: {why}"
            return result(check, node.name, UNDECIDED, score=float(meets), reason=why)
        why = f"{why} (the judge {agreed})"
        return result(check, node.name, PASSED if fits else FAILED, score=float(meets), reason=why)

    async def _verdict(self, node: Node, check: Check, answer: str) -> _Verdict:
        """Return the verdict on *answer* in both orders, for which equal questions ask once."""
        lock, verdict = self._asked.setdefault((node.name, text(check.value), answer), (Lock(), []))
        async with one_at_a_time(lock):
            if not verdict:
                verdict.append(await self._in_both_orders(node, check, answer))
            return verdict[0]

    async def _in_both_orders(self, node: Node, check: Check, answer: str) -> _Verdict:
        try:
            orders = (self._ask(node, check, answer, swapped=each) for each in (False, True))
            first, second = await gather_all(orders)
        except CallError as error:
            return _Verdict(None, f"the judge did not answer: {error}", answered=False)
        if first.meets is not second.meets:
            return _Verdict(None, "the judge contradicts itself when the order is swapped")
        return first

    async def _ask(self, node: Node, check: Check, answer: str, *, swapped: bool) -> _Verdict:
        model, redaction = self.job.models[self.job.expected.judge], self.job.redaction
        rubric = redaction.mask(text(check.value), fixed=True)
        request = Request(
            node="judge",
            messages=judge.question(rubric, answer, swapped=swapped),
            max_tokens=judge.JUDGE_TOKENS,
            temperature=None if model.settings.temperature is None else 0.0,
            schema=judge.SCHEMA if model.schema_beside else None,
        )
        asked = inner_node(node, JUDGE, digest(f"{rubric}\n{answer}\n{swapped}"))

        def read(_: Node, reply: Completion) -> Outcome:
            meets, why = judge.verdict(reply.text, swapped=swapped)
            data = {"meets": meets, "reason": redaction.restore(why, in_json=False)[0]}
            answer = {"insights": [], "structured_data": data}
            notes = {"finish_reason": reply.finish_reason}
            return Outcome("ok", answer, raw_output=reply.text, notes=notes)

        calls = self.recorder.call_log(asked)
        try:
            outcome = await self._reply(asked, model, request, calls, read)
        finally:
            self.calls.absorb(calls)
        self.recorder.part_ended(asked, outcome, calls)
        data = (outcome.answer or {})["structured_data"]
        return _Verdict(data["meets"], data["reason"])

    async def _reply(
        self, node: Node, model: Model, request: Request, calls: CallLog, read: Read
    ) -> Outcome:
        asker, name = self.asker, model.settings.name
        key = request_key(request, model.settings, self.job.settings.repeat)
        if asker.stored and asker.stored.may_have(key):
            outcome = await offload(asker.stored.get, node, key, read)
            if outcome is not None and outcome.answer is not None:
                return replace(outcome, model=name)
        slots, rank = asker.place.slots[node.stage], asker.place.rank
        reply = await asker.clients[model.name].complete(request, slots, calls, rank)
        return replace(read(node, reply), key=key, model=name)

    def figures(self) -> dict[str, Any]:
        """Return the judge's model, attempts, tokens and cost, for checks.json."""
        model = self.job.models[self.job.expected.judge].settings.name
        calls = self.calls
        return {"model": model, "attempts": len(calls.attempts), **calls.usage.figures()}
