"""The configuration keys in which runs differ."""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import islice
from typing import Any

import orjson

from runner.base.json import flat
from runner.base.text import cut, to_terminal

ABSENT = "–"
MAX_SHOWN = 200  # characters of a value
_LONG = 80  # characters of a label from which sentences have its number instead
MAX_LEADERS = 100  # keys that others may follow

# Names and display of a run, without an effect on its answers.
_IDENTITY = re.compile(
    r"repeat|plan|objective|checks\..*|references|attributes|output\.(dir|console|pages|traces)"
)
CHOSEN = ("pipeline", "experiment")  # groups that are no keys; a choice stands for all it sets
# Concurrency: the only keys in which a sequential baseline may differ, and what may set them.
_SLOTS = re.compile(r"processing\.(mode|max_concurrent.*)|stages\..+\.max_concurrent|experiment")


def flatten(config: Mapping[str, Any]) -> dict[str, str]:
    """Return *config* as dotted keys with their values as text; lists are values.

    A value that is not shown whole ends with its digest, by which it differs from others.
    """
    return {to_terminal(key): cut(_text_of(value), MAX_SHOWN) for key, value in flat(config)}


def show(value: Any) -> str:
    """Return a value as on a command line: one line, harmless on a terminal."""
    return to_terminal(_text_of(value), MAX_SHOWN)


def _text_of(value: Any) -> str:
    if isinstance(value, str):
        return value
    try:
        return orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
    except orjson.JSONEncodeError:
        return repr(value)


def differing_keys(
    configs: Sequence[Mapping[str, str]], overrides: Sequence[Sequence[str]]
) -> dict[str, list[str]]:
    """Return the keys in which *configs* differ, each with its followers.

    A key given on a command line (in *overrides*) is never a follower. Any other key whose values
    are determined by a key before it follows that: `model.context_window` follows `model.name`.
    """
    names = dict.fromkeys(k for config in configs for k in config if not _IDENTITY.fullmatch(k))
    values = {key: [config.get(key, ABSENT) for config in configs] for key in names}
    different = {key: column for key, column in values.items() if len(set(column)) > 1}
    typed = _typed(different, overrides)
    shown: dict[str, list[str]] = {}
    for key in sorted(different, key=lambda key: _rank(key, typed)):
        before = () if key in typed else islice(shown, MAX_LEADERS)
        leader = _leader(different[key], {each: different[each] for each in before})
        if leader is None:
            shown[key] = []
        else:
            shown[leader].append(key)
    return shown


def _typed(keys: Iterable[str], overrides: Iterable[Sequence[str]]) -> set[str]:
    """Return the keys of *overrides*, and those of *keys* that name the choice of a group.

    `model=openai` chooses `model.name`.
    """
    typed = {override.partition("=")[0].lstrip("+~") for each in overrides for override in each}
    naming = (key for key in keys if key.endswith((".name", ".path")))
    return typed | {key for key in naming if key.rpartition(".")[0] in typed}


def _leader(values: Sequence[str], others: Mapping[str, Sequence[str]]) -> str | None:
    """Return the key of the first of *others* that determines *values*, None without any."""
    leaders = [key for key, column in others.items() if _determines(column, values)]
    # One with equal values comes first: it is most likely interpolated.
    return max(leaders, key=lambda key: others[key] == values, default=None)


def _determines(one: Sequence[str], other: Sequence[str]) -> bool:
    """Return whether each value of *one* always goes with the same value of *other*."""
    return len(set(zip(one, other, strict=True))) == len(set(one))


def _rank(key: str, typed: set[str]) -> tuple[bool, bool, bool, int, str]:
    group, last = key.partition(".")[0], key.rpartition(".")[2]
    technical = group in ("stages", "prompts") or last == "sha256"
    return key not in typed, technical, last not in ("name", "path"), key.count("."), key


def short_names(keys: Collection[str]) -> dict[str, str]:
    """Return the shortest unambiguous ends of *keys* that are still descriptive."""

    def ends(key: str) -> list[str]:
        parts = key.split(".")
        return [".".join(parts[-n:]) for n in range(1, len(parts) + 1)]

    counts = Counter(end for key in keys for end in ends(key))
    names = {}
    for key in keys:
        is_vague = key.startswith("prompts.") or key.endswith((".name", ".path", ".sha256"))
        own = ends(key)[1:] if is_vague else ends(key)
        names[key] = next((end for end in own if counts[end] == 1), key)
    return names


def setting_label(setting: Mapping[str, str]) -> str:
    """Return `KEY=VALUE, …` of a setting's values by key, with short names of several keys."""
    names = short_names(setting) if len(setting) > 1 else {key: key for key in setting}
    label = ", ".join(f"{names[key]}={value}" for key, value in setting.items())
    return label or "all the same"


def name_in_sentence(label: str, number: int) -> str:
    """Return *label*, in place of a long one its *number* in the table."""
    return label if len(label) < _LONG else f"setting {number}"


def besides_slots(settings: Mapping[str, str]) -> dict[str, str]:
    """Return the settings that a run shares with its sequential baseline."""
    left_out = (_SLOTS, _IDENTITY)
    return {k: v for k, v in settings.items() if not any(keys.fullmatch(k) for keys in left_out)}
