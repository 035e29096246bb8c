"""Overflow: recognizes errors of too long prompts, and reads the numbers in them."""

import re

TOO_LONG = re.compile(
    r"context (?:window|length|limit|size)|context the overflows|exceed_context_size|\bn_ctx\b"
    r"|(?:prompt|input) is too long|too large for model|too many tokens|model token limit"
    r"|maximum model length"
    r"|(?:input|prompt) tokens? (?:count )?.{0,40}exceed|maximum (?:input|prompt) length"
    r"|exceeds the maximum number of tokens allowed|max_new_tokens` must be|current length is"
    r"|inputs` must have less than|reduce the length of the (?:messages|prompt|input)",
    re.IGNORECASE,
)
_N = r"(\d[\d,]{1,11})"
# In order of certainty, in the words of llama.cpp, Anthropic, Gemini,
# TGI, Mistral, LM Studio, vLLM and OpenAI with those that imitate it, xAI, Cohere, Groq.
_WINDOW = (
    rf'\bn_ctx"?\W{{1,4}}{_N}',
    rf"{_N}(?: tokens)? > {_N}(?: maximum|, decrease)",
    rf"number of tokens allowed \(?{_N}",
    rf"(?:must be <=|less than|cannot exceed|exceeds the limit of|limit of) {_N}",
    rf"{_N} maximum context",
    rf"max\w* (?:model |context |prompt |input |sequence )+(?:length|size|window|limit)"
    rf"(?! by)[^\d]{{0,20}}{_N}",
    rf"(?:context|token) (?:length|size|window|limit)(?! by)[^\d+]{{0,20}}{_N}(?! \+)",
    rf"\bLimit:? {_N},? ",
)
_PROMPT = (
    rf'\bn_prompt_tokens"?\W{{1,4}}{_N}',
    rf"{_N}(?: tokens)?(?: \+ \d[\d,]*)? > \d[\d,]*(?![\d,]| -)",
    rf"{_N} (?:tokens )?(?:in|of|from|for) (?:the |your )?(?:text |input|messages|prompt)",
    rf"(?:resulted in|contains|has|first|received|Given:|n_keep:) {_N}",
    rf"(?:prompt|input) \(?(?:token count|length)[ (]*(?:of )?{_N}",
    rf"(?:request|input|tokens) \({_N}",
    rf"requested:? (?:about |a total of )?{_N}",
)


def numbers_in(text: str) -> tuple[int | None, int | None]:
    """Return the window and the prompt's tokens that the refusal *text* states, else None.

    Both are unchecked.
    """
    return _first(_WINDOW, text), _first(_PROMPT, text)


def _first(patterns: tuple[str, ...], text: str) -> int | None:
    for pattern in patterns:
        if match := re.search(pattern, text, re.IGNORECASE):
            return int(match[match.lastindex or 1].replace(",", ""))
    return None
