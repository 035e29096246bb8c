"""Reading of say_means: gaps between words and message, commitments, open points."""

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
from runner.providers.offline.dialogue.implicature import Gap, find_gaps
from runner.providers.offline.dialogue.insights import best_first, cite, insight, no_cue, says, who
from runner.providers.offline.document import Document
from runner.providers.offline.language.ranking import diverse
from runner.providers.offline.language.sentences import trim
from runner.providers.offline.language.wording import excerpt

_NO_END = "No end of it is recognised."
_LIMITS = {"gaps": 8, "commitments": 4, "unsaid": 5, "insights": 10}
_OFFERS = re.compile(r"(?:i|we) (?:can|could)\b", re.IGNORECASE)


def read(document: Document) -> dict[str, object]:
    """Find gaps, promises and open questions by cue phrases; pure and deterministic."""
    dialogue = read_dialogue(document)
    gaps = _best_gaps(find_gaps(dialogue))
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
    made = best_first(_insights(gaps, commitments, left_open))
    return {
        "insights": made or no_cue(dialogue, "hedges, requests or promises"),
        "structured_data": {
            "gaps": [_gap_item(gap) for gap in gaps],
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


def _best_gaps(found: Sequence[Gap]) -> list[Gap]:
    """Choose gaps of several kinds; bare opinions ("I think") only if little else is found."""
    strong = [gap for gap in found if gap.score >= 0.45]
    chosen = diverse(
        strong if len(strong) >= 4 else found,
        _LIMITS["gaps"],
        text=lambda g: trim(g.sentence.text),
        group=lambda g: g.signal,
    )
    return sorted(chosen, key=lambda gap: -gap.score)


def _gap_item(gap: Gap) -> dict[str, object]:
    return {
        "speaker": gap.sentence.speaker,
        "said": trim(gap.sentence.text),
        "meant": gap.meant,
        "rival": "none",
        "signal": gap.signal,
        "confidence": round(min(gap.score, 0.95), 2),
        "evidence": cite(gap.sentence),
    }


def _insights(
    gaps: Sequence[Gap], commitments: Sequence[Commitment], left_open: Sequence[OpenPoint]
) -> Iterator[tuple[float, dict[str, object]]]:
    """Yield insights on the best of each kind; no gap is in a sentence already used."""
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
    rest = [gap for gap in _few_alike(gaps) if gap.sentence.index not in used]
    for gap in rest[: _LIMITS["insights"] - len(commitments[:3]) - len(left_open[:2])]:
        yield gap.score, insight(gap.note, gap.score, gap.signal, [gap.sentence])


def _few_alike(gaps: Sequence[Gap]) -> Iterator[Gap]:
    """Yield the gaps, of those with the same hedge, such as "I think", the first two."""
    seen = Counter[str]()
    for gap in gaps:
        seen[gap.cue] += 1
        if gap.signal != "hedge" or seen[gap.cue] < 3:
            yield gap
