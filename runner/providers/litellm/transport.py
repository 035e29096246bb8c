"""Transport: makes one call to a provider through litellm, without retries or limits.

The offline model has its own transport, without litellm (runner/providers/offline/transport.py).
"""

import importlib
import os
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import aiohttp
import structlog

from runner.answers.shared_schema import which_part
from runner.base.errors import CallError, ConfigError, one_line
from runner.base.secrets import secrets_of
from runner.base.threads import offload
from runner.base.tokens import tokenizer_for
from runner.config.model_facts import OFFLINE, SIMULATED, model_facts
from runner.providers.litellm import response as replies
from runner.providers.litellm.body import readable
from runner.providers.litellm.choice import http_calls
from runner.providers.litellm.errors import RefusedError, classify, forget_causes, refusal_text
from runner.providers.litellm.http import BuiltRequest, HttpCalls
from runner.providers.litellm.loading import load_litellm, load_openai
from runner.providers.litellm.parameters import Adaptation, parameters, schema_message
from runner.providers.litellm.refusals import adapted_to
from runner.providers.litellm.route import SDK, ModelRoute
from runner.providers.litellm.session import open_session
from runner.providers.litellm.stream import stream_options
from runner.providers.litellm.words import SAYS
from runner.providers.messages import in_user_message, joined, marked, without
from runner.providers.options import effort_note, provider_of
from runner.providers.prices import cost_usd, prices_of
from runner.providers.request import Completion, Exchange, Request, checked_text, current_exchange
from runner.providers.retry_headers import remaining_limits

MAX_REASON_CHARS = 100
_log = structlog.get_logger("colloquy.transport")
_REASONS = {  # finish reasons by a provider's word, if litellm has none or another
    "refusal": "refusal",
    "model_context_window_exceeded": "length",
    "model_length": "length",
    "MAX_TOKENS": "length",  # Cohere's, and the next
    "ERROR_TOXIC": "content_filter",
}
_SIGNED = "bedrock/"  # litellm signs with credentials from the environment; no key is sent


class LiteLLMTransport:
    """Sends requests as `litellm.acompletion` does, with the retries of other layers disabled.

    Calls go through litellm's provider configurations over our session (http.py) for the routes
    where tests show them equal, unless `transport: litellm` is set; else through `acompletion`.
    *readers* are the offline model's readings by analyzer name, used only if the route's provider
    is `offline`.
    """

    def __init__(self, route: ModelRoute, readers: Mapping[str, Any] | None = None) -> None:
        self.route = route
        self._readers = readers or {}
        self._litellm: Any = None
        self._session: aiohttp.ClientSession | None = None
        self._http: HttpCalls | None = None
        self._azure: HttpCalls | None = None  # for batches; live calls need OpenAI's client
        self._secrets = secrets_of(route.api_key_env)
        self._facts = model_facts(route.map_name)
        if route.name == SIMULATED:  # accepts the marks of the provider it simulates
            self._facts = replace(self._facts, cache_marks=True)
        self.adapted = Adaptation()  # to what the provider refused; kept for the run
        self._prices = prices_of(route)

    async def open(self) -> None:
        """Import litellm (seconds of CPU) in a thread, and open the session."""
        route = self.route
        if note := effort_note(route):
            _log.warning("effort.rounded", reason=note)
        self._litellm = await offload(load_litellm)
        if route.name.startswith(OFFLINE):
            provider = importlib.import_module("runner.providers.offline.litellm_provider")
            provider.register(self._litellm, self._readers)
            return
        self._session = open_session()
        if route.transport == "auto":
            self._http = await offload(http_calls, self._litellm, route, self._session)
        if self._http is None or not self._common_arguments(0.0).get("api_key"):
            await offload(load_openai, self._litellm, provider_of(route))

    async def complete(self, request: Request, timeout_s: float) -> Completion:
        """Make one attempt; see CallError for the kinds of failure."""
        assert self._litellm is not None, "call open() first"
        adapted = self.adapted
        arguments = self._arguments(request, timeout_s, adapted)
        with current_exchange().begun() as exchange:
            exchange.streams = exchange.first_token is not None and "stream" not in adapted.dropped
            try:
                response = await self._ask(arguments, exchange)
            except Exception as error:  # noqa: BLE001 - libraries raise anything
                raise self._failure(error, request, adapted, exchange) from None
        return self._completion(response, request, exchange)

    def built(self, request: Request) -> BuiltRequest:
        """Return *request* as it is sent; raise ConfigError if litellm sends it."""
        arguments = self._arguments(request, 0.0, self.adapted)
        if not arguments.get("api_key"):
            raise ConfigError(f"{self.route.name} cannot be asked in batches without a key")
        return self._plain_calls().built(arguments)

    def read(
        self, request: Request, sent: Adaptation, status: int, body: bytes, served: str
    ) -> Completion:
        """Return the reply to *request* as *sent*, at the prices of *served*; see `complete`."""
        meant, stopped, exchange = status, "", Exchange(sent=True, arrived=True)
        if 200 <= status < 300:
            try:
                meant, body, stopped = readable(status, body)
            except CallError as error:
                raise self._failure(error, request, sent, exchange) from None
        if not 200 <= meant < 300:
            raise self._failure(RefusedError(meant, {}, body), request, sent, exchange)
        try:
            response = self._plain_calls().parsed(self._arguments(request, 0.0, sent), body)
        except Exception as error:  # noqa: BLE001 - libraries raise anything
            raise self._failure(error, request, sent, exchange) from None
        exchange.stopped = stopped
        return self._completion(response, request, exchange, served)

    async def close(self) -> None:
        """Close our connections and those of litellm's cached clients."""
        if self._litellm is not None:
            await self._litellm.close_litellm_async_clients()
            self._litellm.in_memory_llm_clients_cache.flush_cache()
        if self._session is not None:
            await self._session.close()

    async def _ask(self, arguments: Mapping[str, Any], exchange: Exchange) -> Any:
        """Return litellm's response to *arguments*, or raise its exception."""
        if self._http is not None and arguments.get("api_key"):
            return await self._http.ask(arguments)
        asked, provider = dict(arguments), provider_of(self.route)
        if self._session is not None:
            asked["shared_session"] = self._session
        if exchange.streams and provider in SDK:
            asked["extra_body"] = {**(asked.get("extra_body") or {}), **stream_options(provider)}
        return await self._litellm.acompletion(**asked)

    def _plain_calls(self) -> HttpCalls:
        if self._azure is None and provider_of(self.route) == "azure" and self._session:
            # The body of OpenAI's chat API; who sends it knows address and key.
            own = self._litellm, self.route, self._session
            self._azure = HttpCalls(*own, "openai", None, mapped="azure")
        if (calls := self._azure or self._http) is None:
            what = "its parameters or settings need litellm's own client"
            raise ConfigError(f"{self.route.name} cannot be asked in batches: {what}")
        return calls

    def _failure(
        self, error: Exception, request: Request, sent: Adaptation, exchange: Exchange
    ) -> CallError:
        """Return the CallError for *error*, after adapting to what the provider refused."""
        about = {"delivered": exchange.arrived, "sent": exchange.sent}
        found = classify(error, self.route, self._secrets, **about)
        refusal = refusal_text(error)
        if found.kind == "bad_request" or (found.status == 500 and SAYS["unknown"].search(refusal)):
            found.again = self._adapt(request, sent, refusal, found)
        forget_causes(error)
        return found

    def _adapt(self, request: Request, sent: Adaptation, message: str, error: CallError) -> bool:
        """Return whether *request* may succeed without a parameter that *message* refuses.

        The run's later calls do without it too; *sent* is what this one did without.
        """
        now = adapted_to(self.route, request, self._facts, sent, message)
        if now is None:
            return False
        if self.adapted == sent:
            self.adapted = now
            message = str(error).rsplit(" (", 1)[0] if str(error).endswith(")") else str(error)
            reason = f"{now.change_since(sent, request)}, since {one_line(message, 200)}"
            _log.warning("parameter.refused", model=self.route.name, reason=reason)
        return True

    def _arguments(self, request: Request, timeout_s: float, adapted: Adaptation) -> dict[str, Any]:
        route = self.route
        arguments = self._common_arguments(timeout_s)
        arguments["messages"] = self._messages(request, adapted)
        if route.base_model is not None and provider_of(route) == "azure":
            arguments["base_model"] = route.base_model  # litellm maps parameters by it
        return parameters(route, request, self._facts, adapted) | arguments

    def _common_arguments(self, timeout_s: float) -> dict[str, Any]:
        """Return the arguments of any call: model, address and key, without litellm's retries."""
        route = self.route
        arguments: dict[str, Any] = {
            "model": route.name,
            "timeout": timeout_s,
            "num_retries": 0,
            "max_retries": 0,
            "drop_params": True,  # a model that takes no temperature is not an error
        }
        if route.api_base:
            arguments["api_base"] = route.api_base
        if not route.name.startswith(_SIGNED):
            if route.api_key_env:
                arguments["api_key"] = os.environ.get(route.api_key_env)
            elif route.api_base:
                arguments["api_key"] = "not-needed"  # a local server; the client requires one
        return arguments

    def _messages(self, request: Request, adapted: Adaptation) -> list[dict[str, Any]]:
        messages = request.messages
        if "shared" in adapted.dropped:
            messages = without(messages, which_part(request.node))
        if "system" in adapted.dropped:
            messages = in_user_message(messages)
        if request.cache and self._facts.cache_marks and "cache" not in adapted.dropped:
            made = marked(messages, self.route.map_name, self.route.cache)
        else:
            made = [joined(message) for message in messages]
        if request.schema is not None and "response_format" in adapted.dropped:
            schema_message(made, request.own_schema or request.schema)
        return made

    def _completion(
        self, response: Any, request: Request, exchange: Exchange, served: str = ""
    ) -> Completion:
        said, reason = replies.text_of(response)
        text, reason = checked_text(said, self._secrets), self._word(reason)
        stopped, tier = self._word(exchange.stopped), self._word(replies.served_tier(response))
        usage = replies.usage_of(getattr(response, "usage", None), self._size(request, text))
        dropped = "default" if "service_tier" in self.adapted.dropped else ""
        tier_served, prices = served or tier or dropped, self._prices
        priced = None if prices is None else cost_usd(usage, prices, tier_served)
        cost, doubt = replies.cost_of(response, usage.tokens, priced)
        doubts = "; ".join(filter(None, (usage.corrected, doubt)))
        corrected = self._secrets.redact_values(doubts)  # a key may be a number
        usage = replace(usage, cost_usd=cost, corrected=corrected)
        reason = _REASONS.get(stopped, reason)
        return Completion(text, reason, usage, stopped, remaining_limits(exchange.headers), tier)

    def _word(self, said: str) -> str:
        """Return a provider's word, without keys."""
        return checked_text(said, self._secrets)[:MAX_REASON_CHARS]

    def _size(self, request: Request, text: str) -> replies.CallSize:
        count = tokenizer_for(self.route.map_name).count
        parts = request.texts
        return replies.CallSize(
            prompt=lambda: sum(map(count, parts)),
            reply=lambda: count(text),
            reply_limit=request.max_tokens,
            # A token is at least one byte.
            max_prompt=4 * sum(map(len, parts)) + replies.ADDED_PROMPT,
            max_reply=max(request.max_tokens, 4 * len(text)) + replies.ADDED_REPLY,
            min_prompt=sum(map(len, parts)) // replies.CHARS_PER_TOKEN,
            min_reply=len(text) // replies.CHARS_PER_TOKEN,
            written_1h=self.route.cache == "1h",
        )
