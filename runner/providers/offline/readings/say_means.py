"""Reading of say_means: hedges, commitments, open points."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from runner.providers.offline.dialogue.commitments import (
    UNDERTAKES,
    Commitment,
    OpenPoint,
    find_commitments,
    find_open_points,
)
from runner.providers.offline.dialogue.dialogue import in_focus, read_dialogue
from runner.providers.offline.dialogue.hedges import Hedge, find_hedges
from runner.providers.offline.dialogue.insights import (
    best_first,
    cite,
    discussed_only,
    insight,
    says,
    who,
)
from runner.providers.offline.document import Document
from runner.providers.offline.language.ranking import diverse
from runner.providers.offline.language.sentences import trim
from runner.providers.offline.language.wording import excerpt

_NO_END = "No end of it is recognised."
_LIMITS = {"hedges": 8, "commitments": 4, "unsaid": 5, "insights": 10}
_OFFERS = re.compile(r"(?:i|we) (?:can|could)\b", re.IGNORECASE)


def read(document: Document) -> dict[str, object]:
    """Find hedges, promises and open questions by cue phrases; pure and deterministic."""
    dialogue = read_dialogue(document)
    hedges = _best_hedges(find_hedges(dialogue))
    promised = [c for c in find_commitments(dialogue) if not _OFFERS.match(c.text)]
    commitments = diverse(
        in_focus(dialogue, promised, lambda c: [c.sentence]),
        _LIMITS["commitments"],
        text=lambda c: c.text,
        group=lambda c: c.sentence.speaker,
    )
    left_open = diverse(
        in_focus(dialogue, find_open_points(dialogue), lambda o: o.quoted),
        _LIMITS["unsaid"],
        text=lambda o: o.quoted[0].text,
    )
    made = best_first(_insights(hedges, commitments, left_open), _LIMITS["insights"])
    return {
        "insights": made or discussed_only(dialogue, "hedges, requests or promises"),
        "structured_data": {
            "gaps": [_gap_item(hedge) for hedge in hedges],
            "commitments": [_commitment_item(each) for each in commitments],
            "unsaid": [
                {
                    "topic": excerpt(item.quoted[0].text, 160),
                    "why_it_matters": _NO_END,
                    "evidence": cite(*item.quoted),
                }
                for item in left_open
            ],
        },
    }


def _commitment_item(commitment: Commitment) -> dict[str, object]:
    s = commitment.sentence
    told = {"speaker": s.speaker, "text": s.text, "strength": commitment.strength}
    return {**told, "evidence": cite(s)}


def _best_hedges(found: Sequence[Hedge]) -> list[Hedge]:
    """Choose hedges that differ; bare opinions ("I think") only if little else is found."""
    strong = [hedge for hedge in found if hedge.score >= 0.45]
    chosen = diverse(
        strong if len(strong) >= 4 else found,
        _LIMITS["hedges"],
        text=lambda h: trim(h.sentence.text),
    )
    return sorted(chosen, key=lambda hedge: -hedge.score)


def _gap_item(hedge: Hedge) -> dict[str, object]:
    return {
        "speaker": hedge.sentence.speaker,
        "said": trim(hedge.sentence.text),
        "meant": hedge.meant,
        "rival": "not recognised",
        "signal": "hedge",
        "confidence": round(min(hedge.score, 0.95), 2),
        "evidence": cite(hedge.sentence),
    }


def _insights(
    hedges: Sequence[Hedge], commitments: Sequence[Commitment], left_open: Sequence[OpenPoint]
) -> Iterator[tuple[float, dict[str, object]]]:
    """Yield insights on the best of each kind; no hedge is in a sentence already used."""
    for commitment in commitments[:3]:
        s, score = commitment.sentence, commitment.score
        text = says(s, 200, does=UNDERTAKES[commitment.strength])
        yield score, insight(text, score, "commitment", [s])
    for item in left_open[:2]:
        by = item.quoted[-1 if item.deferred else 0].speaker
        does = "puts off" if item.deferred else "raises"
        text = f'{who(by)} {does} a point: "{excerpt(item.quoted[0].text)}". {_NO_END}'
        yield item.score, insight(text, item.score, "unsaid", item.quoted)
    used = {c.sentence.index for c in commitments[:3]}
    used |= {q.index for item in left_open[:2] for q in item.quoted}
    seen = Counter[str]()
    for hedge in hedges:
        if hedge.sentence.index not in used and seen[hedge.cue] < 2:  # two of "I think"
            seen[hedge.cue] += 1
            yield hedge.score, insight(hedge.note, hedge.score, "hedge", [hedge.sentence])
