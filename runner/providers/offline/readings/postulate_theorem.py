"""Reading of postulate_theorem: postulates, theorems and conjectures."""

from collections.abc import Sequence

from runner.providers.offline.dialogue.axioms import (
    Postulate,
    find_postulates,
    gap_of,
    postulates_of,
)
from runner.providers.offline.dialogue.conjectures import Conjecture, find_conjectures
from runner.providers.offline.dialogue.dialogue import read_dialogue
from runner.providers.offline.dialogue.insights import cite, insight, no_cue, who
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
    guesses = find_conjectures(
        dialogue, {q.index for r in theorems for q in r.quoted}, _LIMITS["conjectures"]
    )
    found = _insights(grounds, theorems, guesses)
    return {
        "insights": found or no_cue(dialogue, "definitions, rules, facts or conclusions"),
        "structured_data": {
            "postulates": [_ground_item(n, ground) for n, ground in enumerate(grounds, start=1)],
            "theorems": [_theorem_item(n, t, grounds) for n, t in enumerate(theorems, start=1)],
            "conjectures": [_guess_item(guess) for guess in guesses],
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
        "follows_from": postulates_of(theorem, grounds),
        "inference": theorem.relation,
        "gap": gap_of(theorem),
        "evidence": cite(*theorem.quoted),
    }


def _guess_item(guess: Conjecture) -> dict[str, object]:
    return {
        "statement": plain(guess.sentence.text),
        "test": "A case that shows it, or one that rules it out.",
        "evidence": cite(guess.sentence),
    }


def _derived(theorem: Reasoning, rests_on: Sequence[str]) -> str:
    """Return a theorem in its speaker's words, with the postulates that it rests on."""
    said = " … ".join(excerpt(s.text, 200) for s in theorem.quoted)
    label = "supposes" if theorem.relation == "conditional" else "infers"
    ids = f" It draws on {', '.join(rests_on)}." if len(rests_on) > 1 else ""
    return f'{who(theorem.speaker)} {label} ("{theorem.connective}"): "{said}".{ids}'


_TAKEN = {
    "fact": "reports",
    "assumption": "assumes",
    "definition": "defines",
    "rule": "states a requirement",
}


def _taken(ground: Postulate) -> str:
    """Return a postulate in its speaker's words."""
    name, quote = who(ground.sentence.speaker), excerpt(ground.sentence.text)
    return f'{name} {_TAKEN[ground.kind]}: "{quote}".'


def _insights(
    grounds: Sequence[Postulate], theorems: Sequence[Reasoning], guesses: Sequence[Conjecture]
) -> list[dict[str, object]]:
    found: list[tuple[float, dict[str, object]]] = []
    used: set[int] = set()
    alone = grounds[len(theorems) :]
    for theorem in theorems[:4]:
        text = _derived(theorem, postulates_of(theorem, grounds))
        used.update(q.index for q in theorem.quoted)
        found.append((theorem.score, insight(text, theorem.score, "theorem", theorem.quoted)))
    for guess in guesses[:3]:
        text = f'{who(guess.sentence.speaker)} puts forward a guess ("{guess.phrase}"): '
        text += f'"{excerpt(guess.sentence.text)}".'
        used.add(guess.sentence.index)
        found.append((guess.score, insight(text, guess.score, "conjecture", [guess.sentence])))
    for ground in [g for g in alone if g.sentence.index not in used][:4]:
        made = insight(_taken(ground), ground.score, f"postulate_{ground.kind}", [ground.sentence])
        found.append((ground.score, made))
    ordered = sorted(found, key=lambda pair: -pair[0])
    return [made for _, made in ordered][: _LIMITS["insights"]]
