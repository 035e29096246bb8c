"""Reading of perspective_perception: positions, perceptions, tensions, shared ground."""

import re
from collections.abc import Sequence

from runner.providers.offline.dialogue.agreement import find_acceptances, find_objections
from runner.providers.offline.dialogue.dialogue import read_dialogue
from runner.providers.offline.dialogue.insights import cite, insight, no_cue, who
from runner.providers.offline.dialogue.perceptions import Perception, find_perceptions
from runner.providers.offline.dialogue.positions import (
    SharedGround,
    Tension,
    View,
    find_shared_ground,
    find_tensions,
    find_views,
)
from runner.providers.offline.dialogue.reasoning import OWN_STORY
from runner.providers.offline.dialogue.stance import necessity, stance_of, takes_stance
from runner.providers.offline.document import Document
from runner.providers.offline.language.ranking import diverse
from runner.providers.offline.language.sentences import trim
from runner.providers.offline.language.wording import excerpt, listed, plain

_LIMITS = {"perspectives": 8, "perceptions": 6, "tensions": 5, "shared_ground": 5, "insights": 10}


def read(document: Document) -> dict[str, object]:
    """Read positions, interests, perceptions and frictions off cues; pure and deterministic."""
    dialogue = read_dialogue(document)
    views = find_views(dialogue, _LIMITS["perspectives"])
    seen = diverse(
        find_perceptions(dialogue),
        _LIMITS["perceptions"],
        score=lambda p: p.score,
        text=lambda p: p.text,
        group=lambda p: p.holder,
    )
    tensions = find_tensions(dialogue, find_objections(dialogue), _LIMITS["tensions"])
    ground = find_shared_ground(find_acceptances(dialogue), _LIMITS["shared_ground"])
    found = _insights(views, seen, tensions, ground)
    return {
        "insights": found or [no_cue(dialogue, "positions, needs, agreement or objections")],
        "structured_data": {
            "topic": dialogue.question
            or listed(dialogue.topic[:3])
            or "not recognisable from the words used",
            "perspectives": [_view_item(view) for view in views],
            "interests": [
                {"holder": who(view.holder), "text": plain(text), "evidence": cite(s)}
                for view in views
                for text, s in view.interests
            ],
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
    counter = [view.counter] if view.counter else []
    return {
        "holder": who(view.holder),
        "position": plain(view.position.text),
        "stance": view.stance,
        "evidence": cite(view.position, *counter, *(s for _, s in view.interests)),
    }


def _about(t: Tension) -> str:
    first, second = t.between
    about = f"{t.matter}: " if t.matter else ""
    said, reply = excerpt(t.quoted[0].text, 120), excerpt(t.quoted[-1].text, 120)
    return f'{about}{first} says "{said}"; {second} answers "{reply}".'


def _held(view: View) -> str:
    """Return a view as a sentence, by its position: consent, demand, warning, judgement, report."""
    name, quote = who(view.holder), excerpt(view.position.text)
    if view.counter:
        return f'{name} sees two sides: "{quote}", yet also "{excerpt(view.counter.text, 120)}".'
    return f'{name} {_manner(view)}: "{quote}".'


_DEMAND = {
    "": "speaks in favour",
    "must": "insists",
    "should": "recommends a course",
    "ought": "recommends a course",
    "has": "sets a requirement",
    "have": "sets a requirement",
    "need": "names a need",
    "needs": "names a need",
}


def _manner(view: View) -> str:
    sign = stance_of(view.position)
    if view.stance == "mixed":
        return "goes along under a condition" if sign > 0 else "warns rather than refuses"
    if view.stance == "neutral":
        stands = takes_stance(view.position)
        return "states a view without taking sides" if stands else "reports and takes no side"
    if OWN_STORY.search(trim(view.position.text)):
        return f"tells of a {'good' if sign > 0 else 'bad'} experience"
    if view.stance == "opposes":
        return "speaks against"
    return _DEMAND[necessity(view.position)]


def _behind(interest: str) -> str:
    """Name the kind of interest by its verb."""
    if re.search(r"\b(?:worr|concern|afraid|fear|anxious)", interest, re.IGNORECASE):
        return "A worry goes with it"
    if re.search(r"\b(?:need|require)", interest, re.IGNORECASE):
        return "The need behind it"
    return "What is wanted"


def _insights(
    views: Sequence[View],
    seen: Sequence[Perception],
    tensions: Sequence[Tension],
    ground: Sequence[SharedGround],
) -> list[dict[str, object]]:
    found: list[tuple[float, dict[str, object]]] = []
    for t in tensions[:3]:
        text = f"{listed(t.between)} pull apart"
        text += f" on {_about(t)}" if t.matter else f": {_about(t)}"
        found.append((t.score + 0.1, insight(text, t.score, "tension", t.quoted)))
    taking_sides = [v for v in views if v.stance != "neutral" or takes_stance(v.position)]
    reporting = [v for v in views if v not in taking_sides]
    for view in [*taking_sides[:6], *reporting[: max(0, 3 - len(taking_sides))]]:
        text = _held(view)
        quoted = [view.position, *([view.counter] if view.counter else [])]
        if view.interests and view.interests[0][1] != view.position:
            text += f' {_behind(view.interests[0][0])}: "{excerpt(view.interests[0][0], 110)}".'
            quoted.append(view.interests[0][1])
        found.append((view.score, insight(text, view.score, "perspective", quoted)))
    for g in ground[:2]:
        text = f'{listed(g.holders)} share one point: "{excerpt(g.text)}".'
        found.append((g.score, insight(text, g.score, "shared_ground", g.quoted)))
    held = {view.position.index for view in views}
    for p in [p for p in seen if p.sentence.index not in held][:2]:
        text = f'{who(p.holder)} on {p.of}: "{excerpt(p.text)}".'
        found.append((p.score, insight(text, p.score, "perception", (p.sentence,))))
    ordered = sorted(found, key=lambda pair: -pair[0])
    return [made for _, made in ordered][: _LIMITS["insights"]]
