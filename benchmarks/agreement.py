"""Calibration of comparisons on synthetic raters: false "better", coverage of intervals, power.

    python -m benchmarks.agreement [--studies N]

Every transcript has 5 to 15 labelled findings and a difficulty of its own, which both settings
share in part; a setting's finding is right with the probability that both give. A second table has
settings with findings in common, of which people labelled unequal shares.
"""

import itertools
import random
import sys
from collections.abc import Sequence

from runner.answers.labels import FindingLabel, FoundItem, LabelIndex, label_of
from runner.reports.compare.assessment import assess
from runner.reports.compare.assessment_data import FOUND, PRECISION, Setting, verdicts_of
from runner.reports.compare.paired import Counts, Difference, difference, is_significant, needed
from runner.reports.compare.spread import holm

STUDIES = 400
SIZES = (6, 8, 12, 20, 40)
GAPS = (0.0, 0.05, 0.1, 0.2)
FINDINGS = 10  # of a setting in a transcript with findings in common
# Shares of the findings of each setting that people label; a label holds for both that have it.
LABELLED = ((1.0, 1.0), (0.3, 0.3), (0.3, 0.0), (0.3, 0.8), (0.8, 0.1))
RIGHT = {  # of the findings of both, of the first setting only and of the second only
    "equal settings": (0.7, 0.7, 0.7),
    "equal, findings of both are better": (0.9, 0.5, 0.5),
    "the second is better": (0.9, 0.3, 0.8),
}


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


def partly_labelled(
    source: random.Random, transcripts: int, common: float, shares: Sequence[float],
    right: Sequence[float],
) -> dict[str, int]:  # fmt: skip
    """Return which setting is called better in each figure, 1 or -1, or 0 for neither.

    Of the findings of a setting, the share *common* is that of the other, too; *shares* of each are
    labelled, and *right* of those of both and of each alone are right.
    """
    settings = [Setting("one", 1), Setting("two", 2)]
    for number in range(transcripts):
        sha, hard = f"{number:012x}", source.gauss(0, 0.1)
        shared = sum(source.random() < common for _ in range(FINDINGS))
        sizes = (shared, FINDINGS - shared, FINDINGS - shared)
        held = [[_finding(source) for _ in range(size)] for size in sizes]
        chances = [min(0.98, max(0.02, rate + hard)) for rate in right]
        pairs = zip(held, chances, strict=True)
        said = {i.key: source.random() < chance for items, chance in pairs for i in items}
        labels: list[FindingLabel] = []
        for share, own in zip(shares, held[1:], strict=True):
            chosen = (item for item in (*held[0], *own) if source.random() < share)
            labels += [label_of(i, sha, "right" if said[i.key] else "wrong") for i in chosen]
        known = {label.key for label in labels if label.verdict == "right"}
        for setting, own in zip(settings, held[1:], strict=True):
            items = [*held[0], *own]
            verdicts, fits = verdicts_of(items, LabelIndex(labels), sha)
            setting.runs[sha] = 1
            setting.items[sha] = list(zip(items, verdicts, strict=True))
            setting.known[sha] = {("a", key): float(key in fits) for key in known}
            for key in known:
                setting.add(FOUND, sha, key in fits, 1)
            if judged := len(verdicts) - verdicts.count(""):
                setting.add(PRECISION, sha, verdicts.count("right"), judged)
    found = {pair.figure: pair for pair in assess(settings, [], []).pairs}
    return {n: p.told_apart * (1 if p.difference.value > 0 else -1) for n, p in found.items()}


def _finding(source: random.Random) -> FoundItem:
    return FoundItem("a", "insights", f"{source.getrandbits(160):040x}", ())


def print_partly_labelled(studies: int) -> None:
    """Print how many of *studies* call one of two settings better, by what people labelled."""
    print("transcripts  in common  labelled  figure  first better  second better")
    cases = itertools.product((6, 12), (0.0, 0.5, 0.9), LABELLED, RIGHT)
    for size, common, shares, name in cases:
        source = random.Random(f"{size} {common} {shares} {name}")
        found = [partly_labelled(source, size, common, shares, RIGHT[name]) for _ in range(studies)]
        for figure in (PRECISION, FOUND):
            rates = [
                sum(each.get(figure) == which for each in found) / studies for which in (1, -1)
            ]
            shown = "  ".join(f"{rate:6.1%}" for rate in rates)
            print(f"{size:3}  {common:.1f}  {shares}  {figure:10}  {shown}  {name}", flush=True)


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
    print_partly_labelled(studies)


if __name__ == "__main__":
    main(int(sys.argv[2]) if sys.argv[1:2] == ["--studies"] else STUDIES)
