"""Redaction of a labelled set: which share of planted names and identifiers is masked.

python -m benchmarks.redact [FILE] [--missed]

The set is of this project's own making: talks in 20 languages, in which people and identifiers
stand in [[double brackets]]. A planted one is masked if no letter or digit of it is left;
precision is the share of what was masked that holds any part of a planted one.
"""

import argparse
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from runner.config.schema import TranscriptSettings
from runner.transcript.model import Transcript, Turn, make_segments
from runner.transcript.redact.build import redact
from runner.transcript.redact.redaction import Redaction

SET = Path(__file__).with_name("redact_set.txt")
SETTINGS = {"path": "talk", "format": "auto", "encoding": None, "token_budget": None}
TOKENS = {"overlap_tokens": 0, "reduce_token_budget": 1}
_PLANTED = re.compile(r"\[\[(.+?)\]\]")
_MASKED = re.compile(r"(?:PERSON|EMAIL|PHONE|ACCOUNTNR|ADDRESS|URL|IP|HANDLE)_\d+(?:_\d+)?")


@dataclass
class Score:
    """What was planted and masked; the lists hold the text around what went wrong."""

    planted: int = 0
    masked: int = 0
    stand_ins: int = 0
    missed: list[str] = field(default_factory=list)
    needless: list[str] = field(default_factory=list)

    @property
    def recall(self) -> float:
        """Share of the planted that is masked."""
        return self.masked / self.planted

    @property
    def precision(self) -> float:
        """Share of the stand-ins that hold a part of something planted."""
        return 1 - len(self.needless) / self.stand_ins


def talks(text: str) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Yield the title and the turns, with marks, of each talk."""
    for block in text.strip().split("\n\n"):
        title, *lines = block.splitlines()
        yield (
            title.lstrip("# "),
            [(turn[0], turn[2]) for turn in (x.partition(": ") for x in lines)],
        )


def transcript_of(turns: list[tuple[str, str]]) -> Transcript:
    """Return the transcript of *turns*, without marks."""
    plain = [Turn(_PLANTED.sub(r"\1", who), _PLANTED.sub(r"\1", said)) for who, said in turns]
    return Transcript("talk", "text", "", make_segments(plain))


def planted_in(text: str) -> list[str]:
    """Return what is planted in marked *text*."""
    return _PLANTED.findall(text)


def count(redaction: Redaction, marked: str, score: Score, *, label: bool = False) -> None:
    """Add the line *marked* to *score*."""
    plain, spans = "", []
    for place, piece in enumerate(_PLANTED.split(marked)):
        if place % 2:
            spans.append((len(plain), len(plain) + len(piece)))
        plain += piece
    shown = redaction.mask(plain, eager=label)
    covered, at, last = [], 0, 0
    for match in _MASKED.finditer(shown):
        at += match.start() - last
        size = len(redaction.restore(match[0])[0])
        covered.append((at, at + size))
        at, last = at + size, match.end()
    for start, end in spans:
        left = [i for i in range(start, end) if not any(a <= i < b for a, b in covered)]
        score.planted += 1
        if any(plain[i].isalnum() for i in left):
            score.missed.append(f"{plain[start:end]!r} in {shown}")
        else:
            score.masked += 1
    for a, b in covered:
        score.stand_ins += 1
        if not any(a < end and start < b for start, end in spans):
            score.needless.append(f"{plain[a:b]!r} in {plain}")


def measure(text: str) -> Iterator[tuple[str, Score]]:
    """Yield title and score of each talk in a labelled set."""
    settings = TranscriptSettings.model_validate({**SETTINGS, **TOKENS, "redact": "all"})
    for title, turns in talks(text):
        redaction, score = redact(settings, transcript_of(turns))[0], Score()
        for who, said in turns:
            count(redaction, who, score, label=True)
            count(redaction, said, score)
        yield title, score


def main() -> None:
    """Print recall and precision by talk."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("file", nargs="?", type=Path, default=SET)
    parser.add_argument("--missed", action="store_true", help="print what went wrong")
    options = parser.parse_args()
    total = Score()
    for title, score in measure(options.file.read_text(encoding="utf-8")):
        print(f"{title:<50} {score.masked:>3} of {score.planted:<3} {score.precision:6.1%}")
        total.planted, total.masked = total.planted + score.planted, total.masked + score.masked
        total.stand_ins += score.stand_ins
        total.missed += score.missed
        total.needless += score.needless
    print(f"recall {total.recall:.3f} of {total.planted}, precision {total.precision:.3f}")
    if options.missed:
        print(
            *("missed " + x for x in total.missed),
            *("needless " + x for x in total.needless),
            sep="\n",
        )


if __name__ == "__main__":
    main()
