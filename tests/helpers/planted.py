"""Collections in virtual time: interviews about planted matters, and a model that knows them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from helpers import job
from helpers.batches import write
from runner.answers.themes import FILE, Collection, read_collection
from runner.base.json import load_json
from runner.job.job import BatchJob
from runner.providers.request import Request

# What an interview says of a matter, for it and against it, in words that share little.
MATTERS = {
    "train": ("The night train is a joy.", "Sleeping on rails is awful."),
    "price": ("Tickets are too dear.", "The fare is a bargain."),
    "staff": ("The guards are kind to us.", "The crew shouts at people."),
    "wifi": ("Reading mail on board works.", "There is no signal anywhere."),
}
LINE = re.compile(r"^- id: (\S+) .*?\b(?:text|statement): ([^|{\n]*)", re.MULTILINE)
_SEGMENT = re.compile(r"^\[(S\d+) [^\]]+\] (.*)$", re.MULTILINE)


def interviews(plan: Mapping[str, Sequence[str]]) -> None:
    """Write a file for each name; its words are matters, with a minus for those against."""
    for name, said in plan.items():
        lines = [f"{name.capitalize()}: {sentence_of(each)}" for each in said]
        write(f"{name}.txt", "\n\n".join(lines) + "\n")


def sentence_of(said: str) -> str:
    matter = said.removeprefix("-")
    return MATTERS[matter][said.startswith("-")] if matter in MATTERS else said


def collection(*overrides: str) -> BatchJob:
    made = job(
        "pipeline=interviews",
        "model=simulated",
        "transcript=file",
        "transcript.path=many",
        "processing.max_concurrent=4",
        *overrides,
    )
    assert isinstance(made, BatchJob)
    return made


def stored(batch: Path = Path("batch")) -> Collection:
    found = read_collection(load_json(batch / FILE))
    assert found is not None
    return found


def prompt_of(request: Request) -> str:
    return "".join(str(part.get("text", "")) for part in request.messages[1]["content"])


def planted(request: Request) -> str:
    """Answer as a model would that knows the matters of MATTERS."""
    prompt = prompt_of(request)
    shown = dict(LINE.findall(prompt))
    fields: dict[str, Any] = {}
    insights = [("nothing", [])]
    if request.node == "findings":
        said = _SEGMENT.findall(prompt)
        insights = [(words, [{"segment": id_, "quote": words}]) for id_, words in said]
    elif request.node == "themes":
        fields = {"themes": list(_themes(shown))}
    elif request.node == "agreements":
        fields = {"contradictions": list(_contradictions(shown)), "agreements": []}
    elif request.node == "outliers":
        fields = {"outliers": [{"member": id_, "why": "rare"} for id_ in shown]}
    elif request.node == "synthesis":
        fields = {"text": "All in all [T01].", "themes": ["T01", "T99"]}
    rows = [
        {"text": text, "confidence": 0.9, "category": "fact", "evidence": evidence}
        for text, evidence in insights
    ]
    return json.dumps({"insights": rows, "structured_data": fields})


def _themes(shown: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    for matter, (yes, no) in MATTERS.items():
        sides = [[i for i, said in shown.items() if said.strip() == side] for side in (yes, no)]
        if len(sides[0]) + len(sides[1]) > 1 or any("alike" in i for i in sides[0]):
            title = {"title": matter, "statement": yes, "reason": f"all on {matter}"}
            yield {**title, "members": sides[0], "against": [*sides[1], "F999"]}
        elif sides[0] and sides[0][0].startswith("F"):
            title = {"title": matter, "statement": yes, "reason": f"alike on {matter}"}
            yield {**title, "members": sides[0], "against": []}


def _contradictions(shown: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    for id_ in shown:
        other = id_.replace(".for", ".against")
        if other != id_ and other in shown:
            sides = [{"position": name, "members": [name]} for name in (id_, other)]
            yield {"statement": shown[id_], "sides": sides, "reason": "both cannot be"}
