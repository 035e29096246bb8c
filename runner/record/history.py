"""History of each analyzer's calls, latency and tokens, to predict the next run."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any, Self

from runner.base.files import make_directory, write_json
from runner.base.json import amount, listing, read_json, section
from runner.calls.flex import TIMEOUT_S
from runner.calls.schedule import steps_to_end
from runner.job.job import Setup
from runner.job.models import Model
from runner.providers.batches.endpoint import BatchLimits
from runner.providers.batches.factory import why_not

HISTORY = "history.json"  # beside the runs
BATCHES = "batch_seconds"  # a key; models' names have a slash
MAX_BATCHES = 200  # of a model that are remembered
# Assumptions about a model without history; a plan that uses them says so.
REPLY_SHARE = 0.5  # of max_tokens
FIRST_TOKEN_S = 1.0
TOKENS_PER_S = 60.0
_LATE = 0.95  # of recorded batches: later ones do not decide whether a deadline is met
NEW_WEIGHT = 0.5  # exponential moving average: the last run counts half


@dataclass(frozen=True, slots=True)
class CallAverages:
    """Average seconds and reply tokens of a call, by one analyzer to one model."""

    latency_s: float
    reply_tokens: float
    prompt_ratio: float  # billed over planned: what a provider adds, and contexts that are not full

    def updated(self, run: Self) -> Self:
        """Return the averages after another *run*."""
        old, new = asdict(self), asdict(run)
        return replace(self, **{k: round(old[k] + NEW_WEIGHT * (new[k] - old[k]), 4) for k in old})


Histories = Mapping[str, Mapping[str, CallAverages]]  # by litellm model name, then analyzer


def flex_name(model: str) -> str:
    """Return the name of *model*'s history at its provider's flex tier."""
    return f"{model} (flex)"


def read_history(root: Path, model: str) -> dict[str, CallAverages]:
    """Return the history of *model* beside the runs in *root*, by analyzer; empty if unreadable."""
    entries = section(read_json(root / HISTORY), model)
    try:
        return {
            str(name): CallAverages(**{key: float(value) for key, value in entry.items()})
            for name, entry in entries.items()
        }
    except (AttributeError, TypeError, ValueError):
        return {}  # runs without a history are only a little slower


def flex_factor(root: Path, models: Iterable[str]) -> float | None:
    """Return how many times as long *models* take at flex as live, None without a record."""
    slow_s = fast_s = 0.0
    for model in models:
        fast = read_history(root, model)
        for name, slow in read_history(root, flex_name(model)).items():
            if name in fast:
                slow_s, fast_s = slow_s + slow.latency_s, fast_s + fast[name].latency_s
    return slow_s / fast_s if fast_s else None


def write_history(root: Path, model: str, run: Mapping[str, CallAverages]) -> None:
    """Update the file with a *run*'s averages by analyzer; raise OSError."""
    history = read_history(root, model)
    for name, new in run.items():
        history[name] = history[name].updated(new) if name in history else new
    _update(root, model, history)


def _update(root: Path, key: str, value: Mapping[str, Any]) -> None:
    make_directory(root)
    write_json(root / HISTORY, {**read_json(root / HISTORY), key: value})


def expected_durations(
    known: Mapping[str, CallAverages | None], max_tokens: Mapping[str, int]
) -> dict[str, float]:
    """Return each analyzer's expected duration, to be compared with the others only.

    *known* are averages. The values are seconds if every analyzer has some, else *max_tokens*.
    """
    latencies = {name: average.latency_s for name, average in known.items() if average is not None}
    if latencies.keys() >= max_tokens.keys():
        return latencies
    return {name: float(tokens) for name, tokens in max_tokens.items()}


def delivery_ways(
    job: Setup, models: Sequence[Model], live_s: float
) -> dict[str, tuple[float | None, float, str]]:
    """Return what calls to *models* that take *live_s* live would take at flex and in batches.

    By delivery: the expected seconds, None without a record; the longest, by the tier's timeout,
    and by the recorded batches but for the slowest; and why a model has none, else "".
    """
    steps = max(steps_to_end(job.pipeline).values())
    factor = flex_factor(job.root, {model.settings.name for model in models})
    recorded = [sorted(read_batch_latencies(job.root, model.key)) for model in models]
    took = [each or [BatchLimits().window_s] for each in recorded]
    ends = steps * max(map(median, took), default=0.0)
    most = steps * max((each[math.ceil(_LATE * len(each)) - 1] for each in took), default=0.0)

    def lack(delivery: str) -> str:
        return next(filter(None, (why_not(delivery, model.settings) for model in models)), "")

    return {
        "flex": (factor and live_s * factor, live_s + steps * TIMEOUT_S, lack("flex")),
        "batch": (ends if all(recorded) else None, most, lack("batch")),
    }


def guessed_s(reply_tokens: float) -> float:
    """Return the seconds that a reply of so many tokens takes at a model without history."""
    return FIRST_TOKEN_S + reply_tokens / TOKENS_PER_S


def read_batch_latencies(root: Path, model: str) -> list[float]:
    """Return the seconds that the last batches of *model* took."""
    known = section(read_json(root / HISTORY), BATCHES)
    return [amount(value) for value in listing(known.get(model))]


def add_batch_latencies(root: Path, model: str, seconds: Sequence[float]) -> None:
    """Add the seconds that further batches of *model* took; raise OSError."""
    latencies = [*read_batch_latencies(root, model), *(round(each, 1) for each in seconds)]
    batches = section(read_json(root / HISTORY), BATCHES)
    _update(root, BATCHES, {**batches, model: latencies[-MAX_BATCHES:]})
