"""Line format of findings: how prompts show the answers of earlier stages.

    # Findings of stage_a
    Not available: premises_assertions (timeout)

    ## say_means
    ### insights
    - (0.82, hedge) Ann doubts the date. {S0012 "I suppose we could"} {S0040 "if it holds"}
    ### gaps
    - speaker: Ann | said: I suppose | meant: doubts the date {S0012 "I suppose we could"}

The context reducer writes this format and the offline model parses it.
"""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from rapidfuzz import fuzz

from runner.answers.grounding.exact_matches import ABSENT, WORD
from runner.base.text import digest
from runner.transcript.model import Segment

Citation = tuple[str, str]  # segment id, verbatim quote

_CITATION = re.compile(r' \{(S\d{4,}) "([^{}]*)"\}$')
_CITED = re.compile(  # {S0012 "…"}, [S0012 Ann Lee] …, S0012: …
    r"\s*(?:[\[(](S\d{4,12})\b[^\])\n]*[\])]|\{?(S\d{4,12})\b)\s*[:,–—-]?\s*(\S.*?)\}?\s*",
    re.DOTALL,
)
_INSIGHT = re.compile(r"^\((\d(?:\.\d+)?), ([^)]*)\) (.*)$")
_MISSING = "Not available: "
# Words that turn a statement into its opposite, in the languages most transcripts are in.
_NEGATION = re.compile(
    r"\b(?:not?|never|none|nothing|nobody|neither|nor|without|hardly|barely|cannot|unable|unless|"
    r"\w+n['’]t|(?:do|does|did|is|are|was|were|would|should|could|have|has|had)nt|"
    r"nicht|kein\w*|nie|niemals|niemand|nichts|ohne|weder|"
    r"ne(?!\W+(?:\w+\W+){1,3}(?:pas|jamais|rien|aucun))|pas|jamais|rien|aucune?|sans|"
    r"nunca|nada|nadie|sin|não|nem|sem|non|mai|nessun\w*|senza|niet|geen|nooit|zonder|inte|ikke|"
    r"aldrig|ei|не|нет|ни|никогда|без)\b|[没不無无]|ない|ません|않|아니",
    re.IGNORECASE,
)
# "I don't, uh, I don't" denies once, and so does "No, I don't".
_RESTART = re.compile(
    r"\b(\w[\w'’]*(?:\W+\w[\w'’]*){0,4})(?:\W+(?:uh|um|er|erm|ah))*(?:\W+\1\b)+", re.IGNORECASE
)
_NO_FIRST = re.compile(r"\bno\b(?=\W+(?:i|we|you|he|she|it|they|this|that|there)\b)", re.IGNORECASE)
NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")
_NUMBER_WORDS = {  # "one" is a pronoun, too
    word: str(number * step)
    for step, words in (
        (1, "two three four five six seven eight nine ten eleven twelve"),
        (1, "zwei drei vier fünf sechs sieben acht neun zehn elf zwölf"),
        (1, "deux trois quatre cinq six sept huit neuf dix onze douze"),
        (1, "dos tres cuatro cinco seis siete ocho nueve diez"),
        (10, "twenty thirty forty fifty sixty seventy eighty ninety hundred"),
    )
    for number, word in enumerate(words.split(), 2)
} | {word: word for word in ("thousand", "million", "billion", "trillion", "dozen", "half")}
_SPELLING = 80.0  # of 100: the similarity of two spellings of a name
_STEM = 4  # letters that forms of one word share at its start
_TEXTS = 2048  # that are remembered, since each is compared with many
_SENTENCE_END = ".!?…:。！？"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of findings.

    *key* is `insights` or a key of the structured data; *fields* holds `text` for an insight,
    else the item's fields as text; *confidence* is 0 to 1, None unless it is an insight.
    """

    analyzer: str
    key: str
    fields: Mapping[str, str]
    confidence: float | None
    category: str | None
    evidence: tuple[Citation, ...]

    @property
    def text(self) -> str:
        """The insight's text, or the item's field values joined by semicolons."""
        return "; ".join(value for value in self.fields.values() if value)


def insight_line(insight: Mapping[str, Any]) -> str:
    """Render an insight as one line."""
    category = flat(insight["category"]).replace(")", "")
    head = f"({insight['confidence']:.2f}, {category}) {flat(insight['text'])}"
    return f"- {head}{_citations(insight['evidence'])}"


def item_line(item: Any) -> str:
    """Render one element of a structured key as one line."""
    if not isinstance(item, Mapping):
        return f"- text: {flat(item)}"
    shown = {k: v for k, v in item.items() if k != "evidence" or isinstance(v, str)}
    body = " | ".join(f"{key}: {flat(value)}" for key, value in shown.items())
    evidence = item.get("evidence")
    return f"- {body}{_citations(evidence) if isinstance(evidence, list) else ''}"


def missing_line(missing: Mapping[str, str]) -> str:
    """Render which analyzers have no answer; *missing* maps name to reason."""
    return _MISSING + ", ".join(f"{name} ({flat(why)})" for name, why in missing.items())


def read_findings(text: str) -> tuple[list[Finding], list[str]]:
    """Parse the format; return the findings and the names of missing analyzers."""
    findings: list[Finding] = []
    missing: list[str] = []
    analyzer = key = ""
    for line in text.split("\n"):
        if line.startswith(_MISSING):
            missing += [part.split(" (")[0] for part in line[len(_MISSING) :].split("), ")]
        elif line.startswith("### "):
            key = line[4:].strip()
        elif line.startswith("## "):
            analyzer = line[3:].strip()
        elif line.startswith("- ") and analyzer:
            findings.append(_read_line(line[2:], analyzer, key))
    return findings, missing


def _read_line(body: str, analyzer: str, key: str) -> Finding:
    citations: list[Citation] = []
    while match := _CITATION.search(body):
        citations.insert(0, (match[1], match[2]))
        body = body[: match.start()]
    insight = _INSIGHT.match(body) if key == "insights" else None
    if insight:
        confidence, category, text = insight.groups()
        fields = {"text": text}
        return Finding(analyzer, key, fields, float(confidence), category.strip(), tuple(citations))
    pairs = (part.partition(": ") for part in body.split(" | "))
    fields = {name if colon else "text": value if colon else name for name, colon, value in pairs}
    return Finding(analyzer, key, fields, None, None, tuple(citations))


def citation_in(value: Any) -> dict[str, str] | None:
    """Return segment and quote of evidence in one text, as prompts and models write it."""
    found = _CITED.fullmatch(value) if isinstance(value, str) else None
    return found and {"segment": found[1] or found[2], "quote": found[3].strip(' "“”')}


def flat(value: Any) -> str:
    """Return any JSON value on one line, without the characters that delimit the format."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        value = ", ".join(f"{flat(v)}" for k, v in value.items() if k != "evidence" and v != "")
    elif isinstance(value, list):
        value = "; ".join(flat(item) for item in value)
    folded = " ".join(str(value).split())
    return folded.replace(" | ", " / ").replace("{", "(").replace("}", ")")


def contradicts(one: str, other: str) -> bool:
    """Return whether like texts deny unequally often, or each has numbers or names of its own."""
    mine, theirs = _facts(one), _facts(other)
    own, others = mine - theirs - _words(other), theirs - mine - _words(one)
    own -= {name for name in own if any(_is_spelling(name, each) for each in others)}
    return bool(own and others) or denials(one) != denials(other)


def _is_spelling(name: str, other: str) -> bool:
    """Return whether two names differ as spellings of one do: Jonathan, Jonathon."""
    are_names = name.isalpha() and name not in _NUMBER_WORDS
    return are_names and fuzz.ratio(name, other) >= _SPELLING


@lru_cache(_TEXTS)
def _words(text: str) -> frozenset[str]:
    return frozenset(word.casefold() for word in WORD.findall(text))


@lru_cache(_TEXTS)
def _facts(text: str) -> frozenset[str]:
    """Return the numbers of *text*, and its names: capitalized words within its sentences."""
    facts = set(NUMBER.findall(text.replace(",", "")))
    for word in WORD.finditer(text):
        lead = text[max(0, word.start() - 4) : word.start()].rstrip(" \"'“‘«([")
        folded = word[0].casefold()
        if folded in _NUMBER_WORDS:
            facts.add(_NUMBER_WORDS[folded])
        elif lead and lead[-1] not in _SENTENCE_END and word[0].istitle() and len(word[0]) > 1:
            facts.add(folded)
    return frozenset(facts)


@lru_cache(_TEXTS)
def denials(text: str) -> int:
    """Return how many words of *text* reverse a statement."""
    once = _NO_FIRST.sub("", _RESTART.sub(r"\1", text))
    return sum(1 for _ in _NEGATION.finditer(once))


def adds_facts(text: str, known: str) -> bool:
    """Return whether *text* has a number or capitalized word that *known* lacks, or denies it.

    Its first word, capitalized as any, does not count where *known* follows as a whole. A single
    word that replaces another (supports, opposes) is a fact, too, unless both are short or share
    their first letters.
    """
    own, others = _words(text) - _words(known), _words(known) - _words(text)
    start = 1 if text.casefold().endswith(known.casefold()) else 0
    new = (word for word in WORD.findall(text)[start:] if word.casefold() in own)
    named = any(word[0].isupper() or any(map(str.isdigit, word)) for word in new)
    return named or _is_replaced(own, others) or contradicts(text, known)


def _is_replaced(own: Collection[str], others: Collection[str]) -> bool:
    """Return whether each has one word, and the two do not begin alike."""
    if len(own) != 1 or len(others) != 1:
        return False
    shorter, longer = sorted((*own, *others), key=len)
    return len(longer) >= _STEM and not longer.startswith(shorter[:_STEM])


def _citations(evidence: Sequence[Mapping[str, str]]) -> str:
    """Render evidence without quotes that are absent from the transcript."""
    present = (e for e in evidence if e.get("match") != ABSENT)
    return "".join(f' {{{e["segment"]} "{flat(e["quote"])}"}}' for e in present)


BRACKETS = str.maketrans("<>", "‹›")  # no tag of a prompt can be imitated


def wrap(tag: str, text: str) -> str:
    """Return *text* between tags that it cannot contain: their id is its digest."""
    nonce = digest(text, 12)
    return f'<{tag} id="{nonce}">\n{text.strip()}\n</{tag} id="{nonce}">\n\n'


Count = Callable[[str], int]


def segment_line(segment: Segment) -> str:
    """Render a segment as prompts show it: `[S0012 Ann Lee] text`."""
    speaker = f" {segment.speaker.replace(']', ')')}" if segment.speaker else ""
    return f"[{segment.id}{speaker}] {segment.text}"
