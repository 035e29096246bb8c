"""Reading of perspective_perception: positions, tensions, shared ground."""

from collections.abc import Iterator, Sequence

from runner.providers.offline.dialogue.agreement import (
    AdjacencyPair,
    find_acceptances,
    find_objections,
)
from runner.providers.offline.dialogue.dialogue import in_focus, read_dialogue
from runner.providers.offline.dialogue.insights import (
    best_first,
    cite,
    discussed_only,
    insight,
    says,
    who,
)
from runner.providers.offline.dialogue.positions import (
    SharedGround,
    View,
    find_shared_ground,
    find_views,
)
from runner.providers.offline.dialogue.stance import takes_stance
from runner.providers.offline.document import Document
from runner.providers.offline.language.ranking import diverse
from runner.providers.offline.language.wording import capital, excerpt, listed, plain

_LIMITS = {"perspectives": 8, "tensions": 5, "shared_ground": 5, "insights": 10}


def read(document: Document) -> dict[str, object]:
    """Find positions, frictions and shared views by cues; pure and deterministic."""
    dialogue = read_dialogue(document)
    views = find_views(dialogue, _LIMITS["perspectives"])
    objected, accepted = (
        in_focus(dialogue, found, lambda e: (e.statement, e.reply))
        for found in (find_objections(dialogue), find_acceptances(dialogue))
    )
    tensions = diverse(
        objected,
        _LIMITS["tensions"],
        text=lambda e: e.statement.text + e.reply.text,
        group=lambda e: frozenset((e.statement.speaker, e.reply.speaker)),
    )
    ground = find_shared_ground(accepted, _LIMITS["shared_ground"])
    found = best_first(_insights(views, tensions, ground), _LIMITS["insights"])
    return {
        "insights": found or discussed_only(dialogue, "positions, objections or shared views"),
        "structured_data": {
            "topic": dialogue.question or f"Frequent terms: {listed(dialogue.topic[:3]) or 'none'}",
            "perspectives": [_view_item(view) for view in views],
            "interests": [],
            "perceptions": [],
            "tensions": [_tension_item(e) for e in tensions],
            "shared_ground": [
                {"holders": list(g.holders), "text": plain(g.text), "evidence": cite(*g.quoted)}
                for g in ground
            ],
        },
    }


def _tension_item(e: AdjacencyPair) -> dict[str, object]:
    between = [who(e.statement.speaker), who(e.reply.speaker)]
    return {"between": between, "about": _about(e), "evidence": cite(e.statement, e.reply)}


def _view_item(view: View) -> dict[str, object]:
    return {
        "holder": who(view.holder),
        "position": plain(view.position.text),
        "stance": view.stance,
        "evidence": cite(view.position),
    }


def _about(e: AdjacencyPair) -> str:
    said, reply = excerpt(e.statement.text, 120), excerpt(e.reply.text, 120)
    return f'{who(e.statement.speaker)} says "{said}"; {who(e.reply.speaker)} answers "{reply}".'


_SIDES = {
    "mixed": ", under a condition",
    "supports": ", in favour",
    "opposes": ", against",
    "unclear": "",
}


def _insights(
    views: Sequence[View], tensions: Sequence[AdjacencyPair], ground: Sequence[SharedGround]
) -> Iterator[tuple[float, dict[str, object]]]:
    for e in tensions[:3]:
        made = insight(capital(_about(e)), e.score, "tension", (e.statement, e.reply))
        yield e.score + 0.1, made
    taking_sides = [v for v in views if v.stance != "unclear" or takes_stance(v.position)]
    reporting = [v for v in views if v not in taking_sides]
    for view in [*taking_sides[:6], *reporting[: max(0, 3 - len(taking_sides))]]:
        text = f'{who(view.holder)}{_SIDES[view.stance]}: "{excerpt(view.position.text, 200)}".'
        yield view.score, insight(text, view.score, "perspective", [view.position])
    for g in ground[:2]:
        text = f"{says(g.quoted[0])} {says(g.quoted[1], 100)}"
        yield g.score, insight(text, g.score, "shared_ground", g.quoted)
