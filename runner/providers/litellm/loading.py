"""Import litellm, which takes seconds, without what it would do beside being imported."""

from __future__ import annotations

import gc
import importlib
import logging
import os
import sys
from typing import Any, NoReturn


def load_litellm(model: str) -> Any:
    """Import litellm without its network look-ups, banners and log handlers of its own.

    The parts that *model*'s provider loads at its first call are imported too.
    """
    for name in ("LITELLM_LOCAL_MODEL_COST_MAP", "LITELLM_LOCAL_ANTHROPIC_BETA_HEADERS"):
        os.environ[name] = "True"  # both are fetched from the network otherwise
    first = "litellm" not in sys.modules
    litellm: Any = importlib.import_module("litellm")
    litellm.suppress_debug_info = True
    litellm.telemetry = False
    http: Any = importlib.import_module("litellm.llms.custom_httpx.http_handler")
    # Its own clients, which some providers' code uses beside our session, would follow.
    http.AsyncHTTPHandler.follow_redirects = property(lambda _: False, lambda *_: None)
    http.AsyncHTTPHandler.single_connection_post_request = _not_again
    for name in ("LiteLLM", "LiteLLM Router", "LiteLLM Proxy"):
        logging.getLogger(name).handlers.clear()  # records reach the run's log by propagation
    if model.split("/", 1)[0] in {"openai", "azure", *litellm.openai_compatible_providers}:
        importlib.import_module("openai.resources")
    if first:
        gc.collect()
        gc.freeze()  # half a million objects: a full collection would stop the loop for 100 ms
    return litellm


async def _not_again(*_: Any, **__: Any) -> NoReturn:
    """Raise the lost connection that litellm would answer with a second request.

    It does so on every route but the OpenAI client's, over a session that follows redirections,
    also where the first request has arrived.
    """
    raise  # called where that error is handled
