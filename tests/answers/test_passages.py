"""How far the parts of a conversation are about a question."""

from __future__ import annotations

import pytest

from runner.answers.passages import coverage, inverse_frequencies, relevance, smoothed


def best(scores: list[float]) -> int:
    return scores.index(max(scores))


def test_the_answer_beside_a_question_ranks_before_a_lone_mention_elsewhere() -> None:
    terms = [{"weather"}, {"pump"}, *[{"lunch"}] * 40, {"pump", "fail"}, {"filter"}, {"pump"}]
    scores = relevance(terms, inverse_frequencies(terms, {"pump", "fail"}))

    assert scores[43] > scores[1] > scores[20]
    assert 42 == best(scores)


def test_words_speak_for_what_follows_further_than_for_what_comes_before_and_in_long_talks() -> (
    None
):
    def scores(segments: int) -> list[float]:
        terms = [{"pump"} if n == segments // 2 else {"lunch"} for n in range(segments)]
        return relevance(terms, inverse_frequencies(terms, {"pump"}))

    short, long = scores(41), scores(1001)

    assert short[20] > short[23] > short[17] > short[10] >= 0
    assert long[520] / long[500] > short[40] / short[20]
    assert [3.0] * 5 == pytest.approx(smoothed([3.0] * 5))
    assert smoothed([0.0] * 9 + [1.0]) == sorted(smoothed([0.0] * 9 + [1.0]))


def test_a_rare_term_weighs_more_than_one_in_every_segment() -> None:
    terms = [{"meeting", "budget"}, *[{"meeting"}] * 60, {"meeting"}]

    assert 0 == best(relevance(terms, inverse_frequencies(terms, {"meeting", "budget"})))


def test_what_a_speaker_named_in_the_question_says_ranks_first() -> None:
    terms = [{"cost"}, *[{"lunch"}] * 60, {"cost"}]
    named = [False] * 61 + [True]

    assert 61 == best(relevance(terms, inverse_frequencies(terms, {"cost"}), named))


@pytest.mark.parametrize(
    ("terms", "asked"), [([], {"pump"}), ([{"pump"}], set()), ([{"pump"}], {"lunch"})]
)
def test_without_a_shared_term_nothing_is_relevant(terms: list[set[str]], asked: set[str]) -> None:
    assert [0.0] * len(terms) == relevance(terms, inverse_frequencies(terms, asked))
    assert [0.0] * len(terms) == relevance(
        terms, inverse_frequencies(terms, asked), [False] * len(terms)
    )


def test_terms_cover_a_place_only_where_they_stand_close_together() -> None:
    apart = [{"pump"}, *[{"lunch"}] * 5, {"fail"}]
    together = [{"pump"}, {"lunch"}, {"fail"}, *[{"lunch"}] * 4]

    assert 0.5 == max(coverage(apart, {"pump", "fail"}))
    assert 1.0 == max(coverage(together, {"pump", "fail"}))
    assert 0.5 > max(coverage(together, {"pump", "unheard"}))
    assert ([], [0.0]) == (coverage([], {"pump"}), coverage([{"pump"}], set()))
