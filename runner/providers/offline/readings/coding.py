"""Reading of coding: sentences that share words with a code's name, examples or definition."""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from runner.answers.codebook import EXCEPT
from runner.base.json import listing, mapping, text
from runner.providers.offline.dialogue.insights import cite, insight
from runner.providers.offline.document import Document
from runner.providers.offline.language.asking import terms_of
from runner.providers.offline.language.sentences import Sentence, sentences, words
from runner.providers.offline.language.wording import listed

_BOOK = re.compile(r'<codebook id="(\w+)">\n(.*)\n</codebook id="\1">', re.DOTALL)
_SHARED = 2  # words of a definition, or of several examples, that a sentence must have
_SHOWN = 3  # codes that an insight is about


@dataclass(frozen=True, slots=True)
class _Lexical:
    """The terms of a code; each of *phrases*, its name and examples, is sufficient."""

    name: str
    parent: str
    phrases: tuple[frozenset[str], ...]
    terms: frozenset[str]

    def shared(self, terms: frozenset[str]) -> frozenset[str]:
        """Return the terms that give a sentence with *terms* this code, empty without it."""
        found = self.terms & terms
        whole = any(phrase <= terms for phrase in self.phrases)
        return found if whole or len(found) >= _SHARED else frozenset()


def read(document: Document) -> dict[str, object]:
    """Code each segment by its words; pure and deterministic.

    Among a code and its ancestors, a segment gets the most specific one.
    """
    codes = {code.name: code for code in _codes(document.question)}
    found: dict[tuple[str, str], tuple[Sentence, frozenset[str]]] = {}
    for sentence in sentences(document.lines):
        terms = terms_of(sentence.text)
        for code in codes.values():
            at, shared = (sentence.segment, code.name), code.shared(terms)
            if len(shared) > len(found[at][1] if at in found else ()):
                found[at] = sentence, shared
    general = {(segment, above) for segment, name in found for above in _above(name, codes)}
    kept = {at: each for at, each in found.items() if at not in general}
    codings = [
        {"code": name, "reason": _reason(*each), "evidence": cite(each[0])}
        for (_, name), each in sorted(kept.items(), key=lambda item: item[1][0].index)
    ]
    counts = Counter(name for _, name in kept)
    first, last = (document.lines[at].segment for at in (0, -1)) if kept else ("", "")
    insights = [
        insight(
            f"{name} is in {count} of the {len(document.lines)} segments {first} to {last}, by "
            f"shared words alone: what is meant was not judged.",
            0.3,
            "shared words",
            [each for (_, code), (each, _) in kept.items() if code == name][:2],
        )
        for name, count in counts.most_common(_SHOWN)
    ]
    none = insight("No segment shares enough words with a code.", 0.3, "shared words", [])
    return {"insights": insights or [none], "structured_data": {"codings": codings}}


def _codes(question: str) -> Iterator[_Lexical]:
    found = _BOOK.search(question)
    for line in found[2].split("\n") if found else ():
        code: Mapping[str, object] = mapping(json.loads(line))
        name, parent = text(code.get("code")), text(code.get("parent"))
        told = [name, *map(text, listing(code.get("examples")))]
        phrases = tuple(filter(None, map(terms_of, told)))
        applies = text(code.get("definition")).partition(f"\n{EXCEPT}")[0]
        terms = terms_of(applies).union(*phrases)
        if name:
            yield _Lexical(name, parent, phrases, terms)
        else:
            yield _Lexical(text(code.get("group")), parent, (), frozenset())


def _above(name: str, codes: Mapping[str, _Lexical]) -> Iterator[str]:
    while (code := codes.get(name)) is not None and (name := code.parent):
        yield name


def _reason(sentence: Sentence, shared: frozenset[str]) -> str:
    own = (word for word in words(sentence.text) if terms_of(word) & shared)
    return f"Shares {listed(own) or 'words'} with the code's name, examples or definition."
