"""The wire formats of real providers: what each is sent, and what it answers.

Bodies follow the providers' API references as of 2026-11; nothing here has met a provider.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from helpers import KEY, job
from runner.base.usage import Usage
from runner.job.job import Job
from runner.providers.request import Request

# What each choice of conf/model needs in the environment.
NEEDS = {
    "anthropic": ["ANTHROPIC_API_KEY"],
    "azure": ["AZURE_API_KEY", "AZURE_API_BASE", "AZURE_API_VERSION"],
    "bedrock": ["AWS_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "AWS_REGION_NAME"],
    "gemini": ["GEMINI_API_KEY"],
    "groq": ["GROQ_API_KEY"],
    "llamacpp": [],
    "litellm_proxy": ["LITELLM_PROXY_API_KEY"],
    "mistral": ["MISTRAL_API_KEY"],
    "offline": [],
    "ollama": [],
    "openai": ["OPENAI_API_KEY"],
    "openrouter": ["OPENROUTER_API_KEY"],
    "simulated": [],
    "vllm": [],
}
VALUES = {
    "AZURE_API_BASE": "https://mine.openai.azure.com",
    "AZURE_API_VERSION": "2025-04-01-preview",
    "AWS_REGION_NAME": "eu-central-1",
    "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE0123456",
}
ADDRESS = {"litellm_proxy": ("model.api_base=http://127.0.0.1:4000",)}
NODE = "say_means"
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"x": {"type": "integer"}},
    "required": ["x"],
    "additionalProperties": False,
}
REQUEST = Request(
    NODE,
    (
        {"role": "system", "content": "You read."},
        {
            "role": "user",
            "content": [{"type": "text", "text": "SHARED"}, {"type": "text", "text": "ASKED"}],
        },
    ),
    max_tokens=123,
    temperature=0.3,
    schema=SCHEMA,
    cache=True,
)
REPLY = '{"x": 1}'
BEARER = {"Authorization": f"Bearer {KEY}"}
KEYLESS = {"Authorization": "Bearer not-needed"}  # litellm's clients insist on one


def build(choice: str, *overrides: str) -> Job:
    """Build the job of a shipped model; the proxy has no address of its own."""
    return job(f"model={choice}", *ADDRESS.get(choice, ()), *overrides)


@dataclass(frozen=True)
class Failure:
    """A provider's error, and the kind that it has to become."""

    kind: str
    status: int
    body: Any
    headers: Mapping[str, str] = field(default_factory=dict)
    retry_after_s: float | None = None


@dataclass(frozen=True, eq=False)
class Wire:
    """How one of `conf/model` is spoken to; *base* is the path within *address_env*'s value,
    or within `model.api_base`.
    """

    choice: str
    path: str
    headers: Mapping[str, str]
    body: Mapping[str, Any]
    answer: Mapping[str, Any]
    usage: Usage
    failures: tuple[Failure, ...]
    base: str = ""
    overrides: tuple[str, ...] = ()
    address_env: str | None = None
    cost_usd: float | None = None  # None: by the price map


def marked(text: str, mark: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "text", "text": text, **mark}


EPHEMERAL = {"cache_control": {"type": "ephemeral"}}
