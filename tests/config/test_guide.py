from itertools import product
from pathlib import Path

import pytest
from helpers import job

from runner.base.errors import ConfigError
from runner.config.guide import MAX_QUESTIONS, read_guide

LINES = "1. What is hard?\n\n# a note\n- What would ${oc.env:HOME} change?\n2) Why?\n"
ONE = ("transcript=file", "transcript.path=one.txt")
YAML = "hard: What is hard?\nchange: What would you change?\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("one.txt").write_text("Ann: I say so.\n")


def test_each_question_becomes_an_analyzer() -> None:
    Path("guide.txt").write_text(LINES)

    made = job("pipeline=interviews", "guide=guide.txt", *ONE)

    asked = {name: body.variables.get("question") for name, body in made.settings.analyzers.items()}
    names = ["what_is_hard", "what_would_oc_env_home_change", "why", "findings"]
    assert names == list(asked)[:4]
    assert "What would ${oc.env:HOME} change?" == asked[names[1]]
    assert names == [node.name for node in made.pipeline.nodes]
    assert tuple(node.name for node in made.pipeline.nodes) == made.collection.nodes[0].reads


def test_without_a_guide_there_is_no_question() -> None:
    made = job("pipeline=interviews", *ONE)

    assert ["findings"] == [node.name for node in made.pipeline.nodes]


def test_yaml_may_name_the_questions() -> None:
    Path("guide.yaml").write_text(YAML)
    Path("guide.json").write_text('["Why?", "How?"]')
    Path("list.yaml").write_text("questions:\n- Why?\n- {name: how, question: How?}\n")

    assert {"hard": "What is hard?", "change": "What would you change?"} == read_guide("guide.yaml")
    Path("wide.txt").write_bytes("Why?\nHow?".encode("utf-16"))
    table = 'sep=;\nname;question;"note, a, b, c"\nwhy;Why, then?;x\n;How?;\n'
    Path("table.csv").write_text(table, encoding="utf-8-sig")

    notes = "# Guide\n\n1. Why,\n   then?\n\n---\n<!-- later -->\n- [ ] How?\n"
    notes += "\t+ Q3: Who,\n\t\tif any?\nii) Where?\n2.1 When?\n"
    notes = "---\ntitle: A guide\ntags:\n  - pilot\n---\n" + notes
    Path("guide.md").write_text(notes)

    asked = ["Why, then?", "How? Q3: Who, if any?", "Where?", "When?"]
    assert asked == list(read_guide("guide.md").values())
    notes = "**Warm-up**\n1. Who?\n   a) alone\n   - Probe: why?\n2. Your day\n   - morning\n"
    notes += "3. Tools\n   * Which?\n     when\n   * Whose?\n4. Team\n**And then?**\n__End__:\n"
    Path("guide.md").write_text(notes)

    lists = (
        "A guide for nurses.\n  - Who?\n  - Why?\nTopics:\n  1. Tell me of your day.\n  2. How?\n"
    )
    Path("lists.txt").write_text(lists)

    asked = ["A guide for nurses.", "Who?", "Why?", "Topics: Tell me of your day.", "Topics: How?"]
    assert asked == list(read_guide("lists.txt").values())
    asked = ["Who? alone Probe: why?", "Your day morning", "Tools: Which? when", "Tools: Whose?"]
    assert [*asked, "Team", "**And then?**"] == list(read_guide("guide.md").values())
    assert {"why": "Why?", "how": "How?"} == read_guide("wide.txt")
    assert {"why": "Why, then?", "how": "How?"} == read_guide("table.csv")
    assert {"why": "Why?", "how": "How?"} == read_guide("list.yaml")
    assert {"why": "Why?", "how": "How?"} == read_guide("guide.json")


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        (  # lines cut by a word processor
            "What is the hardest thing about your\nwork at night?\nwho helps\nwhat else\n",
            ["What is the hardest thing about your work at night?", "who helps", "what else"],
        ),
        (
            "- the hardest thing about working here\nat night\n- pay\n",
            ["the hardest thing about working here at night", "pay"],
        ),
        (  # headings of lists, of which only a title can be no question
            "PART A (5 min)\n1. How long?\n\nPart B\n2) Tell me more.\nWork\n====\n3. Why?\n",
            ["PART A (5 min): How long?", "Part B: Tell me more.", "Part B: Why?"],
        ),
        ("Interview guide\n1. How long?\n2. Your day\n", ["How long?", "Your day"]),
        ("Question 1\nWhy?\nQ2:\nHow?\n", ["Why?", "How?"]),
        ("1 - Why?\n2.1 – How?\nFrage 3 - Wie?\n", ["Why?", "How?", "Wie?"]),
        ("1. Why?\n2. \n   How?\n- \n- Who?\n- \n", ["Why?", "How?", "Who?"]),  # marks alone
        ("5 - 10 years ago, how was it?\n", ["5 - 10 years ago, how was it?"]),
        (
            "Describe a day\n- Who helps?\nDescribe a night\n- Why?\n",
            ["Describe a day: Who helps?", "Describe a night: Why?"],
        ),
        ("Your team\n  1. Who?\n  2. Why?\n", ["Your team: Who?", "Your team: Why?"]),
        ("1. Pay\n- Enough?\n2. Time\n- Late?\n", ["Pay: Enough?", "Time: Late?"]),
        ("1.\tPay\n\ta.\tEnough?\n2.\tTime\no\tLate?\n", ["Pay: Enough?", "Time: Late?"]),
        ("1. Tell me of pay.\n  - Enough?\n", ["Tell me of pay. Enough?"]),
        (
            "Tell me of pay.\n- level\nAnd time.\n- nights\n",
            "Tell me of pay. level And time. nights",
        ),
        ("Name:\nRole:\nYears:\n", ["Name:", "Role:", "Years:"]),
        ("# Why here?\n## Pay\n## 1. Enough?\n* Fair?\n## Who asks?\n", "Enough? Fair? Who asks?"),
        (
            "Opening:\n1. Who?\n2. Why?\n\nEnd:\nWhat else?\n",
            "Opening: Who? Opening: Why? End: What else?",
        ),
        (
            "1. Pay\n1.1 Enough?\n1.2 Fair?\n2. Why?\n2.1 How?\n",
            ["Pay: Enough?", "Pay: Fair?", "Why? How?"],
        ),
        (
            "What helps?\n- Who?\n- What cost?\nWhat next?\n• why\n",
            ["What helps? Who? What cost?", "What next? why"],
        ),
        ("Your day\n- morning\nYour team\n- size\n", ["Your day morning", "Your team size"]),
        (
            "1. Why?\nProbe: How?\nFollow-up 2: Who?\n2. When?\n",
            ["Why? Probe: How? Follow-up 2: Who?", "When?"],
        ),
        (
            "Q1 Why?\nQuestion 2: How?\n> Who?\n３．何が大変ですか？\n4、为什么？\n",
            "Why? How? Who? 何が大変ですか？ 为什么？",
        ),
        ("**Why?**\n- How? (5 min)\n", ["**Why?**", "How? (5 min)"]),
    ],
)
def test_lists_are_read_as_people_write_them(text: str, asked: list[str] | str) -> None:
    Path("guide.txt").write_text(text)

    found = list(read_guide("guide.txt").values())

    assert asked == (" ".join(found) if isinstance(asked, str) else found)


def test_a_name_ends_with_a_whole_word() -> None:
    asked = ["How did you first hear about the rent support?", "Donaudampfschiffahrt" * 3]
    Path("guide.txt").write_text("\n".join(asked))

    assert ["how_did_you_first_hear_about_the_rent", asked[1].lower()[:40]] == [
        *read_guide("guide.txt")
    ]


def test_a_question_keeps_its_name_wherever_it_is_and_has_one_of_its_own() -> None:
    long = "What would you change first if you were the head of the ward"
    asked = [f"{long}?", f"{long} next door?", "何が大変ですか?"]
    Path("guide.txt").write_text("\n".join(asked))
    before = read_guide("guide.txt")
    Path("guide.txt").write_text("\n".join(["Who are you?", *asked]))

    assert {"who_are_you": "Who are you?", **before} == read_guide("guide.txt")
    assert asked == list(before.values())


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("none.txt", None, "cannot be read"),
        ("empty.txt", "\n# only this\n", "it has 0 questions, expected 1 to 200"),
        ("same.txt", "Why?\nHow?\n2. Why?\n", "question 3: 'Why?' appears twice"),
        ("same.yaml", "a: Why?\na: How?\n", "the key 'a' appears twice"),
        ("dots.txt", "...\n", "question 1: '...': expected words"),
        ("long.txt", "x" * 3000, "at most 2000 characters"),
        ("many.txt", "Why?\n" * (MAX_QUESTIONS + 1), "it has 201 questions"),
        ("bytes.txt", b"\xff\xfe\x00", "it is not UTF-8 (byte 2); save it as UTF-8"),
        ("word.docx", b"PK\x03\x04\x00", "it is not a text file"),
        ("bare.csv", "Why?\nHow?\n", "there is no column 'question'"),
        ("open.csv", 'question\n"Why?\n', "not a CSV table"),
        ("case.txt", "Why?\nwhy?\n", "question 2: 'why?' appears twice"),
        ("text.yaml", "Why?", "is not a list: expected a question a line, or YAML"),
        ("deep.yaml", "- {a: 1}", "is not a question"),
        ("name.yaml", "Bad Name: Why?", "'Bad Name': expected another name"),
        ("twice.yaml", "- {name: a, question: Why?}\n- {name: a, question: How?}", "another name"),
        ("broken.yaml", "a: [", "expected a question a line"),
    ],
)
def test_another_guide_is_refused_in_one_line(
    name: str, text: str | bytes | None, said: str
) -> None:
    if text is not None:
        Path(name).write_bytes(text if isinstance(text, bytes) else text.encode())

    with pytest.raises(ConfigError) as caught:
        read_guide(name)

    assert said in str(caught.value)
    assert str(caught.value).startswith(f"guide={name}")
    assert "\n" not in str(caught.value)


def test_a_guide_needs_a_pipeline_with_the_template_and_new_names() -> None:
    Path("guide.yaml").write_text("findings: Why?\n")

    with pytest.raises(ConfigError, match="use pipeline=interviews"):
        job("guide=guide.yaml", *ONE)
    with pytest.raises(ConfigError, match="'findings' names an analyzer already"):
        job("pipeline=interviews", "guide=guide.yaml", *ONE)


def test_no_line_of_a_list_is_lost_but_a_title() -> None:
    marks, ends = ("", "  ", "1. ", "- ", "  a) ", "1.1 ", "Probe: "), ("", "?", ".", ":")
    begun = [f"{mark}w{{}}{end}" for mark in marks for end in ends]
    for number, forms in enumerate(product(begun, begun, begun)):
        if number % 29:
            continue
        lines = [form.format(place) for place, form in enumerate(forms)]
        Path("guide.txt").write_text("\n".join(lines))
        asked = " ".join(read_guide("guide.txt").values())
        lost = [place for place in range(3) if f"w{place}" not in asked]
        assert lost in ([], [0]), (lines, asked)
