"""Interviews whose truth is known: who says what of which theme, where, and on which side.

The sentences are in planted.yaml; equal seeds make equal files. Odd files are WebVTT, even ones
plain text with times. Each turn is one segment: S0001 is the first of its file.
"""

import json
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from runner.answers.themes import AGAINST, FOR
from runner.base.json import load_yaml

SAID = Path(__file__).with_name("planted.yaml")
FILES, SEED, PLAN = 60, 7, "plan.json"
SPOKEN_IN = (26, 24, 22, 20, 18, 16, 14, 12, 10, 9, 7, 6)  # files of each theme, of FILES
INTERVIEWER = "Interviewer"
_AGAINST, _TWICE, _PAIRS = 0.3, 0.2, 4  # shares of mentions; every how many-th file has two guests
_WORDS_S = 2.5  # words a second


@dataclass(frozen=True, slots=True)
class Mention:
    """What one speaker says of a theme: *quote* is a whole sentence of the *segment*.

    *note* is what an analyst writes of it.
    """

    file: str
    segment: str
    speaker: str
    side: str
    quote: str
    note: str


@dataclass(frozen=True, slots=True)
class PlantedTheme:
    """A theme and all its mentions."""

    name: str
    statement: str
    mentions: tuple[Mention, ...]

    @property
    def files(self) -> frozenset[str]:
        """The files in which it is spoken of."""
        return frozenset(mention.file for mention in self.mentions)

    def speakers(self, *sides: str) -> frozenset[tuple[str, str]]:
        """Return file and name of all who speak of it on one of *sides*."""
        return frozenset((m.file, m.speaker) for m in self.mentions if m.side in sides)


@dataclass(frozen=True, slots=True)
class Plan:
    """The truth: *turns* are speaker and text by file, *pairs* contradict each other."""

    turns: Mapping[str, tuple[tuple[str, str], ...]]
    themes: tuple[PlantedTheme, ...]
    pairs: tuple[tuple[str, Mention, Mention], ...]
    outliers: tuple[Mention, ...]


@dataclass
class _Talk:
    """An interview being generated: the lines left to its guests."""

    file: str
    guests: tuple[str, ...]
    owed: list[tuple[str, str, str, str, str]] = field(default_factory=list)


@cache
def said() -> Mapping[str, Any]:
    """Return the content of planted.yaml."""
    found: Mapping[str, Any] = load_yaml(SAID)
    return found


def planted(files: int = FILES, seed: int = SEED) -> Plan:
    """Return the plan of as many interviews; raise ValueError for fewer than 12."""
    if files < len(SPOKEN_IN):
        raise ValueError(f"{files} files: expected at least {len(SPOKEN_IN)}")
    rng = random.Random(f"{seed} {files}")
    talks = [_talk(number, rng) for number in range(1, files + 1)]
    for (name, theme), usual in zip(said()["themes"].items(), SPOKEN_IN, strict=True):
        for talk in rng.sample(talks, max(2, round(usual * files / FILES))):
            _owe(talk, name, theme, rng)
    singles = rng.sample(talks, 2 * len(said()["contradictions"]) + len(said()["outliers"]))
    for about, *claims in said()["contradictions"]:
        for quote, note in zip(claims[::2], claims[1::2], strict=True):
            singles.pop().owed.append(("", about, FOR, quote, note))
    for quote, note in said()["outliers"]:
        singles.pop().owed.append(("", "", FOR, quote, note))
    turns, mentions = {}, list[tuple[str, Mention]]()
    for talk in talks:
        turns[talk.file] = tuple(_turns(talk, rng, mentions))
    return _plan(turns, mentions)


def _talk(number: int, rng: random.Random) -> _Talk:
    names = rng.sample(said()["names"], 2 if number % _PAIRS == 0 else 1)
    return _Talk(f"interview_{number:04d}.{'vtt' if number % 2 else 'txt'}", tuple(names))


def _owe(talk: _Talk, name: str, theme: Mapping[str, Any], rng: random.Random) -> None:
    """Assign a theme to one guest or both, and to some of them twice on the same side."""
    for guest in rng.sample(talk.guests, rng.randint(1, len(talk.guests))):
        side = AGAINST if rng.random() < _AGAINST else FOR
        for quote, note in rng.sample(theme[side], 2 if rng.random() < _TWICE else 1):
            talk.owed.append((guest, name, side, quote, note))


def _turns(
    talk: _Talk, rng: random.Random, mentions: list[tuple[str, Mention]]
) -> Iterator[tuple[str, str]]:
    """Yield speaker and text of each turn; note each mention with its theme's name."""
    rng.shuffle(talk.owed)
    due: list[tuple[str, str, str, str, str] | None] = [*talk.owed, *[None] * rng.randint(2, 4)]
    rng.shuffle(due)
    for number, item in enumerate(due, 1):
        yield INTERVIEWER, rng.choice(said()["questions"])
        fillers = rng.sample(said()["filler"], 3)
        before, after = fillers[: rng.randint(0, 1)], fillers[2 : 2 + rng.randint(0, 1)]
        if item is None:
            yield rng.choice(talk.guests), " ".join(fillers[:2])
            continue
        guest, name, side, quote, note = item
        guest = guest if guest in talk.guests else rng.choice(talk.guests)
        segment = f"S{2 * number:04d}"
        mentions.append((name, Mention(talk.file, segment, guest, side, quote, note)))
        yield guest, " ".join([*before, quote, *after])


def _plan(
    turns: Mapping[str, tuple[tuple[str, str], ...]], mentions: Sequence[tuple[str, Mention]]
) -> Plan:
    def of(name: str) -> tuple[Mention, ...]:
        return tuple(mention for about, mention in mentions if about == name)

    themes = said()["themes"].items()
    return Plan(
        turns,
        tuple(PlantedTheme(name, theme["statement"], of(name)) for name, theme in themes),
        tuple((about, *of(about)) for about, *_ in said()["contradictions"]),
        of(""),
    )


def write(plan: Plan, folder: Path) -> Path:
    """Write the interviews into *folder* and the plan beside it; return *folder*."""
    folder.mkdir(parents=True)
    for file, turns in plan.turns.items():
        form = _vtt if file.endswith(".vtt") else _text
        (folder / file).write_text(form(turns), encoding="utf-8")
    truth = json.dumps(asdict(plan), indent=1, ensure_ascii=False)
    folder.with_name(PLAN).write_text(truth, encoding="utf-8")
    return folder


def _timed(turns: Sequence[tuple[str, str]]) -> Iterator[tuple[float, float, str, str]]:
    start_s = 0.0
    for speaker, text in turns:
        end_s = start_s + len(text.split()) / _WORDS_S
        yield start_s, end_s, speaker, text
        start_s = end_s + 0.5


def _vtt(turns: Sequence[tuple[str, str]]) -> str:
    cues = (
        f"{_clock(start_s)} --> {_clock(end_s)}\n<v {speaker}>{text}</v>\n"
        for start_s, end_s, speaker, text in _timed(turns)
    )
    return "\n".join(["WEBVTT\n", *cues])


def _text(turns: Sequence[tuple[str, str]]) -> str:
    return "".join(
        f"[{_clock(start_s)[:8]}] {who}: {text}\n" for start_s, _, who, text in _timed(turns)
    )


def _clock(seconds: float) -> str:
    whole = int(seconds)
    return f"{whole // 3600:02d}:{whole // 60 % 60:02d}:{seconds % 60:06.3f}"
