from __future__ import annotations

import base64
import re
import shutil
from array import array
from pathlib import Path
from typing import Any

import pytest
from helpers import ScriptedTransport
from helpers.batches import execute_batch
from helpers.planted import collection, interviews, planted, prompt_of
from structlog.testing import capture_logs

from runner.base.errors import CallError
from runner.base.usage import Usage
from runner.providers.messages import text_parts
from runner.providers.request import Completion, Request
from runner.record.journal import spent_in
from runner.reports.verify import verify
from runner.run import embedder
from runner.run.batch.plan import plan_batch

EMBEDS = "collection.embeddings=openai/text-embedding-3-small"
LOW = "collection.threshold=0.5"
PLAN = {
    "ann": ["train", "The fare is ever so steep."],
    "bob": ["price", "staff"],
    "cem": ["price", "wifi"],
}
MEANT = ("train", "fare", "dear", "guards", "mail")  # the first that is said, or none


def line(text: str) -> str:
    about = {"dear": "fare"}
    found = next((about.get(word, word) for word in MEANT if word in text), "")
    vector = [float(word == found) for word in (*MEANT, "")]
    return base64.b64encode(array("f", vector).tobytes()).decode()


def texts_of(requests: list[Request]) -> list[str]:
    return [text for each in requests for part in each.messages for text in text_parts(part)]


def vectors(request: Request) -> Completion:
    text = "\n".join(map(line, texts_of([request])))
    return Completion(text, "stop", Usage(7, 0, cost_usd=0.25))


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def largest(asked: ScriptedTransport) -> int:
    """Return the findings of the largest group that a model was shown."""
    prompts = (prompt_of(each) for each in asked.requests if each.node == "themes")
    return max(int(n) for prompt in prompts for n in re.findall(r"alike: (\d+) findings", prompt))


def test_findings_of_like_meaning_are_one_group_and_each_text_is_paid_for_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(embedder, "MAX_TEXTS", 2)
    interviews(PLAN)
    first, more = ScriptedTransport(vectors), ScriptedTransport(vectors)
    _, by_words = execute_batch(collection(LOW), planted)
    shutil.rmtree("batch")

    _, asked = execute_batch(collection(EMBEDS, LOW), planted, embed=first)

    assert (2, 3) == (largest(by_words), largest(asked))
    assert 5 == len(texts_of(first.requests)) == len({*texts_of(first.requests)})
    assert [2, 2, 1] == [len(each.messages) for each in first.requests]
    calls = len(asked.requests)
    spent, _ = spent_in(Path("batch/journal.jsonl"))
    assert 0.001 * calls + 0.25 * 3 == pytest.approx(spent.known_usd)
    interviews({"dee": ["price", "The fare is a joke."]})

    execute_batch(collection(EMBEDS, LOW), planted, again=True, embed=more)

    assert ["The fare is a joke."] == texts_of(more.requests)
    assert [] == verify(Path("batch"))


def test_words_alone_decide_where_embeddings_fail_and_the_log_says_so_once() -> None:
    interviews(PLAN)

    def down(_: Request) -> Any:
        raise CallError("auth", "the key is refused")

    small = "stages.across.context.token_budget=250"
    with capture_logs() as logs:
        result, _ = execute_batch(collection(EMBEDS, small), planted, embed=ScriptedTransport(down))

    said = [each for each in logs if each["event"] == "embeddings.failed"]
    assert ("completed", 1) == (result.status, len(said))
    assert "the key is refused; words alone are compared" == said[0]["reason"]
    assert [] == verify(Path("batch"))


def test_a_provider_gets_no_name_that_is_masked() -> None:
    interviews({"ann": ["Call Bob Marley at bob@marley.org."], "cem": ["train", "price"]})
    transport = ScriptedTransport(vectors)

    execute_batch(collection(EMBEDS, "transcript.redact=all"), planted, embed=transport)

    assert 3 == len(texts_of(transport.requests))
    assert not any("Marley" in text or "marley" in text for text in texts_of(transport.requests))


def test_a_damaged_vector_is_asked_for_again() -> None:
    interviews(PLAN)
    execute_batch(collection(EMBEDS), planted, embed=ScriptedTransport(vectors))
    for path in Path("batch/embeddings").rglob("*.json"):
        path.write_bytes(path.read_bytes()[:-9])
    interviews({"dee": ["price", "The fare is a joke."]})
    again = ScriptedTransport(vectors)

    execute_batch(collection(EMBEDS), planted, again=True, embed=again)

    assert 6 == len(texts_of(again.requests))


def test_a_plan_names_the_price_of_embeddings() -> None:
    interviews(PLAN)

    assert (True, False) == (collection(EMBEDS).is_paid, collection().is_paid)
    plan = plan_batch(collection(EMBEDS))
    row = plan.plan().nodes["themes/embeddings"]

    assert ("openai/text-embedding-3-small", 1) == (row.model, row.calls)
    assert row.prompt_tokens * 2e-8 == pytest.approx(row.cost_usd)
    assert "themes/embeddings" in plan.as_text()
    assert "themes/embeddings" not in plan_batch(collection()).as_text()
