"""Redacted runs: nothing planted is sent or stored outside, and everything comes back."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import orjson
import pytest
from helpers import job
from helpers.fault_server import Asked, FaultServer, Step, good, http
from helpers.runs import ONLY_TWO, execute, execute_models, simulated

from benchmarks.redact import SET, planted_in, talks
from runner.providers.messages import text_parts
from runner.providers.request import Request
from runner.providers.simulated.replies import reply_to
from runner.record.reuse import PreviousSession, StoredAnswers
from runner.record.store import Store
from runner.reports.report.index import index_page
from runner.reports.verify import verify
from runner.run.execute import ProcessState, execute_job
from runner.run.nodes.fits import Fits

MARKED = dict(talks(SET.read_text(encoding="utf-8")))["English, a meeting"]
# Words that stand in prompts of their own right, and say nothing of who is planted.
PLANTED = {each for turn in MARKED for text in turn for each in planted_in(text)} | {"Tidewater"}
COMMON = {"Will", "Mark", "Grace", "Frank", "Brown"}
_EACH = "|".join(re.escape(each.casefold()) for each in sorted(PLANTED - COMMON))
_PLANTED = re.compile(rf"(?<![^\W_])(?:{_EACH}|ana-silva)(?![^\W_])")
ABOUT = (
    "transcript.about={title: Ana on Mark, attendees: 'Ana Silva, Mark Weber', "
    "glossary: [Tidewater]}"
)


@pytest.fixture
def given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.chdir(tmp_path)
    lines = (f"{who}: {said}".replace("[[", "").replace("]]", "") for who, said in MARKED)
    (file := tmp_path / "ana-silva.txt").write_text("\n".join(lines), encoding="utf-8")
    return ["transcript=file", f"transcript.path={file}", "transcript.redact=all", ABOUT]


def leaked(text: str) -> set[str]:
    """Return what is planted and stands in *text*, whatever JSON has made of its letters."""
    plain = (text + json.dumps(text, ensure_ascii=False)).casefold()
    return set(_PLANTED.findall(plain))


def prompt(asked: Asked) -> str:
    return "".join(
        part if isinstance(part, str) else "".join(each["text"] for each in part)
        for part in (message["content"] for message in asked.body["messages"])
    )


@pytest.mark.slow
def test_no_planted_identifier_is_in_any_body_of_parts_repairs_fallbacks_and_contexts(
    given: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "canary-0123456789abcdef")
    rejected: set[str] = set()

    def script(asked: Asked) -> Iterable[Step]:
        schema = asked.body["response_format"]
        name = schema["json_schema"]["name"]
        if asked.body["model"] == "own-model" and name == "perspective_perception":
            return [http(b'{"error": {"message": "no"}}', "400 Bad Request")]
        text = reply_to({**asked.body, "messages": [{"role": "user", "content": prompt(asked)}]})
        if name not in rejected:
            rejected.add(name)
            return good(asked, text.replace('"insights"', '"PERSON_1 and PERSON_2_2"', 1))
        return good(asked, text)

    with FaultServer(script) as server:
        made = job(
            *ONLY_TWO,
            *("model=openai", "model.name=openai/own-model", "model.max_tokens=2000"),
            *(f"model.api_base={server.url()}/v1", "model.retry_delay_s=0", *given),
            *("transcript.token_budget=400", "grounding.require=ask", "output.console=quiet"),
            *(
                "+model@models.spare=openai",
                "models.spare.name=openai/spare",
                f"models.spare.api_base={server.url()}/v1",
                "model.fallbacks=[spare]",
            ),
        )
        ended = asyncio.run(execute_job(made, ProcessState(), run_path=Path("run")))[0]

    bodies = [json.dumps(asked.body, ensure_ascii=False) for asked in server.asked]
    assert 0 == ended
    assert {"spare", "own-model"} == {asked.body["model"] for asked in server.asked}
    assert any(len(asked.body["messages"]) > 2 for asked in server.asked)
    assert any("Findings of stage_a" in body and "PERSON_1" in body for body in bodies)
    assert [] == [found for body in bodies if (found := leaked(body))]


def quoting(request: Request) -> str:
    """Answer with the names of a person and of one that nobody is."""
    answer = json.loads(simulated(request))
    answer["insights"][0]["text"] = "person_1's draft, after PERSON_1_2 met PERSON_99"
    return json.dumps(answer)


def test_answers_are_restored_quotes_verified_and_the_store_holds_stand_ins_only(
    given: list[str],
) -> None:
    made, store = job(*given), Store(Path("store"))
    result, run, transport = execute(made, quoting, stored=StoredAnswers(store=store))
    insights = orjson.loads((run / "insights.json").read_bytes())
    record = orjson.loads((run / "intermediate/stage_a/say_means.json").read_bytes())
    mapping = run / "redaction.json"
    stored = [file.read_text() for file in Path("store").rglob("*.json")]
    asked = ["".join(p for m in r.messages for p in text_parts(m)) for r in transport.requests]

    assert "completed" == result.status
    assert {1.0} == {o.grounding.figures()["rate"] for o in result.outcomes.values() if o.grounding}
    assert "Ana Silva's draft, after Ana met PERSON_99" in str(insights)
    assert ["PERSON_99"] == record["unknown_stand_ins"]
    assert "Ana Silva" == orjson.loads(mapping.read_bytes())["PERSON_1"]["text"]
    assert 0o600 == mapping.stat().st_mode & 0o777
    assert 8 == len(stored) == len(asked)
    assert [] == [found for text in (*asked, *stored) if (found := leaked(text))]
    assert all("PERSON_1_2 the same person" in text for text in asked)
    assert not verify(run)


def test_a_resumed_run_and_another_run_reuse_what_was_masked_alike(given: list[str]) -> None:
    made, store = job(*given), Store(Path("store"))
    _, run, _ = execute(made, quoting, stored=StoredAnswers(store=store))
    again, _, none = execute(made, into="again", stored=StoredAnswers(PreviousSession(run)))
    other, _, nobody = execute(job(*given), into="other", stored=StoredAnswers(store=store))

    assert ([], []) == (none.requests, nobody.requests)
    for result, source in ((again, "run"), (other, "store")):
        assert {source} == {outcome.reused for outcome in result.outcomes.values()}
        assert "Ana Silva's draft" in str(result.outcomes["say_means"].answer)


@pytest.mark.parametrize("tokens", [150, 180, 220, 300])
def test_a_resumed_run_cuts_what_it_sends_as_before(given: list[str], tokens: int) -> None:
    made = job(
        *given, *ONLY_TWO, f"transcript.token_budget={tokens}", "transcript.overlap_tokens=9"
    )
    directory: Any = None

    assert made.fits == Fits(made, directory, PreviousSession(Path("nothing"))).latest


def test_without_redaction_nothing_changes(given: list[str]) -> None:
    plain = job(*(each for each in given if not each.startswith("transcript.redact")))
    _, run, transport = execute(plain)

    assert not (run / "redaction.json").exists()
    assert "Ana Silva" in "".join(text_parts(transport.requests[0].messages[1]))
    assert "stand-in" not in str(transport.requests[0])


def test_a_repair_turn_has_the_reply_as_it_came_and_a_fault_without_names(
    given: list[str],
) -> None:
    def reply(request: Request) -> str:
        answer = json.loads(simulated(request))
        if len(request.messages) == 2:
            answer["insights"][0]["confidence"] = "so PERSON_1 and PERSON_2 say " * 9
        return json.dumps(answer)

    result, _, transport = execute(job(*given), reply)
    repairs = [r for r in transport.requests if len(r.messages) > 2]
    told = ["".join(text_parts(message)) for r in repairs for message in r.messages[2:]]

    assert "completed" == result.status
    assert 16 == len(told)
    assert all("PERSON_1 and PERSON_2 say" in text for text in told[::2])
    assert [] == [text for text in told if "Ana" in text or "Silva" in text or "Weber" in text]


def test_a_plan_counts_what_would_be_masked(
    given: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    asyncio.run(execute_job(job(*given, "plan=true"), ProcessState()))
    (told,) = (each for each in capsys.readouterr().out.splitlines() if each.startswith("redact"))

    assert told.endswith("1 term, 1 file name")
    assert " names, " in told
    assert not Path("outputs").exists()


def test_the_index_names_nobody_of_a_redacted_run(given: list[str]) -> None:
    made = job(*given)
    _, run, _ = execute(made, into="outputs/runs/one")
    (run / "config" / "overrides.json").write_text(json.dumps([*given, "repeat=2"]))
    page = index_page(Path("outputs"))

    assert "repeat=2" in page
    assert set() == leaked(page.replace(str(Path.cwd()), ""))


def test_a_codebook_and_a_judges_labels_name_nobody_of_another_transcript(
    given: list[str],
) -> None:
    said = "Dr. Ngozi Adebayo told me: write to ngozi@example.org."
    Path("codes.csv").write_text(f'code,definition,examples\nDelay,Late,"{said}"\n')
    coded = execute(job(*given, "pipeline=codebook", "codebook=codes.csv"), into="coded")[2]
    labels = [{"answer": said, "label": "right"}]
    rubric = {"type": "llm-rubric", "value": "As Dr. Balogun said.", "labels": labels}
    Path("ends.yaml").write_text(json.dumps({"judge": "judge", "every": [rubric]}))
    checks = ("checks=file", "checks.file=ends.yaml", "+model@models.judge=simulated")
    _, transports = execute_models(job(*given, *ONLY_TWO, *checks))
    requests = [*coded.requests, *transports["judge"].requests]
    sent = ["".join(p for m in r.messages for p in text_parts(m)) for r in requests]

    assert any("told me: write to EMAIL" in text for text in sent)
    assert [] == [text for text in sent if re.search("ngozi|adebayo|balogun", text, re.I)]


def test_a_guide_names_nobody_who_is_not_in_the_transcript(given: list[str]) -> None:
    Path("guide.md").write_text("- What does Dr. Ngozi Adebayo (ngozi@example.org) promise?\n")
    asked = execute(job(*given, "pipeline=interviews", "guide=guide.md"))[2].requests
    sent = ["".join(p for m in r.messages for p in text_parts(m)) for r in asked]

    assert any("What does Dr. PERSON_" in text for text in sent)
    assert [] == [text for text in sent if re.search("ngozi|adebayo|balogun", text, re.I)]
