"""Gemini's Batch API: files of requests, operations over them.

ai.google.dev/api/batch-api and /api/files.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlsplit

from runner.base.errors import CallError
from runner.base.json import at, mapping, mappings, section
from runner.providers.batches.endpoint import PAGE, BatchEndpoint, State, SubmittedBatch
from runner.providers.batches.payload import id_in, time_in

_STATES: Mapping[str, State] = {
    "PENDING": "waiting",
    "SUCCEEDED": "ended",
    "FAILED": "failed",
    "EXPIRED": "expired",
    "CANCELLED": "cancelled",
}
_MAX_TOKEN = 1000  # characters of a page token


class GeminiBatches(BatchEndpoint):
    """Batches of an uploaded file of requests; results are a file, too."""

    _path, _cancel = "/models/", ":cancel"
    _key, _value = "key", "request"

    def _beside(self, name: str, path: str) -> str:
        """Return the address of uploads or downloads, whose path begins with *name*."""
        root, _, version = self._wire.base.rpartition("/")
        return f"{root}/{name}/{version}/{path}"

    async def submit(self, lines: Sequence[bytes], mark: str) -> SubmittedBatch:
        """Send *lines* as a file, and make a batch of it."""
        sent = {
            "batch": {
                "display_name": mark,
                "input_config": {"file_name": f"files/{await self._upload(lines, mark)}"},
            }
        }
        model = self.route.name.partition("/")[2]
        return self._parse(await self._ask("POST", f"/models/{model}:batchGenerateContent", sent))

    async def _upload(self, lines: Sequence[bytes], mark: str) -> str:
        """Upload *lines* to an address requested first; return the id of the file."""
        data = b"\n".join(lines) + b"\n"
        start = {
            "X-Goog-Upload-Protocol": "resumable",
            "X-Goog-Upload-Command": "start",
            "X-Goog-Upload-Header-Content-Length": str(len(data)),
            "X-Goog-Upload-Header-Content-Type": "application/jsonl",
        }
        named = {"file": {"display_name": mark, "mime_type": "application/jsonl"}}
        url = self._beside("upload", "files")
        _, headers = await self._wire.exchange("POST", url, named, start)
        place = headers.get("X-Goog-Upload-URL", "")
        if urlsplit(place)[:2] != urlsplit(url)[:2]:
            message = (
                f"{urlsplit(url).netloc} redirects to another host, which must not receive the key"
            )
            raise CallError("bad_response", message)
        sent = {"X-Goog-Upload-Offset": "0", "X-Goog-Upload-Command": "upload, finalize"}
        uploaded, _ = await self._wire.exchange("POST", place, data, sent)
        return id_in(at(uploaded, "file", "name"), "files/")

    def _files(self, payload: Mapping[str, Any]) -> Iterable[str]:
        places = (section(payload, "metadata", "output"), section(payload, "response"))
        for file in filter(None, (place.get("responsesFile") for place in places)):
            path = f"files/{id_in(file, 'files/')}:download?alt=media"
            return (self._beside("download", path),)
        return ()

    def _reply(self, result: Mapping[str, Any]) -> tuple[int, Any]:
        response = mapping(result.get("response"))
        if response:
            return 200, response
        return 200, {"error": result.get("error") or result.get("status") or "no result"}

    async def _page(self, cursor: str, since: float) -> tuple[list[Mapping[str, Any]], str]:
        query = f"pageSize={PAGE}" + (f"&pageToken={cursor}" if cursor else "")
        page = await self._ask("GET", self._batches, query=query)
        following = quote(str(page.get("nextPageToken") or "")[:_MAX_TOKEN], safe="")
        return mappings(page.get("operations")), following

    def _mark(self, payload: Mapping[str, Any]) -> Any:
        return at(payload, "metadata", "displayName")

    def _parse(self, payload: Mapping[str, Any]) -> SubmittedBatch:
        about = section(payload, "metadata")
        state = _STATES.get(str(about.get("state")).rpartition("STATE_")[2], "running")
        if payload.get("done") is True and state in ("waiting", "running"):
            state = "failed" if payload.get("error") else "ended"
        return SubmittedBatch(
            id_in(payload.get("name"), "batches/"),
            state,
            time_in(about.get("createTime")),
            time_in(about.get("endTime")),
            self._wire.shown(at(payload, "error", "message")),
        )
