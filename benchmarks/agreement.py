"""Calibration of comparisons on synthetic raters: false "better", coverage of intervals, power.

    python -m benchmarks.agreement [--studies N]

Every transcript has 5 to 15 labelled findings and a difficulty of its own, which both settings
share in part; a setting's finding is right with the probability that both give.
"""

import random
import sys
from collections.abc import Sequence

from runner.reports.compare.paired import Counts, Difference, difference, is_significant, needed
from runner.reports.compare.spread import holm

STUDIES = 400
SIZES = (6, 8, 12, 20, 40)
GAPS = (0.0, 0.05, 0.1, 0.2)


def study(
    source: random.Random,
    transcripts: int,
    rates: Sequence[float],
    labels: Sequence[tuple[int, int]] = (),
) -> list[list[Counts]]:
    """Return right and labelled findings of settings with *rates*, by setting and transcript.

    *labels* are the fewest and the most labelled findings of each setting, by default 5 and 15.
    """
    settings: list[list[Counts]] = [[] for _ in rates]
    for _ in range(transcripts):
        hard = source.gauss(0, 0.12)
        for at, (setting, rate) in enumerate(zip(settings, rates, strict=True)):
            chance = min(0.98, max(0.02, rate + hard + source.gauss(0, 0.06)))
            labelled = source.randint(*(labels[at] if labels else (5, 15)))
            right = sum(source.random() < chance for _ in range(labelled))
            setting.append((float(right), float(labelled)))
    return settings


def verdicts(settings: Sequence[Sequence[Counts]]) -> list[tuple[Difference, bool]]:
    """Return the difference of every pair, and whether it is significant."""
    pairs = [(a, b) for at, a in enumerate(settings) for b in settings[at + 1 :]]
    found = [gap for a, b in pairs if (gap := difference(a, b)) is not None]
    adjusted = holm([1.0 if gap.p is None else gap.p for gap in found])
    return [(gap, is_significant(gap, p)) for gap, p in zip(found, adjusted, strict=True)]


def main(studies: int) -> None:
    """Print a table: of *studies* each, how many say "better", and how many intervals hold."""
    source = random.Random(1)
    print("transcripts  difference  significant  interval holds it  transcripts said to be needed")
    for size in SIZES:
        for gap in GAPS:
            better = held = 0
            wants = []
            for _ in range(studies):
                ((found, apart),) = verdicts(study(source, size, (0.7, 0.7 - gap)))
                better += apart
                held += found.low is not None and found.low <= gap <= (found.high or 0.0)
                wants.append(needed(found, 1) or 1000)
            middle = sorted(wants)[studies // 2]
            rates = f"{better / studies:11.1%}  {held / studies:17.1%}"
            print(f"{size:11}  {gap:10.2f}  {rates}  {middle}")
    for size in SIZES:
        wrong = sum(
            verdicts(study(source, size, (0.7, 0.7), ((1, 4), (15, 40))))[0][1]
            for _ in range(studies)
        )
        print(f"{size} transcripts, equal settings of 1-4 and 15-40 labels: {wrong / studies:.1%}")
    for count in (3, 5):
        wrong = sum(
            any(apart for _, apart in verdicts(study(source, 12, (0.7,) * count)))
            for _ in range(studies)
        )
        print(
            f"{count} equal settings, 12 transcripts: any pair significant in {wrong / studies:.1%}"
        )


if __name__ == "__main__":
    main(int(sys.argv[2]) if sys.argv[1:2] == ["--studies"] else STUDIES)
