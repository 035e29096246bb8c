"""Who is right: agreement, paired comparison over transcripts, and its verdicts in words."""

from __future__ import annotations

import math
import random
from pathlib import Path
from typing import Any

import orjson
import pytest
from helpers.runs_by_hand import make_run, put

from benchmarks.agreement import study, verdicts
from runner.answers.labels import FindingLabel, LabelIndex, found_items, label_of, labels_csv
from runner.base.agreement import cohen_kappa, coincidences, krippendorff_alpha
from runner.record.store import payload_digest
from runner.reports.compare.assessment import assess, pair_words
from runner.reports.compare.assessment_data import (
    Setting,
    precision_of,
    verdicts_of,
)
from runner.reports.compare.compare import Comparison, compare
from runner.reports.compare.paired import (
    MIN_TRANSCRIPTS,
    Counts,
    Difference,
    difference,
    is_significant,
    needed,
    rate_of,
)
from runner.reports.compare.text import as_markdown, as_terminal
from runner.reports.compare.write import write_comparison

# Krippendorff, "Computing Krippendorff's alpha-reliability", 2011, section C: four observers.
RELIABILITY = (
    "1 2 3 3 2 1 4 1 2 . . .", "1 2 3 3 2 2 4 1 2 5 . 3",
    ". 3 3 3 2 3 4 2 2 5 1 .", "1 2 3 3 2 4 4 1 2 5 1 .",
)  # fmt: skip


def test_kappa_and_alpha_are_those_of_published_examples() -> None:
    units = zip(*(line.split() for line in RELIABILITY), strict=True)
    counts = [[unit.count(value) for value in "12345"] for unit in units]
    alpha = krippendorff_alpha([coincidences(counts)])
    kappa = cohen_kappa([[[20, 5], [10, 15]]])

    assert alpha == pytest.approx(0.743, abs=0.0005)
    assert kappa == pytest.approx(0.4)


@pytest.mark.parametrize("both", [0, 7])
def test_agreement_is_unknown_where_chance_alone_would_agree(both: int) -> None:
    tables = [[[both, 0], [0, 0]]]

    assert math.isnan(cohen_kappa(tables))
    assert math.isnan(krippendorff_alpha(tables))


def test_equal_settings_are_seldom_told_apart_and_different_ones_often() -> None:
    """Synthetic raters; benchmarks/agreement.py has more studies."""
    source = random.Random(3)
    equal = [verdicts(study(source, 7, (0.7, 0.7)))[0][1] for _ in range(40)]
    apart = [verdicts(study(source, 9, (0.8, 0.4)))[0][1] for _ in range(10)]

    assert sum(equal) <= 2
    assert sum(apart) >= 8


def test_the_test_is_that_of_all_swaps_and_seeded_beyond_them() -> None:
    better = [(8.0, 10.0)] * 6
    worse = [(5.0, 10.0)] * 6
    many = difference(better * 40, worse * 40)
    found = difference(better, worse)

    assert found is not None
    assert found.p == pytest.approx(2 / 2**6)
    assert (found.value, found.n) == (pytest.approx(0.3), 6)
    assert many is not None
    assert (many, 240) == (difference(better * 40, worse * 40), many.n)
    assert many.p == pytest.approx(1 / 2000)


def test_all_and_none_have_an_interval_and_one_of_many_checks_is_chance() -> None:
    passed, failed = [(1.0, 1.0)] * 6, [(0.0, 3.0)] * 6
    found, rate = difference(passed, failed), rate_of(failed)
    settings = [Setting("a"), Setting("b")]
    for at, name in enumerate(["check one", "check two", "check three"]):
        for n in range(8):
            settings[0].add(name, f"{n}", 1, 1)
            settings[1].add(name, f"{n}", float(n < 2 or at > 0), 1)
    told = {e.figure: (e.p, e.told_apart) for e in assess(settings, [], []).pairs}

    assert found is not None
    assert rate is not None
    assert (pytest.approx(0.45, abs=0.01), 1.0) == (found.low, found.high)
    assert (0.0, 0.39) == (rate.low, pytest.approx(rate.high, abs=0.01))
    assert (pytest.approx(3 * 2 / 2**6), False) == told["check one"]


def test_a_sentence_names_settings_of_many_keys_by_their_number() -> None:
    settings = [Setting("a" * 80, 1), Setting("short", 2)]
    for setting, passed in zip(settings, (1.0, 0.0), strict=True):
        for n in range(8):
            setting.add("check one", f"{n}", passed, 1)
    found = assess(settings, [], [])

    assert found.lines[0].startswith("setting 1 passes the check “one” 100 points more often than ")
    assert ("a" * 80, "short") == (found.pairs[0].first, found.pairs[0].second)


def test_pairing_sees_what_transcripts_of_unlike_difficulty_would_hide() -> None:
    hard = [0.2, 0.3, 0.5, 0.6, 0.7, 0.8, 0.9, 0.4]
    one: list[Counts] = [(10 * each, 10.0) for each in hard]
    other: list[Counts] = [(10 * each - 1, 10.0) for each in hard]
    found = difference(one, other)

    assert found is not None
    assert is_significant(found, found.p)
    assert not is_significant(found, None)


def test_few_transcripts_have_no_interval_and_no_verdict() -> None:
    for n in (1, 2, MIN_TRANSCRIPTS - 1):
        found = difference([(9.0, 10.0)] * n, [(1.0, 10.0)] * n)

        assert found is not None
        assert not is_significant(found, found.p)
        assert (found.low is None) == (n < 3)
    assert difference([(0.0, 0.0)], [(1.0, 1.0)]) is None
    assert rate_of([]) is None
    once = rate_of([(1.0, 1.0)]), rate_of([(1.0, 1.0)], counted=False)
    assert [pytest.approx(0.207, abs=1e-3), None] == [each and each.low for each in once]
    assert rate_of([(0.0, 0.0)]) is None


def test_what_is_needed_grows_with_the_error_and_with_the_pairs() -> None:
    small, large = (Difference(v, -0.1, 0.1, 12, 0.3, 0.04) for v in (0.02, 0.1))
    few, more, many = needed(large, 1), needed(large, 10), needed(small, 1)

    assert few is not None
    assert more is not None
    assert many is not None
    assert MIN_TRANSCRIPTS < few < more < many
    assert needed(Difference(0.0, -0.1, 0.1, 12, 1.0, 0.04), 1) is None


def insight(text: str) -> dict[str, Any]:
    evidence = [{"segment": f"S{len(text):04}", "quote": text, "match": "exact"}]
    return {"text": text, "confidence": 0.9, "category": "x", "evidence": evidence}


def run_of(root: Path, model: str, number: int, texts: list[str], **figures: Any) -> Path:
    """Write a sweep's job of *model* on transcript *number* that found *texts*."""
    sha = f"{number:02}" * 32
    path = make_run(
        root / f"sweeps/one/{model}{number}",
        overrides=(f"model.name=openai/{model}", f"transcript.path={number}.txt"),
        config={"model.name": f"openai/{model}", "transcript.path": f"{number}.txt"},
        metadata={"transcript": {"sha256": sha, "segments": 9}},
        **figures,
    )
    record = {
        "schema_version": 2,
        "stage": "stage_a",
        "analyzer": "actions",
        "status": "ok",
        "error": None,
        "missing": {},
        "key": "ab" * 32,
        "raw_output": "{}",
        "finish_reason": "stop",
        "insights": [insight(text) for text in texts],
        "structured_data": {},
    }
    put(path / "intermediate/stage_a/actions.json", {**record, "sha256": payload_digest(record)})
    return path


WORDS = ["Ann mends the pump", "Bo writes to the port", "Cy asks Dee", "Eve is sold the moon"]


def sweep(root: Path, transcripts: int) -> Comparison:
    """Write two settings of which the cheap one finds less, and labels in an earlier run."""
    labels: list[FindingLabel] = []
    for number in range(1, transcripts + 1):
        texts = [f"{text} {number}" for text in WORDS]
        run_of(root, "cheap", number, texts[1:], coverage=0.2)
        strong = run_of(root, "strong", number, texts, coverage=0.4 + number / 100)
        put(strong / "checks.json", {"checks": [{"check": "c", "status": "passed"}]})
        items = found_items("actions", {"insights": [insight(t) for t in texts]})
        for place, item in enumerate(items):
            for rater in ("ann", "bo"):
                verdict = (
                    "wrong" if place == 3 or (rater, place, number) == ("bo", 0, 1) else "right"
                )
                labels.append(label_of(item, f"{number:02}" * 32, verdict, rater=rater))
    earlier = root / "runs/earlier"
    earlier.mkdir(parents=True)
    (earlier / "labels.csv").write_bytes(labels_csv(labels))
    return compare([root / "sweeps/one"])


def test_the_next_sweep_uses_the_labels_of_an_earlier_run(tmp_path: Path) -> None:
    made = sweep(tmp_path, 7)
    cheap, strong = made.assessment.settings
    figures = {name: round(found.value, 3) for name, found in strong.figures.items()}
    lines = "\n".join(made.assessment.lines)

    assert (cheap.transcripts, cheap.findings, cheap.labelled) == (7, 21, 21)
    assert figures == {"precision": 0.741, "found actions": 1.0, "coverage": 0.44, "check c": 1.0}
    assert (
        "cheap finds 30 points fewer actions than model.name=openai/strong, 95 % −33 to −" in lines
    )
    assert ": significant with 7 transcripts" in lines
    assert "ann and bo agree on verdicts with Cohen's kappa 0.91" in lines
    assert "agree on what to cite with Cohen's kappa" in lines
    for page in (as_terminal(made), as_markdown(made)):
        assert "significant with 7 transcripts" in page
    assert "Some settings read other transcripts" in "".join(made.notes)
    assert "different transcripts" in made.verdict  # and no longest one is called the slowest
    write_comparison(made, tmp_path)
    stored = orjson.loads((tmp_path / "comparison.json").read_bytes())["right_or_wrong"]
    assert len(stored["pairs"]) == 3
    assert "significant with 7 transcripts" in (tmp_path / "comparison.html").read_text()
    assert precision_of(tmp_path / "sweeps/one/cheap2") == pytest.approx(2 / 3)


def test_labels_of_one_setting_alone_do_not_make_it_better(tmp_path: Path) -> None:
    labels: list[FindingLabel] = []
    for number in range(1, 9):
        texts = [f"{text} {number}" for text in (*WORDS, "Fay owes a cow", "Gus is ill in May")]
        run_of(tmp_path, "old", number, texts[:4])
        run_of(tmp_path, "new", number, texts[2:])
        items = found_items("actions", {"insights": [insight(t) for t in texts[:4]]})
        labels += [label_of(item, f"{number:02}" * 32, "right") for item in items]
    (tmp_path / "sweeps/one/labels.csv").write_bytes(labels_csv(labels))
    found = compare([tmp_path / "sweeps/one"]).assessment

    assert [pair.told_apart for pair in found.pairs if pair.figure == "found actions"] == [False]
    assert found.lines[0].endswith(
        "not comparable: of what only it found 0%, of what only the other found 100% is labelled"
    )


def test_a_finding_labelled_in_two_wordings_is_found_by_both_settings() -> None:
    texts = ["Ann mends the pump in the cellar", "Ann mends the pump in our cellar"]
    one, other = (next(found_items("a", {"insights": [insight(text)]})) for text in texts)
    index, differ = (
        LabelIndex([label_of(one, "ab" * 32, "right"), label_of(other, "ab" * 32, verdict)])
        for verdict in ("right", "wrong")
    )

    assert (["right"], {one.key, other.key}) == verdicts_of([one], index, "ab" * 6)
    assert (["wrong"], {other.key}) == verdicts_of([other], differ, "ab" * 6)


@pytest.mark.parametrize(
    ("name", "value", "ends", "more", "said"),
    [
        ("found action_items", -0.04, (-0.09, 0.01), 40, "finds 4 points fewer action items than "
         "B, 95 % −9 to +1: not significant with 12 transcripts; about 40 would be enough"),
        ("found", 0.04, (-0.01, 0.09), None, "finds 4 points more of the findings labelled right "
         "than B, 95 % −1 to +9: not significant with 12 transcripts; more than 1,000 would be "
         "needed"),
        ("coverage", 0.012, (-0.01, 0.03), 694, "covers 1 point more of the transcripts than B, "
         "95 % −1 to +3: not significant with 12 transcripts; about 700 would be enough"),
        ("check a count", -0.2, (-0.5, 0.1), 24, "passes the check “a count” 20 points less often "
         "than B, 95 % −50 to +10: not significant with 12 transcripts; about 24 would be enough"),
        ("found say_means", 0.1, (0.0, 0.2), 30, "finds 10 points more findings of say means than "
         "B, 95 % 0 to +20: not significant with 12 transcripts; about 30 would be enough"),
        ("found testimony", -0.1, (None, None), None, "finds 10 points fewer findings of testimony "
         "than B: 12 of 6 transcripts that a verdict needs"),
        ("check a count", 0.001, (-0.02, 0.02), 40, "and B differ by less than a point (check "
         "a count), 95 % −2 to +2: not significant with 12 transcripts; about 40 would be enough"),
    ],
)  # fmt: skip
def test_a_verdict_is_a_sentence(
    name: str, value: float, ends: tuple[float | None, float | None], more: int | None, said: str
) -> None:
    gap = Difference(value, *ends, 12, 0.2, 0.03)

    assert f"A {said}" == pair_words(name, "A", "B", gap, 0.2, more, apart=False)


def test_a_few_transcripts_are_a_whole_number() -> None:
    gap = Difference(0.1, -0.1, 0.3, 6, 0.2, 0.03)

    assert "about 7 would be enough" in pair_words("coverage", "A", "B", gap, 0.2, 7, apart=False)


def test_few_shared_transcripts_are_said_once_and_bad_labels_noted(tmp_path: Path) -> None:
    sweep(tmp_path, 2)
    (tmp_path / "sweeps/one/labels.csv").write_text("key,verdict\nx,maybe\n")
    found = compare([tmp_path / "sweeps/one"]).assessment

    assert [line for line in found.lines if "points" in line] == []
    assert any("at most 2 of the 6 transcripts" in note for note in found.notes)
    assert any("Labels are left out" in note and "maybe" in note for note in found.notes)
