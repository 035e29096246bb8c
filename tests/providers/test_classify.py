from __future__ import annotations

import json
import random
import ssl

import pytest

from runner.base.errors import CallError
from runner.base.secrets import Secrets
from runner.calls.retry import RetryPolicy
from runner.providers.litellm.errors import classify


class FakeError(Exception):
    """Carries what litellm's exceptions carry."""

    def __init__(
        self, text: str, status: int | None, headers: dict | None = None, code: str | None = None
    ) -> None:
        super().__init__(text)
        self.code = code
        self.status_code = status
        self.litellm_response_headers = headers


class ContextWindowExceededError(FakeError): ...


class APIConnectionError(Exception): ...


@pytest.mark.parametrize(
    ("status", "text", "headers", "kind"),
    [
        (429, "rate limited", None, "throttle"),
        (400, "the field insufficient_quota is unknown", None, "bad_request"),
        (400, "Your credit balance is too low", None, "billing"),
        (402, "pay", None, "billing"),
        (401, "bad key", None, "auth"),
        (403, "forbidden", None, "auth"),
        (404, "no such model", None, "not_found"),
        (400, "bad", None, "bad_request"),
        (422, "bad", None, "bad_request"),
        (413, "too large", None, "bad_request"),
        (408, "slow", None, "timeout"),
        (500, "boom", None, "transient"),
        (502, "boom", None, "transient"),
        (503, "busy", None, "transient"),
        (503, "busy", {"retry-after": "2"}, "throttle"),
        (529, "overloaded", None, "transient"),
        (529, "overloaded", {"retry-after": "2"}, "throttle"),
        (None, "a bug of ours", None, "internal"),
    ],
)
def test_status_and_code_decide_the_kind(
    status: int | None, text: str, headers: dict | None, kind: str
) -> None:
    found = classify(FakeError(text, status, headers))

    assert found.kind == kind
    assert found.status == status


@pytest.mark.parametrize("status", [400, 429])
@pytest.mark.parametrize("code", ["insufficient_quota", "organization_spend_limit_exceeded"])
def test_an_empty_account_is_told_by_the_providers_code(status: int, code: str) -> None:
    assert classify(FakeError("no", status, code=code)).kind == "billing"


def test_a_provider_that_asks_not_to_be_tried_again_is_obeyed() -> None:
    found = classify(FakeError("busy", 503, {"x-should-retry": "false"}))

    assert found.final is True
    assert RetryPolicy().wait_s(found, 1, random.Random(1)) is None


def chained(cause: BaseException) -> FakeError:
    """A 500 as litellm makes it, with the real fault behind it."""
    error = FakeError("InternalServerError", 500)
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("cause", "kind"),
    [
        (APIConnectionError("refused"), "connection"),
        (ConnectionResetError(104, "reset"), "connection"),
        (json.JSONDecodeError("x", "<html>", 0), "bad_response"),
        (ssl.SSLCertVerificationError("self-signed"), "auth"),
        (ssl.SSLEOFError("ended in the handshake"), "connection"),
    ],
)
def test_the_chain_of_causes_tells_a_network_fault_from_a_500(
    cause: BaseException, kind: str
) -> None:
    assert classify(chained(cause)).kind == kind


@pytest.mark.parametrize(
    ("cause", "kind"),
    [
        (KeyError("usage"), "bad_response"),
        (TypeError("'NoneType' object is not subscriptable"), "bad_response"),
        (ConnectionResetError(104, "reset"), "connection"),
        (RuntimeError("closed"), "connection"),
    ],
)
def test_a_reply_that_litellm_misreads_is_no_lost_connection(
    cause: BaseException, kind: str
) -> None:
    error = APIConnectionError("it broke", 500)
    error.__cause__ = cause

    assert kind == classify(error).kind


@pytest.mark.parametrize(
    "words", ["Invalid response object", "LiteLLM: provider returned a response with no 'choices'"]
)
def test_litellms_words_for_an_unreadable_reply_are_known(words: str) -> None:
    found = classify(FakeError(words, 500))

    assert ("bad_response", True) == (found.kind, found.billed)


def test_a_prompt_too_long_for_the_model_is_its_own_kind() -> None:
    assert classify(ContextWindowExceededError("too long", 400)).kind == "context_exceeded"


def test_a_traceback_in_the_message_is_left_out() -> None:
    text = "litellm.FakeError: it broke Traceback (most recent call last): File secret.py"
    found = classify(FakeError(text, 500))

    assert str(found) == "it broke"


def test_retry_after_is_carried_over() -> None:
    assert classify(FakeError("slow", 429, {"Retry-After": "3"})).retry_after_s == 3.0


def test_a_key_in_our_own_error_is_masked() -> None:
    ours = CallError("bad_response", "the reply cannot be read: canary-4711-value", billed=True)
    error = classify(ours, secrets=Secrets(("canary-4711-value",)))

    assert ("bad_response", True) == (error.kind, error.billed)
    assert "the reply cannot be read: ***" == str(error)


def test_our_own_errors_pass_through() -> None:
    error = CallError("empty", "nothing")

    assert classify(error) is error
