"""Labels on some findings of two settings, and what they say of the others."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

import pytest

from runner.answers.labels import FoundItem, LabelIndex, label_of, labels_csv
from runner.reports.compare.assessment import FigurePair, assess
from runner.reports.compare.assessment_data import FOUND, PRECISION, Setting, known_labels
from runner.reports.compare.assessment_data import verdicts_of as people_say

TRANSCRIPTS = 12
WORDS = "pump cellar harbour crane ladder valve motor sensor cable gauge winch mast"


def finding(place: str, number: int) -> FoundItem:
    source = random.Random(f"{place}{number}")  # so that no two are alike
    words = " ".join(source.sample(WORDS.split(), 6))
    return FoundItem("a", "insights", words, ((f"S{number:04}", "q"),))


def pairs(
    both: int, own: int, marked: Sequence[Sequence[int]], wrong: Sequence[int] = (0, 0),
    places: int = TRANSCRIPTS,
) -> dict[str, FigurePair]:  # fmt: skip
    """Return the figures of two settings that share *both* findings and have *own* ones each.

    *marked* are how many of each setting's own findings, and of the shared ones, have a label;
    of the own ones, the first *wrong* are called wrong. Those of the second setting have labels
    in the first *places* transcripts only.
    """
    settings = [Setting("one", 1), Setting("two", 2)]
    for number in range(TRANSCRIPTS):
        sha = f"{number:012x}"
        shared = [finding(f"{sha} both", n) for n in range(both)]
        owns = [[finding(f"{sha} {each.label}", 50 + n) for n in range(own)] for each in settings]
        labels = [label_of(item, sha, "right") for item in shared[: marked[1][0]]]
        counts = (marked[0][0], marked[0][1] * (number < places))
        for items, count, bad in zip(owns, counts, wrong, strict=True):
            labels += [
                label_of(item, sha, "wrong" if place < bad else "right")
                for place, item in enumerate(items[:count])
            ]
        right = {label.key for label in labels if label.verdict == "right"}
        for setting, items in zip(settings, owns, strict=True):
            verdicts, fits = people_say([*shared, *items], LabelIndex(labels), sha)
            setting.runs[sha] = 1
            setting.items[sha] = list(zip([*shared, *items], verdicts, strict=True))
            setting.known[sha] = {("a", key): float(key in fits) for key in right}
            for key in right:
                setting.add(FOUND, sha, key in fits, 1)
            judged = verdicts.count("right") + verdicts.count("wrong")
            setting.add(PRECISION, sha, verdicts.count("right"), judged)
    return {pair.figure: pair for pair in assess(settings, [], []).pairs}


def test_labels_of_a_third_of_one_setting_make_it_no_better_though_nine_in_ten_are_shared() -> None:
    found = pairs(9, 1, [(1, 0), (3,)])[FOUND]

    assert not found.told_apart
    assert found.words.endswith(
        "not comparable: of what only it found 100%, of what only the other found 0% is labelled"
    )


def test_unlabelled_findings_do_not_matter_where_they_could_not_turn_the_verdict() -> None:
    found = pairs(0, 8, [(8, 7), (0,)], wrong=(0, 7))

    assert found[FOUND].told_apart
    assert "not comparable" not in found[PRECISION].words


@pytest.mark.parametrize(("places", "each"), [(11, 1), (5, 3)])
def test_a_few_labels_that_all_say_right_make_no_setting_better(places: int, each: int) -> None:
    few = pairs(5, 5, [(5, each), (5,)], wrong=(2, 0), places=places)[PRECISION]
    enough = pairs(5, 5, [(5, each), (5,)], wrong=(2, 0), places=12)[PRECISION]

    assert not few.told_apart
    assert "not comparable" in few.words
    assert enough.told_apart


@pytest.mark.parametrize("both", [0, 6])
def test_it_does_not_matter_how_many_findings_of_each_setting_are_labelled(both: int) -> None:
    equal = pairs(both, 10, [(3, 9), (both // 2,)])
    apart = pairs(both, 10, [(4, 8), (both // 2,)], wrong=(0, 6))
    whole = pairs(both, 8, [(8, 8), (both,)], wrong=(0, 6))

    assert {0.0} == {pair.difference.value for pair in equal.values()}
    assert [True, True] == [apart[name].told_apart for name in (FOUND, PRECISION)]
    assert apart[PRECISION].difference.value == pytest.approx(0.75 * 10 / (10 + both))
    assert whole[PRECISION].difference.value == pytest.approx(0.75 * 8 / (8 + both))


def test_unsure_findings_count_as_neither_and_not_as_unlabelled() -> None:
    settings = [Setting("one", 1), Setting("two", 2)]
    for number in range(TRANSCRIPTS):
        sha = f"{number:012x}"
        for setting in settings:
            items = [finding(f"{sha}{setting.label}", n) for n in range(4)]
            sure = number % 3 or setting.label == "two"
            verdicts = ["right", "right", "right", "wrong" if sure else "unsure"]
            setting.items[sha] = list(zip(items, verdicts, strict=True))
            setting.add(PRECISION, sha, 3, 4 if sure else 3)
    (found,) = assess(settings, [], []).pairs

    assert found.difference.value == pytest.approx(36 / 44 - 36 / 48)
    assert "not comparable" not in found.words


@pytest.mark.parametrize("place", ["", "runs", "runs/two", "sweeps", "sweeps/s/1"])
def test_labels_of_a_folder_of_runs_are_read_too(tmp_path: Path, place: str) -> None:
    for folder in ("runs/one", "runs/two", "sweeps/s/1"):
        (tmp_path / folder).mkdir(parents=True)
    label = label_of(finding("x", 1), "ab" * 32, "right")
    (tmp_path / place / "labels.csv").write_bytes(labels_csv([label]))

    assert ([label], []) == known_labels([tmp_path / "runs/one"])
