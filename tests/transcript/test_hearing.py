"""Printed hearings."""

from __future__ import annotations

from helpers.reading import parse_transcript, spoken


def test_a_paragraph_of_a_hearing_tells_its_line() -> None:
    text = "TITLE\n\n" + "\n".join(f"    Mr. Li. Words {n} of a\nlong day." for n in range(3))
    segments = parse_transcript(text, name="t").segments

    assert ["line 3", "line 5", "line 7"] == [segment.where for segment in segments]


HEARING = """\
                  EXAMINING THE PLAN

    Members present: Senators Warren and Brown.
    Chairman Frank. Good morning. We are self-
evident here.
    A second paragraph about Mr. Volcker.
    Senator Warren. [presiding] Thank you.
    [The prepared statement of Senator Warren follows:]

               Prepared Statement of Senator Warren

    I wrote this down.

STATEMENT OF THE HONORABLE X. Y. MOORE, MEMBER OF
                    CONGRESS

    Ms. Moore of Wisconsin. Well--
    The U.S. economy is fine.
    Mr. Chairman. I object.
    [Laughter.]
    The Clerk. No.
    [Whereupon, at 5 p.m., the
committee was adjourned.]

                     A P P E N D I X

    Mr. Watt. A written thing.
"""


def test_printed_hearings_give_paragraphs_of_the_people_who_spoke() -> None:
    actual = spoken(HEARING)

    expected = [
        ("Chairman Frank", "Good morning. We are self-evident here."),
        ("Chairman Frank", "A second paragraph about Mr. Volcker."),
        ("Senator Warren", "Thank you."),
        ("Ms. Moore of Wisconsin", "Well--"),
        ("Ms. Moore of Wisconsin", "The U.S. economy is fine."),
        ("Ms. Moore of Wisconsin", "Mr. Chairman. I object."),
        ("The Clerk", "No."),
    ]

    assert expected == actual


def test_initials_are_part_of_a_name() -> None:
    names = ("Mr. P. Ó Sé", "Mr. B", "Ms. J. R. Li")
    text = "TITLE\n\n" + "\n".join(f"    {name}. I agree. U. S. Steel did." for name in names)

    assert list(names) == [each.speaker for each in parse_transcript(text, name="t").segments]


def test_a_hearing_without_closing_note_stops_at_its_appendix() -> None:
    text = HEARING.replace("Whereupon, at 5 p.m., the\ncommittee was adjourned", "Pause")

    actual = spoken(text)

    assert ("The Clerk", "No.") == actual[-1]
