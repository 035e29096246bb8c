"""Reading of postulate_theorem: postulates, theorems and conjectures."""

from collections.abc import Iterator, Sequence

from runner.providers.offline.dialogue.axioms import (
    Conjecture,
    Postulate,
    find_conjectures,
    find_postulates,
)
from runner.providers.offline.dialogue.dialogue import read_dialogue
from runner.providers.offline.dialogue.insights import (
    best_first,
    cite,
    discussed_only,
    insight,
    says,
    who,
)
from runner.providers.offline.dialogue.reasoning import Reasoning, find_reasoning
from runner.providers.offline.document import Document
from runner.providers.offline.language.ranking import diverse
from runner.providers.offline.language.wording import excerpt, plain

_LIMITS = {"postulates": 3, "theorems": 5, "conjectures": 4, "insights": 10}


def read(document: Document) -> dict[str, object]:
    """Find grounds, conclusions and guesses by cues; pure and deterministic."""
    dialogue = read_dialogue(document)
    reasonings = find_reasoning(dialogue)
    theorems = diverse(
        [r for r in reasonings if r.score > 0.3] or reasonings,
        _LIMITS["theorems"],
        text=lambda r: r.assertion,
        group=lambda r: r.speaker,
    )
    theorems = sorted(theorems, key=lambda r: -r.score)
    grounds = find_postulates(dialogue, theorems, _LIMITS["postulates"])
    used = {q.index for r in theorems for q in r.quoted}
    guesses = find_conjectures(dialogue, used, _LIMITS["conjectures"])
    found = best_first(_insights(grounds, theorems, guesses), _LIMITS["insights"])
    return {
        "insights": found or discussed_only(dialogue, "rules, facts or conclusions"),
        "structured_data": {
            "postulates": [_ground_item(n, ground) for n, ground in enumerate(grounds, start=1)],
            "theorems": [_theorem_item(n, t, grounds) for n, t in enumerate(theorems, start=1)],
            "conjectures": [
                {
                    "statement": plain(guess.sentence.text),
                    "test": "Not recognised.",
                    "evidence": cite(guess.sentence),
                }
                for guess in guesses
            ],
        },
    }


def _ground_item(number: int, ground: Postulate) -> dict[str, object]:
    return {
        "id": f"P{number}",
        "statement": ground.statement,
        "kind": ground.kind,
        "speaker": ground.sentence.speaker,
        "evidence": cite(ground.sentence),
    }


def _theorem_item(
    number: int, theorem: Reasoning, grounds: Sequence[Postulate]
) -> dict[str, object]:
    return {
        "id": f"T{number}",
        "statement": plain(theorem.assertion),
        "follows_from": _rests_on(theorem, grounds),
        "inference": theorem.relation,
        "gap": "Not recognised.",
        "evidence": cite(*theorem.quoted),
    }


def _rests_on(theorem: Reasoning, grounds: Sequence[Postulate]) -> list[str]:
    """Return the ids (P1, P2, …) of the *grounds* of *theorem*."""
    return [f"P{n}" for n, each in enumerate(grounds, start=1) if each.statement == theorem.ground]


_TAKEN = {
    "fact": "reports",
    "rule": "states a requirement",
}


def _insights(
    grounds: Sequence[Postulate], theorems: Sequence[Reasoning], guesses: Sequence[Conjecture]
) -> Iterator[tuple[float, dict[str, object]]]:
    """Yield the speakers' words for theorems, guesses, and postulates of no theorem."""
    for theorem in theorems[:4]:
        words = " … ".join(excerpt(s.text, 200) for s in theorem.quoted)
        label = "supposes" if theorem.relation == "conditional" else "infers"
        ids = _rests_on(theorem, grounds)
        text = f'{who(theorem.speaker)} {label} ("{theorem.connective}"): "{words}".'
        text += f" It draws on {', '.join(ids)}." if len(ids) > 1 else ""
        yield theorem.score, insight(text, theorem.score, "theorem", theorem.quoted)
    for guess in guesses[:3]:
        s, does = guess.sentence, f'puts forward a guess ("{guess.phrase}")'
        yield guess.score, insight(says(s, does=does), guess.score, "conjecture", [s])
    used = {q.index for theorem in theorems[:4] for q in theorem.quoted}
    used |= {guess.sentence.index for guess in guesses[:3]}
    alone = [each for each in grounds[len(theorems) :] if each.sentence.index not in used]
    for ground in alone[:4]:
        text = says(ground.sentence, does=_TAKEN[ground.kind])
        made = insight(text, ground.score, f"postulate_{ground.kind}", [ground.sentence])
        yield ground.score, made
