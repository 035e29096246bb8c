from runner.answers.themes import (
    Accord,
    Collection,
    Contradiction,
    CurvePoint,
    Joined,
    LedgerRow,
    Outlier,
    Position,
    ReadFile,
    Synthesis,
    Theme,
    ThemeQuote,
    UnreadFile,
    Voice,
    read_collection,
)
from runner.base.files import as_json
from runner.base.json import parse_json

QUOTE = ThemeQuote("a.txt", "runs/00/a", "S0001", 1.5, None, "It is late.", "exact", "against")
WHOLE = Collection(
    "interviews",
    "completed",
    (ReadFile("a.txt", "runs/00/a", ("Ann",), "completed"),),
    (UnreadFile("b.txt", "empty"),),
    (
        Theme(
            "T01",
            "Trains",
            "Trains are late.",
            ("a.txt",),
            (Voice("a.txt", None),),
            (),
            (Voice("a.txt", None),),
            (),
            (QUOTE,),
            ("runs/00/a/findings/0",),
            ("runs/00/a/findings/0",),
            (Joined("words", (("runs/00/a/findings/0",),), "0.8"),),
        ),
    ),
    (Contradiction("C01", "Late?", (Position("yes", (QUOTE,), ("f",)),), ("T01",), "why"),),
    (Accord("A01", "Late.", (QUOTE,), ("f",), ("T01",)),),
    (Outlier("a.txt", None, "f", "It is late.", (QUOTE,), "alone"),),
    (Synthesis("synthesis", "All is late.", ("one",), ("T01",)),),
    ("g",),
    3,
    0.4,
    (LedgerRow(0, "themes", 2, 100, 200, ("one",)),),
    (CurvePoint(0.4, 2, 1),),
)


def test_a_collection_is_read_back_as_it_was_written() -> None:
    stored = parse_json(as_json(WHOLE.content()))

    assert WHOLE == read_collection(stored)


def test_anything_else_is_another_version_or_empty() -> None:
    for other in (None, [], {"version": 2}, {"version": "1"}):
        assert read_collection(other) is None
    odd = {"version": 1, "themes": [{"for": 3, "quotes": [{"start_s": "x"}]}], "read": {"a": 1}}

    found = read_collection(odd)

    assert found is not None
    assert found.themes[0].quotes[0].start_s is None
    assert found.read == ()
