from __future__ import annotations

import subprocess
import sys

import pytest
import tiktoken
from hypothesis import example, given
from hypothesis import strategies as st

from runner.base import tokens
from runner.base.text import slug, to_safe_text, to_terminal
from runner.base.tokens import tokenizer_for
from runner.config.model_facts import model_facts


def test_special_token_look_alikes_count_as_text() -> None:
    assert tokenizer_for("openai/gpt-4o").count("<|endoftext|>") > 1


@pytest.mark.parametrize("model", ["openai/gpt-4o", "openai/gpt-4-turbo"])
@given(
    st.lists(
        st.text(st.sampled_from("aZé7 \t\n\r/.-#'\"\u2028\x1c\u3000日")) | st.text(), max_size=6
    )
)
@example([";", "/"])
@example(["/", "/"])
def test_counting_by_line_comes_to_the_same(model: str, parts: list[str]) -> None:
    tokenizer = tokenizer_for(model)
    text = "\n".join(parts)
    whole = len(tiktoken.get_encoding(tokenizer.encoding).encode_ordinary(text))

    assert [whole, whole] == [tokenizer.count(text), tokenizer.count(text)]


def test_a_line_that_was_counted_is_not_counted_again(monkeypatch: pytest.MonkeyPatch) -> None:
    counted: list[str] = []
    whole = tiktoken.Encoding.encode_ordinary
    monkeypatch.setattr(
        tiktoken.Encoding,
        "encode_ordinary",
        lambda self, text: counted.append(text) or whole(self, text),
    )
    count = tokenizer_for("openai/gpt-4o").count
    tokens._line_counter.cache_clear()
    count("- one\n- two\n")
    count("# Findings\n- two\n- one\n")
    tokens._line_counter.cache_clear()

    assert counted == ["- one\n", "- two\n", "# Findings\n"]


@pytest.mark.parametrize(
    ("model", "encoding", "exact"),
    [
        ("openai/gpt-4o-mini", "o200k_base", True),
        ("openai/gpt-5-mini", "o200k_base", True),
        ("azure/gpt-4-turbo", "cl100k_base", True),
        ("openai/gpt-3.5-turbo", "cl100k_base", True),
        ("anthropic/claude-sonnet-4-6", "o200k_base", False),
        ("offline/extractive", "o200k_base", False),
    ],
)
def test_the_encoding_is_the_models_own_or_said_not_to_be(
    model: str, encoding: str, exact: bool
) -> None:
    tokenizer = tokenizer_for(model)

    assert (tokenizer.encoding, tokenizer.exact) == (encoding, exact)


def test_counting_and_model_facts_need_neither_litellm_nor_the_network() -> None:
    code = (
        "import sys\n"
        "seen = []\n"
        "sys.addaudithook(lambda e, a: seen.append(e) if e.startswith('socket.') else None)\n"
        "from runner.base.tokens import tokenizer_for\n"
        "from runner.config.model_facts import model_facts\n"
        "assert tokenizer_for('openai/gpt-4o').count('hello world') == 2\n"
        "assert model_facts('openai/gpt-4o-mini').context_window == 128000\n"
        "assert 'litellm' not in sys.modules\n"
        "assert seen == [], seen\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)

    assert done.stderr == ""


def test_an_unknown_model_has_unknown_facts_not_zero() -> None:
    facts = model_facts("openai/no-such-model")

    assert facts.context_window is None


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Tidewater Review (final)", "tidewater-review-final"),
        ("../../etc/passwd", "etc-passwd"),
        ("-rf", "rf"),
        ("会议 2", "会议-2"),
        ("Интервью №3: «Да»", "интервью-no3-да"),
        ("मीटिंग", "मीटिंग"),
        ("ガイド", "ガイド"),
        ("Größe", "grosse"),
        ("…", "unnamed"),
        ("\udce4\ufeff", "unnamed"),
        ("a" * 300, "a" * 48),
        ("naïve\nname\x00", "naive-name"),
    ],
)
def test_a_slug_is_always_one_harmless_name(name: str, expected: str) -> None:
    assert slug(name) == expected


def test_text_from_outside_can_be_stored_and_printed() -> None:
    hostile = "a\ud800b\x1b]52;c;x\x07\x00c\u202ed"

    assert to_safe_text(hostile) == "a\ufffdb]52;c;xcd"
    assert to_terminal(hostile) == "a\ufffdb]52;c;xcd"
    assert to_safe_text(hostile).encode("utf-8")
