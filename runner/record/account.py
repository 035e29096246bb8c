"""Account of a resumed run: usage in its records and metadata that its journal lacks."""

import os
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from runner.base.files import TEMP
from runner.base.json import amount, listing, read_json, section
from runner.base.usage import USAGE_FIGURES
from runner.record.batch_directory import is_batch, runs_of
from runner.record.deliveries import settle_unsent
from runner.record.journal import Journal, Spent
from runner.record.run_directory import COMPLETED

_ROUNDING = 1e-9
_SUMS = {"tokens": ("prompt_tokens", "completion_tokens"), "usd": ("cost_usd",)}
_FIGURES = (*USAGE_FIGURES, "charged_tokens", "charged_usd", "attempts", "unsettled")

Figures = Counter[str]  # tokens, dollars and attempts by their names in metadata.json


def restore_account(path: Path, journal: Journal) -> None:
    """Add to *journal* what the run or batch in *path* has spent beyond its lines; raise OSError.

    A journal can be deleted, or lose lines to a power cut; of its sum and the files', the larger
    one counts. Calls for batches that were never sent are released.
    """
    settle_unsent(path, journal)
    for run in runs_of(path) if is_batch(path) else ():
        name = run.relative_to(path).as_posix()
        journal.restore(_missing(run, journal.earlier(name)), name)
    journal.restore(_missing(path, journal.spent))


def _missing(run: Path, spent: Spent) -> Mapping[str, float | None]:
    """Return the excess of the figures in *run*'s files over *spent*, empty for none."""
    journalled = _figures({**spent.totals(), "cost_usd": spent.known_usd})
    totals = section(read_json(run / "metadata.json"), "totals")
    recorded = _figures(totals)
    if not (totals and (run / COMPLETED).exists()):
        recorded |= _recorded(run)
    lost = {name: max(0.0, recorded[name] - journalled[name]) for name in _FIGURES}
    exceeds = False
    for unit, names in _SUMS.items():
        charged = f"charged_{unit}"
        more = sum(recorded[name] - journalled[name] for name in (*names, charged))
        exceeds |= more > _ROUNDING
        own = sum(lost[name] for name in names)
        lost[charged] = max(-journalled[charged], max(0.0, more) - own)
    if not exceeds:
        return {}
    figures = {name: v if name.endswith("usd") else int(v) for name, v in lost.items()}
    unpriced = totals and totals.get("cost_usd") is None and not lost["cost_usd"]
    return {**figures, "cost_usd": None} if unpriced else figures


def _recorded(run: Path) -> Figures:
    """Return the sums of all records, also old ones; a node's includes its session's parts."""
    nodes, parts = defaultdict[Any, Figures](Figures), defaultdict[Any, Figures](Figures)
    for key, is_part, file in _records(run):
        record = read_json(file)
        attempts = len(listing(record.get("attempts")))
        figures = _figures({**record, **section(record, "usage"), "attempts": attempts})
        (parts if is_part else nodes)[key] += figures
    return sum((nodes[key] | parts[key] for key in {*nodes, *parts}), Figures())


def _records(run: Path) -> Iterator[tuple[tuple[str, str], bool, Path]]:
    """Yield the files of records, by stage and node, and whether one is a part's."""
    for top in ("intermediate", "superseded"):
        if (run / top).is_symlink():
            continue
        for folder, _, names in os.walk(run / top):
            stage, *node = Path(folder).relative_to(run / top).parts or ("",)
            for name in names:
                stem, dot, _ = name.partition(".json")
                if dot and not name.startswith(TEMP):
                    stem = stem.rpartition("-")[0] if top == "superseded" else stem
                    yield (stage, node[0] if node else stem), bool(node), Path(folder, name)


def _figures(values: Mapping[str, Any]) -> Figures:
    return Figures({name: amount(values.get(name)) for name in _FIGURES})
