"""Captions that are shown again: growing partials, and lines that roll up as new ones come."""

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from runner.base.format import plural
from runner.transcript.formats.cue import Cue, Line
from runner.transcript.reader_notes import Notes

_SAME_TIME_S = 0.05
_ABUTS_S = 0.3
_ROLL_GAP_S = 2.0
_HOLD_S = 0.1  # rolling captions show a finished line this long before the next begins
_MOSTLY = 0.7
_MIN_GROWN_WORDS = 3
_MAX_ROLLED_WORDS = 80
_SAMPLE = 500  # pairs of cues that show whether words roll
_DASHES = frozenset("-–—‐")
_WORD = re.compile(r"[\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff]|[^\W_]+(?:['’][^\W_]+)*")


def without_repeats(cues: Sequence[Cue], notes: Notes, *, stamped: bool) -> Sequence[Cue]:
    """Return *cues* with repeatedly shown words only once.

    Words said twice in a row are kept: only the time, or a whole file that rolls, proves a repeat.
    """
    fewer = list(_rolled(list(_grown(cues)), stamped=stamped))
    if removed := _count(cues) - _count(fewer):
        notes.warn(f"captions that grow or roll: {plural(removed, 'word')} shown again, read once")
    return fewer


def _count(cues: Sequence[Cue]) -> int:
    return sum(len(line.text.split()) for cue in cues for line in cue.lines)


def _words(cue: Cue) -> list[str]:
    return [word.lower() for line in cue.lines for word in _WORD.findall(line.text)]


def _abuts(before: Cue, cue: Cue, gap_s: float = _ABUTS_S) -> bool:
    if before.end_s is None or cue.start_s is None or before.start_s is None:
        return False
    return before.start_s <= cue.start_s <= before.end_s + gap_s


def _same_speakers(before: Cue, cue: Cue) -> bool:
    return {line.speaker for line in before.lines} == {line.speaker for line in cue.lines}


def _grown(cues: Sequence[Cue]) -> Iterator[Cue]:
    """Yield the last of the cues that show one utterance as it grows, from its first time on."""
    run: list[Cue] = []
    for cue in cues:
        if run and not _grows(run[-1], cue):
            yield from _last_of(run)
            run = []
        run.append(cue)
    yield from _last_of(run)


def _grows(before: Cue, cue: Cue) -> bool:
    """Return whether *cue* begins with the words of *before*, right after or instead of it."""
    first, other = ("".join(line.text[:1] for line in each.lines[:1]) for each in (before, cue))
    near = _abuts(before, cue) or _start_together(before, cue)
    if not near or first.lower() != other.lower():
        return False
    shown = _words(before)
    return bool(shown) and _words(cue)[: len(shown)] == shown and _same_speakers(before, cue)


def _last_of(run: Sequence[Cue]) -> Iterator[Cue]:
    """Yield the utterances in *run*, whose cues each begin like the one before."""
    if len(run) < 2:
        yield from run
        return
    shown = [_words(cue) for cue in run]
    steps = sum(len(one) < len(other) for one, other in itertools.pairwise(shown))
    lined = any(len(cue.lines) > 1 for cue in run)
    phrase = steps > 1 and not lined and len(set(shown[-1])) > _MIN_GROWN_WORDS
    start_s = run[0].start_s
    for at, (cue, after) in enumerate(itertools.pairwise(run)):
        other = cue == after or shown[at] != shown[at + 1]
        if not phrase and not (other and _start_together(cue, after)):
            yield replace(cue, start_s=start_s)
            start_s = after.start_s
    yield replace(run[-1], start_s=start_s)


def _start_together(before: Cue, cue: Cue) -> bool:
    if before.start_s is None or cue.start_s is None:
        return False
    return abs(before.start_s - cue.start_s) <= _SAME_TIME_S


def _rolled(cues: Sequence[Cue], *, stamped: bool) -> Iterator[Cue]:
    """Yield *cues* without the lines, or in a file of single lines the words, that roll up."""
    near = [pair for pair in itertools.pairwise(cues) if _abuts(*pair, _ROLL_GAP_S)]
    by_line = [_same_lines(before, cue) for before, cue in near if len(cue.lines) > 1]
    rolls = sum(bool(same) for same in by_line)
    words = sum(len(line.text.split()) for same in by_line for line in same)
    if rolls >= (1 if stamped else 2) and rolls >= len(by_line) * _MOSTLY and words >= 2 * rolls:
        yield from _without_lines(cues, stamped=stamped)
        return
    some = [pair for pair in near if _abuts(*pair)][:_SAMPLE]
    slides = sum(bool(_same_words(*pair)) for pair in some)
    if slides >= 3 and slides >= len(some) * _MOSTLY:
        yield from _without_words(cues)
    else:
        yield from cues


def _same_lines(before: Cue, cue: Cue) -> tuple[Line, ...]:
    """Return the last lines of *before* that are the first ones of *cue*, as many as match."""
    first = cue.lines[0].text
    if first[:1] in _DASHES or all(first != line.text for line in before.lines):
        return ()  # a dash begins another speaker
    for count in range(min(len(before.lines), len(cue.lines)), 0, -1):
        if before.lines[-count:] == cue.lines[:count]:
            return cue.lines[:count] if count < len(cue.lines) else ()
    return ()


def _without_lines(cues: Sequence[Cue], *, stamped: bool) -> Iterator[Cue]:
    yield from cues[:1]
    for before, cue in itertools.pairwise(cues):
        same, count = 0, len(cue.lines)
        if count and (stamped or _abuts(before, cue, _ROLL_GAP_S)):
            same = len(_same_lines(before, cue))
            held = cue.start_s and cue.end_s and cue.end_s - cue.start_s <= _HOLD_S
            if cue.lines == before.lines[-count:] and (held or count < len(before.lines)):
                same = count
        yield replace(cue, lines=cue.lines[same:])


def _same_words(before: Cue, cue: Cue) -> int:
    """Return the number of words at the end of *before* that are the first ones of *cue*."""
    shown, words = _words(before)[-_MAX_ROLLED_WORDS:], _words(cue)
    if not words or not _same_speakers(before, cue):
        return 0
    for at in range(max(0, len(shown) - len(words) + 1), len(shown) - 1):
        if shown[at] == words[0] and shown[at:] == words[: len(shown) - at]:
            return len(shown) - at
    return 0


def _without_words(cues: Sequence[Cue]) -> Iterator[Cue]:
    yield from cues[:1]
    for before, cue in itertools.pairwise(cues):
        count = _same_words(before, cue) if _abuts(before, cue) else 0
        if count:
            text = " ".join(line.text for line in cue.lines)
            *_, last = itertools.islice(_WORD.finditer(text), count)
            rest = text[last.end() :].lstrip(" ,.;:!?…-")
            cue = replace(cue, lines=(Line(cue.lines[0].speaker, rest),))
        yield cue
