from runner.answers.themes import ThemeQuote
from runner.record.collection_findings import GroundedFinding
from runner.run.collection.tree import files_of, fits, leaves


def findings(count: int, each: int = 2) -> list[GroundedFinding]:
    return [
        GroundedFinding(f"runs/x/f{n}/findings/{k}", f"f{n}.txt", "t", "t", "q", (
            ThemeQuote(f"f{n}.txt", "r", "S0001", None, None, "q", "exact"),
        ))
        for n in range(count) for k in range(each)
    ]  # fmt: skip


def named(count: int, room: int) -> dict[str, list[str]]:
    files = files_of(findings(count), lambda _: 10)
    found = leaves("", files, room, lambda _: 10)
    return {name: sorted({each.found[0].file for each in part}) for name, part in found}


def test_a_new_file_changes_one_leaf_only() -> None:
    before, after = named(60, 100), named(61, 100)
    changed = {name for name in before if before[name] != after.get(name)}

    assert 60 == sum(map(len, before.values()))
    assert all(len(files) * 20 <= 100 for files in before.values())
    assert 1 == len(changed)
    assert ["f60.txt"] == sorted({f for part in after.values() for f in part}
                                 - {f for part in before.values() for f in part})  # fmt: skip


def test_a_file_that_is_too_long_is_cut_and_no_finding_is_lost() -> None:
    files = files_of(findings(1, each=7), lambda _: 10)
    parts = list(leaves("", files, 25, lambda _: 10))

    assert ["_1", "_2", "_3", "_4"] == [name for name, _ in parts]
    assert [2, 2, 2, 1] == [len(part[0].found) for _, part in parts]
    assert fits(files_of(findings(1, each=1), lambda _: 99), 25)
