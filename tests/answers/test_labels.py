"""Labels in labels.csv: what they are stored as, and which findings they fit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from runner.answers.labels import (
    FindingLabel,
    LabelIndex,
    found_items,
    label_of,
    labels_csv,
    read_labels,
    verdict_of,
)
from runner.base.errors import ConfigError

SHA = "ab" * 32


def answer(text: str = "We ship 12 units.", segment: str = "S0003", **more: Any) -> dict[str, Any]:
    evidence = [{"segment": segment, "quote": "ship  twelve", "match": "exact"}]
    insight = {"text": text, "confidence": 0.9, "category": "plan", "evidence": evidence}
    return {"insights": [{**insight, **more}], "structured_data": {}}


def test_a_key_holds_across_rendering_and_changes_with_what_is_said() -> None:
    (one,) = found_items("decisions", answer())
    (same,) = found_items("decisions", answer("We  ship\n12 units.", confidence=0.1, category="x"))
    others = [
        next(found_items("actions", answer())),
        next(found_items("decisions", answer("We ship 13 units."))),
        next(found_items("decisions", answer(segment="S0004"))),
    ]

    assert same.key == one.key
    assert len(one.key) == 16
    assert one.key not in {each.key for each in others}


def test_every_list_and_group_of_an_answer_has_findings_and_damage_has_none() -> None:
    data = {
        "decisions": [{"text": "Ship", "owner": None, "evidence": []}, "not a mapping", {}],
        "summary": {"title": "All well"},
        "count": 3,
    }
    found = found_items("a", {"insights": [3, {"text": ""}], "structured_data": data})

    assert [("decisions", "Ship"), ("summary", "All well")] == [(e.part, e.text) for e in found]
    assert [] == list(found_items("a", {"insights": {"x": 1}, "structured_data": [1]}))


def test_a_key_point_that_repeats_an_insight_is_one_finding_with_it() -> None:
    (insight,) = answer()["insights"]
    point = {"text": insight["text"], "source": "decisions", "evidence": insight["evidence"]}
    others = [{**point, "evidence": []}, {**point, "owner": "Ana"}]
    data = {"key_points": [point, *others]}
    found = [*found_items("summary", {"insights": [insight], "structured_data": data})]

    assert ["insights", "key_points", "key_points"] == [each.part for each in found]
    assert "We ship 12 units.; decisions; Ana" == found[2].text


def test_labels_come_back_as_they_were_given(tmp_path: Path) -> None:
    (item,) = found_items("decisions", answer('=1+1 "said", she'))
    given = [
        label_of(item, SHA, "wrong", note="=no; never", correction="+13", rater="ann"),
        label_of(item, SHA, "right", note="'tis so, she said", rater="bo"),
    ]
    (tmp_path / "labels.csv").write_bytes(labels_csv(given))

    assert given == read_labels(tmp_path / "labels.csv")


def test_a_table_by_hand_may_have_two_columns_semicolons_and_empty_rows(tmp_path: Path) -> None:
    file = tmp_path / "labels.csv"
    file.write_text("\ufeffKey;Verdict;comment\nk1;Right;x\nk2;;\nk1; W ;y\n", encoding="utf-8")

    assert [FindingLabel("k1", "wrong")] == read_labels(file)
    file.write_text("\n")
    assert [] == read_labels(file)
    file.write_text("sep=;\nkey;verdict;transcript\nk0\nk1;right;1,23E+11\n")
    assert [FindingLabel("k1", "right")] == read_labels(file)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("key,verdict\nk,rigth\n", "labels.csv:2: verdict 'rigth'; did you mean 'right'?"),
        ("key,verdict\nk,yes\n", "labels.csv:2: verdict 'yes'; known: right, unsure, wrong"),
        ("kye,verdict\nk,right\n", "labels.csv:1: there is no column 'key'; did you mean 'kye'?"),
        (b"key,verdict\n\xff,right\n", "it is not UTF-8"),
        ('key,verdict\n"k,right\nl,wrong\n', "unexpected end of data"),
        ("key,verdict\n,right\n", "labels.csv:2: expected the key of a finding"),
    ],
)
def test_a_table_that_is_none_is_one_line(tmp_path: Path, text: str | bytes, said: str) -> None:
    file = tmp_path / "labels.csv"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ConfigError) as raised:
        read_labels(file)

    assert said in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_link_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("key,verdict\nk,right\n")
    (tmp_path / "labels.csv").symlink_to(tmp_path / "secret")
    with pytest.raises(ConfigError, match="cannot be read"):
        read_labels(tmp_path / "labels.csv")


@pytest.mark.parametrize(
    ("text", "segment", "sha", "fits"),
    [
        ("We ship 12 units.", "S0003", SHA, True),
        ("we ship 12 units", "S0003", SHA, True),  # near
        ("We ship 13 units.", "S0003", SHA, False),  # another number
        ("We don't ship 12 units.", "S0003", SHA, False),  # the opposite
        ("We never ship 12 units.", "S0003", SHA, False),
        ("We ship 12 units.", "S0009", SHA, False),  # said elsewhere
        ("We ship 12 units.", "S0003", "cd" * 32, False),  # another transcript
        ("They sold the harbour.", "S0003", SHA, False),
    ],
)
def test_a_label_fits_an_equal_or_near_finding_of_the_same_transcript_only(
    text: str, segment: str, sha: str, fits: bool
) -> None:
    (item,) = found_items("decisions", answer())
    index = LabelIndex([label_of(item, SHA, "right", rater="ann")])
    (other,) = found_items("decisions", answer(text, segment))

    assert fits == bool(index.of(other, sha))


def test_a_label_does_not_fit_the_same_words_about_another_person() -> None:
    said = "The harbour crew expects that {} pays for the repair of the second buoy."
    (ann,), (ben,) = (found_items("decisions", answer(said.format(n))) for n in ("Ann", "Ben"))

    assert [] == LabelIndex([label_of(ann, SHA, "right", rater="a")]).of(ben, SHA)


def test_most_raters_decide_and_each_counts_once() -> None:
    (item,) = found_items("decisions", answer())
    labels = [label_of(item, SHA, v, rater=r) for v, r in [("right", "a"), ("wrong", "b")]]

    assert verdict_of(labels) == "unsure"
    assert verdict_of([*labels, label_of(item, SHA, "right", rater="c")]) == "right"
    assert verdict_of([]) == ""
    assert len(LabelIndex(labels).of(item, SHA)) == 2
