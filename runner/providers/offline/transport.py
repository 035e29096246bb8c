"""Transport of the offline model: answers in this process, without litellm."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace

from runner.answers.analyzer import Message
from runner.answers.second_answer import ASKED_AGAIN
from runner.base.errors import CallError
from runner.base.secrets import secrets_of
from runner.base.threads import compute, offload
from runner.base.tokens import tokenizer_for
from runner.base.usage import Usage
from runner.providers.litellm.route import ModelRoute
from runner.providers.messages import joined, text_parts
from runner.providers.offline.dialogue.insights import DISCUSSED, insight, not_recognised
from runner.providers.offline.document import read_document
from runner.providers.offline.language.sentences import sentences
from runner.providers.offline.readings import Reading
from runner.providers.offline.verbatim import checked
from runner.providers.prices import cost_usd, prices_of
from runner.providers.request import Completion, Request, Transport, checked_text
from runner.transcript.warnings import hardly_english

MODEL = "offline/extractive"
_ENGLISH_ONLY = "English, the only language that the offline model reads"


class OfflineTransport(Transport):
    """Answers with *readings* by analyzer name; replies and failures equal those through litellm.

    tests/providers/offline/test_offline_direct.py compares the two.
    """

    def __init__(self, route: ModelRoute, readings: Mapping[str, Reading]) -> None:
        self.route = route
        self._readings = readings
        self._prices = prices_of(route)
        self._secrets = secrets_of(route.api_key_env)

    async def complete(self, request: Request, timeout_s: float) -> Completion:
        """Read and answer; raises CallError for a reading that fails."""
        messages = [joined(message) for message in request.messages]
        name = "" if request.schema is None else request.node
        reply, usage = await read_reply(messages, name, self._readings)
        cost = cost_usd(usage, self._prices) if self._prices else 0.0
        text = checked_text(reply, self._secrets)
        return Completion(text, "stop", replace(usage, cost_usd=cost))


async def read_reply(
    messages: Sequence[Message], name: str, readings: Mapping[str, Reading]
) -> tuple[str, Usage]:
    """Return the reply that the reading *name* makes of *messages*, and its tokens.

    A failure of a reading is a bug; it raises CallError, like a provider's refusal.
    """
    prompt = "\n".join("".join(text_parts(m)) for m in messages if m["role"] != "system")
    try:
        reply = await compute(_answer, readings[name], prompt)
    except Exception as error:
        message = f"offline reading of {name}: {type(error).__name__}: {error}"
        raise CallError("bad_request", secrets_of().redact(message), status=400) from error
    return reply, await offload(_usage, messages, reply)


def _answer(reading: Reading, prompt: str) -> str:
    document = read_document(prompt)
    lines = document.lines
    if hardly_english(line.text for line in lines):
        unread = insight(f"Most of this does not look like {_ENGLISH_ONLY}.", 0.05, "language", ())
        answer = {**reading(replace(document, lines=())), "insights": [unread]}
        return json.dumps(answer, ensure_ascii=False)
    answer = checked(dict(reading(document)), document)
    if ASKED_AGAIN.strip() in document.question:  # quotes that fit no question add nothing
        found = [each for each in answer["insights"] if each["category"] != DISCUSSED]
        answer["insights"] = found or not_recognised("further findings")
    if foreign := [line for line in lines if hardly_english((line.text,))]:
        text = f"{len(foreign)} of {len(lines)} segments do not look like {_ENGLISH_ONLY}."
        first = sentences(foreign[:1])[:1]
        answer["insights"] = [*answer["insights"], insight(text, 0.05, "language", first)]
    return json.dumps(answer, ensure_ascii=False)


def _usage(messages: Sequence[Message], reply: str) -> Usage:
    count = tokenizer_for(MODEL).count
    asked = sum(count("".join(text_parts(message))) for message in messages)
    return Usage(asked, count(reply))
