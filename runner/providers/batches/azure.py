"""Azure's Batch API: OpenAI's, at the addresses of a resource, for a deployment of type batch.

learn.microsoft.com/azure/foundry/openai/how-to/batch.
"""

import os

from runner.base.errors import ConfigError
from runner.providers.batches.openai import OpenAIBatches
from runner.providers.litellm.http import BuiltRequest
from runner.providers.request import Request

_UNDATED = ("v1", "latest", "preview")  # versions whose addresses have no `api-version`


class AzureBatches(OpenAIBatches):
    """OpenAI's batches with Azure's addresses and key."""

    _endpoint = "/chat/completions"
    _more = b',"method":"POST","url":"/chat/completions"'

    def _built(self, request: Request) -> BuiltRequest:
        """Return the request with the address of the resource's batches in place of OpenAI's."""
        base = self.route.api_base or os.environ.get("AZURE_API_BASE")
        version = os.environ.get("AZURE_API_VERSION") or "v1"
        if not base:
            raise ConfigError(f"{self.route.name}: set AZURE_API_BASE or model.api_base")
        undated = version in _UNDATED
        self._query = "" if undated else f"api-version={version}"
        address = f"{base.rstrip('/')}/openai{'/v1' if undated else ''}{self._path}"
        key = os.environ.get(self.route.api_key_env or "", "")
        return BuiltRequest(address, super()._built(request).body, {"api-key": key})
