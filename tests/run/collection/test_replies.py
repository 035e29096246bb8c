from runner.run.collection.replies import Unused, known_ids


def test_ids_are_read_as_models_write_them_and_others_are_listed_as_unused() -> None:
    ids = dict.fromkeys(("F1", "F2", "F2.1", "T01.for"))
    named = ["[f01]", "F2, f02.1, F88, F2", "T01.for: late trains", "F1 unlike F9"]
    named += ["F9", "the F1", None, "f2", "F02.1", "t1.for"]
    unused = Unused()

    assert ["F1", "F2", "F2.1", "T01.for"] == known_ids(named, ids, unused)
    assert ["ids of the reply that are unknown: F88, F9, the F1, "] == unused.lines()
