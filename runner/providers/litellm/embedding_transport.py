"""Embedding transport: makes one call of `litellm.aembedding`, without retries or cache."""

import base64
import re
from dataclasses import replace
from typing import Any

import numpy as np

from runner.base.errors import CallError
from runner.base.tokens import tokenizer_for
from runner.providers.litellm.embedding import DIMENSIONS
from runner.providers.litellm.errors import classify, forget_causes
from runner.providers.litellm.response import CHARS_PER_TOKEN, CallSize, fields_of, usage_of
from runner.providers.litellm.transport import LiteLLMTransport
from runner.providers.prices import cost_usd
from runner.providers.request import Completion, Request, current_exchange

MAX_DIMENSIONS = 8192
_ABOUT_DIMENSIONS = re.compile("dimension|matryoshka", re.IGNORECASE)  # the latter at vLLM


class EmbeddingTransport(LiteLLMTransport):
    """Sends the texts of a request's messages; a completion's text is what `vectors_in` reads."""

    _dimensions: int | None = DIMENSIONS  # None once the model has refused to shorten its vectors

    async def complete(self, request: Request, timeout_s: float) -> Completion:
        """Make one attempt; see CallError for the kinds of failure."""
        texts, dimensions, exchange = request.texts, self._dimensions, current_exchange()
        arguments = {
            **self._common_arguments(timeout_s),
            "input": texts,
            "dimensions": dimensions,
            "encoding_format": "float",
            "caching": False,
        }
        try:
            response = await self._litellm.aembedding(**arguments)
        except Exception as error:  # noqa: BLE001 - libraries raise anything
            about = {"delivered": exchange.arrived, "sent": exchange.sent}
            failure = classify(error, self.route, self._secrets, **about)
            if failure.kind == "bad_request" and _ABOUT_DIMENSIONS.search(str(failure)):
                failure.again, self._dimensions = dimensions is not None, None
            forget_causes(error)
            raise failure from None
        count = tokenizer_for(self.route.map_name).count
        chars = sum(map(len, texts))
        most, least = 4 * chars + len(texts), chars // CHARS_PER_TOKEN  # a token has a byte
        size = CallSize(lambda: sum(map(count, texts)), lambda: 0, 0, most, 0, least)
        usage = usage_of(getattr(response, "usage", None), size)
        cost = None if self._prices is None else cost_usd(usage, self._prices)
        usage = replace(usage, cost_usd=cost)
        return Completion(_packed(getattr(response, "data", None), len(texts)), "stop", usage)


def _packed(data: Any, count: int) -> str:
    """Return the vectors in a provider's *data* as lines, of length 1; raise CallError."""
    rows = [fields_of(row) for row in data] if isinstance(data, list) else []
    try:
        found = {row.get("index", place): row["embedding"] for place, row in enumerate(rows)}
        vectors = np.array([found[place] for place in range(count)], dtype=np.float64)
    except (LookupError, TypeError, ValueError, OverflowError):  # missing, ragged or no numbers
        vectors = np.zeros((0, 0))
    with np.errstate(over="ignore", invalid="ignore"):
        lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    usable = vectors.ndim == 2 and len(vectors) == len(rows) == count and lengths.all()
    if not usable or vectors.shape[1] > MAX_DIMENSIONS or not np.isfinite(lengths).all():
        message = f"the reply's {len(rows)} rows are not {count} vectors of numbers of one length"
        raise CallError("bad_response", message, billed=True)
    units = (vectors / lengths).astype(np.float32)
    return "\n".join(base64.b64encode(unit.tobytes()).decode() for unit in units)
