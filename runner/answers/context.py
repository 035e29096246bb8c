"""Reduce earlier answers to a text within a token budget, dropping whole items, lowest first."""

from __future__ import annotations

import heapq
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from runner.answers.findings import insight_line, item_line, missing_line
from runner.config.schema import ContextSettings
from runner.transcript import Segment

Count = Callable[[str], int]

TOP_INSIGHT, SELECTED_KEY, OTHER_INSIGHT, OTHER_KEY = range(4)
TIERS = ("top insight", "selected key", "other insight", "other key")
_WORD = re.compile(r"\w+")
_CITED = re.compile(r" \{(S\d+) ")


@dataclass(frozen=True, slots=True)
class Item:
    """One line that is kept or dropped whole; *tokens* counts the line with its line feed."""

    analyzer: str
    key: str
    index: int
    line: str
    tokens: int
    tier: int = OTHER_KEY


@dataclass(frozen=True, slots=True)
class Reduced:
    """A context and its ledger: *text* has *tokens* ≤ the budget; *dropped* items are not in it."""

    text: str
    tokens: int
    kept: tuple[Item, ...]
    dropped: tuple[Item, ...]
    shares: Mapping[str, int]
    missing: Mapping[str, str] = field(default_factory=dict)
    excerpts: tuple[str, ...] = ()

    def ledger(self, settings: ContextSettings) -> dict[str, Any]:
        """Return what was asked, given, kept and dropped, as JSON-able data."""
        sections: dict[str, Any] = {}
        for name, share in self.shares.items():
            mine = [(item, True) for item in self.kept if item.analyzer == name]
            mine += [(item, False) for item in self.dropped if item.analyzer == name]
            sections[name] = {
                "share_tokens": share,
                "kept_tokens": sum(item.tokens for item, kept in mine if kept),
                "dropped_tokens": sum(item.tokens for item, kept in mine if not kept),
                "items": [
                    {
                        "key": item.key,
                        "index": item.index,
                        "priority": TIERS[item.tier],
                        "tokens": item.tokens,
                        "kept": kept,
                    }
                    for item, kept in mine
                ],
            }
        return {
            "settings": settings.model_dump(),
            "tokens": self.tokens,
            "items_kept": len(self.kept),
            "items_dropped": len(self.dropped),
            "missing": dict(self.missing),
            "sections": sections,
            "transcript_segments": list(self.excerpts),
        }


def reduce_context(
    title: str,
    answers: Mapping[str, Sequence[Item]],
    missing: Mapping[str, str],
    settings: ContextSettings,
    count: Count,
    transcript: Sequence[Segment] = (),
) -> Reduced:
    """Return the context of *answers* (by analyzer, from answer_items).

    *missing* maps analyzers that gave nothing to the reason. The text, headers included, is
    at most `settings.token_budget` tokens by *count*, which is asked for the same lines again and
    again (see `Tokenizer.line_counter`); it is empty when no item fits.
    """
    items = {name: rank_items(found, settings) for name, found in answers.items()}
    fixed = count(_render(title, missing, []))
    costs = {name: _cost(name, ranked, count) for name, ranked in items.items()}
    shares = fair_shares(costs, settings.token_budget - fixed)
    kept = [item for name in items for item in _fill(name, items[name], shares[name], count)]
    every = [item for ranked in items.values() for item in ranked]
    kept = _spend_rest(kept, every, settings.token_budget - fixed, count)
    text = _render(title, missing, kept)
    while (tokens := count(text)) > settings.token_budget and kept:
        # Joining lines may cost a token more than they cost apart.
        kept.remove(max(kept, key=lambda item: (item.tier, item.index)))
        text = _render(title, missing, kept)
    if not kept:
        text, tokens = "", 0
    text, tokens, excerpts = _add_excerpts(text, tokens, kept, settings, count, transcript)
    chosen = set(map(id, kept))
    dropped = tuple(item for item in every if id(item) not in chosen)
    return Reduced(text, tokens, tuple(kept), dropped, shares, missing, excerpts)


def answer_items(name: str, answer: Mapping[str, Any], count: Count) -> tuple[Item, ...]:
    """Return one line for each insight and each element of structured data, best first by key."""
    lines = [("insights", insight_line(i)) for i in diverse(answer.get("insights", []))]
    for key, value in (answer.get("structured_data") or {}).items():
        lines += [
            (key, item_line(part)) for part in (value if isinstance(value, list) else [value])
        ]
    places: dict[str, int] = {}
    items = []
    for key, line in lines:
        places[key] = places.get(key, -1) + 1
        items.append(Item(name, key, places[key], line, count(line + "\n")))
    return tuple(items)


def rank_items(items: Sequence[Item], settings: ContextSettings) -> list[Item]:
    """Return *items* with their tier, most important first."""

    def tier(item: Item) -> int:
        if item.key == "insights":
            return TOP_INSIGHT if item.index < settings.top_insights else OTHER_INSIGHT
        return SELECTED_KEY if item.key in settings.include_structured_keys else OTHER_KEY

    # Within a tier the first item of every key comes before the second of any.
    ranked = [replace(item, tier=tier(item)) for item in items]
    return sorted(ranked, key=lambda item: (item.tier, item.index))


def diverse(insights: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Order insights by confidence, less what they repeat of those already chosen.

    Maximal marginal relevance with weight 0.5 on Jaccard word overlap (Carbonell and
    Goldstein, 1998).
    """
    words = [frozenset(_WORD.findall(str(i["text"]).lower())) for i in insights]
    overlap = [0.0] * len(insights)  # with the most alike of those chosen
    left, chosen = list(range(len(insights))), list[int]()

    def gain(at: int) -> float:
        return float(insights[at]["confidence"]) - 0.5 * overlap[at]

    while left:
        best = max(left, key=gain)  # ties keep the model's own order
        left.remove(best)
        chosen.append(best)
        for at in left:
            overlap[at] = max(overlap[at], _jaccard(words[at], words[best]))
    return [insights[at] for at in chosen]


def fair_shares(costs: Mapping[str, int], budget: int) -> dict[str, int]:
    """Split *budget* tokens: equal parts, and what one does not need goes to the others.

    Max-min fairness; each share is at most its cost and the sum at most max(0, *budget*).
    """
    shares: dict[str, int] = {}
    left = max(0, budget)
    for place, name in enumerate(sorted(costs, key=lambda n: costs[n])):
        shares[name] = min(costs[name], left // (len(costs) - place))
        left -= shares[name]
    return {name: shares[name] for name in costs}


def _jaccard(a: frozenset[str], b: frozenset[str]) -> float:
    return len(a & b) / len(a | b) if a or b else 0.0


def _fill(name: str, ranked: Sequence[Item], share: int, count: Count) -> list[Item]:
    """Take items in order of priority while they fit into *share* tokens."""
    kept: list[Item] = []
    left = share - count(f"\n## {name}\n")
    seen: set[str] = set()
    for item in ranked:
        cost = item.tokens + (0 if item.key in seen else count(f"### {item.key}\n"))
        if cost <= left:
            kept.append(item)
            seen.add(item.key)
            left -= cost
    return kept


def _cost(name: str, ranked: Sequence[Item], count: Count) -> int:
    keys = {item.key for item in ranked}
    headers = count(f"\n## {name}\n") + sum(count(f"### {key}\n") for key in keys)
    return headers + sum(item.tokens for item in ranked)


def _spend_rest(kept: list[Item], every: Sequence[Item], budget: int, count: Count) -> list[Item]:
    """Give tokens that no section could use whole to the best items left over."""
    names = {item.analyzer for item in kept}
    used = sum(_cost(n, [i for i in kept if i.analyzer == n], count) for n in names)
    taken = set(map(id, kept))
    heads = {(item.analyzer, item.key) for item in kept}
    queue = [(i.tier, i.index, at) for at, i in enumerate(every) if id(i) not in taken]
    heapq.heapify(queue)
    while queue:
        item = every[heapq.heappop(queue)[2]]
        cost = item.tokens
        if (item.analyzer, item.key) not in heads:
            cost += count(f"### {item.key}\n")
        if item.analyzer not in names:
            cost += count(f"\n## {item.analyzer}\n")
        if used + cost <= budget:
            used += cost
            kept.append(item)
            heads.add((item.analyzer, item.key))
            names.add(item.analyzer)
    order = {id(item): at for at, item in enumerate(every)}
    return sorted(kept, key=lambda item: order[id(item)])


def _render(title: str, missing: Mapping[str, str], kept: Sequence[Item]) -> str:
    lines = [f"# {title}"]
    if missing:
        lines.append(missing_line(missing))
    for name in dict.fromkeys(item.analyzer for item in kept):
        lines += ["", f"## {name}"]
        mine = [item for item in kept if item.analyzer == name]
        for key in dict.fromkeys(item.key for item in mine):
            lines.append(f"### {key}")
            lines += [item.line for item in mine if item.key == key]
    return "\n".join(lines) + "\n"


def _add_excerpts(
    text: str,
    tokens: int,
    kept: Sequence[Item],
    settings: ContextSettings,
    count: Count,
    transcript: Sequence[Segment],
) -> tuple[str, int, tuple[str, ...]]:
    """Append segments, those cited by kept items first, within both token limits."""
    if not settings.transcript_tokens or not transcript or not kept:
        return text, tokens, ()
    cited = {ref for item in kept for ref in cited_in(item)}
    cited_first = sorted(range(len(transcript)), key=lambda at: transcript[at].id not in cited)
    head = "\n## Excerpts of the transcript\n"
    limit = min(settings.transcript_tokens, settings.token_budget - tokens)
    chosen: list[int] = []
    used = count(head)
    for at in cited_first:
        cost = count(segment_line(transcript[at]) + "\n")
        if used + cost <= limit:
            used += cost
            chosen.append(at)
    while chosen:
        excerpt = [transcript[at] for at in sorted(chosen)]
        whole = text + head + "".join(segment_line(s) + "\n" for s in excerpt)
        if (size := count(whole)) <= settings.token_budget:
            return whole, size, tuple(s.id for s in excerpt)
        chosen.pop()
    return text, tokens, ()


def cited_in(item: Item) -> list[str]:
    """Return the ids of the segments that *item* cites, in order, repeated as it repeats them."""
    return _CITED.findall(item.line)


def segment_line(segment: Segment) -> str:
    """Render a segment as prompts show it: `[S0012 Ann Lee] text`."""
    speaker = f" {segment.speaker.replace(']', ')')}" if segment.speaker else ""
    return f"[{segment.id}{speaker}] {segment.text}"
