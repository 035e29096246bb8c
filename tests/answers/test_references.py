from __future__ import annotations

import json
from pathlib import Path

import pytest

from runner.answers.references import (
    Reference,
    against,
    read_references,
    references_for,
    turns_of,
)
from runner.base.errors import ConfigError
from runner.transcript.model import Segment

QMSUM = {
    "topics": [],
    "queries": [
        {"question": "Who pays?", "answer": "Ann pays the bill.", "turns": [[1, 2], [4, 4]]},
        {"question": "When?", "answer": "On Friday.", "turns": []},
    ],
}
OWN_QMSUM = {
    "general_query_list": [
        {"query": "Who pays?", "answer": "Ann pays the bill.", "turns": [["1", "2"], ["4", "4"]]}
    ],
    "specific_query_list": [{"query": "When?", "answer": "On Friday.", "relevant_text_span": []}],
}
PAYS = Reference("Who pays?", "Ann pays the bill.", frozenset({1, 2, 4}))
WHEN = Reference("When?", "On Friday.", frozenset())


def test_qmsum_lists_and_tables_are_read_alike(tmp_path: Path) -> None:
    texts = {
        "a.json": json.dumps(QMSUM),
        "b.json": "\ufeff" + json.dumps(QMSUM["queries"]),
        "b.jsonl": "\r\n".join(map(json.dumps, QMSUM["queries"])) + "\n\n",
        "c.yaml": json.dumps(QMSUM),
        "d.csv": "\ufeffQuestion,Answer,Turns\n"
        "Who pays?,Ann pays the bill.,1-2 4\nWhen?,On Friday.,\n",
        "e.csv": "sep=;\r\nquestion;turns;answer\r\nWho pays?;1-2 4;Ann pays the bill.\r\n"
        "When?;;On Friday.\r\n",
        "f.json": json.dumps(OWN_QMSUM),
        "g.tsv": "question\tturns\tanswer\nWho pays?\t1-2 4\tAnn pays the bill.\n"
        "When?\t\tOn Friday.\n",
    }
    for name, text in texts.items():
        (tmp_path / name).write_text(text, encoding="utf-8")

    for name in texts:
        assert [PAYS, WHEN] == references_for(read_references(tmp_path / name), "any.vtt")


def test_a_folder_is_by_transcript_and_an_entry_may_name_its_own(tmp_path: Path) -> None:
    (tmp_path / "one.json").write_text(json.dumps(QMSUM))
    more = "transcript,question,answer\ntwo.vtt,When?,On Friday.\nv1.2,When?,On Friday.\n"
    (tmp_path / "more.csv").write_text(more)
    (tmp_path / "zo\u00e9.2026-05.json").write_text(json.dumps(QMSUM))
    found = read_references(tmp_path)

    assert [PAYS, WHEN] == references_for(found, "Zoe\u0301.2026-05")
    assert [WHEN] == references_for(found, "v1.2")
    assert [PAYS, WHEN] == references_for(found, "talks/one.vtt")
    assert [WHEN] == references_for(found, "two.vtt")
    assert [] == references_for(found, "three.vtt")


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("a.json", "{}", "expected a list"),
        ("a.json", '[{"q": 1}]', "its keys: q"),
        ("a.json", '[{"question": "q", "anwser": "a"}]', "did you mean 'answer'"),
        ("a.json", '[{"question": "q", "turns": [[1.5, 2]]}]', "entry 1: turns"),
        ("a.json", f'[{{"question": "q", "turns": {[[0, 999_999]] * 2}}}]', "first <= last"),
        ("a.csv", 'question,answer\n"q,a\n', "unexpected end"),
        ("a.json", "{", "cannot be read"),
        ("a.json", '[{"question": "q", "turns": [[3, 1]]}]', "first <= last"),
        ("a.json", '[{"question": "q", "turns": [[0, 99999999]]}]', "first <= last"),
        ("a.json", '[{"question": "q", "turns": [["x"]]}]', "from 0"),
        ("a.csv", "", "expected a list"),
        ("a.csv", "question,answer\n,a\n", "expected a question"),
        ("a.csv", "question,turns\nq,1-2-3\n", "from 0"),
        ("a.yaml", "- just text", "expected a question"),
        ("a.txt", "Q: q", r"expected a file \.json"),
        ("a.jsonl", '{"question": "q"', "cannot be read"),
    ],
)
def test_a_bad_file_is_one_line(tmp_path: Path, name: str, text: str, told: str) -> None:
    (tmp_path / name).write_text(text)

    with pytest.raises(ConfigError, match=told) as error:
        read_references(tmp_path / name)
    assert "\n" not in str(error.value)


def test_what_is_not_there_is_said_with_its_neighbour(tmp_path: Path) -> None:
    (tmp_path / "gold.json").write_text(json.dumps(QMSUM))

    with pytest.raises(ConfigError, match=r"did you mean 'gold\.json'"):
        read_references(tmp_path / "gold.jsn")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConfigError, match="there is no NAME"):
        read_references(tmp_path / "empty")


def test_evidence_counts_turns_and_answers_count_words() -> None:
    segments = {f"S{n + 1:04}": n for n in range(6)}
    cites = [{"segment": "S0002", "quote": "a"}, {"segment": "S0006", "quote": "b"}]
    absent = {"segment": "S0003", "quote": "c", "match": "absent"}
    answer = {"insights": [{"text": "Ann pays the bill.", "evidence": [*cites, absent]}]}

    assert {"evidence-recall": 0.3333, "evidence-precision": 0.5, "answer-f1": 0.5} == against(
        [PAYS, WHEN], answer, segments
    )
    assert {"evidence-recall": None, "evidence-precision": None, "answer-f1": 0.0} == against(
        [WHEN], answer, segments
    )


def test_turns_are_the_lines_of_a_text_whatever_became_of_them() -> None:
    said = [
        "Ann: {vocalsound}",
        "Bo:  Yes , right .",
        "Ann: A long {pause} turn. And more.",
        "Bo: Yes , right .",
    ]
    texts = ["Yes , right .", "A long turn.", "And more.", "Yes , right .", "nowhere"]
    segments = [Segment(f"S{n}", None, None, None, text) for n, text in enumerate(texts)]

    assert [1, 2, 2, 3, 3] == [*turns_of(segments, said).values()]
    assert [0, 1, 2, 3, 4] == [*turns_of(segments, []).values()]
