"""Stand-ins of a collection: its files' stand-ins, made unique by a number per file."""

import re
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

import regex

from runner.base.patterns import any_of
from runner.base.text import digest
from runner.config.schema import TranscriptSettings
from runner.transcript.model import Transcript
from runner.transcript.redact.null_redaction import NullRedaction, as_shown
from runner.transcript.redact.redacted import redacted

Mask = Callable[[str], str]

_FIRST, _RANGE = 100_000, 900_000  # six digits, which no stand-in of one transcript has
_STAND_IN = re.compile(r"(?<![A-Za-z0-9])([A-Z]+)_(\d{1,6})(_\d{1,4})?(?!\d)")
_ANSWERED = re.compile(r"(?<![A-Za-z0-9])([A-Za-z]+)[ _\u00a0-](\d{6})(?:_(\d{1,4}))?(?!\d)")


class StandIns(NullRedaction):
    """The stand-ins of every file, beside those of *base*, which masks facts about them.

    `PERSON_1` of a file becomes `PERSON_482913`: the same in every session, and of no other file.
    """

    def __init__(self, base: NullRedaction) -> None:
        self._base = base
        self._forms: dict[str, str] = {}  # by stand-in
        self._owners: dict[str, tuple[str, str]] = {}

    def __bool__(self) -> bool:
        return bool(self._base)

    @property
    def note(self) -> str:  # type: ignore[override]
        """The explanation of stand-ins in prompts."""
        return self._base.note

    def masking(self, settings: TranscriptSettings) -> Callable[[str, Transcript], Mask]:
        """Return what makes, for a file and its transcript, the function of `of_file`."""
        return lambda file, transcript: self.of_file(file, redacted(settings, transcript)[0])

    def of_file(self, file: str, own: NullRedaction) -> Mask:
        """Add the stand-ins of one file's redaction; return a function that masks text about it."""
        names: dict[str, str] = {}
        for name, about in own.as_dict().items():
            if found := _STAND_IN.fullmatch(name):
                entry = self._named(file, found[1], found[2])
                names[name] = entry + (found[3] or "")
                self._forms[names[name]] = str(about["text"])

        def mask(text: str) -> str:
            hidden = str(own.masked(text))
            return _STAND_IN.sub(lambda match: names.get(match[0], match[0]), hidden)

        return mask

    def _named(self, file: str, kind: str, number: str) -> str:
        owner = (file, f"{kind}_{number}")
        place = int(digest("\0".join(owner), 12), 16)
        while True:
            name = f"{kind}_{_FIRST + place % _RANGE}"
            if self._owners.setdefault(name, owner) == owner:
                return name
            place += 1

    @cached_property
    def _hiding(self) -> tuple[regex.Pattern[str], Mapping[str, str]]:
        from runner.transcript.redact.forms import INFLECTED  # patterns that take 50 ms to compile
        from runner.transcript.redact.lexicon import SPACED, UNSPACED

        names = {form.casefold(): name for name, form in self._forms.items() if len(form) > 1}
        longest = sorted(names, key=len, reverse=True)
        unspaced = any_of(map(regex.escape, form) for form in longest if UNSPACED.search(form))
        spaced = any_of(map(regex.escape, form) for form in longest if not UNSPACED.search(form))
        ending = rf"(?=\p{{Ll}}{{0,{INFLECTED}}}(?!{SPACED}|[\d_]))"
        forms = rf"(?<!{SPACED}|[\d_])(?:{spaced or '(?!)'}){ending}|{unspaced or '(?!)'}"
        return regex.compile(f"(?V1)(?i){forms}"), names

    def mask(self, text: str, *, eager: bool = False, fixed: bool = False) -> str:
        """Return *text* with stand-ins; see `NullRedaction.mask`."""
        if eager and self._forms:
            pattern, names = self._hiding
            text = pattern.sub(lambda match: names.get(match[0].casefold(), match[0]), text)
        return self._base.mask(text, eager=eager, fixed=fixed)

    def restore(self, text: str, *, in_json: bool = False) -> tuple[str, list[str]]:
        """Return *text* with its stand-ins replaced, and the unknown stand-ins."""
        unknown: dict[str, None] = {}

        def put(match: re.Match[str]) -> str:
            entry = f"{match[1].upper()}_{match[2]}"
            form = self._forms.get(f"{entry}_{match[3]}") if match[3] else None
            form = form or self._forms.get(entry)
            if form is None:
                if match[1].upper() in kinds:
                    unknown[match[0]] = None
                return match[0]
            return as_shown(form, in_json=in_json)

        if not self._forms:
            return self._base.restore(text, in_json=in_json)
        kinds = {name.partition("_")[0] for name in self._forms}
        restored, others = self._base.restore(_ANSWERED.sub(put, text), in_json=in_json)
        return restored, [*dict.fromkeys([*unknown, *others])]

    def counts(self) -> dict[str, int]:
        """Return the number of persons and identifiers, by kind."""
        return self._base.counts()

    def as_dict(self) -> dict[str, Any]:
        """Return the original text of each stand-in."""
        return {name: {"text": form} for name, form in self._forms.items()}
