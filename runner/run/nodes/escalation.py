"""Escalation: asks further models, once each, when an answer fails its checks."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import structlog

from runner.answers.outcome import Outcome, failed_outcome
from runner.base.errors import CallError, NotRunError, one_line
from runner.base.threads import offload
from runner.base.usage import sum_usd
from runner.calls.call_log import CallLog
from runner.job.graph import Node
from runner.job.parts import ASIDE, inner_node, owner_of
from runner.run.nodes.ask import Question
from runner.run.nodes.evaluation import faults_of
from runner.run.nodes.node import NodeRunner

log = structlog.get_logger("colloquy.run")


class EscalatingNodes(NodeRunner):
    """Answers the nodes of a run; if an answer has faults, asks the models of `model.escalate`."""

    async def answer(self, node: Node, upstream: Mapping[str, Outcome], calls: CallLog) -> Outcome:
        """Return *node*'s outcome; raise CallError if the last model fails."""
        fits, models = self.fits.latest, self.job.escalation(node)
        further = [
            Question(node, m, calls, fits[owner_of(node), m.name], last=False, optional=True)
            for m in models
        ]
        if not further or self.skipped(node, upstream) is not None:
            return await super().answer(node, upstream, calls)
        if (reused := await self._stored_instead(node, upstream, calls, further)) is not None:
            return reused
        try:
            outcome = await super().answer(node, upstream, calls)
        except NotRunError:
            raise
        except CallError as error:
            outcome = failed_outcome(error)
        return await self._best(outcome, further, upstream)

    async def settled(self, node: Node, upstream: Mapping[str, Outcome], calls: CallLog) -> Outcome:
        """Return *node*'s outcome; a failure is one too, never an exception."""
        try:
            self.recorder.check()
            return await self.answer(node, upstream, calls)
        except NotRunError as error:
            return Outcome("not_run", kind=error.kind, error=str(error))
        except CallError as error:
            return failed_outcome(error)
        except (Exception, SystemExit) as error:  # a bug in one node must not stop the others
            log.exception("node.crashed", analyzer=node.name)
            message = one_line(f"{type(error).__name__}: {error}")
            return Outcome("error", kind="internal", error=message)
        finally:
            self.asker.pending.discard(node.name)

    async def _stored_instead(
        self,
        node: Node,
        upstream: Mapping[str, Outcome],
        calls: CallLog,
        further: Sequence[Question],
    ) -> Outcome | None:
        """Return the answer of a *further* model kept by an earlier session of this run.

        None for an answer of the first models, which is then evaluated again.
        """
        if self.asker.stored.previous is None:
            return None
        if await self.reused(self.questions(node, calls, self.fits.latest), upstream) is not None:
            return None
        return await self.reused(further, upstream)

    async def _best(
        self, outcome: Outcome, further: Sequence[Question], upstream: Mapping[str, Outcome]
    ) -> Outcome:
        """Return the answer with the fewest faults of *outcome* and those to *further* questions.

        Among equals the first. The others are recorded beside the node before the next model is
        asked; without budget for it, the best answer so far is kept.
        """
        before = await self._faults(further[0], outcome)
        best, faults, steps = outcome, before, list[dict[str, Any]]()
        for question in further:
            if not faults:
                break
            self._set_aside(question, best)
            other, step = await self._step(question, upstream)
            steps.append(step)
            fewer = best.answer is None or len(step["faults"]) < len(faults)
            if other.answer is not None and fewer:
                best, faults = other, step["faults"]
            else:
                self._set_aside(question, other)
        if not steps:
            return outcome
        facts = {
            "first": outcome.model,
            "kept": best.model,
            "faults": before,
            "left": faults,
            "asked": any(step["asked"] for step in steps),
            "mended": not faults,
            "cost_usd": sum_usd(step["cost_usd"] for step in steps),
        }
        event = "answer.escalated" if facts["asked"] else "answer.not_escalated"
        why = None if facts["asked"] else steps[-1]["error"]
        shown = {**facts, "faults": "; ".join(before), "left": "; ".join(faults) or None}
        log.warning(event, analyzer=further[0].node.name, error=why, **shown)
        return replace(best, notes={**best.notes, "escalation": {**facts, "steps": steps}})

    async def _step(
        self, question: Question, upstream: Mapping[str, Outcome]
    ) -> tuple[Outcome, dict[str, Any]]:
        """Ask one further model; return its outcome, and the step as a record stores it."""
        calls = question.calls
        spent, sent = calls.usage.cost_usd, len(calls.attempts)
        try:
            outcome = await self.attempt(question, upstream)
        except NotRunError as error:  # the answer so far is kept
            outcome = failed_outcome(error)
        cost = _difference(spent, calls.usage.cost_usd)
        return outcome, {
            "model": question.model.settings.name,
            "asked": bool(outcome.answer or outcome.reused) or len(calls.attempts) > sent,
            # None where an earlier session has paid for it.
            "cost_usd": None if outcome.reused == "run" else cost,
            "faults": await self._faults(question, outcome),
            "error": outcome.error,
        }

    async def _faults(self, question: Question, outcome: Outcome) -> list[str]:
        chars = None if self.job.expected.slow else len(outcome.raw_output or "")
        node, calls = question.node, question.calls
        return await offload(faults_of, self.job, node, outcome, calls, chars=chars)

    def _set_aside(self, question: Question, outcome: Outcome) -> None:
        """Record a paid answer that may not become the node's, for later reuse."""
        if outcome.answer is not None and outcome.reused != "run" and outcome.key:
            beside = inner_node(question.node, ASIDE, outcome.key)
            self.recorder.part_ended(beside, outcome, CallLog())


def _difference(before: float | None, after: float | None) -> float | None:
    return None if before is None or after is None else round(after - before, 12)
