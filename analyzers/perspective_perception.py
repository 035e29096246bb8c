"""Who sees the matter how: positions, the interests behind them, and views of one another.

After R. Fisher and W. Ury, "Getting to Yes" (1981): separate positions from interests.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from runner.answer import Evidence, Strict
from runner.offline.document import Document
from runner.offline.exchanges import find_acceptances, find_objections
from runner.offline.rank import diverse
from runner.offline.talk import read_talk
from runner.offline.views import (
    Accepted,
    Disputed,
    Seen,
    View,
    accepted,
    disputed,
    find_seen,
    find_views,
)
from runner.offline.wording import cite, excerpt, insight, listed, no_cue, plain, who

_MOST = {"perspectives": 8, "perceptions": 6, "tensions": 5, "shared_ground": 5, "insights": 10}


class Perspective(Strict):
    """One participant's view."""

    holder: str
    position: str = Field(description="What they hold, in one sentence.")
    stance: Literal["supports", "opposes", "mixed", "neutral"] = Field(
        description="Toward the main topic."
    )
    interests: list[str] = Field(description="Needs or fears that explain the position.")
    evidence: list[Evidence]


class Perception(Strict):
    """How one participant sees another, or a group, or an institution."""

    holder: str
    of: str
    perception: str
    evidence: list[Evidence]


class Tension(Strict):
    """A point on which views pull apart."""

    between: list[str]
    about: str
    evidence: list[Evidence]


class SharedGround(Strict):
    """Something that several participants accept."""

    holders: list[str]
    text: str
    evidence: list[Evidence]


class Fields(Strict):
    """Structured data of `perspective_perception`."""

    topic: str = Field(description="The matter the stances are toward.")
    perspectives: list[Perspective]
    perceptions: list[Perception]
    tensions: list[Tension]
    shared_ground: list[SharedGround]


def read(document: Document) -> dict[str, object]:
    """Read positions, interests, perceptions and frictions off cues; pure and deterministic."""
    talk = read_talk(document)
    views = find_views(talk, _MOST["perspectives"])
    seen = diverse(
        find_seen(talk),
        _MOST["perceptions"],
        score=lambda p: p.score,
        text=lambda p: p.text,
        group=lambda p: p.holder,
    )
    tensions = disputed(talk, find_objections(talk), _MOST["tensions"])
    ground = accepted(find_acceptances(talk), _MOST["shared_ground"])
    found = _insights(views, seen, tensions, ground)
    return {
        "insights": found or [no_cue(talk, "positions, needs, agreement or objections")],
        "structured_data": {
            "topic": listed(talk.topic[:3]) or "not recognisable from the words used",
            "perspectives": [_view_item(view) for view in views],
            "perceptions": [
                {
                    "holder": who(p.holder),
                    "of": p.of,
                    "perception": p.text,
                    "evidence": cite(p.sentence),
                }
                for p in seen
            ],
            "tensions": [
                {"between": list(t.between), "about": _about(t), "evidence": cite(*t.quoted)}
                for t in tensions
            ],
            "shared_ground": [
                {"holders": list(g.holders), "text": plain(g.text), "evidence": cite(*g.quoted)}
                for g in ground
            ],
        },
    }


def _view_item(view: View) -> dict[str, object]:
    return {
        "holder": who(view.holder),
        "position": plain(view.position.text),
        "stance": view.stance,
        "interests": [plain(text) for text, _ in view.interests],
        "evidence": cite(view.position, *(s for _, s in view.interests)),
    }


def _about(t: Disputed) -> str:
    first, second = t.between
    about = f"{t.matter}: " if t.matter else ""
    said, reply = excerpt(t.quoted[0].text, 120), excerpt(t.quoted[-1].text, 120)
    return f'{about}{first} says "{said}"; {second} answers "{reply}".'


_STANCE = {
    "supports": "speaks in favour",
    "opposes": "speaks mostly of what is wrong",
    "mixed": "takes a mixed view",
    "neutral": "states without taking sides",
}


def _insights(
    views: Sequence[View],
    seen: Sequence[Seen],
    tensions: Sequence[Disputed],
    ground: Sequence[Accepted],
) -> list[dict[str, object]]:
    found: list[tuple[float, dict[str, object]]] = []
    for t in tensions[:3]:
        text = f"{listed(t.between)} pull apart"
        text += f" on {_about(t)}" if t.matter else f": {_about(t)}"
        found.append((t.score + 0.1, insight(text, t.score, "tension", t.quoted)))
    for view in views[:5]:
        text = f'{who(view.holder)} {_STANCE[view.stance]}: "{excerpt(view.position.text)}".'
        quoted = [view.position]
        if view.interests and view.interests[0][1] != view.position:
            text += f' Behind it stands a need or worry: "{excerpt(view.interests[0][0], 110)}".'
            quoted.append(view.interests[0][1])
        found.append((view.score, insight(text, view.score, "perspective", quoted)))
    for g in ground[:2]:
        text = f'{listed(g.holders)} share one point: "{excerpt(g.text)}".'
        found.append((g.score, insight(text, g.score, "shared_ground", g.quoted)))
    for p in seen[:2]:
        text = f'{who(p.holder)} on {p.of}: "{excerpt(p.text)}".'
        found.append((p.score, insight(text, p.score, "perception", (p.sentence,))))
    ordered = sorted(found, key=lambda pair: -pair[0])
    return [made for _, made in ordered][: _MOST["insights"]]
