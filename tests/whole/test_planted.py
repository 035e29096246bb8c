"""The planted interviews, and the scores that say what of them was found."""

import errno
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from helpers import serving

import colloquy
from benchmarks.planted_corpus import Mention, Plan, planted, said, write
from benchmarks.planted_crashes import crashed, prepare
from benchmarks.planted_docetl import as_collection
from benchmarks.planted_model import answer
from benchmarks.planted_scores import scores
from runner.answers.themes import (
    AGAINST,
    FILE,
    FOR,
    Collection,
    Contradiction,
    Outlier,
    Position,
    Theme,
    ThemeQuote,
    Voice,
    read_collection,
)
from runner.base.json import load_json
from runner.providers.offline.language.asking import terms_of
from runner.transcript.read import read


def quoted(*mentions: Mention) -> tuple[ThemeQuote, ...]:
    return tuple(
        ThemeQuote(m.file, "runs/00/x", m.segment, None, m.speaker, m.quote, "exact", m.side)
        for m in mentions
    )


def whole(plan: Plan) -> Collection:
    """Return the truth as a pipeline would have found it."""

    def voices(speakers: frozenset[tuple[str, str]]) -> tuple[Voice, ...]:
        return tuple(Voice(*who) for who in sorted(speakers))

    return Collection(
        "interviews",
        "completed",
        themes=tuple(
            Theme(
                t.name,
                t.name,
                t.statement,
                tuple(sorted(t.files)),
                voices(t.speakers(FOR, AGAINST)),
                voices(t.speakers(FOR)),
                voices(t.speakers(AGAINST)),
                (),
                quoted(*t.mentions),
                (),
            )
            for t in plan.themes
        ),
        contradictions=tuple(
            Contradiction(about, about, tuple(Position("", quoted(m)) for m in sides), ())
            for about, *sides in plan.pairs
        ),
        outliers=tuple(
            Outlier(m.file, m.speaker, "", m.note, quoted(m), "alone") for m in plan.outliers
        ),
    )


def test_planted_interviews_are_equal_for_equal_seeds_and_are_read_turn_by_turn(
    tmp_path: Path,
) -> None:
    plan = planted(12)
    folder = write(plan, tmp_path / "talks")

    assert plan == planted(12) != planted(12, seed=8)
    assert (12, 3, 5) == (len(plan.themes), len(plan.pairs), len(plan.outliers))
    for file, turns in plan.turns.items():
        found = read(folder / file).transcript.segments
        assert turns == tuple((s.speaker, s.text) for s in found), file
        assert None not in {s.start_s for s in found}, file


def test_no_word_gives_a_planted_theme_away() -> None:
    for name, theme in said()["themes"].items():
        for wordings in zip(*theme[FOR], *theme[AGAINST], strict=True):
            shared = Counter(term for text in wordings for term in terms_of(text))
            assert 3 >= max(shared.values()), (name, shared.most_common(1))


def test_the_truth_scores_full_marks_and_each_fault_takes_its_own() -> None:
    plan = planted(16)
    truth = whole(plan)
    first, *rest = truth.themes
    one_file_less = replace(first, files=first.files[1:])
    spoken = replace(first, speakers=first.speakers[1:], for_=())
    other = replace(first, files=("interview_0001.vtt",))
    pair = truth.contradictions[0]
    same_side = replace(pair, sides=(Position("", pair.sides[0].quotes + pair.sides[1].quotes),))
    smalltalk = replace(
        first, files=other.files, quotes=(replace(first.quotes[0], segment="S0001"),)
    )
    invented = replace(first.quotes[0], quote="Nobody said so.")
    elsewhere = replace(first.quotes[0], speaker="Interviewer")

    full = scores(plan, truth)

    assert ["1.00", "12/12", "12/12", "12/12", "0", "0", "3/3", "5/5"] == list(full.cells()[:8])
    assert 0 < full.verified == full.quotes
    for fault, expected in (
        ({"themes": (one_file_less, *rest)}, {"files": 11}),
        ({"themes": (spoken, *rest)}, {"speakers": 11, "sides": 11}),
        (
            {"themes": (other, *rest)},
            {"found": 11, "files": 11, "speakers": 11, "sides": 11, "parts": 1},
        ),
        ({"themes": (*truth.themes, other)}, {"parts": 1}),
        ({"themes": (*truth.themes, smalltalk)}, {"false": 1}),
        ({"contradictions": (same_side,)}, {"contradictions": 0}),
        ({"outliers": truth.outliers[1:]}, {"outliers": 4}),
        ({"themes": (replace(first, quotes=(invented, elsewhere)), *rest)}, {}),
    ):
        found = scores(plan, replace(truth, **fault))
        counted = {"verified", "quotes"}
        kept = {k: v for k, v in _counts(full).items() if k not in counted}

        assert {**kept, **expected} == {k: v for k, v in _counts(found).items() if k not in counted}
    assert found.quotes - 2 == found.verified


def _counts(found: object) -> dict[str, int]:
    return {name: getattr(found, name) for name in found.__slots__}  # type: ignore[attr-defined]


def test_a_plan_needs_a_file_for_every_theme() -> None:
    with pytest.raises(ValueError, match="11 files: expected at least 12"):
        planted(11)


@pytest.mark.slow
def test_every_planted_theme_is_found_and_counted_exactly_through_a_tree_of_calls(
    tmp_path: Path,
) -> None:
    plan = planted(12)
    talks = write(plan, tmp_path / "talks")
    overrides = ["pipeline=interviews", "model=simulated", "max_insights_per_analyzer=20"]
    with serving(answer) as url:
        batch = colloquy.batch(
            talks,
            *overrides,
            f"model.api_base={url}",
            f"output.dir={tmp_path}",
            "stages.across.context.token_budget=1500",
        )
    found = read_collection(load_json(batch.path / FILE))

    assert found is not None
    assert {row.level for row in found.ledger if row.node.startswith("themes")} >= {0, 1}
    assert ["1.00", "12/12", "12/12", "12/12", "0", "0", "3/3", "5/5"] == list(
        scores(plan, found).cells()[:8]
    )
    assert all(quote.match == "exact" for theme in found.themes for quote in theme.quotes)


def test_a_collection_killed_or_out_of_disk_at_any_operation_repeats_no_stored_answer(
    tmp_path: Path,
) -> None:
    """`python -m benchmarks.planted_crashes` tries all operations."""
    subject = prepare(tmp_path, files=3)
    for code in (None, errno.ENOSPC, errno.EIO):
        trials = dict(crashed(subject, tmp_path, subject.operations // 3, code))

        assert [] == [each for each in trials.items() if each[1]]
        assert len(trials) >= 2


def test_what_docetl_writes_is_scored_as_our_own_is() -> None:
    plan = planted(12)
    rows = [
        {"note": about, "said": [_said(mention) for mention in mentions]}
        for about, mentions in (
            *((theme.statement, theme.mentions) for theme in plan.themes),
            *((about, pair) for about, *pair in plan.pairs),
            *((mention.note, [mention]) for mention in plan.outliers),
        )
    ]

    assert ["1.00", "12/12", "12/12", "12/12", "0", "0", "0/3", "5/5"] == list(
        scores(plan, as_collection(rows)).cells()[:8]
    )


def _said(mention: Mention) -> dict[str, str]:
    keys = ("file", "segment", "speaker", "side", "quote")
    return {key: getattr(mention, key) for key in keys}
