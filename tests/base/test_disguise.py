"""A secret is found in any disguise, and ordinary text is left alone."""

from __future__ import annotations

import base64
import html
import json
import re
import string
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.base.disguise import mask_disguised

ROOT = Path(__file__).resolve().parents[2]
KEY = "q7-Zx_93.kLmN+0/aB"
DISGUISES = {
    "upper case": str.upper,
    "JSON": lambda key: "".join(f"\\u{ord(c):04x}" for c in key),
    "JSON in capitals": lambda key: "".join(f"\\u{ord(c):04X}" for c in key),
    "JSON in JSON": lambda key: "".join(f"\\\\u{ord(c):04x}" for c in key),
    "JavaScript": lambda key: "".join(f"\\u{{{ord(c):x}}}" for c in key),
    "Python": lambda key: "".join(f"\\U{ord(c):08x}" for c in key),
    "bytes": lambda key: "".join(f"\\x{ord(c):02x}" for c in key),
    "octal": lambda key: "".join(f"\\{ord(c):03o}" for c in key),
    "URL": lambda key: quote(key, safe=""),
    "URL, every letter": lambda key: "".join(f"%{ord(c):02x}" for c in key),
    "URL in URL": lambda key: quote("".join(f"%{ord(c):02X}" for c in key)),
    "HTML": lambda key: "".join(f"&#{ord(c)};" for c in key),
    "HTML in HTML": lambda key: "".join(f"&amp;#x{ord(c):X};" for c in key),
    "zero width": "\u200b".join,
    "soft hyphens": "\u00ad".join,
    "soft hyphens in HTML": "&shy;".join,
    "zero width in JSON": "\\u200b".join,
    "lines": "\n".join,
    "lines in JSON": "\\n".join,
    "spaces": " ".join,
    "Markdown": "**_`|".join,
    "Markdown's escapes": lambda key: "".join(c if c.isalnum() else f"\\{c}" for c in key),
    "tags": "<wbr>".join,
    "accents": "\u0301".join,
    "full width": lambda key: "".join(chr(ord(c) + 0xFEE0) for c in key),
    "full width in a URL": lambda key: quote("".join(chr(ord(c) + 0xFEE0) for c in key)),
    "bold": lambda key: "".join(chr(0x1D41A + ord(c) - 97) if "a" <= c <= "z" else c for c in key),
    "bold in JSON": lambda key: json.dumps(DISGUISES["bold"](key))[1:-1],
    "hexadecimal": lambda key: key.encode().hex(),
    "hexadecimal with colons": lambda key: key.encode().hex(":").upper(),
    "Base64": lambda key: base64.b64encode(key.encode()).decode(),
    "Base64 after one byte": lambda key: base64.b64encode(b":" + key.encode() + b"x").decode(),
    "Base64 after two, for URLs": lambda key: base64.urlsafe_b64encode(
        b"u:" + key.encode()
    ).decode(),
}
NESTED = ("JSON", "URL, every letter", "HTML")
KEYS = st.text(
    string.ascii_letters + string.digits + "-_.+/=!$%&#", min_size=16, max_size=60
).filter(
    lambda key: sum(c.isalnum() for c in key) >= 12 and not re.sub(r"[\W_]", "", key).isdigit()
)


def disguised(key: str, name: str) -> str:
    return DISGUISES[name](key)


@pytest.mark.parametrize("name", DISGUISES)
def test_a_key_is_masked_in_every_disguise(name: str) -> None:
    text = f"Well, 100 % & «sure»: {disguised(KEY, name)}, and so on."
    masked = mask_disguised(text, (KEY, "another-key-1234"), "***")

    assert masked.startswith("Well, 100 % & «sure»: ")
    assert masked.endswith(", and so on.")
    assert "***" in masked
    assert len(masked) < len("Well, 100 % & «sure»: , and so on.") + 12


@pytest.mark.parametrize("text", ["<p data-key='{}'>", "C:\\{}", "%2{}", "&#{};", "\\u00{}"])
def test_a_key_is_masked_where_it_would_be_read_as_part_of_an_escape(text: str) -> None:
    key = "n5ab-Zx_93.kLmN+0/aB"

    assert "***" in mask_disguised(text.format("-".join(key)), (key,), "***")
    assert "***" in mask_disguised(text.format(key), (key,), "***")


@given(KEYS, st.sampled_from([*DISGUISES]), st.sampled_from([*NESTED, None]))
def test_any_key_is_masked_in_a_disguise_inside_another(
    key: str, name: str, outer: str | None
) -> None:
    inner = disguised(key, name)
    ascii_only = inner.isascii() and "\\" not in inner
    text = disguised(inner, outer) if outer and ascii_only else inner

    assert "***" in mask_disguised(f"So: {text}.", (key,), "***")


@pytest.mark.parametrize(
    "key", ["changeme", "postgres", "20261128", "a-b-c-d-e", "one, two", "a1-b2---"]
)
def test_a_weak_key_masks_no_words_or_numbers_that_only_look_alike(key: str) -> None:
    prose = (
        "Change me, post, gres, 2026-11-28, 20 26 11 28, a b c d e, a1 b2, one. Two keys &amp; "
        "50 %20 or C:\\new\\table <a href='x'>\\u0041</a>"
    )

    assert prose == mask_disguised(prose, (key,), "***")


def test_weak_keys_are_masked_where_only_hidden_characters_or_escapes_disguise_them() -> None:
    text = "change\u200bme, 2026\u00ad1128, \\u0063hangeme, %63hange%6de"

    assert "***, ***, ***, ***" == mask_disguised(
        text, ("change-me", "changeme", "20261128"), "***"
    )


def test_our_own_texts_hold_no_disguise_of_a_random_key() -> None:
    files = [*(ROOT / "docs").glob("*.md"), *(ROOT / "analyzers").glob("*.md"), ROOT / "README.md"]
    keys = (KEY, "sk-0123456789abcdefXYZ", "AKIAABCD1234EFGH5678", "hunter2hunter2")
    for file in files:
        text = file.read_text(encoding="utf-8")

        assert text == mask_disguised(text, keys, "***")


def test_combining_marks_without_end_are_read_in_linear_time() -> None:
    text = "a" + "\u0301\u0316" * 200_000 + html.escape(KEY)

    assert mask_disguised(text, (KEY,), "***").endswith("***")
