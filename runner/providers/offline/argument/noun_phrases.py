"""Noun phrases of a text, which name what a claim is about."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from runner.providers.offline.argument.case import Case
from runner.providers.offline.argument.claims import Claim
from runner.providers.offline.language.lexicon import NOT_NOUNS, STOP_WORDS
from runner.providers.offline.language.sentences import stem, words
from runner.providers.offline.language.wording import listed


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Verb forms that no suffix gives away and that make poor names for a topic.
_VERBS = _words(
    """
    able act afraid applied ask asking asks aware became began believe bid bought broke brought
    built called chose closes comes continue converted costs describe develop did dropped easy
    ensure fails fell fits forget foul gauge gave gets gives goes got grew grows happens hard held
    helps holds include includes join keeps kept kills knows lasts leads led learn left lends likely
    read listening logged looking lose loses lost made makes making means measured mere observe pays
    proceed protect provide provides react regulate remain remember replace requires respond
    returned runs sank says scroll sell send sent skip sold sole sorry speak speaks spent stayed
    takes talking thinking tries undeniably unlikely utter verify went willing wins write
    """
)
_UNFIT = STOP_WORDS | NOT_NOUNS | _VERBS
_GIVEN = _words("the a an this these those our your their its his her my no every")
_BEFORE_VERB = _words(
    "to will can could should would might must may not we you they i who never cannot let"
)
_TOKEN = re.compile(r"[\w-]+(?:['’]\w+)?")
_NOMINAL = re.compile(
    r"(?:al|ic|ive|ous|ary|ion|ity|ment|ness|[ae]nce|er|or|ism|s|an|ate|ed|ing|gy|cy|th)$"
)
_MAX_WORDS = 4


@dataclass(frozen=True, slots=True)
class NounPhrase:
    """A noun phrase of one to four words as written; *given* if an article or the like precedes."""

    text: str
    given: bool

    @property
    def stems(self) -> frozenset[str]:
        """The stems of its words."""
        return frozenset(stem(word) for word in words(self.text))

    @property
    def with_article(self) -> str:
        """The phrase for use inside a sentence: "the berth list", but "monetary policy"."""
        return f"the {self.text}" if self.given else self.text


@lru_cache(maxsize=4096)  # pure; every pair of claims asks for the same phrases
def noun_phrases(text: str, leave_out: frozenset[str] = frozenset()) -> tuple[NounPhrase, ...]:
    """Return the noun phrases of *text* in order; *leave_out* are words in lower case."""
    found: dict[str, NounPhrase] = {}
    for before, run in _runs(text, leave_out):
        phrase = _trimmed(before, run)
        if phrase:
            known = found.get(phrase.text.lower())
            found.setdefault(phrase.text.lower(), phrase)
            if known is None and phrase.given:
                found[phrase.text.lower()] = phrase
    return tuple(found.values())


def _runs(text: str, leave_out: frozenset[str]) -> Iterator[tuple[str, list[str]]]:
    """Yield unbroken runs of noun-like words, each with the word before it."""
    run: list[str] = []
    before, last, end = "", "", 0
    for match in _TOKEN.finditer(text.replace("’", "'")):
        word = match[0]
        joined = match.start() - end <= 1 and not (run and run[-1].lower() == word.lower())
        fit = _is_fit(word, leave_out)
        if run and (not fit or not joined):
            yield before, run
            run = []
        if fit:
            if not run:
                before = last if joined else ""
            run.append(word)
        last, end = word.lower(), match.end()
    if run:
        yield before, run


def _is_fit(word: str, leave_out: frozenset[str]) -> bool:
    low = word.lower().removesuffix("'s")
    if "'" in low or low in leave_out or low in _UNFIT or stem(low) in _UNFIT:
        return False
    long_enough = len(low) > 2 or (word.isupper() and len(word) > 1)
    adverb = low.endswith("ly") and low not in ("supply", "assembly", "family", "reply")
    return long_enough and not word[0].isdigit() and not adverb and "_" not in word


def _trimmed(before: str, run: Sequence[str]) -> NounPhrase | None:
    """Take verbs off both ends of *run*: "marina flooded", "conduct monetary policy"."""
    parts = list(run)
    while parts and parts[-1].lower().endswith("ed") and len(parts[-1]) > 4:
        parts.pop()
    given = before in _GIVEN
    while len(parts) > 1 and not given and parts[0].islower() and _verbal(before, parts[0]):
        parts.pop(0)
    alone = len(parts) == 1 and not given and parts[0].lower().endswith("ing")
    if not parts or alone or (len(parts) == 1 and before in _BEFORE_VERB and parts[0].islower()):
        return None
    parts = parts[-_MAX_WORDS:]
    return NounPhrase(" ".join(parts).removesuffix("'s"), given)


def _verbal(before: str, word: str) -> bool:
    """Return whether the first word of a run without article reads as a verb."""
    plural = word.endswith("s") and not word.endswith(("ss", "us", "is"))
    bare = before in _BEFORE_VERB and not _NOMINAL.search(word)
    return plural or bare or word.endswith("ing")


def _names(case: Case) -> frozenset[str]:
    return frozenset(w for name in set(case.speakers.values()) for w in words(name))


def ranked_phrases(text: str, case: Case) -> list[NounPhrase]:
    """Return the noun phrases of *text*, those weightiest in the case first."""

    def worth(phrase: NounPhrase) -> float:
        total = sum(case.weights.get(term, 0.0) for term in phrase.stems)
        several = 1.3 if len(phrase.stems) > 1 else 1.0
        return several * total + 0.6 * phrase.given

    return sorted(noun_phrases(text, _names(case)), key=lambda p: (-worth(p), p.text))


def matter(claim: Claim, case: Case, n: int = 1) -> str:
    """Return in a few words what *claim* is about, with the article it has in the text."""
    found = [p.with_article for p in ranked_phrases(claim.text, case)][:n]
    if not found:
        found = [p.with_article for p in ranked_phrases(claim.spoken, case)][:n]
    if not found:  # verbs and adjectives will have to do
        shown = {stem(w): w for w in words(claim.text) if stem(w) in claim.terms}
        ordered = sorted(shown, key=lambda term: (-case.weights.get(term, 0.0), term))
        found = [f'"{shown[term]}"' for term in ordered[:n]]
    return listed(found) if found else "this"


def common_matter(a: Claim, b: Claim, case: Case) -> str:
    """Return the one or two noun phrases of *a* that *b* speaks of too, or an empty string."""
    names = _names(case)
    found = []
    for phrase in ranked_phrases(a.text, case):
        head = stem(phrase.text.split()[-1].lower())
        if head in b.terms:
            kept = [w for w in phrase.text.split() if stem(w.lower()) in b.terms]
            found.append(phrase.with_article if len(kept) > 1 else " ".join(kept))
    return listed([f for f in found if f and f.lower() not in names][:2])


def name_of(texts: Sequence[str], case: Case, used: frozenset[str]) -> str:
    """Return a name of two to five words from the first of *texts* that has one.

    *used* are stems that earlier names took. A single noun is named with what follows "of",
    with its article, or together with a second noun; the name is empty where none is found.
    """
    for text in texts:
        free = [p for p in ranked_phrases(text, case) if not p.stems <= used]
        single = ""
        for phrase in free:
            if 2 <= len(words(phrase.text)) <= 5:
                return phrase.text
            single = single or _widened(phrase, text)
        if single:
            return single
        if len(free) > 1:
            return f"{free[0].text} and {free[1].text}"
    return ""


def _widened(phrase: NounPhrase, text: str) -> str:
    """Return "goal of a remote control" for "goal", or the noun with its article."""
    after = re.search(
        rf"\b{re.escape(phrase.text)} of (?:(?:a|an|the|our|its|their) )?", text, re.IGNORECASE
    )
    if after:
        rest = noun_phrases(text[after.end() :])
        if rest and text[after.end() :].startswith(rest[0].text):
            name = f"{after[0]}{rest[0].text}"
            if len(words(name)) <= 5:
                return name
    return phrase.with_article if phrase.given else ""
