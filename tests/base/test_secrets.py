"""What counts as a key, where it is refused, and that nothing of it is shown."""

from __future__ import annotations

import io
import json
import logging
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
import structlog
from helpers import job

from runner.base.errors import ConfigError
from runner.base.secrets import MASK, Secrets, refuse_keys, refuse_secrets, secrets_of
from runner.providers.litellm.errors import classify
from runner.record.events import run_log, set_library_levels
from runner.run.cli.command_line import check_arguments

CANARY = "canary/4711+value"
HELD = Secrets((CANARY,))
SHAPES = [
    "sk-abcdefghijklmnop1234",
    "sk-ant-api03-abcdefghijkl_MNOP-1234",
    "sk-proj-abcdefghijklmnopq1",
    "AIza" + "aB3-_" * 7,
    "AKIA" + "ABCD1234EFGH5678",
    "ASIA" + "ABCD1234EFGH5678",
    "ghp_" + "a1B2c3" * 6,
    "gsk_" + "a1B2c3" * 4,
    "hf_" + "aBcDe" * 7,
    "xai-" + "a1B2c3" * 4,
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N",
    "Bearer abcdefghijklmnop1234",
    "bearer  eyJhbGciOiJIUzI1NiJ9.eyJzdWIi.SflKxwRJ",
    "Basic dXNlcjpodW50ZXIyaHVudGVyMg==",
]
PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIB\nAAKC+/==\n-----END RSA PRIVATE KEY-----"
PROSE = [
    "The key point is that a risk-assessment-methodology takes time.",
    "sk-learn-compatible-estimators are what we use",
    "the bearer responsibilities are shared",
    "Ask: what token did you use? key=value pairs, as always.",
    "AKIA is a station, AIza is not",
    "she asked for the ghp_ prefix",
    "https://example.org/?page=3&monkey=1#key",
    "https://example.org/?from=ann@example.org and https://medium.example/@ann",
    "Basic responsibilities of the AKIA and sk-learn teams: a token of thanks.",
]
REFUSED = [
    "+model.params.x=sk-abcdefghijklmnop1234",
    "model.api_key=hunter2",
    "+api_key=hunter2",
    "++model.params.api_key=hunter2",
    "model.params.password=hunter2",
    "model.params={headers:{Authorization:'Bearer abcdefghijklmnop1234'}}",
    "model.api_base=https://example.org/v1?key=hunter2",
    "model.api_base=https://example.org/v1?a=1&access_token=hunter2",
    f"output.dir=out/{CANARY}",
    f"--config-dir={CANARY}",
    "sk-abcdefghijklmnop1234",
    f"+x='{PEM}'",
    "+model.params.extra_headers.Authorization=hunter2",
    "+model.params.extra_headers={Authorization:hunter2}",
    """+model.params.extra_headers={"api-key": "hunter2"}""",
    "+model.params.extra_headers={'X-Title':a, 'X-Goog-Api-Key':'hunter2'}",
    "+model.params={extra_headers:{Cookie:sid=hunter2}}",
    "++model.params.extra_body.auth.accessToken=hunter2",
    "~model.params.secret=hunter2",
    "+model.params.aws_access_key_id=hunter2",
    "+model.params.vertex_credentials=hunter2",
    "hydra.job.env_set.OPENAI_API_KEY=hunter2",
    "hydra.job.env_set={OPENAI_API_KEY:hunter2}",
    "hydra.launcher.setup=['export OPENAI_API_KEY=hunter2']",
    "model.api_key_env=hunter2",
    "model.api_base=https://user:hunter2@example.org/v1",
    "model.api_base=https://hunter2@example.org/v1",
    "model.api_base=https://example.org/v1?subscription-key=hunter2",
    "model.api_base=https://example.org/v1?apiKey=hunter2",
    f"output.dir={CANARY.replace('c', '%63')}",
]
ALLOWED = [
    "model.max_token=3",
    "transcript=notes/key=value.txt",
    "transcript='what is the key.txt'",
    "model.api_key_env=OPENAI_API_KEY",
    "model.api_base=https://example.org/v1?version=3",
    "model.max_tokens=4000",
    "analyzers.say_means.max_tokens=5",
    "model.api_key=",
    "model.api_key_env=null",
    "model.requires_env=[AZURE_API_BASE,AZURE_API_VERSION]",
    "+model.params.extra_headers={X-Title:colloquy,anthropic-beta:context-1m}",
    "+model.params.prompt_cache_key=talks",
    "processing.stage_b_context_token_budget=500",
    "processing.final_context_include_structured_keys=[topics]",
    "transcript.path=key.txt",
    "--help",
    "transcript=sk-learn-compatible-estimators.txt",
]


def secrets_in(environment: dict[str, str], *key_envs: str) -> Secrets:
    with patch.dict(os.environ, environment, clear=True):
        return secrets_of(*key_envs)


@pytest.mark.parametrize("shape", [*SHAPES, PEM])
def test_what_has_the_shape_of_a_key_is_masked_wherever_it_stands(shape: str) -> None:
    for before, after in [("", ""), ("a ", " b"), ('"', '",'), ("key: ", "\n")]:
        actual = Secrets().redact(f"{before}{shape}{after}")

        assert f"{before}{MASK}{after}" == actual


@pytest.mark.parametrize("prose", PROSE)
def test_ordinary_text_is_left_alone(prose: str) -> None:
    assert prose == HELD.redact(prose)


@pytest.mark.parametrize("name", ["key", "api_key", "api-key", "token", "access_token", "sig"])
def test_keys_in_addresses_are_masked_and_the_rest_of_the_address_stays(name: str) -> None:
    actual = Secrets().redact(f"POST https://h/v1?a=1&{name}=hunter2&b=2 x")

    assert f"POST https://h/v1?a=1&{name}={MASK}&b=2 x" == actual


def test_values_are_found_inside_anything_and_longer_ones_first() -> None:
    secrets = secrets_in({"A_KEY": "abcdefgh", "B_TOKEN": "abcdefgh-and-more"})
    value: Any = {"abcdefgh": [("x abcdefgh-and-more", 1), {"n": None}], "f": 1.5, "b": True}

    assert ("abcdefgh-and-more", "abcdefgh") == secrets.values
    assert {MASK: [[f"x {MASK}", 1], {"n": None}], "f": 1.5, "b": True} == secrets.redact_all(value)
    assert secrets.found_in(b"..abcdefgh..")
    assert not secrets.found_in(b"..abcdefg..")


def test_a_secret_is_what_is_named_like_one_or_named_by_the_settings() -> None:
    environment = {
        "OPENAI_API_KEY": "value-one",
        "AWS_SECRET_ACCESS_KEY": "value-two",
        "DB_PASSWORD": "value-three",
        "PGPASSWORD": "value-seven",
        "MY_KEY": "short",
        "MONKEY": "value-four",
        "TOKENIZERS_PARALLELISM": "value-five",
        "PROVIDER": "value-six",
    }

    named = {"value-one", "value-two", "value-three", "value-seven"}

    assert named == set(secrets_in(environment).values)
    assert () == secrets_in({"PWD": "/srv/ann/talks", "SSH_AUTH_SOCK": "/run/agent.4711"}).values
    assert "value-six" in secrets_in(environment, "PROVIDER").values


def test_of_a_file_with_keys_the_keys_are_secret_and_its_name_is_not(tmp_path: Path) -> None:
    key = f"-----BEGIN PRIVATE KEY-----\n{'aB3' * 21}+\n{'xY9' * 7}==\n-----END PRIVATE KEY-----\n"
    file = tmp_path / "google.json"
    file.write_text(json.dumps({"type": "service_account", "private_key": key}))
    secrets = secrets_in({"GOOGLE_APPLICATION_CREDENTIALS": str(file)})

    assert [key.strip(), f"{'aB3' * 21}+", "xY9" * 7] == list(secrets.values)
    assert f"{file}: ***" == secrets.redact(f"{file}: {'aB3' * 21}+")
    link = tmp_path / "mounted.json"
    link.symlink_to(file)
    assert secrets == secrets_in({"GOOGLE_APPLICATION_CREDENTIALS": str(link)})
    assert () == secrets_in({"GOOGLE_APPLICATION_CREDENTIALS": "/nowhere/at.all"[:7]}).values


def test_each_key_of_a_list_or_of_headers_is_secret() -> None:
    secrets = secrets_in(
        {
            "API_KEYS": "abcdefgh-1234567,ijklmnop-1234567",
            "OTEL_EXPORTER_OTLP_HEADERS": "content=application/json,x-team=0123456789abcdef",
        }
    )

    for key in ("abcdefgh-1234567", "ijklmnop-1234567", "0123456789abcdef"):
        assert f"not {MASK}" == secrets.redact(f"not {key}")
    assert "application/json" == secrets.redact("application/json")


def test_the_user_of_an_address_is_masked_and_its_host_stays() -> None:
    assert f"https://{MASK}@h/v1 (x)" == Secrets().redact("https://ann:hunter2@h/v1 (x)")


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"params": {"extra_headers": {"Cookie": "sid=1"}}}, "params.extra_headers.Cookie"),
        ({"params": {"tools": [{"apiKey": "x"}]}}, "params.tools.apiKey"),
        ({"params": {"a": [f"x{CANARY}"]}, "api_key_env": "PROVIDER"}, "params.a"),
        ({"params": {CANARY: 1}, "api_key_env": "PROVIDER"}, "params.***"),
        ({"path": "https://ann:hunter2@h"}, "path"),
    ],
)
def test_a_configuration_that_holds_a_key_is_refused_and_the_setting_named(
    settings: dict[str, Any], named: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROVIDER", CANARY)
    with pytest.raises(ConfigError) as caught:
        refuse_keys({"model": settings})

    assert str(caught.value).startswith(f"model.{named} contains what looks like a key")


def test_a_configuration_without_a_key_passes() -> None:
    refuse_keys({"a": {"api_key_env": "X", "api_key": None, "token": False, "max_tokens": 4}})
    refuse_keys({"headers": {"Authorization": "${oc.env:GATEWAY}"}})  # before it is resolved


@pytest.mark.parametrize("argument", REFUSED)
def test_an_argument_that_holds_a_key_is_refused_and_not_shown(argument: str) -> None:
    with pytest.raises(ConfigError, match="environment variable") as caught:
        refuse_secrets([argument], HELD)

    for secret in ("hunter2", "1234", CANARY, "MIIEpAIB"):
        assert secret not in str(caught.value)


@pytest.mark.parametrize("argument", ALLOWED)
def test_an_argument_without_a_key_passes(argument: str) -> None:
    refuse_secrets([argument], HELD)


def test_arguments_are_checked_against_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_TOKEN", CANARY)

    with pytest.raises(ConfigError) as caught:
        check_arguments([f"output.dir={CANARY}"])

    assert CANARY not in str(caught.value)


@pytest.mark.parametrize(
    "address", ["https://u:hunter2@h/v1", "https://h/v1?key=hunter2", f"https://h/{CANARY}"]
)
@pytest.mark.parametrize("allow_http", ["true", "false"])
def test_an_address_with_a_key_is_refused_however_it_got_there(
    address: str, allow_http: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_TOKEN", CANARY)

    with pytest.raises(ConfigError, match=r"model\.api_base contains") as caught:
        job(f"model.api_base='{address}'", f"model.allow_http={allow_http}")

    assert "hunter2" not in str(caught.value)


def test_a_key_interpolated_into_the_configuration_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PROVIDER", CANARY)

    with pytest.raises(ConfigError) as caught:
        job("+model.params.seed='${oc.env:PROVIDER}'", "model.api_key_env=PROVIDER")

    assert CANARY not in str(caught.value)


def test_a_key_is_masked_before_a_long_message_is_cut() -> None:
    for filler in range(460, 500):
        error = classify(RuntimeError("x" * filler + CANARY), secrets=HELD)

        assert CANARY[:8] not in str(error)


@dataclass
class Holder:
    """Neither a string nor plain data."""

    value: str


@pytest.mark.parametrize("console", ["plain", "json"])
def test_no_event_holds_a_key(console: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ours, those of other libraries, tracebacks, and objects that are made text only late."""
    monkeypatch.setenv("MY_TOKEN", CANARY)
    shown, log = io.StringIO(), structlog.get_logger("colloquy.test")
    set_library_levels()
    with run_log(Path("log.jsonl"), console, shown):
        log.info(f"thing.{CANARY}", a=CANARY, b=[{"c": (CANARY,)}], **{CANARY: 1})
        log.info("thing.done", path=Path(CANARY), held=Holder(CANARY), error=ValueError(CANARY))
        logging.getLogger("httpx").warning("HTTP Request: %s %s", "POST", f"http://h/?key={CANARY}")
        logging.getLogger("LiteLLM").error("failed with %r", {"k": CANARY})
        try:
            try:
                raise ValueError(CANARY)
            except ValueError as error:
                raise RuntimeError(f"again {CANARY}") from error
        except RuntimeError:
            log.exception("thing.failed")
            logging.getLogger("httpx").exception("failed")
    written = Path("log.jsonl").read_text()

    assert CANARY.split("/")[0] not in written + shown.getvalue()
    assert MASK in written
    assert MASK in shown.getvalue()
    assert 6 == len([json.loads(line) for line in written.strip().split("\n")])


def test_the_file_of_the_signing_key_is_no_secret_but_a_path() -> None:
    given = {"COLLOQUY_SIGNING_KEY": "/run/secrets/key", "MY_KEY": "a-secret-value"}

    assert ("a-secret-value",) == secrets_in(given).values
