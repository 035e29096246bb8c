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


def vectors_in(text: str) -> list[list[float]]:
    """Return the vectors in the *text* of a completion; raise ValueError."""
    made = []
    for line in text.splitlines():
        vector = array("f", base64.b64decode(line, validate=True))
        if not vector or not all(map(math.isfinite, vector)):
            raise ValueError("expected a vector of finite numbers")
        made.append(vector.tolist())
    return made
