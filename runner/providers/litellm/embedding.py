"""Embedding: routes of embedding models, and the vectors in their replies."""

import base64
import math
from array import array
from typing import Any

from runner.config.schema import ModelSettings
from runner.providers.litellm.route import ModelRoute

DIMENSIONS = 256  # requested if a model can shorten its vectors; longer ones are slower to compare
_KEYED = ("openai", "azure", "gemini", "mistral", "voyage", "cohere")  # by PROVIDER_API_KEY


def embedding_route(name: str, model: ModelSettings, address: str | None = None) -> ModelRoute:
    """Return the route of the embedding model *name*.

    At the provider of *model* it has that model's address and key, elsewhere litellm's defaults.
    *address* is that of a simulated provider in its place.
    """
    known = embedding_model(name, model)
    base = address if known.simulate else None
    return ModelRoute(name, base or known.api_base, known.api_key_env)


def embedding_model(name: str, model: ModelSettings) -> ModelSettings:
    """Return the settings of *model* for the embedding model *name*, see `embedding_route`."""
    update: dict[str, Any] = {"name": name, "params": {}}
    provider = name.partition("/")[0]
    if provider != model.name.partition("/")[0]:
        own = f"{provider.upper()}_API_KEY" if provider in _KEYED else None
        update |= {"api_base": None, "api_key_env": own, "simulate": None}
    return model.model_copy(update=update)


<<<<<<< HEAD
class EmbeddingTransport:
    """Sends the texts of a request's messages; a completion's text is what `vectors_in` reads."""

    def __init__(self, route: ModelRoute) -> None:
        self.route = route
        self._litellm: Any = None
        self._secrets = secrets_of(route.api_key_env)
        self._prices = prices_of(route)

    async def open(self) -> None:
        """Import litellm (seconds of CPU) in a thread."""
        self._litellm = await offload(load_litellm, self.route.name)

    async def complete(self, request: Request, timeout_s: float) -> Completion:
        """Make one attempt; see CallError for the kinds of failure."""
        texts = [part for message in request.messages for part in text_parts(message)]
        try:
            response = await self._litellm.aembedding(**self._arguments(texts, timeout_s))
        except Exception as error:  # noqa: BLE001 - libraries raise anything
            raise classify(error, self.route.where, self._secrets) from cause_of(error)
        count = tokenizer_for(self.route.map_name).count
        most = 4 * sum(map(len, texts)) + len(texts)  # a token is at least one byte
        size = CallSize(lambda: sum(map(count, texts)), lambda: 0, 0, most, 0)
        usage = usage_of(getattr(response, "usage", None), size)
        cost = None if self._prices is None else cost_usd(usage, self._prices)
        usage = replace(usage, cost_usd=cost)
        return Completion(_packed(getattr(response, "data", None), len(texts)), "stop", usage)

    async def close(self) -> None:
        """Close the connections of litellm's cached clients."""
        if self._litellm is not None:
            await self._litellm.close_litellm_async_clients()
            self._litellm.in_memory_llm_clients_cache.flush_cache()

    def _arguments(self, texts: list[str], timeout_s: float) -> dict[str, Any]:
        route = self.route
        arguments: dict[str, Any] = {
            "model": route.name,
            "input": texts,
            "dimensions": DIMENSIONS,
            "encoding_format": "float",
            "timeout": timeout_s,
            "num_retries": 0,
            "max_retries": 0,
            "drop_params": True,
            "caching": False,
        }
        if route.api_base:
            arguments["api_base"] = route.api_base
            arguments["api_key"] = "not-needed"  # a local server; the client requires one
        if route.api_key_env:
            arguments["api_key"] = os.environ.get(route.api_key_env)
        return arguments


def _packed(data: Any, count: int) -> str:
    """Return the vectors in a provider's *data* as lines, of length 1; raise CallError."""
    rows: dict[int, array[float]] = {}
    for place, row in enumerate(data if isinstance(data, list) else ()):
        held = fields_of(row)
        values, index = held.get("embedding"), held.get("index", place)
        if isinstance(index, int) and (vector := _unit(values)) is not None:
            rows[index] = vector
    sizes = {len(vector) for vector in rows.values()}
    if sorted(rows) != list(range(count)) or len(sizes) != 1:
        message = f"expected {count} vectors of one length, found {len(rows)} of {len(sizes)}"
        raise CallError("bad_response", message, billed=True)
    return "\n".join(base64.b64encode(rows[n].tobytes()).decode() for n in range(count))


def _unit(values: Any) -> "array[float] | None":
    """Return *values* as a single-precision vector of length 1; None if they are not a vector."""
    if not isinstance(values, list) or not 0 < len(values) <= MAX_DIMENSIONS:
        return None
    if not all(isinstance(v, int | float) and math.isfinite(v) for v in values):
        return None
    length = math.hypot(*values)
    if not math.isfinite(length) or length == 0:
        return None
    return array("f", [value / length for value in values])


=======
>>>>>>> calls/main
def vectors_in(text: str) -> list[list[float]]:
    """Return the vectors in the *text* of a completion; raise ValueError."""
    made = []
    for line in text.splitlines():
        vector = array("f", base64.b64decode(line, validate=True))
        if not vector or not all(map(math.isfinite, vector)):
            raise ValueError("expected a vector of finite numbers")
        made.append(vector.tolist())
    return made
