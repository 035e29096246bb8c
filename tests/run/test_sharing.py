"""The transcript is paid for once: whole runs in virtual time at providers with their own rules."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from helpers import job
from helpers.runs import simulated

from benchmarks.batches import transcript
from runner.base.errors import CallError
from runner.base.event_loops import run_virtually
from runner.base.usage import Usage
from runner.calls.client import Client
from runner.calls.retry import RetryPolicy
from runner.config.simulate import SimulateSettings
from runner.job.job import Job
from runner.job.prefix_policy import prefix_policy
from runner.providers.messages import joined, marked
from runner.providers.prices import cost_usd
from runner.providers.request import Completion, Request, Transport, current_exchange
from runner.providers.simulated.behaviour import Behaviour
from runner.providers.simulated.chat import arrival_of
from runner.record.reuse import PreviousSession, StoredAnswers
from runner.record.run_directory import RunDirectory
from runner.reports.whatif.command import grid, predict, read_recording
from runner.run.plan.plan import as_text, make_plan
from runner.run.run import Run, RunResult

PROVIDERS = ("anthropic", "azure", "mistral")  # benchmarks/priming.py measures eight
FIRST_TOKEN_S, REST_S = 1.0, 2.0
STAGES = ("stage_a", "stage_b", "final")


@dataclass
class Provider(Transport):
    """Follows one provider's rules; *streams*: replies begin before they are whole."""

    name: str
    made: Job
    streams: bool = True
    fails: tuple[str, ...] = ()
    requests: list[tuple[float, Request]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._behaviour = Behaviour(
            SimulateSettings(
                provider=self.name,
                cache_min_tokens=self.made.main.facts.cache_min_tokens,
                latency_s=FIRST_TOKEN_S,
            )
        )

    async def complete(self, request: Request, timeout_s: float) -> Completion:
        now = asyncio.get_running_loop().time()
        self.requests.append((now, request))
        shape = marked(request.messages, self.made.main.settings.name)
        body: dict[str, Any] = {
            "messages": shape if request.cache else list(map(joined, request.messages)),
            "max_tokens": request.max_tokens,
            "response_format": {
                "json_schema": {"name": request.schema_name, "schema": request.schema}
            },
        }
        text = simulated(request)
        arrival = arrival_of(body, text, self._behaviour.rules)
        seen = self._behaviour.decide(arrival, now)
        await asyncio.sleep(seen.first_token_s)
        if request.node in self.fails:
            raise CallError("bad_response", "it fails", billed=True)
        if self.streams and (begun := current_exchange().first_token) is not None:
            begun()
        await asyncio.sleep(REST_S)
        prompt, cache = len(arrival.prompt_ids), (seen.cached_tokens, seen.written_tokens)
        usage = Usage(prompt, seen.reply_tokens, *cache)
        prices = self.made.main.prices
        assert prices is not None
        return Completion(
            text, "stop", Usage(prompt, seen.reply_tokens, *cache, cost_usd=cost_usd(usage, prices))
        )


def meeting(folder: Path, parts: int) -> str:
    path = folder / "meeting.txt"
    path.write_text("".join(map(transcript, range(parts))), encoding="utf-8")
    return str(path)


@pytest.fixture(scope="module")
def talk(tmp_path_factory: pytest.TempPathFactory) -> str:
    return meeting(tmp_path_factory.mktemp("talk"), 8)


def made_of(name: str, path: str, *more: str) -> Job:
    shown = ("pipeline=transcript_analysis", f"model={name}", "processing.max_concurrent=8")
    return job(*shown, f"transcript.path={path}", "plan=true", *more)


def run(provider: Provider, *, again: bool = False) -> RunResult:
    """Run in virtual time into ./run, or go on there."""

    async def main() -> RunResult:
        directory = RunDirectory.reopen(Path("run")) if again else RunDirectory.create(Path("run"))
        directory.write_job(provider.made)
        stored = StoredAnswers(PreviousSession(Path("run"))) if again else None
        client = Client(provider, RetryPolicy(max_retries=0), 60.0)
        try:
            return await Run(provider.made, {"main": client}, directory, stored).execute()
        finally:
            directory.close()

    result: RunResult = run_virtually(main)
    return result


def in_full(figures: Mapping[str, Any]) -> int:
    whole: int = figures["run"]["prompt_tokens"] - figures["run"]["cached_tokens"]
    return whole


def test_the_transcript_is_paid_for_once_and_costs_one_first_token_per_stage(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Stages A, B and final; Azure's limit of 100 properties lets only a stage's schemas unite."""
    shares, waits, hour = {}, {}, meeting(tmp_path, 24)
    for name in PROVIDERS:
        walls = {}
        for way, settings in {
            "before": ("model.reply_format=schema",),
            "after": (),
            "unprimed": ("processing.prime_prefix=off",),
        }.items():
            folder = tmp_path / name / way
            folder.mkdir(parents=True)
            monkeypatch.chdir(folder)
            result = run(Provider(name, made_of(name, hour, *settings)))
            assert result.exit_code == 0
            walls[way] = result.benchmark
        shares[name] = in_full(walls["after"]) / in_full(walls["before"])
        waits[name] = [
            walls["after"]["stages"][stage]["wall_s"] - walls["unprimed"]["stages"][stage]["wall_s"]
            for stage in STAGES
        ]

    assert ["azure"] == [name for name, share in shares.items() if share > 0.3]
    assert dict.fromkeys(PROVIDERS, [FIRST_TOKEN_S] * 3) == waits


def test_all_requests_begin_alike_and_ask_for_their_own_part(talk: str) -> None:
    provider = Provider("anthropic", made_of("anthropic", talk))
    run(provider)
    requests = {request.node: request for _, request in provider.requests}
    first = requests["say_means"]

    assert 11 == len(requests)
    assert {"answer"} == {request.schema_name for request in requests.values()}
    assert all(request.schema == first.schema for request in requests.values())
    assert all(request.cache for request in requests.values())
    for name, request in requests.items():
        assert request.own_schema == {
            **provider.made.analyzers[name].schema,
            "properties": request.own_schema["properties"],  # with the most insights
        }
        assert (
            f"`structured_data` has one key, `{name}`"
            in request.messages[-1]["content"][-1]["text"]
        )
    shapes = [
        marked(requests[name].messages, "claude")[1] for name in ("say_means", "meeting_notes")
    ]
    read, summed = (shape["content"] for shape in shapes)
    assert read[0] == summed[0]
    assert [3, 4] == [len(read) + 1, len(summed) + 1]  # the system text has a mark, too
    assert [True, False] == ["cache_control" in part for part in read]
    assert [True, True, False] == ["cache_control" in part for part in summed]


def test_a_provider_that_does_not_stream_releases_the_others_with_its_reply(talk: str) -> None:
    provider = Provider("bedrock", made_of("bedrock", talk), streams=False)
    run(provider)

    assert [0.0] + [FIRST_TOKEN_S + REST_S] * 3 == [at for at, _ in provider.requests[:4]]


def test_a_first_call_that_fails_leaves_its_place_to_the_next(
    talk: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    provider = Provider("mistral", made_of("mistral", talk))
    run(provider)
    provider = Provider("mistral", made_of("mistral", talk), fails=(provider.requests[0][1].node,))
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path / "other")
    run(provider)

    assert [0.0, 1.0, 2.0, 2.0] == [at for at, _ in provider.requests[:4]]


@pytest.mark.parametrize("formats", [("shared", "schema"), ("schema", "shared")])
def test_an_answer_that_was_paid_for_serves_the_other_format(
    formats: tuple[str, str], talk: str
) -> None:
    made = [made_of("mistral", talk, f"model.reply_format={each}") for each in formats]
    first, second = (Provider("mistral", each) for each in made)
    run(first)
    result = run(second, again=True)

    assert (11, 0) == (len(first.requests), len(second.requests))
    assert {"ok"} == {outcome.status for outcome in result.outcomes.values()}


def test_a_pipeline_with_one_more_analyzer_asks_only_for_that_one(talk: str) -> None:
    """The schema that all share has changed, but no question."""
    names = ("executive_summary", "composite_note", "meeting_notes")
    fewer = [f"~analyzer@analyzers.{name}" for name in names]
    first = Provider("mistral", made_of("mistral", talk, *fewer[:1]))
    second = Provider("mistral", made_of("mistral", talk))
    run(first)
    run(second, again=True)

    assert ["executive_summary"] == [request.node for _, request in second.requests]


def test_the_plan_prices_what_the_cache_will_give(talk: str) -> None:
    before, after = (
        make_plan(made_of("anthropic", talk, f"model.reply_format={each}"), {})
        for each in ("schema", "auto")
    )

    assert 0 == before.total("cached_tokens")
    assert 0.7 * after.total("prompt_tokens") < after.total("cached_tokens")
    assert after.total("cost_usd") < 0.85 * before.total("cost_usd")
    assert ("11 analyzers of anthropic/claude-sonnet-5-5 send one schema",) == after.notes[
        "formats"
    ]
    assert "prompt tokens are expected to be read from it" in as_text(after)


def test_a_limit_that_forbids_to_share_is_said(talk: str) -> None:
    made = made_of("azure", talk, "model.reply_format=shared")

    said = make_plan(made, {}).notes["formats"]
    assert ("11 analyzers of azure/gpt-6-luna send 3 schemas, one for each stage",) == said[:1]
    assert re.search(r"has \d{3} properties, at most 100 are allowed: not shared by all", said[1])


@pytest.mark.parametrize(
    "settings",
    [
        ("model.cache=off",),
        ("processing.prime_prefix=off",),
        ("model.reply_format=schema",),
        ("model.reply_format=text",),
    ],
)
def test_nothing_is_shared_where_nobody_would_read_it(settings: tuple[str, ...], talk: str) -> None:
    made = job("model=mistral", "plan=true", f"transcript.path={talk}", *settings)

    assert {} == made.shared
    assert ("model.reply_format=text" in settings) == bool(prefix_policy(made).primed)


def test_a_server_whose_schema_is_a_grammar_shares_the_prefix_without_sharing_it() -> None:
    priced = ("model.input_usd_per_mtok=1", "model.output_usd_per_mtok=1")
    cached = ("model.cached_usd_per_mtok=0.1", "model.simulate.cache_min_tokens=16")
    made = job("model=simulated", "model.simulate.provider=llamacpp", *priced, *cached)

    assert {} == made.shared
    assert {("stage_a", "main"), ("stage_b", "main")} == prefix_policy(made).primed


def test_what_if_knows_how_long_the_others_waited(talk: str) -> None:
    result = run(Provider("mistral", made_of("mistral", talk)))
    recording = read_recording(Path("run"))
    primed, free = predict(recording, grid(["prime_prefix=auto,off"]))

    stages = FIRST_TOKEN_S + FIRST_TOKEN_S + REST_S
    assert [3 * stages, 3 * (FIRST_TOKEN_S + REST_S)] == [primed.wall_s, free.wall_s]
    assert result.benchmark["run"]["wall_s"] == 3 * stages
