"""A model that answers from planted.yaml: it knows what each sentence and note is about.

It recognises nothing else, counts nothing and remembers nothing: what it says of a prompt rests on
the lines of that prompt. `PlannedProvider` serves it with OpenAI's chat API, tools included.
"""

import asyncio
import json
import re
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from aiohttp import web

from benchmarks.planted_corpus import said
from runner.answers.themes import AGAINST, FOR
from runner.providers.simulated.chat import asked_of, completion, message_texts
from runner.providers.simulated.replies import reply_to
from runner.providers.simulated.server import SimulatedProvider

_SPOKEN = re.compile(r"^\[(S\d+) ([^\]\n]*)\] (.*)$", re.MULTILINE)
_LINE = re.compile(r'^- id: (\S+) \| (.*?)(?: \{(S\d+) "(.*)"\})?$', re.MULTILINE)
_ALIKE = re.compile(r"\| alike: (\d+) findings")
_SAYS = ", says "  # ends the note in a finding, which differs from those of other speakers
_ASKED = re.compile(r"<<(.*?)>>")  # notes in DocETL's prompts

Ids = list[str]


@dataclass(frozen=True, slots=True)
class Known:
    """What a text is about: the *name* of its theme, its *side* of the *statement*, its note."""

    name: str
    statement: str
    side: str
    note: str
    lone: bool = False


@dataclass
class Shown:
    """A line of a collection's material: its id, what it is about, what it cites."""

    id: str
    known: Known
    alike: int = 1
    cited: tuple[str, str] | None = None
    parts: dict[int, Known] = field(default_factory=dict)


@cache
def known() -> Mapping[str, Known]:
    """Return what each planted sentence, note and statement is about."""
    found = {}
    for name, theme in said()["themes"].items():
        found[theme["statement"]] = Known(name, theme["statement"], FOR, theme["statement"])
        for side in (FOR, AGAINST):
            for quote, note in theme[side]:
                found[quote] = found[note] = Known(name, theme["statement"], side, note)
    for about, one, first, other, second in said()["contradictions"]:
        found[one] = found[first] = Known(about, first, FOR, first)
        found[other] = found[second] = Known(about, first, AGAINST, second)
    for quote, note in said()["outliers"]:
        found[quote] = found[note] = Known(note, note, FOR, note, lone=True)
    return found


def answer(body: Mapping[str, Any]) -> str:
    """Return the JSON of a reply to a request's *body*."""
    text = "\n".join(message_texts(body, system=False))
    if body.get("tools"):
        return json.dumps(_docetl(body["tools"][0]["function"]["parameters"]["properties"], text))
    asked = asked_of(body)
    if asked == "findings":
        return json.dumps(_answer(_findings(text)))
    lines = list(_lines(text))
    if asked not in _COLLECTION or not lines:
        return reply_to(body)
    insights = [_insight(each.known.statement, each.cited) for each in lines[:3]]
    return json.dumps(_answer(insights, _COLLECTION[asked](lines)))


def _answer(insights: Sequence[object], fields: Mapping[str, object] = {}) -> dict[str, object]:
    return {"insights": list(insights), "structured_data": dict(fields)}


def _insight(text: str, cited: tuple[str, str] | None) -> dict[str, object]:
    evidence = [{"segment": cited[0], "quote": cited[1]}] if cited else []
    return {"text": text, "confidence": 0.9, "category": "opinion", "evidence": evidence}


def _findings(text: str) -> list[dict[str, object]]:
    found = [
        _insight(f"{about.note}{_SAYS}{who}", (segment, quote))
        for segment, who, quote, about in _planted_in(text)
    ]
    return found or [_insight("Nothing is said of the library.", None)]  # the schema wants one


def _planted_in(text: str) -> Iterator[tuple[str, str, str, Known]]:
    """Yield segment, speaker, sentence and what it is about of all planted sentences in *text*."""
    for segment, speaker, spoken in _SPOKEN.findall(text):
        for quote, about in known().items():
            if quote in spoken:
                yield segment, speaker, quote, about


# --- a collection -------------------------------------------------------------------------------


def _lines(text: str) -> Iterator[Shown]:
    """Yield the lines about something planted; parts of a group belong to its line."""
    groups: dict[str, Shown] = {}
    for id_, body, segment, quote in _LINE.findall(text):
        fields = dict(each.partition(": ")[::2] for each in body.split(" | "))
        about = known().get(fields.get("text", "").partition(_SAYS)[0])
        if about is None:
            continue
        group, _, part = id_.partition(".")
        if group in groups and part.isdigit():
            groups[group].parts[int(part)] = about
            continue
        alike = _ALIKE.search(f"| {body}")
        cited = (segment, quote) if quote else None
        groups[id_] = Shown(id_, about, int(alike[1]) if alike else 1, cited)
    yield from groups.values()


def _ids(line: Shown) -> Iterator[tuple[str, Known]]:
    """Yield the id of *line*, or those of its parts where these differ in what they are about."""
    about = (line.known.name, line.known.side)
    if all((part.name, part.side) == about for part in line.parts.values()):
        yield line.id, line.known
        return
    for number in range(1, line.alike + 1):
        yield f"{line.id}.{number}", line.parts.get(number, line.known)


def _themes(lines: Sequence[Shown]) -> dict[str, object]:
    members: dict[str, dict[str, Ids]] = defaultdict(lambda: {FOR: [], AGAINST: []})
    about = {}
    for line in lines:
        for id_, each in _ids(line):
            if not each.lone:
                members[each.name][each.side].append(id_)
                about[each.name] = each
    themes = [
        {
            "title": name.replace("_", " "),
            "statement": about[name].statement,
            "members": sides[FOR],
            "against": sides[AGAINST],
            "reason": "The plan says so.",
        }
        for name, sides in members.items()
    ]
    return {"themes": themes}


def _agreements(lines: Sequence[Shown]) -> dict[str, object]:
    clashing = {about: {first: Ids(), second: Ids()} for about, _, first, _, second in _pairs()}
    for line in lines:
        for id_, each in _ids(line):
            if each.name in clashing and not id_.startswith("T"):
                clashing[each.name][each.note].append(id_)
    found = [
        {
            "statement": about,
            "sides": [{"position": note, "members": ids} for note, ids in sides.items()],
            "reason": "Both cannot be true.",
        }
        for about, sides in clashing.items()
        if all(sides.values())
    ]
    return {"contradictions": found, "agreements": []}


def _pairs() -> Sequence[Sequence[str]]:
    pairs: Sequence[Sequence[str]] = said()["contradictions"]
    return pairs


def _outliers(lines: Sequence[Shown]) -> dict[str, object]:
    lone = [{"member": each.id, "why": "Nobody else says so."} for each in lines if each.known.lone]
    return {"outliers": lone}


def _synthesis(lines: Sequence[Shown]) -> dict[str, object]:
    ids = [each.id for each in lines]
    text = " ".join(f"{each.known.statement} [{each.id}]" for each in lines)
    return {"text": text, "themes": ids}


_COLLECTION = {
    "themes": _themes,
    "agreements": _agreements,
    "outliers": _outliers,
    "synthesis": _synthesis,
}


# --- DocETL -------------------------------------------------------------------------------------


def _docetl(properties: Mapping[str, object], text: str) -> dict[str, object]:
    """Return the arguments of the call that DocETL's operations ask for."""
    if "findings" in properties:
        found = [
            {"note": a.note, "side": a.side, "quote": quote, "segment": segment, "speaker": speaker}
            for segment, speaker, quote, a in _planted_in(text)
        ]
        return {"findings": found}
    notes = [known()[note] for note in _ASKED.findall(text)]
    if "is_match" in properties:
        return {"is_match": len({note.name for note in notes}) == 1}
    return {"note": notes[0].statement}


class PlannedProvider(SimulatedProvider):
    """Serves `answer` on 127.0.0.1; a request with tools gets its reply as a call of the first."""

    def __init__(self, port: int = 0) -> None:
        super().__init__(answer, port=port)

    async def respond(
        self, request: web.BaseRequest, body: Mapping[str, Any], arrived_s: float
    ) -> web.StreamResponse:
        """Respond at once."""
        if not body.get("tools"):
            return await super().respond(request, body, arrived_s)
        whole = completion(body, "", "tool_calls", (100, 20))
        called = {"name": body["tools"][0]["function"]["name"], "arguments": answer(body)}
        call = {"id": "call_1", "type": "function", "function": called}
        message = {"role": "assistant", "content": None, "tool_calls": [call]}
        whole["choices"][0]["message"] = message
        return web.json_response(whole)


async def _serve() -> None:
    """Serve until standard input ends; its address is the first line of output."""
    async with PlannedProvider() as provider:
        print(provider.url, flush=True)
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(_serve())
