"""Import of litellm, which takes seconds, without its network look-ups and log handlers."""

from __future__ import annotations

import gc
import importlib
import logging
import os
import sys
from typing import Any, NoReturn


def load_litellm(model: str) -> Any:
    """Return litellm, without its network look-ups, banners and log handlers.

    What *model*'s provider would load at its first call is imported, too.
    """
    for name in ("LITELLM_LOCAL_MODEL_COST_MAP", "LITELLM_LOCAL_ANTHROPIC_BETA_HEADERS"):
        os.environ[name] = "True"  # both are fetched from the network otherwise
    first = "litellm" not in sys.modules
    litellm: Any = importlib.import_module("litellm")
    litellm.suppress_debug_info = True
    litellm.telemetry = False
    http: Any = importlib.import_module("litellm.llms.custom_httpx.http_handler")
    # Some providers' code uses litellm's own clients, which follow redirects and send again.
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

    It would do so even when the first request has arrived.
    """
    raise  # the error that is being handled where litellm calls this
