"""The numbers in refusals of prompts that are too long, in the words of servers and providers."""

from __future__ import annotations

import pytest

from runner.providers.litellm.errors import RefusedError, classify
from runner.providers.litellm.words import numbers_in

SAID = [
    (
        '{"error":{"code":400,"message":"request (10031 tokens) exceeds the available context '
        'size (4096 tokens), try increasing it","type":"exceed_context_size_error",'
        '"n_prompt_tokens":10031,"n_ctx":4096}}',
        4096,
        10031,
    ),
    ("the request exceeds the available context size, try increasing it", None, None),
    (
        "This model's maximum context length is 8192 tokens. However, you requested 9000 tokens "
        "(5000 in the messages, 4000 in the completion). Please reduce the length of the messages",
        8192,
        5000,
    ),
    (
        "This model's maximum context length is 128000 tokens. However, your messages resulted in "
        "204308 tokens. Please reduce the length of the messages.",
        128000,
        204308,
    ),
    (
        "Input tokens exceed the configured limit of 272,000 tokens. Your messages resulted in "
        "300,123 tokens.",
        272000,
        300123,
    ),
    (
        "'max_tokens' or 'max_completion_tokens' is too large: 8192. This model's maximum context "
        "length is 65536 tokens and your request has 57879 input tokens (8192 > 65536 - 57879).",
        65536,
        57879,
    ),
    (
        "The decoder prompt (length 9000) is longer than the maximum model length of 8192.",
        8192,
        9000,
    ),
    ("prompt is too long: 213462 tokens > 200000 maximum", 200000, 213462),
    (
        "input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000, decrease "
        "input length or `max_tokens` and try again",
        200000,
        190000,
    ),
    (
        "The input token count (1196265) exceeds the maximum number of tokens allowed (1048575).",
        1048575,
        1196265,
    ),
    (
        "Prompt contains 40000 tokens and 0 draft tokens, too large for model with 32768 maximum "
        "context length",
        32768,
        40000,
    ),
    ("Please reduce the length of the messages or completion.", None, None),
    (
        "Request too large for model `llama` on tokens per minute (TPM): Limit 6000, Requested "
        "8123, please reduce your message size",
        6000,
        8123,
    ),
    (
        "This endpoint's maximum context length is 8192 tokens. However, you requested about 9000 "
        "tokens (8000 of text input, 1000 in the output).",
        8192,
        8000,
    ),
    (
        "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096. Given: 5000 "
        "`inputs` tokens and 512 `max_new_tokens`",
        4096,
        5000,
    ),
    ("`inputs` must have less than 4095 tokens. Given: 5000", 4095, 5000),
    (
        "Trying to keep the first 15857 tokens when context the overflows. However, the model is "
        "loaded with context length of only 4096 tokens, which is not enough.",
        4096,
        15857,
    ),
    (
        "The number of tokens to keep from the initial prompt is greater than the context length "
        "(n_keep: 15857 >= n_ctx: 4096)",
        4096,
        15857,
    ),
    (
        "The input (12000 tokens) is longer than the model's context length (8192 tokens).",
        8192,
        12000,
    ),
    (
        "Requested token count exceeds the model's maximum context length of 8192 tokens. You "
        "requested a total of 9000 tokens: 8000 tokens from the input messages and 1000 tokens",
        8192,
        8000,
    ),
    ("prompt too long; exceeded max context length by 1234 tokens", None, None),
    ("Requested tokens (5000) exceed context window of 2048", 2048, 5000),
    ("Cannot truncate prompt with n_keep (9000) >= n_ctx (4096)", 4096, None),  # LM Studio
    (
        "This model's maximum prompt length is 131072 but the request contains 537812 tokens.",
        131072,
        537812,
    ),
    (
        "too many tokens: total number of tokens in the prompt cannot exceed 4081 - received 5000.",
        4081,
        5000,
    ),
    ("prompt token count of 70000 exceeds the limit of 64000: context length", 64000, 70000),
    ("Your request exceeded model token limit: 262144 (requested: 300000)", 262144, 300000),
    ("Input is too long for requested model.", None, None),
    ("Number of input tokens exceeds maximum length. Maximum input length: 24000", 24000, None),
    (
        "You passed 4001 input tokens and requested 100 output tokens. However, the model's "
        "context length is only 4096 tokens, resulting in a maximum input length of 3996 tokens.",
        4096,
        4001,
    ),
    ("the input token count is 40000 but model only supports up to 32768.", 32768, 40000),
    ("Please reduce the length. Current length is 9000 while limit is 8192", 8192, 9000),
    ("Range of input length should be [1, 129024]", 129024, None),
    ("invalid params, context window exceeds limit (2013)", None, None),
    ("Input exceeds max number of tokens (127072)", 127072, None),
    ("Input length 9000 exceeds maximum allowed token size 8192", 8192, 9000),
    ("inputs must have less than 8192 tokens. Given: 9000", 8192, 9000),
    ("The sum of prompt length (9000.0) should not exceed max_num_tokens (8192)", 8192, 9000),
    ("-904 = max_seq_len (8192) - splited_prompt_len (9096)", 8192, 9096),
    ("The prompt is too long: 140000, model maximum context length: 131071", 131071, 140000),
    ("number of input tokens 9000 cannot exceed the total tokens limit 8192", 8192, 9000),
]


@pytest.mark.parametrize(("text", "window", "prompt"), SAID)
def test_window_and_prompt_are_read_from_what_a_server_says(
    text: str, window: int | None, prompt: int | None
) -> None:
    found = classify(RefusedError(400, {}, text.encode()))

    assert (window, prompt) == numbers_in(text) == (found.window, found.prompt_tokens)
    assert found.kind == "context_exceeded"
    assert (f"set model.context_window={window}" in str(found)) == (window is not None)


@pytest.mark.parametrize(
    "text", ["context deadline exceeded", "max_tokens must be at most 4096", "rate limit of 500"]
)
def test_another_refusal_is_not_taken_for_one(text: str) -> None:
    assert classify(RefusedError(400, {}, text.encode())).kind == "bad_request"
