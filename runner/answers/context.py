"""Context reduction: earlier answers as text within a token budget, best items first."""

import math
import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Any

from runner.answers.findings import insight_line, item_line, missing_line
from runner.answers.grounding.exact_matches import WORD
from runner.answers.prompt_text import Count, segment_line
from runner.config.schema import ContextSettings
from runner.transcript.model import Segment

TOP_INSIGHT, SELECTED_KEY, OTHER_INSIGHT, OTHER_KEY = range(4)
TIERS = ("top insight", "selected key", "other insight", "other key")
LITTLE = 5  # of the items, less than one in so many
_EXCERPT_SHARE = 0.25  # of the budget, reserved for excerpts of the transcript
_CITED = re.compile(r" \{(S\d+) ")


@dataclass(frozen=True, slots=True)
class Item:
    """One line, kept or dropped as a whole; *tokens* includes its line feed."""

    analyzer: str
    key: str
    index: int
    line: str
    tokens: int
    tier: int = OTHER_KEY


@dataclass(frozen=True, slots=True)
class ReducedContext:
    """A context of *tokens* ≤ the budget, with the items it keeps and those it drops."""

    text: str
    tokens: int
    kept: tuple[Item, ...]
    dropped: tuple[Item, ...]
    shares: Mapping[str, int]  # tokens for each analyzer's section
    missing: Mapping[str, str] = field(default_factory=dict)  # by analyzer, why it has no answer
    excerpts: tuple[str, ...] = ()  # the ids of the transcript's segments in the text

    @property
    def segments(self) -> frozenset[str]:
        """The ids of the transcript's segments that the text quotes."""
        quoted = (segment for item in self.kept for segment in _CITED.findall(item.line))
        return frozenset(chain(self.excerpts, quoted))

    def ledger(self, settings: ContextSettings) -> dict[str, Any]:
        """Return the budget and every item, kept or dropped, as JSON-able data."""
        sections: dict[str, dict[str, Any]] = {
            name: {"share_tokens": share, "kept_tokens": 0, "dropped_tokens": 0, "items": []}
            for name, share in self.shares.items()
        }
        for state, items in (("kept", self.kept), ("dropped", self.dropped)):
            for item in items:
                section = sections[item.analyzer]
                section[f"{state}_tokens"] += item.tokens
                named = {"key": item.key, "index": item.index, "priority": TIERS[item.tier]}
                section["items"].append({**named, "tokens": item.tokens, "kept": state == "kept"})
        return {
            "settings": settings.model_dump(),
            "tokens": self.tokens,
            "items_kept": len(self.kept),
            "items_dropped": len(self.dropped),
            "missing": dict(self.missing),
            "sections": sections,
            "transcript_segments": list(self.excerpts),
        }


def scarcity(kept: int, dropped: int) -> str | None:
    """Return `1 of 40 findings` if a stage reads few of them, else None."""
    few = kept * LITTLE < kept + dropped
    return f"{kept} of {kept + dropped} findings" if few else None


def reduce_context(
    title: str,
    answers: Mapping[str, Sequence[Item]],
    missing: Mapping[str, str],
    settings: ContextSettings,
    count: Count,
    transcript: Sequence[Segment] = (),
) -> ReducedContext:
    """Return the context of *answers* (by analyzer, from answer_items).

    *missing* maps analyzers without an answer to the reason. The text, headers included, has
    at most `settings.token_budget` tokens by *count*, which is called with the same lines many
    times; it is empty when no item fits.
    """
    sections = {name: rank_items(items, settings) for name, items in answers.items()}
    ranked = [item for items in sections.values() for item in items]
    excerpts = settings.transcript_tokens if transcript else 0
    reserved = min(excerpts, int(settings.token_budget * _EXCERPT_SHARE))
    budget = settings.token_budget - reserved - count(_render(title, missing, []))
    costs = {name: _select(items, math.inf, count)[1] for name, items in sections.items()}
    shares = fair_shares(costs, budget)
    chosen = [i for name in sections for i in _select(sections[name], shares[name], count)[0]]
    # Tokens that no section could use go to the best of the remaining items.
    held = set(chosen)
    rest = sorted((item for item in ranked if item not in held), key=_priority)
    held = set(_select([*chosen, *rest], budget, count)[0])
    kept = [item for item in ranked if item in held]
    text = _render(title, missing, kept)
    while (tokens := count(text)) > settings.token_budget and kept:
        # Joined lines may cost a token more than separate ones.
        kept.remove(max(kept, key=_priority))
        text = _render(title, missing, kept)
    if not kept:
        text, tokens = "", 0
    held = set(kept)
    dropped = tuple(item for item in ranked if item not in held)
    reduced = ReducedContext(text, tokens, tuple(kept), dropped, shares, missing)
    return _with_excerpts(reduced, settings, count, transcript)


def answer_items(name: str, answer: Mapping[str, Any], count: Count) -> tuple[Item, ...]:
    """Return one item for each insight and each element of structured data, best first by key."""
    lines = [("insights", insight_line(i)) for i in diverse(answer.get("insights", []))]
    for key, value in (answer.get("structured_data") or {}).items():
        parts = value if isinstance(value, list) else [value]
        lines += [(key, item_line(part)) for part in parts]
    indices: dict[str, int] = {}
    items = []
    for key, line in lines:
        indices[key] = indices.get(key, -1) + 1
        items.append(Item(name, key, indices[key], line, count(line + "\n")))
    return tuple(items)


def rank_items(items: Sequence[Item], settings: ContextSettings) -> list[Item]:
    """Return *items* with their tier, most important first; in a tier the first of every key."""

    def tier(item: Item) -> int:
        if item.key == "insights":
            return TOP_INSIGHT if item.index < settings.top_insights else OTHER_INSIGHT
        return SELECTED_KEY if item.key in settings.include_structured_keys else OTHER_KEY

    return sorted((replace(item, tier=tier(item)) for item in items), key=_priority)


def diverse(insights: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Order insights by confidence minus their overlap with insights already chosen.

    Maximal marginal relevance with weight 0.5 on Jaccard word overlap (Carbonell and
    Goldstein, 1998).
    """
    words = [frozenset(WORD.findall(str(i["text"]).lower())) for i in insights]
    overlap = [0.0] * len(insights)  # with the most similar insight chosen so far
    left, chosen = list(range(len(insights))), list[int]()

    def gain(at: int) -> float:
        return float(insights[at]["confidence"]) - 0.5 * overlap[at]

    while left:
        best = max(left, key=gain)  # ties keep the model's own order
        left.remove(best)
        chosen.append(best)
        for at in left:
            either = words[at] | words[best]
            shared = len(words[at] & words[best]) / len(either) if either else 0.0
            overlap[at] = max(overlap[at], shared)
    return [insights[at] for at in chosen]


def fair_shares(costs: Mapping[str, int], budget: int) -> dict[str, int]:
    """Split *budget* tokens max-min fairly: equally, none above its cost, the rest to others."""
    shares: dict[str, int] = {}
    left = max(0, budget)
    for place, name in enumerate(sorted(costs, key=lambda n: costs[n])):
        shares[name] = min(costs[name], left // (len(costs) - place))
        left -= shares[name]
    return {name: shares[name] for name in costs}


def _priority(item: Item) -> tuple[int, int]:
    return item.tier, item.index


def _select(items: Iterable[Item], budget: float, count: Count) -> tuple[list[Item], int]:
    """Return each of *items*, in order, that still fits into *budget* tokens, and their tokens."""
    selected, used, headers = list[Item](), 0, set[tuple[str, str]]()
    for item in items:
        new = {place: text for place, text in _headers(item).items() if place not in headers}
        cost = item.tokens + sum(map(count, new.values()))
        if used + cost <= budget:
            used += cost
            selected.append(item)
            headers |= new.keys()
    return selected, used


def _headers(item: Item) -> dict[tuple[str, str], str]:
    """Return the headers above *item*: of its analyzer's section and of its key."""
    section, key = (item.analyzer, ""), (item.analyzer, item.key)
    return {section: f"\n## {item.analyzer}\n", key: f"### {item.key}\n"}


def _render(title: str, missing: Mapping[str, str], kept: Sequence[Item]) -> str:
    """Return the text of *kept*, which are grouped by analyzer but not by key."""
    head = f"# {title}\n" + (f"{missing_line(missing)}\n" if missing else "")
    blocks: dict[tuple[str, str], list[str]] = {}
    for item in kept:
        for place, header in _headers(item).items():
            blocks.setdefault(place, [header])
        blocks[item.analyzer, item.key].append(f"{item.line}\n")
    return head + "".join(chain.from_iterable(blocks.values()))


def _with_excerpts(
    reduced: ReducedContext, settings: ContextSettings, count: Count, transcript: Sequence[Segment]
) -> ReducedContext:
    """Append segments, those nearest to what kept items cite first, within both token limits."""
    if not settings.transcript_tokens or not transcript or not reduced.kept:
        return reduced
    cited = {name for item in reduced.kept for name in _CITED.findall(item.line)}
    nearest_first = _by_distance(transcript, cited)
    head = "\n## Excerpts of the transcript\n"
    limit = min(settings.transcript_tokens, settings.token_budget - reduced.tokens) - count(head)
    chosen = _fitting(nearest_first, limit, count)
    while chosen:
        names = {segment.id for segment in chosen}
        excerpt = [segment for segment in transcript if segment.id in names]
        text = reduced.text + head + "".join(segment_line(segment) + "\n" for segment in excerpt)
        if (tokens := count(text)) <= settings.token_budget:
            ids = tuple(segment.id for segment in excerpt)
            return replace(reduced, text=text, tokens=tokens, excerpts=ids)
        chosen.pop()
    return reduced


def _by_distance(transcript: Sequence[Segment], cited: Collection[str]) -> list[Segment]:
    """Return all segments, those nearest to a cited one first, in linear time."""
    ranked = [place for place, segment in enumerate(transcript) if segment.id in cited]
    known = set(ranked)
    for place in ranked:  # grows as its members' neighbours join: a breadth-first search
        near = [p for p in (place - 1, place + 1) if 0 <= p < len(transcript) and p not in known]
        known.update(near)
        ranked += near
    return [transcript[place] for place in ranked]


def _fitting(segments: Iterable[Segment], budget: int, count: Count) -> list[Segment]:
    """Return each of *segments*, in order of priority, that still fits into *budget* tokens."""
    chosen, used = [], 0
    for segment in segments:
        cost = count(segment_line(segment) + "\n")
        if used + cost <= budget:
            used += cost
            chosen.append(segment)
    return chosen


def cited_lines(
    items: Sequence[Item], transcript: Sequence[Segment], budget: int, count: Count
) -> list[str]:
    """Return the lines of segments that *items* cite, in order; drop the least cited first."""
    times = Counter(name for item in items for name in _CITED.findall(item.line))
    cited = [segment for segment in transcript if segment.id in times]
    ranked = sorted(cited, key=lambda segment: -times[segment.id])
    chosen = {segment.id for segment in _fitting(ranked, budget, count)}
    return [segment_line(segment) for segment in cited if segment.id in chosen]
