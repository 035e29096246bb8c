"""Reading of say_means: gaps between words and message, commitments, open points."""

import re
from collections import Counter
from collections.abc import Sequence

from runner.providers.offline.dialogue import commitments as undertaking
from runner.providers.offline.dialogue import implicature as spotting
from runner.providers.offline.dialogue.dialogue import in_focus, read_dialogue
from runner.providers.offline.dialogue.insights import cite, insight, no_cue, who
from runner.providers.offline.document import Document
from runner.providers.offline.language.ranking import diverse
from runner.providers.offline.language.wording import excerpt

_NO_END = "No end of it is recognised."
_LIMITS = {"gaps": 8, "commitments": 4, "unsaid": 5, "insights": 10}


def read(document: Document) -> dict[str, object]:
    """Find gaps, promises and open questions by cue phrases; pure and deterministic."""
    dialogue = read_dialogue(document)
    gaps = _best_gaps(spotting.find_gaps(dialogue))
    found = undertaking.find_commitments(dialogue)
    promised = [p for p in found if not _OFFERS.match(p.text)]
    commitments = diverse(
        in_focus(dialogue, promised, lambda p: [p.sentence]),
        _LIMITS["commitments"],
        text=lambda p: p.text,
        group=lambda p: p.sentence.speaker,
    )
    left_open = diverse(
        in_focus(dialogue, undertaking.find_open_points(dialogue), lambda o: o.quoted),
        _LIMITS["unsaid"],
        text=lambda o: o.quoted[0].text,
    )
    made = _insights(gaps, commitments, left_open)
    return {
        "insights": made or no_cue(dialogue, "hedges, requests, promises or open questions"),
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


def _commitment_item(commitment: undertaking.Commitment) -> dict[str, object]:
    s = commitment.sentence
    told = {"speaker": s.speaker, "text": s.text, "strength": commitment.strength}
    return {**told, "evidence": cite(s)}


_OFFERS = re.compile(r"(?:i|we) (?:can|could)\b", re.IGNORECASE)


def _best_gaps(found: Sequence[spotting.Gap]) -> list[spotting.Gap]:
    """Choose gaps of several kinds; bare opinions ("I think") only if little else is found."""
    strong = [gap for gap in found if gap.score >= 0.45]
    chosen = diverse(
        strong if len(strong) >= 4 else found,
        _LIMITS["gaps"],
        text=lambda g: g.said,
        group=lambda g: g.signal,
    )
    return sorted(chosen, key=lambda gap: -gap.score)


def _gap_item(gap: spotting.Gap) -> dict[str, object]:
    return {
        "speaker": gap.quoted[0].speaker,
        "said": gap.said,
        "meant": gap.meant,
        "rival": "none",
        "signal": gap.signal,
        "confidence": round(min(gap.score, 0.95), 2),
        "evidence": cite(*gap.quoted),
    }


def _few_opinions(gaps: Sequence[spotting.Gap]) -> list[spotting.Gap]:
    """Keep the first two of the gaps that rest on the same mild hedge, for example "I think"."""
    seen: Counter[str] = Counter()
    kept: list[spotting.Gap] = []
    for gap in gaps:
        frame = gap.note.split('"')[1] if gap.signal == "hedge" and "(" in gap.note else gap.note
        seen[frame] += 1
        if seen[frame] < 3:
            kept.append(gap)
    return kept


def _insights(
    gaps: Sequence[spotting.Gap],
    commitments: Sequence[undertaking.Commitment],
    left_open: Sequence[undertaking.OpenPoint],
) -> list[dict[str, object]]:
    """Turn the best of each kind into insights; none rests on a sentence already used."""
    found: list[tuple[float, dict[str, object]]] = []
    used: set[int] = set()
    for commitment in commitments[:3]:
        used.add(commitment.sentence.index)
        how = undertaking.UNDERTAKES[commitment.strength]
        said = excerpt(commitment.sentence.text, 200)
        text = f'{who(commitment.sentence.speaker)} {how}: "{said}".'
        made = insight(text, commitment.score, "commitment", [commitment.sentence])
        found.append((commitment.score, made))
    for item in left_open[:2]:
        asked = excerpt(item.quoted[0].text)
        used.update(q.index for q in item.quoted)
        kept = "raises" if item.kind == "unanswered" else "puts off"
        name = who(item.sentence.speaker)
        text = f'{name} {kept} a point: "{asked}".'
        text = f"{text} {_NO_END}"
        found.append((item.score, insight(text, item.score, "unsaid", item.quoted)))
    for gap in _few_opinions(gaps):
        if not used & {q.index for q in gap.quoted} and len(found) < _LIMITS["insights"]:
            found.append((gap.score, insight(gap.note, gap.score, gap.signal, gap.quoted)))
    return [made for _, made in sorted(found, key=lambda pair: -pair[0])]
