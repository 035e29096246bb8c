"""Runs in virtual time with scripted replies, and the replies."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from helpers import ScriptedTransport
from runner.base.errors import CallError
from runner.base.event_loops import run_virtually
from runner.calls.admission.budget import Sizer
from runner.calls.admission.gate import MAX_CEILING, Gate
from runner.calls.admission.limits import Admission
from runner.calls.client import Client
from runner.calls.retry import RetryPolicy
from runner.job.job import Job
from runner.providers.request import Completion, Request
from runner.providers.simulated.replies import reply_to
from runner.record.events import run_log
from runner.record.reuse import PreviousSession, StoredAnswers
from runner.record.run_directory import RunDirectory
from runner.run.delivery import budget_of
from runner.run.run import Run, RunResult

STAGE_A = ("say_means", "perspective_perception", "premises_assertions", "postulate_theorem")


STAGE_B = ("competing_hypotheses", "first_principles", "determining_factors", "patentability")


LATENCY = dict(zip(STAGE_A + STAGE_B, (4.0, 3.0, 2.0, 5.0, 3.0, 5.0, 4.0, 2.0), strict=True))


Reply = Callable[[Request], str | Completion]
ONLY_TWO = tuple(
    f"~analyzer@analyzers.{name}"
    for name in (
        "premises_assertions",
        "postulate_theorem",
        "first_principles",
        "determining_factors",
        "patentability",
    )
)


def prompt_of(request: Request) -> str:
    return "".join(part["text"] for part in request.messages[1]["content"])


def failing(faults: Mapping[str, CallError | str | Completion | Exception]) -> Reply:
    def reply(request: Request) -> str | Completion:
        fault = faults.get(request.node)
        if isinstance(fault, Exception):
            raise fault
        return simulated(request) if fault is None else fault

    return reply


def simulated(request: Request) -> str:
    """Answer in the request's shape, with quotes from its prompt."""
    named = {"name": request.node, "schema": request.schema}
    messages = [
        {"role": m["role"], "content": "".join(p["text"] for p in m["content"])}
        if isinstance(m["content"], list)
        else m
        for m in request.messages
    ]
    body = {
        "model": "m",
        "messages": messages,
        "max_tokens": request.max_tokens,
        "response_format": {"type": "json_schema", "json_schema": named},
    }
    return reply_to(body)


INVENTED = {"segment": "S0003", "quote": "the moon is made of old ship timber and nobody minds"}


def inventing(request: Request, times: int = 99) -> str:
    """Answer with a true quote, one whose segment is wrong, and one that nobody said."""
    answer = json.loads(simulated(request))
    if request.node == "say_means" and len(request.messages) < 2 + 2 * times:
        true = answer["insights"][0]["evidence"][0]
        answer["insights"][0]["evidence"] = [{**true, "segment": "S0049"}, INVENTED]
        answer["insights"].append({**answer["insights"][0], "evidence": [INVENTED]})
    return json.dumps(answer)


def invented(request: Request) -> str:
    """Answer with quotes that nobody said."""

    def replaced(value: Any) -> Any:
        if isinstance(value, dict):
            return {k: INVENTED["quote"] if k == "quote" else replaced(v) for k, v in value.items()}
        return [replaced(each) for each in value] if isinstance(value, list) else value

    return json.dumps(replaced(json.loads(simulated(request))))


def execute(
    made: Job,
    reply: Reply = simulated,
    latency_s: Mapping[str, float] | None = None,
    into: str = "run",
    stored: StoredAnswers | None = None,
) -> tuple[RunResult, Path, ScriptedTransport]:
    """Run *made* in virtual time into ./run; retries are off."""
    transport = ScriptedTransport(reply, latency_s)
    path = Path(into)

    async def main() -> RunResult:
        directory = RunDirectory.create(path)
        directory.write_job(made)
        try:
            with run_log(directory.events, "quiet"):
                client = Client(transport, RetryPolicy(max_retries=0), 60.0)
                return await Run(made, {"main": client}, directory, stored).execute()
        finally:
            directory.close()

    return run_virtually(main), path, transport


def execute_models(
    made: Job,
    replies: dict[str, Reply] | Reply = simulated,
    latency_s: Any = None,
    *,
    again: bool = False,
) -> tuple[RunResult, dict[str, ScriptedTransport]]:
    """Run *made* in virtual time into ./run, or go on there; *replies* are by model name."""
    by_model = replies if isinstance(replies, dict) else dict.fromkeys(made.models, replies)
    transports = {name: ScriptedTransport(by_model[name], latency_s) for name in made.models}

    async def main() -> RunResult:
        directory = RunDirectory.reopen(Path("run")) if again else RunDirectory.create(Path("run"))
        directory.write_job(made)
        admission, money = Admission(), budget_of(made.settings, directory.journal.spent)
        clients = {
            name: Client(
                transport,
                RetryPolicy(0),
                600.0,
                admission=admission,
                gate=Gate(MAX_CEILING),
                budget=money,
                sizer=Sizer(made.models[name].tokenizer, made.models[name].prices),
            )
            for name, transport in transports.items()
        }
        try:
            stored = StoredAnswers(PreviousSession(Path("run"))) if again else None
            return await Run(made, clients, directory, stored).execute()
        finally:
            directory.close()

    return run_virtually(main), transports


def load(name: str | Path) -> Any:
    """Read JSON from ./run, or from an absolute path."""
    return json.loads(Path("run", name).read_bytes())
