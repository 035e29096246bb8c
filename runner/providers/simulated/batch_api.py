"""Batch endpoints of the simulated provider: OpenAI's files and batches, Anthropic's batches."""

import math
import random
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import orjson
from aiohttp import web

from runner.base.json import mapping, mappings
from runner.config.simulate import SimulateSettings
from runner.providers.simulated.batches import (
    OUTCOMES,
    BatchedCall,
    SimulatedBatch,
    SimulatedBatches,
)
from runner.providers.simulated.behaviour import AccountLimits
from runner.providers.simulated.chat import asked_in, encoded, has_messages, message_of
from runner.providers.simulated.faults import FaultResponse, error_response
from runner.providers.simulated.replies import Reply

_PAGE = 20
_BATCH = re.compile(r"/v1(?P<own>/messages)?/batches/(?P<id>\w+)(?P<act>/cancel|/results)?")
_FILE = re.compile(r"/v1/files/(?P<id>[\w-]+)/content")
_OWN_LIST = "/v1/messages/batches"
_KEY = re.compile(r"[\w-]{1,64}", re.ASCII)
_ANTHROPIC_ERRORS = {404: "not_found_error", 429: "rate_limit_error"}
Answer = Mapping[str, Any] | FaultResponse | Iterator[bytes]
Replied = tuple[int, dict[str, Any]] | None  # status and body, None where nothing was executed


class BatchApi:
    """Answers requests about files and batches, kept in memory."""

    def __init__(self, settings: SimulateSettings, reply: Reply) -> None:
        self.batches = SimulatedBatches(settings, reply)
        self._settings = settings
        self._limits = AccountLimits(settings.batch.rpm, None)
        self._files: dict[str, bytes] = {}
        self._torn = random.Random(settings.seed)
        self._since = time.time()  # zero of the provider's clock

    async def respond(self, request: web.BaseRequest, now_s: float) -> Answer | None:
        """Return the answer to *request* at *now_s*, lines of a download among them.

        Returns None for an address of another API.
        """
        method, path = request.method, request.path
        found, file = _BATCH.fullmatch(path), _FILE.fullmatch(path)
        if not (found or file or path in ("/v1/files", "/v1/batches", _OWN_LIST)):
            return None
        if (wait_s := self._limits.wait_s(0, now_s)) > 0:
            self._limits.take_failed(now_s)
            refused = error_response(429, "rate limit reached", "rate_limit_exceeded")
            told = {"Retry-After": str(max(1, math.ceil(wait_s)))}
            return replace(refused, headers=told if self._settings.retry_after else {})
        self._limits.take(0, now_s)
        if path == "/v1/files" and method == "POST":
            return await self._upload(request)
        if path in ("/v1/batches", _OWN_LIST):
            own = path == _OWN_LIST
            if method == "GET":
                return self._list(request.query, own, now_s)
            return self._begin(await request.read(), own, now_s)
        if file is not None and method == "GET":
            return self._content(file["id"], now_s)
        batch = self.batches.all.get(found["id"]) if found else None
        if found is None or batch is None or _is_own(batch) != bool(found["own"]):
            return error_response(404, f"there is nothing at {path}", "not_found")
        if found["act"] == "/results":
            over = now_s >= batch.ended_s
            return self._lines(batch, now_s, "") if over else error_response(404, "not ended yet")
        if found["act"] == "/cancel" and method == "POST" and now_s < batch.ended_s:
            batch.cancelled_s = now_s
        return self._described(batch, now_s)

    async def _upload(self, request: web.BaseRequest) -> Answer:
        try:
            data = (await request.post()).get("file")
        except ValueError:
            data = None
        if not isinstance(data, web.FileField):
            return error_response(400, "the form has no file")
        name, content = f"file-{len(self._files) + 1:06}", data.file.read()
        self._files[name] = content
        return {
            **{"id": name, "object": "file", "bytes": len(content), "purpose": "batch"},
            **{"filename": data.filename, "status": "processed", "created_at": int(time.time())},
        }

    def _begin(self, raw: bytes, own: bool, now_s: float) -> Answer:
        """Make a batch of the requests in a body, Anthropic's if *own*, or in the file it names."""
        try:
            sent = mapping(orjson.loads(raw))
            held = mappings(sent.get("requests"))
            if not own:
                file = self._files[str(sent.get("input_file_id"))]
                held = [mapping(orjson.loads(line)) for line in file.splitlines()]
            asked = [
                (each["custom_id"], asked_in(each["params"]) if own else each["body"])
                for each in held
            ]
            keys = {key for key, _ in asked if _KEY.fullmatch(key)}
            whole = all(has_messages(each["params" if own else "body"]) for each in held)
        except (ValueError, LookupError, TypeError, AttributeError):
            return error_response(400, "the requests of the batch cannot be read")
        if not whole:
            return error_response(400, "a request of the batch holds no messages")
        if not keys or len(keys) < len(asked):
            return error_response(400, "custom_id: expected a unique one for each request")
        prefix = "msgbatch_" if own else "batch_"
        return self._described(self.batches.make(asked, prefix, now_s, sent), now_s)

    def _list(self, query: Mapping[str, str], own: bool, now_s: float) -> Answer:
        ids = [b.id for b in reversed(self.batches.all.values()) if _is_own(b) == own]
        after = query.get("after_id" if own else "after")
        begin = ids.index(after) + 1 if after in ids else 0
        size = int(limit) if (limit := query.get("limit", "")).isdigit() else _PAGE
        page = ids[begin : begin + max(1, size)]
        return {
            "object": "list",
            "data": [self._described(self.batches.all[each], now_s) for each in page],
            **{"first_id": page[0] if page else None, "last_id": page[-1] if page else None},
            "has_more": begin + len(page) < len(ids),
        }

    def _described(self, batch: SimulatedBatch, now_s: float) -> dict[str, Any]:
        over, state = now_s >= batch.ended_s, batch.state(now_s)
        counts = Counter(outcome for _, outcome in batch.outcomes(now_s))
        created, ended = self._since + batch.created_s, self._since + batch.ended_s
        if _is_own(batch):
            return {
                "id": batch.id,
                "type": "message_batch",
                "processing_status": "ended" if over else "in_progress",
                "request_counts": {
                    "processing": len(batch.calls) - counts.total(),
                    **{"succeeded": counts["answered"], "errored": counts["errored"]},
                    **{"canceled": counts["cancelled"], "expired": counts["expired"]},
                },
                "created_at": _iso(created),
                "expires_at": _iso(self._since + batch.expires_s),
                "ended_at": _iso(ended) if over else None,
                "cancel_initiated_at": _iso(ended) if math.isfinite(batch.cancelled_s) else None,
                "results_url": f"{_OWN_LIST}/{batch.id}/results" if over else None,
            }
        code = "token_limit_exceeded" if "token" in batch.error else "too_many_requests"
        failed = {"object": "list", "data": [{"code": code, "message": batch.error}]}
        any_failed = counts.total() > counts["answered"]
        return {
            **{"id": batch.id, "object": "batch", "endpoint": "/v1/chat/completions"},
            **{"input_file_id": batch.sent.get("input_file_id"), "completion_window": "24h"},
            "status": state,
            "errors": failed if batch.error else None,
            "output_file_id": f"file-output-{batch.id}" if over and counts["answered"] else None,
            "error_file_id": f"file-errors-{batch.id}" if over and any_failed else None,
            "created_at": int(created),
            "expires_at": int(self._since + batch.expires_s),
            f"{state}_at": int(ended) if over else None,
            "request_counts": {
                "total": len(batch.calls),
                **{"completed": counts["answered"], "failed": counts["errored"]},
            },
            "metadata": batch.sent.get("metadata"),
        }

    def _content(self, file: str, now_s: float) -> Answer:
        if file in self._files:
            return iter([self._files[file]])
        kind, _, name = file.removeprefix("file-").partition("-")
        batch = self.batches.all.get(name)
        if kind not in ("output", "errors") or batch is None or now_s < batch.ended_s:
            return error_response(404, f"no such file: {file}", "not_found")
        return self._lines(batch, now_s, kind)

    def _lines(self, batch: SimulatedBatch, now_s: float, kind: str) -> Iterator[bytes]:
        """Yield the lines of *batch*'s results of a *kind*; a torn download ends within one."""
        line_of: Callable[[BatchedCall, str, Replied], dict[str, Any]] = (
            _own_line if _is_own(batch) else _line
        )
        torn = self._torn.random() < self._settings.batch.torn
        held = [
            (call, outcome)
            for call, outcome in batch.outcomes(now_s)
            if not call.missing and kind in ("", "output" if outcome == "answered" else "errors")
        ]
        breaks_at = self._torn.randrange(len(held)) if torn and held else None
        for place, (call, outcome) in enumerate(held):
            over = outcome in ("expired", "cancelled")
            answer = None if over else self.batches.answer(batch, call)
            line = encoded(line_of(call, outcome, answer)) + b"\n"
            if place == breaks_at:
                yield line[: len(line) // 2]
                raise ConnectionResetError
            yield line

    def as_json(self, now_s: float) -> dict[str, Any]:
        """Return the counts of batches, of their requests by outcome, and of tokens so far."""
        batches = self.batches.all.values()
        counts = Counter(outcome for batch in batches for _, outcome in batch.outcomes(now_s))
        return {
            "made": len(batches),
            "requests": sum(len(batch.calls) for batch in batches),
            **{outcome: counts[outcome] for outcome in OUTCOMES},
            **self.batches.tokens,
        }


def _is_own(batch: SimulatedBatch) -> bool:
    return batch.id.startswith("msgbatch_")


def _iso(when: float) -> str:
    return datetime.fromtimestamp(when, UTC).isoformat().replace("+00:00", "Z")


def _line(call: BatchedCall, outcome: str, answer: Replied) -> dict[str, Any]:
    """Return a line of OpenAI's file of results, or of its file of errors."""
    key = call.key
    line: dict[str, Any] = {"id": f"batch_req_{key}", "custom_id": key, "response": None}
    if answer is None:
        message = "This request could not be executed before the batch was over."
        return {**line, "error": {"code": f"batch_{outcome}", "message": message}}
    status, body = answer
    response = {"status_code": status, "request_id": f"req_{key}", "body": body}
    return {**line, "response": response, "error": None}


def _own_line(call: BatchedCall, outcome: str, answer: Replied) -> dict[str, Any]:
    result: dict[str, Any] = {"type": outcome.replace("ll", "l")}
    if answer is not None and answer[0] < 400:
        message = message_of(answer[1], tool=call.body.get("tool") is True)
        result = {"type": "succeeded", "message": message}
    elif answer is not None:
        other = "api_error" if answer[0] >= 500 else "invalid_request_error"
        error = {**mapping(answer[1].get("error")), "type": _ANTHROPIC_ERRORS.get(answer[0], other)}
        result = {"type": "errored", "error": {"type": "error", "error": error}}
    return {"custom_id": call.key, "result": result}
