"""What counts as a key, where it is refused, and that nothing of it is shown."""

from __future__ import annotations

import io
import json
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import structlog
from helpers import job

from runner.base.errors import ConfigError
from runner.base.secrets import MASK, Secrets, refuse_secrets, secrets_of
from runner.providers.litellm.errors import classify
from runner.record.events import run_log, set_library_levels
from runner.run.cli import check_arguments

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
    "Bearer abcdefghijklmnop1234",
    "bearer  eyJhbGciOiJIUzI1NiJ9.eyJzdWIi.SflKxwRJ",
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
]
ALLOWED = [
    "transcript=notes/key=value.txt",
    "transcript='what is the key.txt'",
    "model.api_key_env=OPENAI_API_KEY",
    "model.api_base=https://example.org/v1?version=3",
    "model.max_tokens=4000",
    "analyzers.say_means.max_tokens=5",
    "model.api_key=",
    "--help",
    "transcript=sk-learn-compatible-estimators.txt",
]


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
    secrets = secrets_of({"A_KEY": "abcdefgh", "B_TOKEN": "abcdefgh-and-more"})
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
        "MY_KEY": "short",
        "MONKEY": "value-four",
        "TOKENIZERS_PARALLELISM": "value-five",
        "PROVIDER": "value-six",
    }

    assert {"value-one", "value-two", "value-three"} == set(secrets_of(environment).values)
    assert "value-six" in secrets_of(environment, key_env="PROVIDER").values


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
        logging.getLogger("httpx").info("HTTP Request: %s %s", "POST", f"http://h/?key={CANARY}")
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

    assert ("a-secret-value",) == secrets_of(given).values
