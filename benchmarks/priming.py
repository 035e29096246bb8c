"""What a shared prefix saves and costs at eight providers, by the rules of each.

    python -m benchmarks.priming [--transcript FILE]

Stages A, B and final of `transcript_analysis` read a meeting of an hour, or FILE. The simulated
provider follows one provider's rules for its prompt cache after the other: as before (each
analyzer sends its own schema), and with `model.reply_format=auto`, in turn in one session. Prices
are those of each provider's default model. `wait` is the longest that calls of a stage are held
back until the first is being answered, in times to a first token.
"""

import argparse
import json
import logging
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.batches import transcript
from benchmarks.common import run_once
from runner.config.model_facts import model_facts
from runner.config.resolve import resolve
from runner.config.schema import validate
from runner.providers.prices import prices_of
from runner.run.cli.compose import compose_config

PROVIDERS = ("anthropic", "azure", "bedrock", "gemini", "groq", "mistral", "openai", "openrouter")
FIRST_TOKEN_S = 0.4
TIMES = (
    *("pipeline=transcript_analysis", "model=simulated", "processing.max_concurrent=4"),
    *(f"model.simulate.latency_s={FIRST_TOKEN_S}", "model.simulate.per_token_s=0.0002"),
    *("model.simulate.per_prompt_token_s=0", "model.simulate.jitter=0"),
)
WAYS = {"before": ("model.reply_format=schema",), "after": ("model.reply_format=auto",)}
MEETING_PARTS = 40  # generated transcripts that together have the words of an hour


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--transcript", help="read this one instead of the generated hour")
    given = parser.parse_args().transcript
    logging.disable(logging.CRITICAL)
    print("provider     prompt tokens     paid in full   of it     cost $          of it   wait")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        read = given or str(meeting(folder / "meeting.md"))
        for provider in PROVIDERS:
            show(provider, {way: measured(folder, provider, read, way) for way in WAYS})


def meeting(file: Path) -> Path:
    """Write a meeting of about an hour, always the same."""
    file.write_text("".join(map(transcript, range(MEETING_PARTS))), encoding="utf-8")
    return file


def settings(provider: str) -> list[str]:
    """Return the overrides that make the simulated provider follow *provider*'s rules."""
    model = validate(resolve(compose_config(f"model={provider}"))).model
    prices = prices_of(model)
    rates = prices.levels[0][1] if prices else None
    assert rates is not None
    return [
        f"model.simulate.provider={provider}",
        f"model.simulate.cache_min_tokens={model_facts(model.name).cache_min_tokens}",
        f"model.max_tokens={model.max_tokens}",
        f"model.input_usd_per_mtok={rates.input * 1e6}",
        f"model.output_usd_per_mtok={rates.output * 1e6}",
        f"model.cached_usd_per_mtok={rates.cache_read * 1e6}",
    ]


def measured(folder: Path, provider: str, read: str, way: str) -> dict[str, Any]:
    """Run once; return the content of benchmark.json."""
    chosen = [*TIMES, *settings(provider), *WAYS[way], f"transcript.path={read}"]
    path = run_once(folder, chosen)
    figures: dict[str, Any] = json.loads((path / "logs/benchmark.json").read_bytes())
    return figures


def show(provider: str, seen: dict[str, dict[str, Any]]) -> None:
    """Print one provider's line."""
    before, after = seen["before"]["run"], seen["after"]["run"]
    full = [run["prompt_tokens"] - run["cached_tokens"] for run in (before, after)]
    first_s = [
        attempt["first_token_s"] or 0.0
        for analyzer in seen["after"]["analyzers"].values()
        for attempt in analyzer["attempts"]
    ]
    print(
        f"{provider:<11} {before['prompt_tokens']:>6,} {after['prompt_tokens']:>7,}"
        f"   {full[0]:>6,} {full[1]:>7,} {full[1] / full[0]:>7.1%}"
        f"   {before['cost_usd']:.4f} {after['cost_usd']:.4f} "
        f"{after['cost_usd'] / before['cost_usd']:>6.1%}   {max(first_s) / FIRST_TOKEN_S:.2f}"
    )


if __name__ == "__main__":
    main()
