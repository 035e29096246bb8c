from runner.answers.clustering import curve, groups_at, linkage, similarities


def terms(*texts: str) -> list[frozenset[str]]:
    return [frozenset(text.split()) for text in texts]


TEXTS = terms(
    "night train dear family",
    "night train dear child family",
    "app delay warning",
    "app delay late warning",
    "conductor kind",
    "train",
)


def test_texts_are_joined_with_the_most_like_first() -> None:
    made = linkage(TEXTS)

    assert sorted((j.similarity for j in made), reverse=True) == [j.similarity for j in made]
    assert [[0, 1], [2, 3], [4], [5]] == groups_at(0.6, len(TEXTS), made)
    assert [[n] for n in range(6)] == groups_at(1.0, len(TEXTS), made)
    assert [[0, 1, 5], [2, 3], [4]] == groups_at(0.05, len(TEXTS), made)


def test_equal_texts_are_one_group_and_empty_ones_are_not() -> None:
    made = linkage(terms("a b", "a b", "", "", "c"))

    assert [[0, 1], [2], [3], [4]] == groups_at(1.0, 5, made)
    assert [{1: 1.0}, {0: 1.0}, {}] == similarities(terms("a b", "a b", "c"))


def test_the_curve_counts_groups_over_all_sets() -> None:
    made = linkage(TEXTS)
    points = {point.threshold: point for point in curve([(6, made), (6, made)])}

    assert (8, 2) == (points[0.6].groups, points[0.6].largest)
    assert (6, 3) == (points[0.1].groups, points[0.1].largest)


def test_vectors_count_as_much_as_words() -> None:
    texts = terms("dear fare", "dear fare", "price high", "lamp")
    vectors = [(1.0, 0.0), (0.0, 1.0), (1.0, 0.0), (0.6, 0.8)]

    near = similarities(texts, vectors)

    assert (0.5, 0.5, 0.3, 0.4) == (near[0][1], near[0][2], near[0][3], near[1][3])
    assert 2 not in near[1]  # neither words nor meaning
    assert [[0, 1], [2], [3]] == groups_at(0.5, 4, linkage(texts, vectors))
