"""What a node reads, whom it asks, and in how many parts: real runs in virtual time."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from helpers import job
from helpers.runs import (
    ONLY_TWO,
    STAGE_A,
    Reply,
    execute,
    execute_models,
    load,
    prompt_of,
    simulated,
)

from runner.base.errors import CallError, ConfigError
from runner.base.tokens import tokenizer_for
from runner.base.usage import Usage
from runner.config.learned import remember
from runner.job.job import Job
from runner.job.prefix_policy import prefix_policy
from runner.providers.litellm.errors import RefusedError, classify
from runner.providers.request import Completion, Request
from runner.record.events import run_log
from runner.record.reuse import StoredAnswers
from runner.record.store import Store

SAY_MEANS = "intermediate/stage_a/say_means.json"
PERCEPTION = "intermediate/stage_a/perspective_perception.json"


def in_parts(*more: str) -> Job:
    return job(*ONLY_TWO, "transcript.token_budget=700", *more)


def test_a_long_transcript_is_read_in_parts_that_are_recorded_and_joined() -> None:
    made = in_parts()
    node = made.pipeline.nodes[0]
    chunks = made.fit(node, made.main).chunks
    result, transports = execute_models(made)
    asked = [r for r in transports["main"].requests if r.node == node.name]

    assert len(chunks) == 4
    assert result.exit_code == 0
    assert len(asked) == len(chunks) + 1
    assert result.outcomes[node.name].notes["parts"] == 4
    for chunk, request in zip(chunks, asked, strict=False):
        assert made.transcript_material(chunk) in prompt_of(request)
    assert "in 4 overlapping parts of the transcript" in prompt_of(asked[-1])
    records = sorted(Path("run/intermediate/stage_a/say_means").glob("*.json"))
    assert [f"part_0{n}.json" for n in range(1, 5)] == [record.name for record in records]
    assert all(json.loads(record.read_bytes())["status"] == "ok" for record in records)


def test_a_record_and_its_journal_say_what_was_not_believed_of_a_count() -> None:
    def counted(request: Request) -> Completion:
        corrected = "cached_tokens=9 cannot be true" if request.node == "say_means" else ""
        return Completion(simulated(request), "stop", Usage(100, 20, corrected=corrected))

    execute_models(job(*ONLY_TWO), counted)
    lines = [json.loads(line) for line in Path("run/journal.jsonl").read_text().splitlines()]
    said = {e["analyzer"]: e.get("usage_corrected") for e in lines if e["event"] == "call.finished"}

    assert "cached_tokens=9 cannot be true" == load(SAY_MEANS)["usage_corrected"]
    assert "usage_corrected" not in load(PERCEPTION)
    assert ["cached_tokens=9 cannot be true", None] == [
        said[name] for name in ("say_means", "perspective_perception")
    ]


def test_every_segment_is_read_and_what_the_join_was_not_given_is_in_a_ledger() -> None:
    made = in_parts("transcript.reduce_token_budget=400")
    _, transports = execute_models(made)
    asked = "".join(map(prompt_of, transports["main"].requests))
    ledger = load("context/stage_a.say_means.parts_ledger.json")

    assert all(f"[{s.id} " in asked for s in made.transcript.segments)
    assert ledger["items_dropped"] > 0
    assert sum(len(s["items"]) for s in ledger["sections"].values()) == (
        ledger["items_kept"] + ledger["items_dropped"]
    )
    assert set(ledger["sections"]) == {"part 1", "part 2", "part 3", "part 4"}


def test_the_join_can_cite_what_the_parts_cited() -> None:
    made = in_parts()
    result, transports = execute_models(made)
    join = [r for r in transports["main"].requests if r.node == "say_means"][-1]
    said = {s.id: s.text for s in made.transcript.segments}
    answer = result.outcomes["say_means"].answer
    assert answer is not None
    cited = [e for insight in answer["insights"] for e in insight["evidence"]]

    assert cited
    assert all(e["quote"] in said[e["segment"]] for e in cited)
    assert all(f"[{e['segment']} " in prompt_of(join) for e in cited)


def test_parts_go_side_by_side() -> None:
    made = in_parts("processing.max_concurrent=8", "processing.prime_prefix=off")
    result, _ = execute_models(made, latency_s=dict.fromkeys(made.analyzers, 1.0))
    run = result.benchmark["run"]

    assert run["wall_s"] == run["ideal_s"] == 3.0
    assert run["sum_latency_s"] == 11.0
    assert result.benchmark["analyzers"]["say_means"]["parts_s"] == [1.0] * 4


def losing_the_second_part(made: Job) -> Reply:
    """Return a model that does not answer say_means on the second part of *made*'s transcript."""
    second = made.transcript_material(made.fit(made.pipeline.nodes[0], made.main).chunks[1])

    def reply(request: Request) -> str:
        if request.node == "say_means" and second in prompt_of(request):
            raise CallError("timeout", "late")
        return simulated(request)

    return reply


def test_a_part_that_fails_is_missed_and_said_not_silently_left_out() -> None:
    made = in_parts()
    result, transports = execute_models(made, losing_the_second_part(made))
    join = [r for r in transports["main"].requests if r.node == "say_means"][-1]

    assert result.exit_code == 3
    assert result.outcomes["say_means"].missing == {"part 2": "timeout"}
    assert load("intermediate/stage_a/say_means.json")["degraded"] is True
    assert "Not available: part 2 (timeout)" in prompt_of(join)


def test_a_small_window_cuts_the_context_too_and_says_to_what() -> None:
    made = job(
        "model=simulated",
        "model.context_window=8000",
        "model.max_tokens=1500",
        *ONLY_TWO,
    )
    fit = made.fit(made.pipeline.nodes[-1], made.main)
    execute_models(made)

    assert LEAST < fit.context < 8000
    assert (
        load("context/stage_b.competing_hypotheses_ledger.json")["settings"]["token_budget"]
        == fit.context
    )


LEAST = 3000


def test_a_fallback_is_asked_when_the_first_model_fails_for_good() -> None:
    made = job(*ONLY_TWO, "+model@models.backup=offline", "model.fallbacks=[backup]")

    def down(request: Request) -> str:
        if request.node == "say_means":
            raise CallError("transient", "down", status=500)
        return simulated(request)

    result, transports = execute_models(made, {"main": down, "backup": simulated})

    assert result.exit_code == 0
    assert [r.node for r in transports["backup"].requests] == ["say_means"]
    assert load("intermediate/stage_a/say_means.json")["model"] == "offline/extractive"


def test_a_refused_key_sends_everything_to_the_fallback() -> None:
    made = job(*ONLY_TWO, "+model@models.backup=offline", "model.fallbacks=[backup]")

    def refused(request: Request) -> str:
        raise CallError("auth", "no", status=401)

    result, transports = execute_models(made, {"main": refused, "backup": simulated})

    assert result.exit_code == 0
    assert len(transports["main"].requests) <= 3
    assert len(transports["backup"].requests) == 3


def test_the_last_models_failure_is_the_nodes() -> None:
    made = job(*ONLY_TWO, "+model@models.backup=offline", "model.fallbacks=[backup]")

    def refused(request: Request) -> str:
        raise CallError("bad_request", f"no, says {request.node}", status=400)

    result, _ = execute_models(made, refused)

    assert result.exit_code == 4
    assert result.outcomes["say_means"].kind == "bad_request"


def test_a_stage_and_an_analyzer_can_have_a_model_of_their_own() -> None:
    made = job(
        *ONLY_TWO,
        "+model@models.small=offline",
        "+model@models.large=offline",
        "stages.stage_a.model=small",
        "analyzers.say_means.model=large",
    )
    _, transports = execute_models(made)

    assert {n: [r.node for r in t.requests] for n, t in transports.items()} == {
        "main": ["competing_hypotheses"],
        "small": ["perspective_perception"],
        "large": ["say_means"],
    }


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("model.fallbacks=[backup]", "model.fallbacks[0]='backup' is not in models"),
        ("analyzers.say_means.model=smal", "analyzers.say_means.model='smal' is not in models"),
        ("+model@models.main=offline", "models.main: 'main' is the name of `model` itself"),
    ],
)
def test_a_model_that_is_not_there_is_told_before_anything_is_sent(
    override: str, expected: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        job(override)

    assert expected in str(caught.value)


def test_priming_lets_one_call_go_first_and_costs_its_wait() -> None:
    latency = dict.fromkeys(STAGE_A, 3.0) | {"postulate_theorem": 1.0}
    latency |= {"competing_hypotheses": 2.0}
    few = tuple(o for o in ONLY_TWO if "premises" not in o and "postulate" not in o)
    primed, _ = execute_models(
        job(*few, "processing.prime_prefix=on", "processing.max_concurrent=8"),
        latency_s=latency,
    )

    assert primed.benchmark["stages"]["stage_a"]["wall_s"] == 6.0
    assert primed.benchmark["run"]["ideal_s"] == 5.0


def test_auto_primes_only_where_the_cache_saves_enough() -> None:
    priced = (
        "model=simulated",
        "model.input_usd_per_mtok=3",
        "model.output_usd_per_mtok=15",
        "model.cached_usd_per_mtok=0.3",
        "model.max_tokens=400",
    )

    assert prefix_policy(job(*priced)).primed == {("stage_a", "main"), ("stage_b", "main")}
    assert prefix_policy(job(*priced, "processing.max_concurrent=1")).primed == set()
    assert prefix_policy(job(*priced, "processing.prime_prefix=off")).primed == set()
    assert prefix_policy(job(*priced, "model.simulate.cache_min_tokens=null")).primed == set()
    assert prefix_policy(job("model=simulated")).primed == set()


def test_an_outage_is_not_waited_for_where_there_is_a_fallback() -> None:
    """Five failures of three units open the breaker; the rest goes elsewhere at once."""
    made = job("+model@models.backup=offline", "model.fallbacks=[backup]")

    def down(request: Request) -> str:
        raise CallError("transient", "down", status=503)

    result, transports = execute_models(made, {"main": down, "backup": simulated})

    assert result.exit_code == 0
    assert len(transports["backup"].requests) == 8
    assert result.benchmark["run"]["wall_s"] < BREAKER_S


BREAKER_S = 5.0  # the first probe of an open breaker comes no earlier


def test_a_run_taken_up_again_asks_only_for_the_parts_that_are_missing() -> None:
    made = in_parts()
    second = made.transcript_material(made.fit(made.pipeline.nodes[0], made.main).chunks[1])
    execute_models(made, losing_the_second_part(made))
    Path("run/intermediate/stage_a/say_means.json").unlink()
    result, transports = execute_models(made, again=True)
    asked = [r for r in transports["main"].requests if r.node == "say_means"]

    assert result.exit_code == 0
    assert len(asked) == 2
    assert second in prompt_of(asked[0])
    assert "in 4 overlapping parts" in prompt_of(asked[1])


WINDOW = 2400  # tokens of the model in the tests below


def refusing(words: str, factor: float = 1.0, window: int = WINDOW) -> Reply:
    """Refuse, in *words*, prompts of more than *window* tokens, each *factor* of ours."""

    def reply(request: Request) -> str:
        tokens = int(factor * tokenizer_for("x/y").count(prompt_of(request)))
        if tokens + request.max_tokens > window:
            text = words.format(n=tokens, w=window, r=request.max_tokens).encode()
            raise classify(RefusedError(400, {}, text))
        return simulated(request)

    return reply


@pytest.mark.parametrize(
    ("words", "factor"),
    [
        ('{{"type": "exceed_context_size_error", "n_prompt_tokens": {n}, "n_ctx": {w}}}', 1.0),
        ("maximum context length is {w} tokens. However, you requested {n} tokens", 1.6),
        ("prompt is too long: {n} tokens > {w} maximum", 1.3),
        ("The input token count ({n}) exceeds the maximum number of tokens allowed ({w}).", 1.0),
        ("request exceeds the available context size", 1.0),
    ],
)
def test_a_prompt_that_is_too_long_for_the_model_is_cut_again(words: str, factor: float) -> None:
    made = job(*ONLY_TWO, "model.max_tokens=600")
    result, transports = execute_models(made, refusing(words, factor))
    asked = [r for r in transports["main"].requests if r.node == "say_means"]
    said = "".join(map(prompt_of, asked[1:]))

    assert 0 == result.exit_code
    assert len(asked) <= 12
    assert "overlapping parts" in said
    assert all(f"[{s.id} " in said for s in made.transcript.segments)


def test_a_run_that_is_taken_up_again_cuts_as_it_did_before() -> None:
    refuses = refusing("prompt is too long: {n} tokens > {w} maximum")

    def stopping(request: Request) -> str:
        if request.node == "competing_hypotheses":
            raise CallError("timeout", "late")
        return refuses(request)

    execute_models(job(*ONLY_TWO, "model.max_tokens=600"), stopping)
    made = job(*ONLY_TWO, "model.max_tokens=600")
    result, transports = execute_models(made, refuses, again=True)

    assert 0 == result.exit_code
    assert ["competing_hypotheses"] == [r.node for r in transports["main"].requests]


def test_answers_are_found_under_the_cuts_of_the_run_that_paid_for_them() -> None:
    overrides = (*ONLY_TWO, "model=llamacpp", "model.max_tokens=300", "model.context_window=3000")
    asked, stored = [], StoredAnswers(store=Store(Path("store")))
    for number, billed in enumerate((700, 0, 0)):
        made = job(*overrides)
        _, _, transport = execute(made, into=f"run{number}", stored=stored)
        made.main.learned.measure(billed, 1000 if billed else 0)
        remember(made.root, {made.main.key: made.main.learned})
        asked.append(len(transport.requests))

    assert asked[0] > 0
    assert [0, 0] == asked[1:]


def test_a_model_that_refuses_everything_is_given_up_after_some_cuts() -> None:
    made = job(*ONLY_TWO, "model.max_tokens=600")
    result, transports = execute_models(made, refusing("prompt is too long", window=10))
    asked = [r for r in transports["main"].requests if r.node == "say_means"]

    assert 4 == result.exit_code
    assert "context_exceeded" == result.outcomes["say_means"].kind
    assert len(asked) <= 20


def test_a_part_that_is_lost_is_seen_while_the_run_goes_on(
    capsys: pytest.CaptureFixture[str],
) -> None:
    made = in_parts()
    with run_log(Path("events.jsonl"), "plain"):
        execute_models(made, losing_the_second_part(made))
    lines = capsys.readouterr().err.splitlines()

    assert [] != [line for line in lines if "part.lost part=say_means/part_02 kind=timeout" in line]
    assert [] != [
        line for line in lines if "analyzer=say_means" in line and 'lost="part 2"' in line
    ]
