"""Quotes are found where they stand, however they are written, and nowhere else."""

from __future__ import annotations

import unicodedata
from itertools import accumulate
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from runner.answers.grounding.exact_matches import TranscriptWords, joined, words
from runner.answers.grounding.grounder import Grounder, GroundingCounts, QuoteCheck
from runner.transcript.model import Segment, words_of

VOCABULARY = words_of(
    "wait pump second we shall should not don't isn't l'été naïve Straße Ελλάδος Ωμέγα ёлка Йод "
    "שלום مرحبا हिन्दी क्या 한국어 40 3rd İstanbul ﬁle Ⅻ 我 们 等 か ガ ไ ท"
)
SEPARATORS = (
    " ",
    "\n",
    ", ",
    " — ",
    ".\n",
    "  ",
    "\t",
    " / ",
    "! ",
    "; “",
    "” ",
    "* ",
    " … ",
    "\u200b ",
)
UNTIMED = settings(deadline=None)  # the first non-ASCII word compiles the patterns
FORMS = ("NFC", "NFD", "NFKC", "NFKD")
WORDS = st.sampled_from(sorted(VOCABULARY))
SEGMENTS = st.lists(st.lists(WORDS, min_size=1, max_size=8), min_size=1, max_size=7)
ANSWERS: Any = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.sampled_from(["wait", "quote"])),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(["segment", "quote", "evidence"]), inner, max_size=3),
        st.fixed_dictionaries(
            {
                "segment": st.sampled_from(["S0001", "S0002", "S0009", ""]),
                "quote": st.sampled_from(["wait for the pump", "we should wait", "no", "", "…"]),
            }
        ),
    ),
    max_leaves=12,
)  # fmt: skip


def spoken(*texts: str, speakers: tuple[str | None, ...] = ()) -> list[Segment]:
    names = [*speakers, *[None] * len(texts)]
    rows = enumerate(zip(texts, names, strict=False), start=1)
    return [Segment(f"S{n:04d}", name, None, None, text) for n, (text, name) in rows]


def check(
    quote: str, segment: str, *texts: str, speakers: tuple[str | None, ...] = ()
) -> QuoteCheck:
    return Grounder(spoken(*texts, speakers=speakers)).check(quote, segment)


@st.composite
def disguised(draw: st.DrawFn, said: list[str]) -> str:
    """Write *said* in another case, form, punctuation and white space."""
    out = []
    for word in said:
        up = draw(st.lists(st.booleans(), min_size=len(word), max_size=len(word)))
        cased = "".join(c.upper() if high else c for c, high in zip(word, up, strict=True))
        formed = unicodedata.normalize(draw(st.sampled_from(FORMS)), cased)
        out.append(formed.replace("'", draw(st.sampled_from("'’ʼ`´＇"))))
        out.append(draw(st.sampled_from(SEPARATORS)))
    return draw(st.sampled_from(["", " ", "“", "... ", "- "])) + "".join(out)


@st.composite
def quoted(draw: st.DrawFn) -> tuple[list[Segment], list[list[str]], int, list[str]]:
    """Draw segments, their words, and a run of the words with where it starts."""
    texts = draw(SEGMENTS)
    every = [word for text in texts for word in text]
    start = draw(st.integers(0, len(every) - 1))
    stop = draw(st.integers(start + 1, len(every)))
    return spoken(*(draw(disguised(text)) for text in texts)), texts, start, every[start:stop]


def standing(texts: list[list[str]], wanted: list[str]) -> list[int]:
    """Return the numbers of the segments in which *wanted* starts, by comparing everywhere."""
    every = [word for text in texts for word in words(" ".join(text))]
    owner = [n for n, text in enumerate(texts) for _ in words(" ".join(text))]
    length = len(wanted)
    return [owner[at] for at in range(len(every)) if every[at : at + length] == wanted]


@UNTIMED
@given(data=st.data(), drawn=quoted())
def test_a_run_of_words_is_exact_however_it_is_written(data: st.DataObject, drawn: Any) -> None:
    segments, _, _, said = drawn

    actual = Grounder(segments).check(data.draw(disguised(said)), "S0001")

    assert ("exact", None, None) == (actual.match, actual.said, actual.difference)


@UNTIMED
@given(texts=SEGMENTS, wanted=st.lists(WORDS, min_size=1, max_size=4), claim=st.integers(0, 8))
def test_exact_is_what_comparing_everywhere_finds_and_the_nearest_of_it(
    texts: list[list[str]], wanted: list[str], claim: int
) -> None:
    claimed = min(claim, len(texts) - 1)
    found = standing(texts, words(" ".join(wanted)))
    grounder = Grounder(spoken(*map(" ".join, texts)))

    actual = grounder.check(" ".join(wanted), f"S{claimed + 1:04d}")

    assert (actual.match == "exact") is bool(found)
    if found:
        nearest = min(found, key=lambda number: (abs(number - claimed), number))

        assert f"S{nearest + 1:04d}" == actual.segment
        assert (None if nearest == claimed else f"S{claimed + 1:04d}") == actual.moved_from


@UNTIMED
@given(data=st.data(), drawn=quoted())
def test_a_shuffled_quote_whose_order_differs_is_never_exact(
    data: st.DataObject, drawn: Any
) -> None:
    segments, texts, _, said = drawn
    shuffled = data.draw(st.permutations(said))
    assume(not standing(texts, words(" ".join(shuffled))))

    assert Grounder(segments).check(" ".join(shuffled), "S0001").match != "exact"


@UNTIMED
@given(data=st.data(), drawn=quoted(), invented=st.sampled_from(["zebra", "貓", "pumps", "w", "ฟ"]))
def test_an_invented_word_is_never_exact(data: st.DataObject, drawn: Any, invented: str) -> None:
    segments, _, _, said = drawn
    at = data.draw(st.integers(0, len(said)))
    quote = data.draw(st.sampled_from([" ", " … ", "\n"])).join([*said[:at], invented, *said[at:]])

    assert Grounder(segments).check(quote, "S0001").match != "exact"


@UNTIMED
@given(texts=SEGMENTS, data=st.data())
def test_a_wrong_segment_becomes_the_one_where_the_quote_starts(
    texts: list[list[str]], data: st.DataObject
) -> None:
    marked = [[f"u{n}x{i}", *text] for n, text in enumerate(texts) for i in [len(text)]]
    number = data.draw(st.integers(0, len(marked) - 1))
    claimed = data.draw(st.sampled_from(["S0001", "S0004", "S0999", "", "nonsense"]))
    home = f"S{number + 1:04d}"

    actual = Grounder(spoken(*map(" ".join, marked))).check(" ".join(marked[number]), claimed)

    assert (home, None if claimed == home else claimed) == (actual.segment, actual.moved_from)


@UNTIMED
@given(drawn=quoted(), data=st.data())
def test_what_was_found_is_found_again_where_it_was_found(drawn: Any, data: st.DataObject) -> None:
    segments, _, _, said = drawn
    changed = data.draw(st.sampled_from([said, said[1:], [*said[:2], "zebra", *said[2:]]]))
    grounder = Grounder(segments, near_score=60)
    first = grounder.check(" ".join(changed), "S0003")
    assume(first.segment is not None)

    again = grounder.check(" ".join(changed), first.segment or "")

    assert (first.match, first.segment, None) == (again.match, again.segment, again.moved_from)
    if first.said is not None:
        own = grounder.check(first.said, first.segment or "")

        assert ("exact", None) == (own.match, own.moved_from)


def marked_in(value: Any) -> list[dict[str, Any]]:
    if isinstance(value, list):
        return [each for item in value for each in marked_in(item)]
    if not isinstance(value, dict):
        return []
    if "match" in value:
        return [value]
    return [each for item in value.values() for each in marked_in(item)]


def unmarked(value: Any) -> Any:
    if isinstance(value, list):
        return [unmarked(item) for item in value]
    if not isinstance(value, dict):
        return value
    if "match" in value:
        return {"segment": value.get("moved_from", value["segment"]), "quote": value["quote"]}
    return {key: unmarked(item) for key, item in value.items()}


@UNTIMED
@given(insights=st.lists(ANSWERS, max_size=4), data=ANSWERS)
def test_grounding_an_answer_neither_loses_nor_invents_anything(insights: Any, data: Any) -> None:
    answer = {"insights": insights, "structured_data": data, "other": [{"segment": "S1"}]}
    before = repr(answer)
    grounder = Grounder(spoken("We should wait.", "Wait for the second pump."))

    grounded, counts = grounder.ground(answer)
    marked = marked_in([grounded])

    assert before == repr(answer)
    assert answer == unmarked(grounded)
    assert counts.quotes == len(marked) == counts.exact + counts.near + counts.absent
    assert counts.moved == sum("moved_from" in each for each in marked)
    assert counts.insights == len(insights) >= counts.insights_grounded
    assert grounded == grounder.ground(grounded)[0]


@UNTIMED
@given(text=st.text(max_size=60), quote=st.text(max_size=60), claimed=st.text(max_size=8))
def test_any_text_is_checked_and_stands_in_itself(text: str, quote: str, claimed: str) -> None:
    grounder = Grounder(spoken(text, "pump"))

    assert grounder.check(quote, claimed).match in {"exact", "near", "absent"}
    assert ("exact" if words(text) else "absent") == grounder.check(text, claimed).match


@UNTIMED
@given(text=st.text(max_size=60))
def test_normal_forms_and_upper_case_change_no_word(text: str) -> None:
    plain = "".join(c for c in text if c.isascii() or c.isalpha()).replace("ͅ", "")

    for form in FORMS:
        assert words(plain) == words(unicodedata.normalize(form, plain))
    assert words(plain.lower()) == words(plain.upper().lower())


@UNTIMED
@given(texts=SEGMENTS)
def test_the_index_knows_every_word_its_place_and_its_segment(texts: list[list[str]]) -> None:
    own = [words(" ".join(text)) for text in texts]
    held = TranscriptWords(spoken(*map(" ".join, texts)))
    every = [word for text in own for word in text]

    assert every == held.words
    assert [0, *accumulate(map(len, own))] == list(held.first)
    assert every == [held.span(at, at + 1) for at in range(len(every))]
    assert joined(every) == held.span(0, len(every))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Don't — WAIT!", ["dont", "wait"]),
        ("dogs' 'tis rock 'n' roll", ["dogs", "tis", "rock", "n", "roll"]),
        ("we’re it´s l‘été donʼt", ["were", "its", "lété", "dont"]),
        ("snake_case *bold* 3.5%", ["snake", "case", "bold", "3", "5"]),
        ("ﬁne ① ＡＢ Straße", ["fine", "1", "ab", "strasse"]),
        ("我们 wait。ไท カ゚", ["我", "们", "wait", "ไ", "ท", "カ", "゚"]),
        ("किताब", ["किताब"]),
        ("co\u00adoperate\u200b \ufeffnow ❤️ 👍🏽", ["cooperate", "now"]),
        ("IŞIK ışık İ", ["işik", "işik", "i"]),
        ("لَا أَعْتَقِدُ كـتاب שָׁלוֹם \ufb2cלום", ["لا", "أعتقد", "كتاب", "שלום", "שלום"]),
        ("\ud800 \ufffd \x00 ...", []),
    ],
)  # fmt: skip
def test_words_are_what_is_compared(text: str, expected: list[str]) -> None:
    assert expected == words(text)


def test_a_quote_may_run_across_segment_ends_and_line_breaks() -> None:
    actual = check("isn't\nready. Fine, but", "S0001", "The pump isn’t ready.", "Fine. But why?")

    assert QuoteCheck("exact", "S0001", None) == actual


def test_part_of_a_word_is_not_the_word() -> None:
    actual = check("the pump", "S0001", "Bathe pumpkins, the pumps.")

    assert QuoteCheck("absent", None, None) == actual


def test_of_several_places_the_claimed_and_then_the_nearest_is_meant() -> None:
    texts = ("We wait.", "No.", "We wait.", "No.", "No.", "No.", "We wait.")

    actual = [check("we wait", f"S000{n}", *texts).segment for n in (1, 3, 2, 4, 5, 6)]

    assert ["S0001", "S0003", "S0001", "S0003", "S0003", "S0007"] == actual


@pytest.mark.parametrize("claimed", ["S2", "2", "[S0002 Ann]", "s0002"])
def test_an_id_written_otherwise_is_repaired_to_the_one_it_means(claimed: str) -> None:
    actual = check("we wait", claimed, "We wait.", "We wait.", "We wait.")

    assert QuoteCheck("exact", "S0002", claimed) == actual


def test_an_id_that_does_not_exist_is_repaired_to_the_first_place() -> None:
    assert QuoteCheck("exact", "S0002", "S0009") == check("wait", "S0009", "No.", "Wait. Wait.")


@pytest.mark.parametrize("mark", ["…", "...", " [...] ", " (…) ", ". . .", " ..... "])
def test_parts_around_an_ellipsis_may_stand_apart_in_order(mark: str) -> None:
    quote = f"…we should{mark}the second pump…"

    actual = check(quote, "S0002", "Yes.", "We should really wait.", "For the second pump.")

    assert QuoteCheck("exact", "S0002", None) == actual


@pytest.mark.parametrize(
    "quote",
    [
        "the second pump … we should",  # the other order
        "we should … pump",  # a part of one word
        "we should … seventh valve",  # too far away
        "we should … should really",  # overlapping parts
    ],
)
def test_parts_out_of_order_far_apart_or_of_one_word_are_not_exact(quote: str) -> None:
    texts = ("We should really wait for the second pump.", "A.", "B.", "C.", "The seventh valve.")

    assert check(quote, "S0001", *texts).match != "exact"


GUARDED = (
    ("Ann", "We should not under any circumstances launch on Friday."),
    ("Bob", "A launch on Friday, I really do not think we can ship; it's unlikely."),
    ("Ann", "The vendor is SAP, and thirteen units in the first lot will arrive in May."),
    ("Cid", "No one knew why. La livraison est pour lundi chez vous, up from 900."),
    ("Dee", "这个版本我们星期五发布给所有人。"),
)


@pytest.mark.parametrize(
    ("quote", "segment"),
    [
        ("We should … launch on Friday", "S0001"),  # a denial is left out
        ("I really … think we can ship", "S0002"),
        ("under any circumstances … it's unlikely", "S0001"),  # the words of two people
        ("I really think we can ship; it's unlikely", "S0002"),
        ("I think we can ship; it's unlikely", "S0002"),
        ("I really do not think we can ship; it's likely", "S0002"),
        ("The vendor is IBM, and thirteen units in the first lot", "S0003"),
        ("thirteen units in the first lot will arrive in June", "S0003"),
        ("nineteen units in the first lot will arrive in May", "S0003"),
        ("thirteen units in the third lot will arrive in May", "S0003"),
        ("La livraison est pour mardi chez vous, up from 900", "S0004"),
        ("La livraison est pour lundi chez vous, down from 900", "S0004"),
        ("这个版本我们星期四发布给所有人", "S0005"),
    ],
)
def test_a_quote_that_says_another_thing_is_absent(quote: str, segment: str) -> None:
    speakers, texts = zip(*GUARDED, strict=True)

    assert "absent" == check(quote, segment, *texts, speakers=speakers).match


TRUE = (
    ("Of all the disks, eighteen are in use by the first of the crews.",
     "Of all the disks, 18 are in use by the 1st of the crews."),
    ("You plug it into the T_V_ and, OK, you see the menu.",
     "You plug it into the TV, Okay, you see the menu."),
    ("They run a non-profit for the blind in the north of town.",
     "They run a nonprofit for the blind in the north of the town."),
    ("You anyway, you can't remove the noise, and we won't try it.",
     "You anyway you cant remove the noise and we wont try it."),
    ("Some more questions were on the Schools Challenge Cymru.",
     "Some more questions were on the Schools Cymru."),
    ("Well , we're not we're not targeting older people .",
     "Well, we are not targeting older people."),
    ("We tested the pump . It did not crash . So we ship it soon .",
     "We tested the pump … So we ship it soon"),
)  # fmt: skip


@pytest.mark.parametrize(("said", "quote"), TRUE)
def test_a_quote_in_another_spelling_is_found(said: str, quote: str) -> None:
    assert "absent" != check(quote, "S0001", said).match


@pytest.mark.parametrize(
    ("quote", "segment", "match"),
    [
        ("We should not … launch on Friday", "S0001", "exact"),
        ("A launch on Friday … it's unlikely", "S0002", "exact"),  # no denial beside the gap
        ("So La livraison est pour lundi chez vous", "S0004", "near"),  # another sentence's "why"
        ("The vendor is SAP and 13 units in the first lot", "S0003", "near"),
        ("THE VENDOR IS SAP, AND THIRTEEN UNIT", "S0003", "near"),
    ],
)
def test_a_quote_that_says_the_same_is_found(quote: str, segment: str, match: str) -> None:
    speakers, texts = zip(*GUARDED, strict=True)

    assert match == check(quote, segment, *texts, speakers=speakers).match


def test_the_parts_nearest_to_the_claimed_segment_are_meant() -> None:
    texts = (
        "You know, well, the ledger.",
        "No.",
        "You know.",
        "No.",
        "You know, well, the ledger.",
    )

    actual = [check("you know … the ledger", f"S000{n}", *texts).segment for n in (1, 2, 3, 4)]

    assert ["S0001", "S0001", "S0003", "S0003"] == actual


@pytest.mark.parametrize(
    "quote",
    ["Ann Lee: We should wait", "ANN LEE：we should wait", "[S0002 Ann Lee] We should wait",
     "**Ann Lee:** we should … the pump", "[S0002] We should wait", "S0002: we should wait",
     "We should wait (Ann Lee)", '"We should wait" — Ann Lee', "We should wait [S0002, Ann Lee]",
     "(S0002) We should wait", '{S0002 "We should wait"}',
     "[S0002 Ann Lee] We [S0002] should wait"],
)  # fmt: skip
def test_the_label_of_the_segments_speaker_is_ignored(quote: str) -> None:
    texts = ("We should wait.", "We should wait for the pump.")

    actual = check(quote, "S0001", *texts, speakers=("Bob", "Ann Lee"))
    home = "S0001" if quote.startswith(("[S0002] ", "S0002:", "(S0002)", "{")) else "S0002"

    assert ("exact", home) == (actual.match, actual.segment)


@pytest.mark.parametrize(
    ("quote", "match"),
    [
        ("Bob: We should wait for it", "absent"),
        ("We should wait for it (Bob)", "absent"),
        ("[S0001 Bob] We should wait for it", "absent"),
        ("Cid: We should wait for it", "near"),
        ("Ann: We shall wait for it", "near"),
    ],
)
def test_the_words_of_one_speaker_are_not_anothers(quote: str, match: str) -> None:
    texts = ("We should wait for it.", "No.")

    assert match == check(quote, "S0001", *texts, speakers=("Ann", "Bob")).match


@pytest.mark.parametrize(
    ("quote", "match", "segment"),
    [
        ("Is the pump ready? It never was", "absent", None),
        ("Is that pump ready? It never was", "absent", None),
        ("[S0001 Ann] Is the pump ready? [S0002 Bob] It never was", "exact", "S0001"),
        ("We wait. Yes", "exact", "S0006"),  # not where Ann goes on
        ("It never was, so we wait", "near", "S0002"),
        ("It never was. Oh. So we wait", "near", "S0002"),
    ],
)
def test_words_of_two_people_are_no_quote_of_one(
    quote: str, match: str, segment: str | None
) -> None:
    texts = ("Is the pump ready?", "It never was.", "Oh.", "So we wait.", "Yes.", "We wait. Yes.")
    speakers = ("Ann", "Bob", "Ann", "Bob", "Ann", "Bob")
    actual = check(quote, "S0001", *texts, speakers=speakers)

    assert (match, segment) == (actual.match, actual.segment)


def test_a_near_quote_has_the_transcripts_words_and_the_difference() -> None:
    texts = ("No.", "Well: we shall wait—for the second pump. Yes.")

    actual = check("we should wait for the second pump", "S0001", *texts)
    expected = QuoteCheck(
        "near",
        "S0002",
        "S0001",
        "we shall wait—for the second pump.",
        "we [-should-]{+shall+} wait for the second pump",
    )

    assert expected == actual


@pytest.mark.parametrize(
    ("quote", "difference"),
    [
        ("thet port says no to the pump", "[-thet-]{+the+} port says no to the pump"),
        ("the port says no to tha", "the port says no to [-tha-]{+the+}"),
        ("port says no the pump", "port says no {+to+} the pump"),
        ("the port now says no to the pump", "the port [-now-] says no to the pump"),
    ],
)
def test_a_near_quote_begins_and_ends_with_whole_words(quote: str, difference: str) -> None:
    actual = check(quote, "S0001", "Also, the port says no to the pump tomorrow.")

    assert ("near", difference) == (actual.match, actual.difference)


@pytest.mark.parametrize(
    ("quote", "said", "match"),
    [
        ("should wait for 2,500 pumps", "shall wait for 2500 pumps", "near"),
        ("should wait for 25,000 pumps", "shall wait for 2500 pumps", "absent"),
        ("should not wait for 2500 pumps", "shall not wait for 2500 pumps", "near"),
        ("should not wait for 2500 pumps", "should wait for 2500 pumps", "absent"),
        ("should wait for 2500 pumps", "shouldn't wait for 2500 pumps", "absent"),
        ("can't say why it didn't wait", "can say why it didn't wait", "absent"),
        ("no, it should wait", "no, no, it should wait", "near"),
        ("it should not wait", "it should not, uh, it should not wait", "near"),
        ("it shall not wait", "No, no. It should not wait", "near"),
        ("should no longer wait", "shall no, no longer wait", "near"),
        ("dont wait", "won't wait", "near"),
        ("ist kein großes Hindernis", "ist ein großes Hindernis", "absent"),
        ("ne sait pas attendre ça", "sait pas attendre ça", "near"),
        ("should wait for three pumps", "shall wait for four pumps", "absent"),
        ("should wait for 3 pumps", "shall wait for three pumps", "near"),
        ("should wait for two million", "shall wait for two billion", "absent"),
        ("should wait for Ann Lee", "shall wait for Ben Lee", "absent"),
        ("should wait for Ann Lee", "shall wait for ann lee", "near"),
        ("should wait for Jonathan", "should wait for Jonathon", "near"),
        ("went from 2.1 to 2.10", "went from 2.10 to 2.1", "absent"),
        ("will cut more and spend less", "will cut less and spend more", "absent"),
        ("waits for what Ann told Ben", "waits for what Ben told Ann", "absent"),
        ("really it should wait", "it should really wait", "near"),
        ("rose from 12 in May", "fell from 12 in May", "absent"),
        ("is a bad idea here", "is a good idea here", "absent"),
        ("has 3, 4 minutes", "has four, four minutes", "absent"),
        ("has four minutes", "has three or four minutes", "near"),
        ("has it for next week", "has it for this week", "absent"),
        ("has one more year", "has two more years", "absent"),
        ("has 20 people at work", "has people at work", "absent"),
        ("has 20 people at work", "has zwanzig people at work", "near"),
        ("has 1 more year", "has one more year", "near"),
        ("had the 2nd half at 3:30", "had the second half at three thirty", "near"),
        ("is good, and it waits", "is good, isn't it, and it waits", "near"),
        ("is good, and it waits", "is good, ne, and it waits", "near"),
    ],
)
def test_a_quote_that_denies_or_counts_otherwise_is_not_near(
    quote: str, said: str, match: str
) -> None:
    about = "We think the port {} of the new type, Bob."

    assert match == check(about.format(quote), "S0001", about.format(said)).match


@pytest.mark.parametrize(
    ("quote", "said"),
    [
        ("予算は承認されています", "予算はまだ承認されていません。次に進みます。"),
        ("هذا المشروع سيكتمل في الموعد المحدد", "هذا المشروع لن يكتمل في الموعد المحدد"),
        ("rencana itu sudah disetujui oleh dewan", "rencana itu tidak disetujui oleh dewan"),
    ],
)
def test_a_denial_of_other_languages_is_not_left_out(quote: str, said: str) -> None:
    assert "absent" == check(quote, "S0001", said).match


def test_words_cut_out_of_unspaced_text_are_whole_too() -> None:
    actual = check("我们应该再等一下然后决定", "S0001", "你好。我们应该等一下，然后决定。谢谢。")

    assert ("near", "我们应该等一下，然后决定。") == (actual.match, actual.said)
    assert "我们应该 [-再-] 等一下然后决定" == actual.difference


def test_a_near_quote_is_found_far_from_its_claim_by_its_rare_words() -> None:
    filler = [f"So we talk about thing {n} and it is what it is." for n in range(400)]
    filler[300] = "The regulator shall publish the quarterly valuation of the reserve."

    actual = check("the regulator must publish the quarterly valuation", "S0005", *filler)

    assert ("near", "S0301", "S0005") == (actual.match, actual.segment, actual.moved_from)


def test_a_near_quote_of_several_segments_is_compared_by_words() -> None:
    text = " ".join(f"term{n} and clause{n * 7}" for n in range(60))

    actual = check(text.replace("term30", "point30"), "S0001", "Hello.", text, "Bye.")

    assert ("near", "S0002", text) == (actual.match, actual.segment, actual.said)
    assert "[-point30-]{+term30+}" in (actual.difference or "")


@pytest.mark.parametrize("quote", ["", " \n", "...", "—!?", "👍🏽 ❤️", "\ud800", "\u200b\u2060"])
def test_a_quote_without_words_is_absent(quote: str) -> None:
    assert QuoteCheck("absent", None, None) == check(quote, "S0001", "Wait. 👍🏽", "\ud800 no")


@pytest.mark.parametrize("quote", ["wait pumq", "pigs might well fly over it", "pump"])
def test_what_was_not_said_is_absent(quote: str) -> None:
    actual = check(quote, "S0001", "We should wait.")

    assert ("absent", None, None) == (actual.match, actual.segment, actual.moved_from)


def test_right_to_left_text_is_found() -> None:
    actual = check("\u202bהמשאבה׳ השנייה\u202c", "S0002", "שלום לכולם", "נחכה: המשאבה השנייה.")

    assert QuoteCheck("exact", "S0002", None) == actual


@pytest.mark.parametrize("form", FORMS)
def test_a_transcript_of_nothing_but_symbols_holds_nothing(form: str) -> None:
    actual = check(unicodedata.normalize(form, "Å wait"), "S0001", "…", "👍", "")

    assert QuoteCheck("absent", None, None) == actual


def test_a_transcript_without_segments_holds_nothing() -> None:
    assert QuoteCheck("absent", None, None) == Grounder([]).check("we … should wait", "S0001")


@pytest.mark.parametrize(
    "unit",
    ["word ", "we should wait ", "we wait ... ", ". ", ":", "a", "e\u0301\u0323", "\u0301\u0323",
     "\ud800", "👍🏽", "中", "aʼ", "Ann: ", "\u200b", "(", "\u202e"],
)  # fmt: skip
def test_a_megabyte_of_one_pattern_is_absent(unit: str) -> None:
    quote = unit * (1_000_000 // len(unit.encode("utf-8", "surrogatepass")))

    actual = check(quote, quote, "We should wait.", "We wait for the pump.", speakers=("Ann",))

    assert "absent" == actual.match


@pytest.mark.parametrize("tail", ["", "no", "… no no", "yea"])
def test_a_transcript_of_one_word_is_no_trap(tail: str) -> None:
    grounder = Grounder(spoken(*["yeah " * 200] * 200))

    actual = [grounder.check("yeah " * n + tail, "S0200").match for n in (1, 700, 30_000)]

    assert ["exact" if not tail else "absent", actual[1], actual[0]] == actual


def test_marks_are_put_beside_every_quote_of_insights_and_data() -> None:
    evidence = {"segment": "S0001", "quote": "we should wait for the pump"}
    other = {"segment": "S0001", "quote": "pigs fly", "note": "not evidence"}
    answer = {
        "insights": [
            {"text": "A", "evidence": [evidence]},
            {"text": "B", "evidence": [{"segment": "S0002", "quote": "pigs might fly over it"}]},
        ],
        "structured_data": {"rows": [other, {"evidence": [{"segment": "S7", "quote": "Fine"}]}]},
    }

    grounded, counts = Grounder(spoken("Fine.", "We shall wait for the pump.")).ground(answer)

    assert grounded == {
        "insights": [
            {
                "text": "A",
                "evidence": [
                    {
                        "segment": "S0002",
                        "quote": "we should wait for the pump",
                        "match": "near",
                        "moved_from": "S0001",
                        "said": "We shall wait for the pump.",
                        "difference": "we [-should-]{+shall+} wait for the pump",
                    }
                ],
            },
            {
                "text": "B",
                "evidence": [
                    {"segment": "S0002", "quote": "pigs might fly over it", "match": "absent"}
                ],
            },
        ],
        "structured_data": {
            "rows": [
                other,
                {
                    "evidence": [
                        {"segment": "S0001", "quote": "Fine", "match": "exact", "moved_from": "S7"}
                    ]
                },
            ]
        },
    }
    assert (
        GroundingCounts(3, exact=1, near=1, absent=1, moved=2, insights=2, insights_grounded=1)
        == counts
    )


def test_counts_add_up_and_give_rates() -> None:
    one = GroundingCounts(3, exact=1, near=1, absent=1, moved=1, insights=2, insights_grounded=1)

    assert GroundingCounts(6, 2, 2, 2, 2, 4, 2, 0, 0) == one + one
    assert one == sum([one], start=GroundingCounts())
    assert {
        "quotes": 3, "exact": 1, "near": 1, "absent": 1, "moved": 1, "rate": 0.6667,
        "exact_rate": 0.3333, "insights": 2, "insights_grounded": 1, "insights_rate": 0.5,
        "quotations": 0, "quotations_absent": 0, "quotations_rate": None,
    } == one.figures()  # fmt: skip


def test_without_quotes_there_is_no_rate() -> None:
    figures = GroundingCounts(insights=0).figures()

    assert (None, None) == (figures["rate"], figures["insights_rate"])
    assert (
        GroundingCounts(quotes=1, exact=1).figures()["rate"]
        == GroundingCounts(quotes=2, exact=1, near=1).figures()["rate"]
    )


def test_the_near_score_decides_what_is_near() -> None:
    segments = spoken("We shall wait for the pump.")

    actual = [Grounder(segments, score).check("we should wait for it", "S0001").match
              for score in (50.0, 99.0)]  # fmt: skip

    assert ["near", "absent"] == actual
