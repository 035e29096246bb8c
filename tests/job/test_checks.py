"""What a model needs is asked for before anything is sent."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from helpers import KEY, job
from helpers.provider_wire import NEEDS, VALUES, build

from runner.base.errors import EXIT_CONFIG, ConfigError

MODELS = Path(__file__).resolve().parents[2] / "conf" / "model"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (name for names in NEEDS.values() for name in names):
        monkeypatch.setenv(name, VALUES.get(name, KEY))


def test_every_model_that_ships_is_known_here() -> None:
    bodies = {path.stem: yaml.safe_load(path.read_text()) for path in MODELS.glob("*.yaml")}
    del bodies["base"]
    named = {
        name: [*filter(None, [body.get("api_key_env"), *body.get("requires_env", [])])]
        for name, body in bodies.items()
    }

    assert named == NEEDS


@pytest.mark.parametrize("choice", NEEDS)
def test_a_model_builds_once_its_variables_are_set(choice: str) -> None:
    known = build(choice).main.facts.context_window is not None

    assert known == (choice != "llamacpp")  # whose server is asked


@pytest.mark.parametrize(
    ("choice", "variable"), [(choice, name) for choice in NEEDS for name in NEEDS[choice]]
)
def test_a_variable_that_is_not_set_ends_the_run_with_one_line_that_names_it(
    choice: str, variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(variable)
    with pytest.raises(ConfigError) as caught:
        build(choice)

    assert caught.value.exit_code == EXIT_CONFIG
    assert variable in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        (["openai", "model.name=opnai/x", "plan=true"], "litellm has no provider 'opnai'; did you"),
        (
            ["openai", "model.delivery=batch", "model.api_key_env=null"],
            "delivery=batch: batches need a key: set",
        ),
        (["openai", "model.delivery=batch", "+model.params.foo=1"], "no batches with params.foo"),
        (["openai", "collection.embeddings=opnai/x"], "litellm has no provider 'opnai'; did you"),
        (["litellm_proxy"], "model.api_base is null, and litellm_proxy has no default address"),
        (["vllm", "model.api_base=null"], "add model.api_base=http://127.0.0.1:8000/v1"),
        (["openai", "model.requires_env=[sk-123]"], "expected the NAME of an environment variable"),
    ],
)
def test_a_wrong_address_or_name_is_told_in_one_line(overrides: list[str], expected: str) -> None:
    choice, *others = overrides
    with pytest.raises(ConfigError, match=r"^[^\n]+$") as caught:
        job(f"model={choice}", *others)

    assert expected in str(caught.value)


def test_a_model_of_a_keyed_provider_without_any_key_is_not_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    job("model.name=groq/x")
    monkeypatch.delenv("GROQ_API_KEY")
    with pytest.raises(ConfigError, match="choose model=groq with this name, or export GROQ_API_K"):
        job("model.name=groq/x")
    job("model.name=groq/x", "plan=true")


@pytest.mark.parametrize("choice", ["openai", "bedrock"])
@pytest.mark.parametrize(
    ("value", "fault"),
    [
        (f"{KEY}\n", "white space at position"),
        (f" {KEY}", "white space at position 1 of"),
        (f"{KEY[:5]}\r\n{KEY}", "white space at position 6 of"),
        (f"{KEY[:5]}\u00a0{KEY}", "white space at position 6 of"),
        (f"{KEY[:5]}é{KEY}", "a character that is not printable ASCII at position 6 of"),
        (f"{KEY[:5]}\u200b{KEY}", "a character that is not printable ASCII at position 6 of"),
        (f"{KEY[:5]}\udcff{KEY}", "a character that is not printable ASCII at position 6 of"),
        ("hunter2", "7 characters, expected at least 8"),
        ("~", "1 character, expected at least 8"),
    ],
)
def test_a_key_that_no_request_can_carry_ends_the_run_with_one_line_that_names_the_variable(
    choice: str, value: str, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "OPENAI_API_KEY" if choice == "openai" else "AWS_ACCESS_KEY_ID"
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError, match=r"^[^\n]+$") as caught:
        build(choice)

    assert caught.value.exit_code == EXIT_CONFIG
    assert f"the key in {name} has {fault}" in str(caught.value)
    assert value.strip() not in str(caught.value)


def test_a_server_on_this_machine_may_have_a_short_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-1234")
    for address in (
        "http://127.0.0.1:4000",
        "http://[::1]:4000",
        "http://0.0.0.0:1",
        "http://localhost:4000/v1",
    ):
        job("model=openai", f"model.api_base='{address}'")
    with pytest.raises(ConfigError, match=r"model\.api_key_env=null"):
        job("model=openai", "model.api_base=https://gateway.example/v1")


def test_a_key_that_litellm_reads_itself_is_checked_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COHERE_API_KEY", f"{KEY}\n")
    with pytest.raises(ConfigError, match=r"^the key in COHERE_API_KEY has white space"):
        job("model.name=cohere/command-r", "model.api_key_env=null")


def test_an_address_in_the_environment_is_held_to_the_same_rules(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AZURE_API_BASE", "http://mine.openai.azure.com")
    with pytest.raises(ConfigError, match=r"^AZURE_API_BASE=http://mine.*plain http"):
        build("azure")

    assert build("azure", "model.allow_http=true").settings.model.allow_http


def test_an_address_that_is_set_stands_in_for_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AZURE_API_BASE")
    made = build("azure", "model.api_base=https://mine.openai.azure.com").settings.model

    assert made.api_base == "https://mine.openai.azure.com"
