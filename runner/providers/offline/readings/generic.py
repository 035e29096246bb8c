"""Generic reading: the sentences or findings nearest to the question."""

from collections import Counter
from collections.abc import Mapping

from runner.answers.findings import Finding
from runner.answers.passages import inverse_frequencies, relevance
from runner.providers.offline.dialogue.dialogue import read_dialogue, substantive_sentences
from runner.providers.offline.dialogue.insights import insight, not_recognised, says
from runner.providers.offline.document import Document
from runner.providers.offline.language.lexicon import PROMPT_WORDS
from runner.providers.offline.language.ranking import diverse
from runner.providers.offline.language.sentences import Sentence, content_words, stem, words
from runner.providers.offline.language.wording import evidence, insight_of

_MAX_INSIGHTS = 8
_SENTENCE_WEIGHT = 0.2  # the sentence's own words of the question, against its passage's


def read(document: Document) -> dict[str, object]:
    """Return the sentences or, without a transcript, the findings nearest to the question.

    Question-focused extraction: the terms of *document.question* weigh the candidates, as in
    query-biased summaries (Tombros and Sanderson 1998). Pure and deterministic.
    """
    if document.lines:
        return {"insights": _from_lines(document), "structured_data": {}}
    return {"insights": _from_findings(document), "structured_data": {}}


def _from_lines(document: Document) -> list[dict[str, object]]:
    dialogue = read_dialogue(document)
    asked = _asked(document.question, dialogue.weights)
    pool = substantive_sentences(dialogue) or list(dialogue.sentences)
    passage = _passages(document, asked)
    near = {s.index: _nearness(s.text, asked, dialogue.weights) for s in pool}
    top, most = max(near.values(), default=0.0) or 1.0, max(passage.values()) or 1.0
    scores = {
        s.index: (1 - _SENTENCE_WEIGHT) * passage[s.segment] / most
        + _SENTENCE_WEIGHT * near[s.index] / top
        for s in pool
    }
    chosen = diverse(pool, _MAX_INSIGHTS, score=lambda s: scores[s.index], text=lambda s: s.text)
    found = [_insight(s, asked, scores[s.index]) for s in chosen]
    return found or not_recognised("statements")


def _passages(document: Document, asked: Mapping[str, float]) -> dict[str, float]:
    """Return how far each segment is in a passage about the question."""
    question = set(words(document.question))
    labels = [set(words(line.speaker or "")) for line in document.lines]
    terms = [frozenset(content_words(line.text)) for line in document.lines]
    named = [bool(label) and label <= question for label in labels]
    scores = relevance(terms, inverse_frequencies(terms, asked), named)
    return dict(zip((line.segment for line in document.lines), scores, strict=True))


def _insight(s: Sentence, asked: Mapping[str, float], score: float) -> dict[str, object]:
    if asked.keys() & set(content_words(s.text)):
        return insight(says(s, does="bears on the question"), score, "on_question", (s,))
    does = "says, without the question's own words"
    return insight(says(s, does=does), score * 0.8, "central", (s,))


def _asked(question: str, weights: Mapping[str, float]) -> dict[str, float]:
    """Return the question's stems that the text uses, without the words of any instruction."""
    skipped = {stem(word) for word in PROMPT_WORDS}
    counts = Counter(w for w in content_words(question) if w in weights and w not in skipped)
    return {term: 1.0 + 0.2 * min(count - 1, 3) for term, count in counts.items()}


def _nearness(text: str, asked: Mapping[str, float], weights: Mapping[str, float]) -> float:
    shared = set(content_words(text)) & asked.keys()
    return float(sum(asked[term] * weights[term] for term in sorted(shared)))


def _from_findings(document: Document) -> list[dict[str, object]]:
    """Return the findings with evidence that share most with the question, evidence unchanged."""
    cited = [f for f in document.findings if f.evidence]
    spread = Counter(w for f in cited for w in set(content_words(f.text)))
    weights = {term: 1.0 / count**0.5 for term, count in spread.items()}
    asked = _asked(document.question, weights)
    near = {id(f): _nearness(f.text, asked, weights) for f in cited}
    scores = {
        id(f): 0.5 * near[id(f)] / (1 + near[id(f)]) + 0.5 * (f.confidence or 0.4) for f in cited
    }
    chosen = diverse(
        cited,
        _MAX_INSIGHTS,
        score=lambda f: scores[id(f)],
        text=lambda f: f.text,
        group=lambda f: f.analyzer,
    )
    found = [_restated(finding, scores[id(finding)]) for finding in chosen]
    text = f"In {len(document.findings)} findings no quote is recognised that answers the question."
    return found or [insight(text, 0.05, "no_evidence", ())]


def _restated(finding: Finding, score: float) -> dict[str, object]:
    text = f"From {finding.analyzer}: {finding.text}"
    return insight_of(text, score, finding.category or finding.key, evidence(finding.evidence))
