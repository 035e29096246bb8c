from __future__ import annotations

import json
import random
import socket
import ssl
from typing import Any
from unittest.mock import Mock

import aiohttp
import pytest
from aiohttp.http_exceptions import BadStatusLine, TransferEncodingError

from runner.base.errors import CallError
from runner.base.secrets import Secrets
from runner.calls.retry import RetryPolicy
from runner.providers.litellm.errors import RefusedError, classify
from runner.providers.litellm.route import ModelRoute
from runner.providers.litellm.session import network_failure


def refused(text: str, status: int, headers: dict[str, str] | None = None) -> RefusedError:
    return RefusedError(status, headers or {}, text.encode())


def refused_by(error: OSError) -> aiohttp.ClientConnectorError:
    """Return what aiohttp raises where a connection cannot be opened."""
    kinds = {
        socket.gaierror: aiohttp.ClientConnectorDNSError,
        ssl.SSLError: aiohttp.ClientConnectorSSLError,
    }
    return kinds.get(type(error), aiohttp.ClientConnectorError)(Mock(), error)


def told(**error: Any) -> str:
    return json.dumps({"error": {"message": "x", **error}})


class LitellmError(Exception):
    """Carries what litellm's exceptions carry."""

    def __init__(self, text: str, status: int) -> None:
        super().__init__(text)
        self.status_code = status


@pytest.mark.parametrize(
    ("status", "text", "headers", "kind"),
    [
        (429, "rate limited", None, "throttle"),
        (400, "the field insufficient_quota is unknown", None, "bad_request"),
        (400, "Your credit balance is too low", None, "billing"),
        (402, "pay", None, "billing"),
        (400, "You have reached your specified API usage limits. Access returns", None, "billing"),
        (429, "Usage credits are required for long context requests.", None, "billing"),
        (429, "Your team 1f has either used all available credits or reached", None, "billing"),
        (403, "Your team has reached its monthly spending limit.", None, "billing"),
        (400, "Access denied, make sure your account is in good standing.", None, "billing"),
        (412, "Account x is suspended: insufficient balance", None, "billing"),
        (400, "This organization has been disabled.", None, "billing"),
        (429, told(code="exceeded_current_quota_error"), None, "billing"),
        (422, "value is not valid, 'input': 'we are out of credits'", None, "bad_request"),
        (429, "You exceeded your current quota, check your plan and billing", None, "throttle"),
        (429, "Rate limit exceeded: free-models-per-day. Add 10 credits", None, "unavailable"),
        (429, "Request was rejected due to rate limiting. RPD limit reached.", None, "unavailable"),
        (429, "Too many tokens per day, please wait before trying again.", None, "unavailable"),
        (429, "Trial key, which is limited to 1000 API calls / month.", None, "unavailable"),
        (429, "Trial key, which is limited to 20 API calls / minute.", None, "throttle"),
        (429, "you've reached your hourly usage limit, please upgrade", None, "unavailable"),
        (
            429,
            told(details=[{"quotaId": "RequestsPerDay"}, {"retryDelay": "36s"}]),
            None,
            "unavailable",
        ),
        (429, told(details=[{"quotaId": "PerMinute"}, {"retryDelay": "36s"}]), None, "throttle"),
        (429, "tokens per day (TPD): Limit 9. Please try again in 2m5s.", None, "throttle"),
        (429, "60 calls per minute exceeded. Your plan has 5000 per day.", None, "throttle"),
        (429, "Rate limit exceeded: free-models-per-min. 1000 per day cost", None, "throttle"),
        (429, "20/min exceeded, and you have a monthly limit of 9", None, "throttle"),
        (401, "invalid key; keys are renewed once per day", None, "auth"),
        (403, "Out of call volume quota. It is replenished in 3.12:04", None, "unavailable"),
        (429, "Credit limit exceeded, please upgrade your account.", None, "billing"),
        (401, "bad key", None, "auth"),
        (403, "forbidden", None, "auth"),
        (404, "no such model", None, "not_found"),
        (400, told(code="model_decommissioned"), None, "not_found"),
        (400, told(message="Model Not Exist"), None, "not_found"),
        (400, "Unable to access non-serverless model a/b. Please visit", None, "not_found"),
        (400, told(message="a/b is not a valid model ID"), None, "not_found"),
        (400, "The provided model identifier is invalid.", None, "not_found"),
        (400, told(message="'seed' is not a valid model parameter"), None, "bad_request"),
        (400, told(message="a/b: content exists risk, model not exist"), None, "refused"),
        (400, "User location is not supported for the API use.", None, "auth"),
        (503, told(message="Loading model", code=503), None, "throttle"),
        (503, '{"error": "Model a/b is currently loading"}', None, "throttle"),
        (503, "the model is overloaded", None, "transient"),
        (503, "the model server is overloading", None, "transient"),
        (400, "bad", None, "bad_request"),
        (422, "bad", None, "bad_request"),
        (413, "<h1>413 Request Entity Too Large</h1>", None, "context_exceeded"),
        (408, "slow", None, "timeout"),
        (500, "boom", None, "transient"),
        (502, "boom", None, "transient"),
        (503, "busy", None, "transient"),
        (503, "busy", {"retry-after": "2"}, "throttle"),
        (529, "overloaded", None, "transient"),
        (529, "overloaded", {"retry-after": "2"}, "throttle"),
        (501, "This server does not support completions.", None, "bad_request"),
        (599, "boom", None, "transient"),
        (424, "an error while processing the model", None, "transient"),
        (425, "too early", None, "transient"),
        (499, "The operation was cancelled.", None, "transient"),
        (500, "model requires more system memory (5.6 GiB) than is available", None, "not_found"),
        (400, "No models loaded. Please load a model", None, "not_found"),
        (504, "slow", None, "timeout"),
        (524, "error code: 524", None, "timeout"),
        (403, "requires moderation and your input was flagged", None, "refused"),
        (403, "Content violates usage guidelines. Failed check: X", None, "refused"),
        (400, "Output blocked by content filtering policy", None, "refused"),
        (403, "Your account was flagged", None, "auth"),
        (403, told(code="model_not_found"), None, "not_found"),
        (403, '{"message": "You don\'t have access to the model with the ID."}', None, "not_found"),
        (400, f"[{told(details=[{'reason': 'API_KEY_INVALID'}])}]", None, "auth"),
        (429, "Request too large for x: Limit 30, Requested 40", None, "context_exceeded"),
        (400, "You have reached your specified API usage limits.", None, "billing"),
        (403, "Your newly created team doesn't have any credits yet.", None, "billing"),
        (429, "Your team has either used all available credits or", None, "billing"),
        (429, "Quota exceeded for metric: a/free_tier, limit: 0, model: m", None, "billing"),
        (429, "Quota exceeded for metric: a/free_tier, limit: 20, model: m", None, "throttle"),
        (400, told(code="Arrearage", message="Access denied"), None, "billing"),
        (400, told(type="budget_exceeded", message="Over budget"), None, "billing"),
        (403, told(details=[{"reason": "BILLING_DISABLED"}]), None, "billing"),
        (400, "Incorrect API key provided: x***.", None, "auth"),
        (400, told(code="1301", message="不安全"), None, "refused"),
        (404, "No endpoints found that support the 'x' parameter", None, "bad_request"),
    ],
)
def test_status_and_code_decide_the_kind(
    status: int, text: str, headers: dict[str, str] | None, kind: str
) -> None:
    found = classify(refused(text, status, headers))

    assert found.kind == kind
    assert found.status == status


@pytest.mark.parametrize(
    ("status", "text", "said"),
    [
        (401, "no", "openai rejected the key in $MY_KEY: no"),
        (400, "Incorrect API key provided", "openai rejected the key in $MY_KEY: Incorrect"),
        (403, "<html><title>Blocked</title>", "openai refused a call with the key in $MY_KEY: Bl"),
    ],
)
def test_a_key_is_called_rejected_only_where_the_provider_speaks_of_it(
    status: int, text: str, said: str
) -> None:
    """A firewall's page and a closed region are refusals, too, whatever the key."""
    found = classify(refused(text, status), ModelRoute("openai/gpt-4o-mini", None, "MY_KEY"))

    assert "auth" == found.kind
    assert str(found).startswith(said)


@pytest.mark.parametrize("status", [400, 429])
@pytest.mark.parametrize("code", ["insufficient_quota", "organization_spend_limit_exceeded"])
def test_an_empty_account_is_told_by_the_providers_code(status: int, code: str) -> None:
    assert classify(refused(told(code=code), status)).kind == "billing"


def test_a_provider_that_asks_not_to_be_tried_again_is_obeyed() -> None:
    found = classify(refused("busy", 503, {"X-Should-Retry": "false"}))

    assert found.final is True
    assert RetryPolicy().wait_s(found, 1, random.Random(1)) is None


@pytest.mark.parametrize("status", [400, 413, 422])
@pytest.mark.parametrize(
    "text",
    [
        told(code="context_length_exceeded"),
        told(message="prompt is too long: 210000 tokens > 200000 maximum"),
        told(message="input length and `max_tokens` exceed context limit: 188 + 21 > 200"),
        told(
            message="The input token count (1200000) exceeds the maximum number of tokens allowed"
        ),
        told(message="This model's maximum context length is 8192 tokens."),
        told(message="Prompt contains 40 tokens, too large for model with 32 maximum"),
        told(message="Input is too long for requested model."),
        '{"message": "Current length is 9000 while limit is 8192"}',
        "the request exceeds the available context size",
        told(code="1261", message="Prompt exceeds max length"),
        told(code="tokens_limit_reached", message="Request body too large for the model."),
        "context shift is disabled",
        "input is too large to process. increase the physical batch size",
    ],
)
def test_a_prompt_too_long_for_the_model_is_its_own_kind(status: int, text: str) -> None:
    found = classify(refused(text, status))

    assert found.kind == "context_exceeded"
    assert "(set model.context_window" in str(found)


@pytest.mark.parametrize(
    ("status", "message", "hint"),
    [
        (
            400,
            "max_tokens is too large: 9. This model supports at most 8",
            "lower model.max_tokens",
        ),
        (400, "max_tokens: 9 > 8, which is the maximum allowed number", "lower model.max_tokens"),
        (400, "a maxOutputTokens value of 9 but the supported range", "lower model.max_tokens"),
        (400, "temperature must be at most 1", "change model.temperature"),
        (400, "Invalid schema for response_format 'x'", "try model.reply_format=text"),
        (429, "Rate limit reached on tokens per min (TPM): Limit 9", "set model.tpm"),
        (429, "your organization's rate limit of 9 input tokens per minute", "set model.tpm"),
        (429, "Rate limit reached on requests per min (RPM): Limit 9", "set model.rpm"),
        (429, "maximum number of concurrent connections", "lower processing.max_concurrent"),
    ],
)
def test_the_setting_that_a_limit_calls_for_is_named(status: int, message: str, hint: str) -> None:
    assert f"{message} ({hint})" == str(classify(refused(told(message=message), status)))


def test_an_ordinary_refusal_has_no_hint() -> None:
    assert "the model is resting" == str(classify(refused("the model is resting", 400)))


@pytest.mark.parametrize(
    ("error", "received", "kind", "billed", "words"),
    [
        (ssl.SSLCertVerificationError("self-signed"), None, "auth", False, "certificate verify"),
        (ssl.SSLEOFError(8, "ended"), None, "connection", True, "before its reply"),
        (ConnectionResetError(104, "reset"), None, "connection", True, "before its reply"),
        (aiohttp.ServerDisconnectedError(), None, "connection", True, "before its reply"),
        (aiohttp.ClientPayloadError("x"), 12, "connection", True, "broke off after 12 bytes"),
        (ConnectionResetError(104, "reset"), 0, "connection", True, "broke off after 0 bytes"),
        (aiohttp.ConnectionTimeoutError(), None, "timeout", False, "no connection to h in time"),
        (aiohttp.SocketTimeoutError(), 5, "timeout", True, "no answer from h in time"),
        (BadStatusLine("x"), None, "bad_response", True, "not in HTTP"),
        (TransferEncodingError("x"), 7, "bad_response", True, "not in HTTP"),
        (refused_by(ConnectionRefusedError(111, "no")), None, "connection", False, "no connection"),
        (refused_by(socket.gaierror(-2, "no name")), None, "connection", False, "be resolved"),
        (refused_by(ssl.SSLError(1, "x")), None, "connection", False, "TLS handshake"),
    ],
)
def test_no_connection_is_said_only_where_there_was_none(
    error: Exception, received: int | None, kind: str, billed: bool, words: str
) -> None:
    found = network_failure(error, "h", received)

    assert (kind, billed) == (found.kind, found.billed)
    assert words in str(found)
    assert ("no connection" in str(found)) == ("no connection" in words)


@pytest.mark.parametrize(
    ("cause", "progress", "kind", "billed"),
    [
        (KeyError("usage"), "delivered", "bad_response", True),
        (json.JSONDecodeError("x", "<html>", 0), "delivered", "bad_response", True),
        (CallError("connection", "broke off", billed=True), "sent", "connection", True),
        (CallError("auth", "certificate"), "delivered", "auth", False),
        (ConnectionResetError(104, "reset"), "sent", "connection", True),
        (ConnectionResetError(104, "reset"), "none", "connection", False),
        (KeyError("before"), "sent", "transient", False),
        (ImportError("No module named 'mcp'"), "none", "bad_request", False),
    ],
)
def test_what_the_session_raised_or_delivered_counts_and_not_litellms_word_for_it(
    cause: Exception, progress: str, kind: str, billed: bool
) -> None:
    error = LitellmError("InternalServerError", 500)
    error.__cause__ = cause
    found = classify(error, delivered=progress == "delivered", sent=progress != "none")

    assert (kind, billed) == (found.kind, found.billed)


def test_an_error_without_a_status_is_a_bug() -> None:
    assert classify(RuntimeError("a bug of ours")).kind == "internal"


@pytest.mark.parametrize(
    ("status", "text", "said"),
    [
        (503, f"[{told()}]", "x"),
        (400, '{"detail": [{"loc": ["body", "n", 0], "msg": "required"}]}', "body.n.0; required"),
        (429, told(metadata={"raw": "busy upstream"}), "x; busy upstream"),
        (400, told(message=told(message="inner")), "inner"),
        (502, "<html><title>Bad\n Gateway</title><h1>Bad Gateway</h1>", "Bad Gateway"),
        (404, told(message="no model x"), "h has no model 'm': no model x"),
        (
            407,
            "",
            "the proxy before h refuses the call: status 407 "
            "(put its user and password into HTTPS_PROXY or HTTP_PROXY)",
        ),
        (
            404,
            '{"detail": "Not Found"}',
            "h has no model 'm': Not Found (check the path of model.api_base, too)",
        ),
    ],
)
def test_a_message_has_the_providers_words_alone(status: int, text: str, said: str) -> None:
    assert said == str(classify(refused(text, status), ModelRoute("m", "http://h")))


def test_a_traceback_in_the_message_is_left_out() -> None:
    text = "litellm.FakeError: it broke Traceback (most recent call last): File secret.py"
    found = classify(LitellmError(text, 500))

    assert str(found) == "it broke"


def test_retry_after_is_carried_over() -> None:
    assert classify(refused("slow", 429, {"Retry-After": "3"})).retry_after_s == 3.0


def test_a_key_in_our_own_error_is_masked() -> None:
    ours = CallError("bad_response", "the reply cannot be read: canary-4711-value", billed=True)
    error = classify(ours, secrets=Secrets(("canary-4711-value",)))

    assert ("bad_response", True) == (error.kind, error.billed)
    assert "the reply cannot be read: ***" == str(error)


def test_our_own_errors_pass_through() -> None:
    error = CallError("empty", "nothing")

    assert classify(error) is error
