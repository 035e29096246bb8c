"""Construction of a redaction from settings, speakers and the whole transcript."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import combinations

import regex

from runner.config.schema import TranscriptSettings
from runner.transcript.model import Transcript
from runner.transcript.redact import identifiers, own_patterns
from runner.transcript.redact.forms import Keys, inflected, parts_of, stems_of
from runner.transcript.redact.lexicon import fold, is_common, is_inflected, is_listed
from runner.transcript.redact.people import names_in
from runner.transcript.redact.redaction import FILE, GAP, OWN, PERSON, TERM, Redaction
from runner.transcript.redact.words import (
    common_words,
    is_caseless,
    is_english,
    name_in_label,
    names_in_label,
    names_in_list,
    number_after,
    tokens_of,
)

_NAMES = (PERSON, TERM, OWN, FILE)
_SPELLED = regex.compile(r"(?<!\w)(?:\p{L}[-. ]{1,3}){1,30}\p{L}(?!\w)")
_LETTER = regex.compile(r"\p{L}")


def redact(
    settings: TranscriptSettings, transcript: Transcript, further: Sequence[str] = ()
) -> tuple[Redaction, Transcript]:
    """Return the redaction of *transcript*, and the transcript as prompts show it.

    *further* are other texts of prompts. Raises ConfigError for a pattern of a user that takes too
    long.
    """
    labels = list(dict.fromkeys(s.speaker for s in transcript.segments if s.speaker))
    spoken = [segment.text for segment in transcript.segments]
    texts = [*_about_texts(settings, transcript), *further, *labels, *spoken]
    caseless, common, english = is_caseless(spoken), common_words(spoken), is_english(spoken)
    kinds = (*_NAMES, *identifiers.KINDS) if settings.redact == "all" else _NAMES
    prefixes = _prefixes(kinds, texts)
    redaction = Redaction(prefixes, common, caseless=caseless, english=english)
    for pattern in own_patterns.compile_patterns(settings.redact_patterns):
        for form in own_patterns.matches(pattern, texts):
            redaction.add_literal(OWN, None, form)
    if settings.redact == "all":
        _add_identifiers(redaction, texts)
    named = partial(names_in, common=common, caseless=caseless, english=english)
    said = [name for text in (*spoken, *further) for name in named(text)]
    forms = {}  # of other names, perhaps: Pekalle
    for name in said if not english else ():
        key, *others = _keys(name)
        if not others and not is_listed(key) and is_inflected(key):
            forms[name] = key
    people = _people(settings, transcript, labels)
    _add_people(redaction, [*people, *(name for name in said if name not in forms)])
    _add_numbered(redaction, dict.fromkeys((*labels, *(settings.speakers or {}).values())))
    for term in _terms(settings):
        redaction.add_name(redaction.add(TERM, term), _keys(term))
    file = redaction.add(FILE, transcript.name or "transcript")
    _add_endings(redaction, spoken)
    _add_people(redaction, [form for form, key in forms.items() if key not in redaction.names])
    _add_spelled(redaction, spoken)
    redaction.join_literals()
    segments = []
    for each in transcript.segments:
        speaker = each.speaker and redaction.mask(each.speaker, eager=True)
        segments.append(replace(each, speaker=speaker, text=redaction.mask(each.text)))
    redaction.close()
    return redaction, replace(transcript, name=file, segments=tuple(segments), reading=None)


def _prefixes(kinds: Sequence[str], texts: Sequence[str]) -> dict[str, str]:
    """Return the stand-ins' words by kind; none occurs in *texts*."""
    taken = regex.compile(rf"(?i)(?<!X)(X*+(?:{'|'.join(kinds)}))(?:{GAP}|)\d")
    found = {match[1].upper() for text in texts for match in taken.finditer(text)}
    prefixes = {}
    for kind in kinds:
        prefixes[kind] = kind
        while prefixes[kind] in found:
            prefixes[kind] = f"X{prefixes[kind]}"
    return prefixes


def _about_texts(settings: TranscriptSettings, transcript: Transcript) -> Iterator[str]:
    about, reading = settings.about, transcript.reading
    yield from filter(None, (about.title, about.date, about.attendees, *about.glossary))
    yield from reading.about.values() if reading else ()


def _people(
    settings: TranscriptSettings, transcript: Transcript, labels: Sequence[str]
) -> Iterator[str]:
    """Yield the names of settings and labels: first those that the files of a batch share."""
    speakers = settings.speakers or {}
    yield from filter(None, map(name_in_label, speakers.values()))
    yield from names_in_list(settings.about.attendees or "")
    for entry in settings.about.glossary:
        name = name_in_label(entry)
        if name is not None and not _is_term(entry) and any(map(is_listed, _keys(name))):
            yield name
    if transcript.reading:
        yield from names_in_list(transcript.reading.about.get("attendees", ""))
    yield from (name for label in (*labels, *speakers) for name in names_in_label(label))
    for text in _about_texts(settings, transcript):
        yield from names_in(text)


def _is_term(entry: str) -> bool:
    return (entry.isupper() and len(entry) <= 5) or entry.islower()


def _terms(settings: TranscriptSettings) -> Iterator[str]:
    """Yield glossary entries that are neither a person, a common word nor an acronym."""
    for entry in settings.about.glossary:
        keys = _keys(entry)
        other = _is_term(entry) or any(map(is_listed, keys)) or all(map(is_common, keys))
        if not other and len("".join(keys)) > 2:
            yield entry


def _keys(name: str) -> Keys:
    return tuple(token.key for token in tokens_of(name))


def _add_people(redaction: Redaction, names: Iterable[str]) -> None:
    """Add persons; a part of one person's name is that person, of several names, a new one."""
    found: dict[Keys, str] = {}
    for text in names:
        found.setdefault(_keys(text), text)
    found.pop((), None)
    owners: dict[Keys, list[Keys]] = {}
    for name in found:
        for part in parts_of(name):
            if name not in owners.setdefault(part, []):
                owners[part].append(name)
    for part, several in [*owners.items()]:  # Ana Maria is no other person than Ana Maria Silva
        owners[part] = [each for each in several if {*several}.isdisjoint(owners.get(each, ()))]
    whole = {name: shown for name, shown in found.items() if len(owners.get(name, ())) != 1}
    made = {name: redaction.add(PERSON, shown) for name, shown in whole.items()}
    for name, entry in made.items():
        redaction.add_name(entry, name)
        if len(name) > 1:
            redaction.add_name(entry, ("".join(name),))  # AnaSilva
    for part, several in owners.items():
        if part in made:
            continue
        owner = several[0]
        while owner not in made:  # a part of a part that is written without spaces
            owner = owners[owner][0]
        if len(several) > 1:
            made[part] = redaction.add(PERSON, _spelt(part, found[owner]))
        entry = made.get(part, made[owner])
        redaction.form(entry, _spelt(part, found[owner]))
        redaction.add_name(entry, part)


def _add_numbered(redaction: Redaction, labels: Iterable[str]) -> None:
    """Add names with a number: Bell 7 is Bell unless another label says so, too."""
    forms = {}
    for label in labels:
        if name := name_in_label(label):
            start = label.index(name)
            number, end = number_after(label, start + len(name))
            forms[_keys(name), number] = label[start:end]
    alike = Counter(keys for keys, _ in forms)
    for (keys, number), form in forms.items():
        owner = redaction.entry_of(keys)
        if number and owner:
            other = redaction.add(PERSON, form) if alike[keys] > 1 else owner
            redaction.numbered[owner, number] = other


def _spelt(part: Keys, name: str) -> str:
    tokens = tokens_of(name)
    for place in range(len(tokens) - len(part) + 1):
        run = tokens[place : place + len(part)]
        if tuple(token.key for token in run) == part:
            return name[run[0].start : run[-1].end]
    return "".join(part)  # of a name that is written without spaces


def _add_endings(redaction: Redaction, spoken: Iterable[str]) -> None:
    """Add inflected forms of names, for languages with cases."""
    stems = {
        stem: name
        for key, entries in redaction.names.items()
        for keys, name in entries
        if len(keys) == 1 and len(key) > 3
        for stem in stems_of(key, english=redaction.english)
    }
    for text in spoken if stems else ():
        for token in tokens_of(text):
            if (token.cased and not token.capital) or token.key in redaction.names:
                continue
            name = inflected(token, stems)
            if name and not is_common(token.key) and not is_listed(token.key):
                redaction.add_name(name, (token.key,))


def _add_spelled(redaction: Redaction, spoken: Iterable[str]) -> None:
    """Add names that are spelled out: A-N-A."""
    for text in spoken:
        for match in _SPELLED.finditer(text):
            letters = [
                (each.start(), fold(each[0])) for each in _LETTER.finditer(text, *match.span())
            ]
            for first, last in combinations(range(len(letters)), 2):
                key = "".join(letter for _, letter in letters[first : last + 1])
                for keys, name in redaction.names.get(key, ()):
                    if len(keys) == 1:
                        form = text[letters[first][0] : letters[last][0] + 1]
                        redaction.add_literal(PERSON, name, form)


def _add_identifiers(redaction: Redaction, texts: Iterable[str]) -> None:
    known: dict[tuple[str, str], str] = {}
    for text in texts:
        for start, end, kind in _united(identifiers.find_identifiers(text)):
            form = text[start:end].strip()
            key = (kind, identifiers.identity(kind, form))
            known[key] = redaction.add_literal(kind, known.get(key), form)


def _united(found: Iterable[identifiers.Found]) -> Iterator[identifiers.Found]:
    """Yield spans without overlap: overlapping ones become one, of the longest one's kind."""
    spans = sorted(found)
    while spans:
        start, end, kind = spans[0]
        longest = 0
        while spans and (not longest or spans[0][0] < end):
            first, last, its = spans.pop(0)
            end = max(end, last)
            if last - first > longest:
                longest, kind = last - first, its
        yield start, end, kind
