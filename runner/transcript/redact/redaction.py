"""Redaction of one transcript: its stand-ins, and how they are inserted and replaced."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Set
from itertools import pairwise
from typing import Any

from runner.base.patterns import any_of
from runner.transcript.redact.forms import INFLECTED, Keys, admits
from runner.transcript.redact.lexicon import UNSPACED
from runner.transcript.redact.null_redaction import NullRedaction, as_shown
from runner.transcript.redact.words import Token, Tokens, joins, number_after, tokens_of

PERSON, TERM, OWN, FILE = "PERSON", "TERM", "OWN", "FILENAME"
Span = tuple[int, int, str]  # start, end, stand-in

GAP = r"\\{0,4}_|[ \u00a0\u2010-\u2013-]"
_RUN_ON = re.compile(r"(?:_?\d+)*")


class Redaction(NullRedaction):
    """The replacements in one transcript.

    A stand-in such as `PERSON_1` is a person or an identifier, `PERSON_1_2` another form of it:
    each form has its own stand-in, so that quotes come back as they were said. *prefixes* are
    the stand-ins' words by kind, *common* words occur in the transcript in lower case; it has no
    capitals if *caseless*, and may be in *english*.
    """

    def __init__(
        self, prefixes: Mapping[str, str], common: Set[str], *, caseless: bool, english: bool
    ) -> None:
        self.prefixes = prefixes
        self.times: Counter[str] = Counter()  # by stand-in, in the transcript
        self._counts: Counter[str] = Counter()  # of entries, by kind
        self._caseless, self._common = caseless, common
        self.english = english
        self._forms: dict[str, list[str]] = {}
        self._known: dict[tuple[str, str], str] = {}  # stand-ins by entry and form
        self._shown: dict[str, str] = {}  # stand-ins of names by exact form
        self._literal: dict[str, str] = {}  # entries of all else, by folded form
        self.names: dict[str, list[tuple[Keys, str]]] = {}  # with entries, by their first word
        self.numbered: dict[tuple[str, str], str] = {}  # persons by name's entry and number
        self._unspaced: dict[str, str] = {}
        self._literals: re.Pattern[str] | None = None
        self._learning = True
        words = "|".join(prefixes.values())
        self._stand_in = re.compile(
            r"(?:(?<![A-Za-z0-9])|(?<=_\d)|(?<=_\d\d)|(?<=_\d\d\d))"  # of another stand-in
            rf"((?a:{words}))({GAP}|)0*(\d{{1,6}})(?:({GAP})(\d{{1,4}}))?(?!\d)",
            re.I,
        )

    def __bool__(self) -> bool:
        """Return whether anything is replaced."""
        return True

    def counts(self) -> dict[str, int]:
        """Return the number of persons and identifiers, by kind."""
        return dict(self._counts)

    def as_dict(self) -> dict[str, Any]:
        """Return the content of redaction.json: the original of each stand-in."""
        return {name: {"text": form, "times": self.times[name]} for name, form in self._stand_ins()}

    def _stand_ins(self) -> Iterator[tuple[str, str]]:
        for name, forms in self._forms.items():
            yield from ((_numbered(name, place), form) for place, form in enumerate(forms))

    @property
    def note(self) -> str:  # type: ignore[override]
        """The explanation of stand-ins for the model."""
        person = self.prefixes[PERSON]
        return (
            f"Names and identifiers in the material are replaced by stand-ins: {person}_1 is a "
            f"person, {person}_1_2 the same person under another form of the name. Use them as "
            f"the names, and write each exactly as it stands, in quotes too."
        )

    # Entries

    def add(self, kind: str, form: str) -> str:
        """Add an entry whose first form is *form*; return its stand-in."""
        self._counts[kind] += 1
        self._forms[name := f"{self.prefixes[kind]}_{self._counts[kind]}"] = []
        self.form(name, form)
        return name

    def form(self, name: str, form: str) -> str:
        """Return the stand-in of a *form* of entry *name*, the entry's own for a new one later."""
        key = (name, " ".join(form.split()))
        if key not in self._known:
            if not self._learning:
                return name
            self._forms[name].append(key[1])
            self._known[key] = _numbered(name, len(self._forms[name]) - 1)
        return self._known[key]

    def add_literal(self, kind: str, name: str | None, form: str) -> str:
        """Add a *form* of an identifier, a new entry of *kind* if *name* is None; return it."""
        name = self._literal.get(_squeezed(form)) or name or self.add(kind, form)
        self._literal.setdefault(_squeezed(form), name)
        self.form(name, form)
        return name

    def add_name(self, name: str, keys: Keys) -> None:
        """Add the words *keys* as a form of the person *name*."""
        if UNSPACED.search(keys[0]):
            self._unspaced["".join(keys)] = name
            return
        bare = tuple(key.replace("'", "") for key in keys)  # O'Neil, Oneil
        if bare != keys and len("".join(bare)) > INFLECTED + 1:
            self.add_name(name, bare)
        entries = self.names.setdefault(keys[0], [])
        if all(each != keys for each, _ in entries):
            entries.append((keys, name))
            entries.sort(key=lambda entry: -len(entry[0]))

    def entry_of(self, keys: Keys) -> str | None:
        """Return the person or term whose form the words *keys* are."""
        found = dict(self.names.get(keys[0], ()))
        return found.get(keys) or self._unspaced.get("".join(keys))

    def join_literals(self) -> None:
        """Make the pattern of all identifiers, once they are known."""
        forms = [form for _, form in self._stand_ins() if _squeezed(form) in self._literal]
        forms = sorted([*forms, *self._unspaced], key=len, reverse=True)
        self._literals = re.compile(any_of(map(_literal, forms)), re.I) if forms else None

    def close(self) -> None:
        """End the collection of forms; from here on they are looked up."""
        self._learning = False
        named = (self.prefixes.get(PERSON), self.prefixes.get(TERM))
        found = self._stand_ins()
        self._shown = {form: name for name, form in found if name.partition("_")[0] in named}

    # Putting in

    def mask(self, text: str, *, eager: bool = False, fixed: bool = False) -> str:
        """As in `NullRedaction`."""
        spans = [(*match.span(), "") for match in self._stand_in.finditer(text)]
        for match in self._literals.finditer(text) if self._literals else ():
            key = _squeezed(match[0])
            start, end = match.span()
            name, end = self._with_number(text, self._literal.get(key) or self._unspaced[key], end)
            spans.append((start, end, self.form(name, text[start:end])))
        spans += self._names(text, eager=eager, fixed=fixed)
        made, place = [], 0
        for start, end, name in sorted(spans, key=lambda span: (span[0], -span[1])):
            if start < place:
                continue
            if name:
                start, end, name = self._apart(text, place, (start, end, name))
            made += [text[place:start], name or text[start:end]]
            if self._learning:
                self.times[name] += 1
            place = end
        return "".join([*made, text[place:]])

    def _apart(self, text: str, place: int, span: Span) -> Span:
        """Return *span* with the digits beside it, which would run into the stand-in: Silva77."""
        start, end, name = span
        end = _RUN_ON.match(text, end).end()  # type: ignore[union-attr]
        while start > place and text[start - 1].isascii() and text[start - 1].isalnum():
            start -= 1
        return start, end, self.form("_".join(name.split("_")[:2]), text[start:end])

    def _with_number(self, text: str, name: str, end: int) -> tuple[str, int]:
        """Return the person that a name until *end* and the number after it are, and their end."""
        number, beyond = number_after(text, end)
        other = self.numbered.get((name, number))
        return (other, beyond) if other else (name, end)

    def _names(self, text: str, *, eager: bool, fixed: bool) -> Iterator[Span]:
        tokens = tokens_of(text, None if fixed else self._common) if self.names else []
        caseless = self._caseless or text.isupper()
        place = 0
        while place < len(tokens):
            words, name, skipped = self._name_at(text, tokens, place)
            beyond = place + words
            run, after = tokens[place:beyond], tokens[beyond : beyond + 1]
            start, end = tokens[place].start + skipped, run[-1].end if run else 0
            name, whole = self._with_number(text, name, end)
            known = eager and text[start:end] in self._shown
            known = known or (whole > end and run[0].capital)
            of = {"caseless": caseless, "fixed": fixed, "english": self.english}
            if run and (known or admits(text, run, after, **of)):
                yield start, whole, self.form(name, text[start:whole])
                place = beyond
                continue
            if eager and (found := self._ending(tokens[place])) is not None:
                yield found
            place += 1

    def _name_at(self, text: str, tokens: Tokens, place: int) -> tuple[int, str, int]:
        """Return words, entry and left-out first letters of the longest name at *place*."""
        first = tokens[place]
        for skipped in (0, 1, 2, 3) if not first.cased else (0,):
            for keys, name in self.names.get(first.key[skipped:], ()):
                run = tokens[place : place + len(keys)]
                if (first.key[skipped:], *(each.key for each in run[1:])) == keys and all(
                    joins(text, left, right) for left, right in pairwise(run)
                ):
                    return len(keys), name, skipped
        return 0, "", 0

    def _ending(self, token: Token) -> Span | None:
        """Return the name in a word to which a model has added an ending."""
        for cut in range(1, INFLECTED + 1):
            form = token.text[:-cut]
            if len(form) > 2 and form in self._shown and token.text[-cut:].islower():
                return token.start, token.end - cut, self._shown[form]
        return None

    # Taking out

    def restore(self, text: str, *, in_json: bool = False) -> tuple[str, list[str]]:
        """As in `NullRedaction`."""
        unknown: dict[str, None] = {}
        words = {prefix.lower(): prefix for prefix in self.prefixes.values()}

        def put(match: re.Match[str]) -> str:
            prefix, gap, number, inner, place = match.groups()
            forms = self._forms.get(f"{words[prefix.lower()]}_{int(number)}", ())
            after = match[0][match.start(4) - match.start() :] if inner else ""
            wanted, rest = (int(place) - 1, "") if inner and inner == gap else (0, after)
            if not 0 <= wanted < len(forms):
                if gap.endswith("_"):
                    unknown[match[0]] = None
                if gap.endswith("_") or not forms:
                    return match[0]
                wanted, rest = 0, after
            return as_shown(forms[wanted], in_json=in_json) + rest

        return self._stand_in.sub(put, text), list(unknown)


def _numbered(name: str, place: int) -> str:
    return f"{name}_{place + 1}" if place else name


def _squeezed(form: str) -> str:
    return " ".join(form.split()).casefold()


def _literal(form: str) -> list[str]:
    lower = "".join(
        each.lower() if len(each.lower()) == 1 else each for each in " ".join(form.split())
    )
    made = [r"\s+" if each == " " else re.escape(each) for each in lower]
    if not UNSPACED.search(form):
        made[:0] = [r"(?<![A-Za-z0-9_])"] * form[0].isalnum()
        made += [r"(?![A-Za-z0-9_])"] * form[-1].isalnum()
    return made
