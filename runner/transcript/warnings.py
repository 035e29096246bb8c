"""Warnings about a transcript, found in its segments whatever their format."""

import itertools
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence

from runner.base.format import plural
from runner.transcript.layouts.labels import Likeness, likeness
from runner.transcript.model import MAX_SEGMENT_CHARS, UNKNOWN, Segment, is_aside
from runner.transcript.words import WORDS

_LABEL = re.compile(
    r"(?:([^\s:][^:.?!]{0,60}):\s|[\[(【<]([^\d()<>【】\[\]:]{1,60})[\])】>]\s?(?=\w))"
)
_ADDRESS = re.compile(r"([^\W\d_][^,.:?!]{0,40}),\s")
_INSIDE = re.compile(r"(?<=[.?!♪)\]]\s)([^\W\d_][^:.?!]{0,60}):\s")
_NO_WORDS = re.compile(
    r"(?:[\W\d_]|https?://\S++|www\.\S++|</?[a-z][^<>]{0,200}>|\{[^{}]{0,200}\}|\b[ap]m\b)+$",
    re.IGNORECASE,
)
_GARBLED = re.compile(
    "\ufffd|[ÂÃÐÑØÙ][¡-º¼-¿€‚ƒ„†‡ˆ‰Š‹ŒŽ•˜™š›œžŸ]|â€[™œ“”˜¦š]|ã[€‚ƒ]"
)  # UTF-8 as cp1252
_ENGLISH, _OTHERS = WORDS["english"], WORDS["other_languages"]
_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?")
_LAST_LATIN = 0x24F
_MIN_LETTERS, _LEAST_LETTERS = 400, 10  # to tell the language well, and at all
_NEARLY_ALL = 0.95
_SOME = 0.1
_MIN_REPEATED_WORDS = 3
_MIN_SEGMENTS = 10
_EXAMPLE_CHARS = 50
NOT_ENGLISH = "this does not look like English, the only language that the offline model reads"


def doubts(segments: Sequence[Segment]) -> Iterator[str]:
    """Yield a line for each kind of doubt about *segments*, with its count and an example."""
    said = [each for each in segments if each.speaker or not is_aside(each.text)]
    yield from _share_without(said, "speaker", lambda each: each.speaker is None)
    yield from _share_without(segments, "time", lambda each: each.start_s is each.end_s is None)
    wordless = [each for each in segments if _NO_WORDS.match(each.text)]
    garbled = [each for each in segments if _GARBLED.search(f"{each.speaker} {each.text}")]
    for what, found in (
        ("begin like a label or have one inside, which names no speaker", _label_like(segments)),
        ("have characters that were read in a wrong encoding", garbled),
        ("are only numbers, times, addresses or markup", wordless),
        ("repeat the one before", _repeats(segments)),
        ("start before the one before", _running_back(segments)),
    ):
        if found:
            yield _told(found, segments, what)
    yield from _addressed(segments)
    yield from _one_voice(segments)
    yield from _alike(segments)
    if hardly_english(each.text for each in segments):
        yield NOT_ENGLISH


def _share_without(
    segments: Sequence[Segment], what: str, lacks: Callable[[Segment], bool]
) -> Iterator[str]:
    """Say how many lack what others have; later parts of a long turn have no time."""
    without = []
    for before, each in zip((UNKNOWN, *segments), segments, strict=False):
        long = before.speaker == each.speaker and len(before.text) >= MAX_SEGMENT_CHARS // 3
        if lacks(each) and not (what == "time" and long):
            without.append(each)
    if without and not all(map(lacks, segments)):
        yield _told(without, segments, f"have no {what}, others have one")


def _label_like(segments: Sequence[Segment]) -> list[Segment]:
    found, names = [], 0
    for each in segments:
        start = _LABEL.match(each.text)
        labels = _INSIDE.findall(each.text) if ":" in each.text else []
        labels += [(start[1] or start[2]).strip()] if start else []
        count = sum(map(_is_name, labels))
        names += count
        found += [each] * bool(count)
    nobody = all(each.speaker is None for each in segments)
    return [] if nobody and names < max(2, len(segments) * _SOME) else found


def _is_name(label: str) -> bool:
    sounds = WORDS["sounds"].isdisjoint(label.lower().split())
    return likeness(label) == Likeness.NAME and sounds


def _addressed(segments: Sequence[Segment]) -> Iterator[str]:
    """Say whether segments without speaker begin with what may be a name and a comma."""
    if any(each.speaker for each in segments):
        return
    names = ((each, _ADDRESS.match(each.text)) for each in segments)
    found = [each for each, match in names if match and _is_name(match[1])]
    if len(found) >= max(2, len(segments) * 0.5):
        yield _told(found, segments, "begin with a word and a comma, which may name who speaks")


def _repeats(segments: Sequence[Segment]) -> list[Segment]:
    pairs = ((a, b) for a, b in itertools.pairwise(segments) if a.speaker == b.speaker)
    return [b for a, b in pairs if a.text == b.text and len(b.text.split()) >= _MIN_REPEATED_WORDS]


def _running_back(segments: Sequence[Segment]) -> list[Segment]:
    timed = [(each.start_s, each) for each in segments if each.start_s is not None]
    return [after for (before, _), (start, after) in itertools.pairwise(timed) if start < before]


def _one_voice(segments: Sequence[Segment]) -> Iterator[str]:
    words: Counter[str] = Counter()
    for each in segments:
        if each.speaker is not None:
            words[each.speaker] += len(each.text.split())
    if len(words) < 2 or len(segments) < _MIN_SEGMENTS:
        return
    speaker, most = words.most_common(1)[0]
    if most > words.total() * _NEARLY_ALL:
        share = most / words.total()
        yield f"'{speaker}' has {share:.0%} of the words of {plural(len(words), 'speaker')}"


def _alike(segments: Sequence[Segment]) -> Iterator[str]:
    """Say which speakers are called alike but for capitals, or the form of characters."""
    forms: dict[str, list[str]] = {}
    for name in dict.fromkeys(each.speaker for each in segments if each.speaker):
        forms.setdefault(unicodedata.normalize("NFKC", name).casefold(), []).append(name)
    if found := next((names for names in forms.values() if len(names) > 1), None):
        names = " and ".join(map(repr, found[:3]))
        yield f"{names} may be one speaker; transcript.speakers can merge them"


def hardly_english(texts: Iterable[str]) -> bool:
    """Return whether *texts* of at least 10 letters are in another script or language.

    The language is told by the most common words; those of others must outnumber those of English,
    in *texts* of less than 400 letters two to one, with three of them at least.
    """
    other_script = 0
    words: Counter[str] = Counter()
    for text in texts:
        if not text.isascii():
            other_script += sum(char.isalpha() and ord(char) > _LAST_LATIN for char in text)
        words.update(_WORD.findall(text.lower().replace("’", "'")))
    letters = sum(len(word) * count for word, count in words.items())
    ours, others = (sum(map(words.__getitem__, known)) for known in (_ENGLISH, _OTHERS))
    short = letters < _MIN_LETTERS
    foreign = others > max(2 * ours, 2) if short else others > ours
    return letters >= _LEAST_LETTERS and (other_script > letters / 2 or foreign)


def _told(found: Sequence[Segment], segments: Sequence[Segment], what: str) -> str:
    first, text = found[0], found[0].text[:_EXAMPLE_CHARS]
    example = f"{first.id} '{text}{'…' if len(first.text) > len(text) else ''}'"
    return f"{len(found):,} of {plural(len(segments), 'segment')} {what}: {example}"
