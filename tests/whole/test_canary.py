"""A key is put wherever one could get by mistake; then every byte that is left is searched."""

from __future__ import annotations

import base64
import html
import json
import os
import random
import re
import string
import subprocess
import sys
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from helpers import serving
from helpers.processes import colloquy

from runner.providers.simulated.faults import FaultResponse
from runner.providers.simulated.replies import reply_to

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
CANARY = "sk-canary-4711-0123456789abcdef"
UNSHAPED = "canary/4711+without.a.shape"  # in the environment only its value gives it away


def places_of(canary: str, done: subprocess.CompletedProcess[str], folder: Path) -> list[str]:
    """Return where the canary is: streams, file names, files."""
    found = [name for name in ("stdout", "stderr") if canary in getattr(done, name)]
    for path in folder.rglob("*"):
        inside = path.is_file() and canary.encode() in path.read_bytes()
        if canary in str(path) or inside:
            found.append(str(path))
    return found


@pytest.mark.parametrize(
    "arguments",
    [
        (f"+model.params.x={CANARY}",),
        (f"model.api_key={CANARY}", "-m", "repeat=0,1"),
        (f"+api_key={UNSHAPED}", f"output.dir=runs-{CANARY}"),
        (f"model.api_base=http://127.0.0.1:9/v1?key={UNSHAPED}", "model=simulated"),
    ],
)
def test_a_key_among_the_arguments_ends_it_before_anything_is_written(
    arguments: tuple[str, ...], tmp_path: Path
) -> None:
    done = colloquy(*arguments, cwd=tmp_path)

    assert 2 == done.returncode
    assert [] == places_of(CANARY, done, tmp_path)
    assert [] == places_of(UNSHAPED, done, tmp_path)
    assert [] == list(tmp_path.iterdir())
    assert "environment variable" in done.stderr
    assert 1 == done.stderr.count("\n")


def test_a_key_that_the_provider_repeats_is_nowhere(tmp_path: Path) -> None:
    """One node gets it in a 400, where cutting the message would halve it, one in a 500, one in
    its replies and the last in a 401."""
    told = f"rejected: Authorization: Bearer {UNSHAPED} for https://h/v1?key=hunter2 {CANARY}"

    def fault(status: int, padding: int) -> FaultResponse:
        error = {"message": f"{'x' * padding} {told}", "code": "bad", "key": UNSHAPED}
        return FaultResponse(status, {"x-request-id": UNSHAPED}, json.dumps({"error": error}))

    faults = [fault(400, 440), fault(500, 0), None, None, None, fault(401, 0)]
    with serving(lambda _: f"My key is {UNSHAPED}.", faults=faults) as address:
        done = colloquy(
            "model=openai",
            f"model.api_base={address}",
            "model.api_key_env=OUR_PROVIDER",
            "model.max_retries=0",
            "processing.mode=sequential",
            "reuse=off",
            cwd=tmp_path,
            OUR_PROVIDER=UNSHAPED,
        )
    events = next(tmp_path.rglob("events.jsonl")).read_text()

    assert 5 == done.returncode, done.stderr
    for secret in (UNSHAPED[:12], CANARY[:12], "hunter2"):
        assert [] == places_of(secret, done, tmp_path)
    assert ["bad_request", "transient", "auth"] == [
        json.loads(line)["kind"] for line in events.strip().split("\n") if "call.failed" in line
    ]
    assert 3 == events.count("answer.rejected")


def read(text: str) -> str:
    """Return the letters and digits of *text* for one who undoes every escape and hidden letter."""
    for _ in range(5):
        shown = "".join(c for c in text if unicodedata.category(c) not in ("Cc", "Cf", "Mn"))
        text = unicodedata.normalize("NFKC", shown)
        text = re.sub(r"\\u([0-9a-fA-F]{4})", lambda code: chr(int(code[1], 16)), text)
        text = unquote(html.unescape(re.sub(r"\\[nrt]", " ", text.replace("\\\\", "\\"))))
    return re.sub(r"[\W_]", "", text).lower()


def hidden_places(key: str, done: subprocess.CompletedProcess[str], folder: Path) -> list[str]:
    """Return where *key* is to be read in any disguise: streams, file names, files."""
    texts = {"stdout": done.stdout, "stderr": done.stderr}
    for path in folder.rglob("*"):
        texts[f"name of {path}"] = path.name
        if path.is_file():
            texts[str(path)] = path.read_text(errors="replace")
    encoded = base64.b64encode(key.encode()).decode().rstrip("=")[:-1]
    forms = [read(key), read(key.encode().hex()), read(encoded)]
    return [where for where, text in texts.items() if any(form in read(text) for form in forms)]


@pytest.mark.parametrize("transport", ["auto", "litellm"])
def test_a_key_in_disguise_is_nowhere_and_no_prompt_passes_it_on(
    transport: str, tmp_path: Path
) -> None:
    """In insights, quotes, names of fields, texts that are no answer, and errors of every kind."""
    pick = random.Random(transport)
    key = "".join(pick.choices(string.ascii_letters + string.digits + "-_+/.", k=40))
    marks = [
        "".join(f"\\u{ord(c):04x}" for c in key),
        "".join(f"&#{ord(c)};" for c in key),
        "".join(f"%{ord(c):02X}" for c in key),
        *("\u200b".join(key), "\u00ad".join(key), "\n".join(key), "**".join(key)),
        "".join(chr(ord(c) + 0xFEE0) for c in key),
        base64.b64encode(key.encode()).decode(),
        *(key.encode().hex(), key.upper(), key),
    ]
    prompts = []

    def reply(body: Mapping[str, Any]) -> str:
        prompts.append(json.dumps(body))
        answer, rest = json.loads(reply_to(body)), iter(pick.sample(marks, len(marks)))
        for insight in answer["insights"]:
            insight["text"] += f" {next(rest, key)}"
            insight["category"] += next(rest, key)
            insight["evidence"][0]["quote"] += next(rest, key)
        if pick.random() < 0.2:
            answer["structured_data"][next(rest, key)] = {key: 1}
        text = json.dumps(answer, ensure_ascii=False)
        return text.replace(key, marks[0])  # an escape of the JSON itself

    said = {"error": {"message": f"{'x' * 470} {marks[0]}", "code": key, "type": marks[7]}}
    odd = {"choices": marks[8], "usage": {key: 1}, "model": key}
    usage = {"prompt_tokens": key, "completion_tokens": marks[9], "cost": key}
    cut = {"choices": [{"finish_reason": key, "message": {"content": marks[3]}}], "usage": usage}
    bodies = [(400, said), (200, odd), (200, cut), (500, said), (200, marks), (200, said)]
    faults = [FaultResponse(code, {"x-id": key}, json.dumps(body)) for code, body in bodies]
    with serving(reply, faults=faults) as address:
        done = colloquy(
            *("model=openai", f"model.api_base={address}", "model.api_key_env=OUR_PROVIDER"),
            *("model.retry_delay_s=0", f"model.transport={transport}", "output.pages=obsidian"),
            cwd=tmp_path,
            OUR_PROVIDER=key,
        )

    assert 3 == done.returncode, done.stderr
    assert [] == hidden_places(key, done, tmp_path)
    assert any("***" in prompt for prompt in prompts)
    assert [] == [prompt for prompt in prompts if read(key) in read(prompt)]


@pytest.mark.parametrize("more", [(), ("-m", "repeat=0,1"), ("hydra.output_subdir=.hydra",)])
def test_a_key_in_a_file_of_settings_ends_it_before_hydra_writes_anything(
    more: tuple[str, ...], tmp_path: Path
) -> None:
    settings = tmp_path / "mine" / "experiment" / "gateway.yaml"
    settings.parent.mkdir(parents=True)
    settings.write_text(
        "# @package _global_\nmodel: {params: {extra_headers: {Authorization: hunter2}}}\n"
    )
    done = colloquy("--config-dir=mine", "experiment=gateway", *more, cwd=tmp_path)

    assert 2 == done.returncode
    assert "model.params.extra_headers.Authorization contains" in done.stderr
    assert ["mine"] == [path.name for path in tmp_path.iterdir()]
    assert 1 == done.stderr.count("\n")


def test_a_key_in_the_message_of_a_bug_is_not_shown(tmp_path: Path) -> None:
    program = f"""
import runner.run.command as it
def fail(_): raise AttributeError("\\x1b]0;x\\x07 " + {UNSHAPED!r})
it.command_line.check_arguments = fail
it.main()
"""
    done = subprocess.run(
        [sys.executable, "-c", program, "model.api_key_env=PROVIDER"],
        env={**os.environ, "PYTHONPATH": str(ROOT), "PROVIDER": UNSHAPED},
        cwd=tmp_path,
        capture_output=True,
        check=False,
    )

    assert 1 == done.returncode
    assert b"AttributeError: ]0;x ***" in done.stderr
    assert UNSHAPED.encode() not in done.stderr.split(b"AttributeError")[-1]
