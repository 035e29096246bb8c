"""In every format: no word is lost, said twice, or given to another person."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Callable, Sequence
from html import escape

from hypothesis import given
from hypothesis import strategies as st

from runner.base.errors import TranscriptError
from runner.transcript.read import read_text

Said = tuple[str | None, str]
SPEAKERS = ["Ana", "Ben Ito", "SPEAKER_00", "Dr. O'Neill-Smith", "유리 김", "Speaker 2", "MAN 1"]
WORDS = st.sampled_from(
    ["seal", "dry", "noon", "so", "okay", "the", "12", "no:", "yes,", "it's", "10:30", "why?"]
)
KEYS = ["text", "words", "speaker", "start", "results", "alternatives", "channels", "status"]


@st.composite
def talks(draw: st.DrawFn) -> list[Said]:
    """Return turns in which each speaker recurs and every text has a word of its own."""
    names = draw(st.lists(st.sampled_from(SPEAKERS), min_size=2, max_size=3, unique=True))
    order = [*names, *names, *draw(st.lists(st.sampled_from([*names, None]), max_size=4))]
    texts = [draw(st.lists(WORDS, max_size=5)) for _ in order]
    return [
        (who, f"u{n}x {' '.join(words)}".strip())
        for n, (who, words) in enumerate(zip(order, texts, strict=True))
    ]


def clock(seconds: float, dot: str) -> str:
    return (
        f"00:{int(seconds) // 60:02d}:{int(seconds) % 60:02d}{dot}{int(seconds * 1000) % 1000:03d}"
    )


def cues(talk: Sequence[Said], way: str, dot: str = ",", head: str = "") -> str:
    blocks = [
        f"{n + 1}\n{clock(n * 4, dot)} --> {clock(n * 4 + 3, dot)}\n"
        + (way.format(who, text) if who else text)
        for n, (who, text) in enumerate(talk)
    ]
    return head + "\n\n".join(blocks) + "\n"


def srt(way: str) -> Callable[[Sequence[Said]], str]:
    return lambda talk: cues(talk, way)


def vtt(talk: Sequence[Said]) -> str:
    return cues(
        [(who and escape(who), escape(text)) for who, text in talk],
        "<v {}>{}</v>",
        ".",
        "WEBVTT\n\n",
    )


def ass(talk: Sequence[Said]) -> str:
    rows = (
        f"Dialogue: 0:{n:02d}:01.00,0:{n:02d}:03.00,{who or ''},{text}\n"
        for n, (who, text) in enumerate(talk)
    )
    return "[Events]\nFormat: Start, End, Name, Text\n" + "".join(rows)


def ttml(talk: Sequence[Said]) -> str:
    agent = ' ttm:agent="{}"'
    rows = (
        f'<p begin="{n}s"{agent.format(escape(who)) if who else ""}>{escape(text)}</p>'
        for n, (who, text) in enumerate(talk)
    )
    return f"<tt><body>{''.join(rows)}</body></tt>"


def records(unit: int, **names: str) -> Callable[[Sequence[Said]], str]:
    def written(talk: Sequence[Said]) -> str:
        rows = [
            {"who": who, "text": text, "start": n * 4 * unit} for n, (who, text) in enumerate(talk)
        ]
        return json.dumps([{names[key]: row[key] for key in names} for row in rows])

    return written


def words(talk: Sequence[Said]) -> str:
    heard = [
        {"word": word, "start": n * 4 + at * 0.3, **({"speaker": who} if who else {})}
        for n, (who, text) in enumerate(talk)
        for at, word in enumerate(text.split())
    ]
    return json.dumps({"segments": [{"text": " ".join(t for _, t in talk), "words": heard}]})


def table(delimiter: str, header: list[str]) -> Callable[[Sequence[Said]], str]:
    def written(talk: Sequence[Said]) -> str:
        out = io.StringIO()
        rows = ([n * 4, who or "", text] for n, (who, text) in enumerate(talk))
        csv.writer(out, delimiter=delimiter).writerows([header, *rows])
        return out.getvalue()

    return written


def html(talk: Sequence[Said]) -> str:
    rows = (f"<tr><td>{escape(who or '')}<td>{escape(text)}" for who, text in talk)
    return f"<table><tr><th>Speaker<th>Text{''.join(rows)}</table>"


FORMATS: dict[str, Callable[[Sequence[Said]], str]] = {
    "colon": srt("{}: {}"),
    "square": srt("[{}] {}"),
    "round": srt("({}) {}"),
    "angle": srt("<{}>: {}"),
    "above": srt("{}\n{}"),
    "above with colon": srt("{}:\n{}"),
    "dash": srt("- {}: {}"),
    "chevron": srt(">> {}: {}"),
    "vtt": vtt,
    "ass": ass,
    "ttml": ttml,
    "seconds": records(1, who="speaker", text="text", start="start"),
    "milliseconds": records(1000, who="name", text="message", start="offset"),
    "no times": records(1, who="role", text="content"),
    "words": words,
    "csv": table(",", ["start", "speaker", "text"]),
    "tsv": table("\t", ["Time", "Who", "Caption"]),
    "semicolons": table(";", ["begin", "participant", "utterance"]),
    "html": html,
}


@given(talk=talks())
def test_every_word_is_said_once_and_by_its_speaker_or_by_nobody_known(talk: list[Said]) -> None:
    expected = Counter((who, word) for who, text in talk for word in text.split())
    for name, write in FORMATS.items():
        reading = read_text(write(talk), name="t")

        said = Counter(
            (s.speaker, word) for s in reading.transcript.segments for word in s.text.split()
        )
        wrong = {pair for pair in said - expected if pair[0] is not None}
        left_out = sum(each.words for each in reading.report.left_out)

        assert (name, set()) == (name, wrong)
        assert sum(expected.values()) <= sum(said.values()) + left_out, name
        assert Counter(w for _, t in talk for w in t.split()) >= Counter(
            {w: n for (_, w), n in said.items() if w.startswith("u") and w.endswith("x")}
        ), name


@given(data=st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(
        st.sampled_from(KEYS)
        | st.text(max_size=4), inner, max_size=4),
    max_leaves=30,
))  # fmt: skip
def test_any_json_is_read_or_refused(data: object) -> None:
    try:
        reading = read_text(json.dumps(data), name="t", format="json")
    except TranscriptError as error:
        assert "\n" not in str(error)
    else:
        assert reading.transcript.segments
