"""History: latency and tokens of each analyzer's calls, for predictions of the next run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from runner.base.files import make_directory, write_json
from runner.base.json import read_json, section

HISTORY = "history.json"  # beside the runs
NEW_WEIGHT = 0.5  # exponential moving average: the last run counts half


@dataclass(frozen=True, slots=True)
class CallAverages:
    """One analyzer with one model: seconds and reply tokens of a call, averages over runs.

    *prompt_ratio* is prompt tokens as billed over prompt tokens as planned; it holds what a
    provider adds around the messages, and how full contexts really get.
    """

    latency_s: float
    reply_tokens: float
    prompt_ratio: float

    def updated(self, new: CallAverages) -> CallAverages:
        """Return the average after a further run."""
        old, fresh = asdict(self), asdict(new)
        return CallAverages(**{k: round(old[k] + NEW_WEIGHT * (fresh[k] - old[k]), 4) for k in old})


def history_of(root: Path) -> Path:
    """Return the history file beside the runs in *root*."""
    return root / HISTORY


def read_history(path: Path, model: str) -> dict[str, CallAverages]:
    """Return the history of *model* by analyzer, empty if the file cannot be read."""
    entries = section(read_json(path), model)
    try:
        return {
            str(name): CallAverages(**{key: float(value) for key, value in entry.items()})
            for name, entry in entries.items()
        }
    except (AttributeError, TypeError, ValueError):
        return {}  # without a history runs are only a little slower


def write_history(path: Path, model: str, seen: Mapping[str, CallAverages]) -> None:
    """Fold *seen* by analyzer into the file."""
    known = read_history(path, model)
    for name, new in seen.items():
        known[name] = known[name].updated(new) if name in known else new
    make_directory(path.parent)
    write_json(path, {**read_json(path), model: {name: asdict(s) for name, s in known.items()}})


def expected_durations(
    history: Mapping[str, CallAverages], max_tokens: Mapping[str, int]
) -> dict[str, float]:
    """Return what each analyzer is expected to take, longest = largest.

    Seconds where every analyzer has a history, else *max_tokens* for all: the two scales
    must not be mixed.
    """
    if all(name in history for name in max_tokens):
        return {name: history[name].latency_s for name in max_tokens}
    return {name: float(tokens) for name, tokens in max_tokens.items()}
