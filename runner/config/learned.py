"""Learned facts about models: windows that servers report, and ratios of token counts."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from runner.base.files import make_directory, write_json
from runner.base.json import number, read_json, section

LEARNED = "learned.json"  # beside the runs
WINDOWS = (256, 20_000_000)  # tokens; other values of a server are ignored
FACTORS = (0.5, 4.0)  # the same of tokens per token of our count
UNMEASURED = 1.25  # tokens per token of another vocabulary; SmolLM2 was measured at 1.20
_STEPS = 20  # of a factor between whole numbers, so that equal runs cut equal parts
_MIN_TOKENS = 300  # of a prompt that measures: a chat template adds up to 60 to each
UNNAMED = "a refusal that names none"  # a stored source; its window is valid for one run
_UNNAMED = 0.75  # share of a prompt to which it is cut after such a refusal
_MULTIPLE = 1024  # servers' limits usually are multiples
_TIGHTER = 1.25  # on the factor where a server finds too long what should fit


@dataclass
class LearnedFacts:
    """Facts about one model at one address beyond the settings and litellm's map.

    *window* is its context window in tokens as *source* names it, *slots* the calls that the
    server answers at once; None if unknown. *factor* is its tokens per token of our count, by which
    material is cut; usage changes it for later runs only, so that a resumed run cuts as before.
    *before* are the unchecked facts by which the run that learned them cut its material: its
    answers are stored under those cuts.
    """

    window: int | None = None
    source: str = ""
    slots: int | None = None
    factor: float | None = None
    before: Mapping[str, Any] = field(default_factory=dict, compare=False)
    _billed: int = 0
    _counted: int = 0

    @property
    def measured(self) -> float | None:
        """The factor by the usage of this process's calls, None without any."""
        return believed_factor(self._billed / self._counted) if self._counted else None

    def measure(self, billed: int, counted: int) -> None:
        """Compare the provider's token count of a prompt with ours."""
        if counted >= _MIN_TOKENS:
            self._billed, self._counted = self._billed + billed, self._counted + counted

    def overflowed(
        self,
        named: int | None,
        prompt: int | None,
        counted: int,
        reply: int,
        window: int | None,
        used: float,
    ) -> None:
        """Learn from a refusal of *counted* tokens by our count and *reply* for the reply.

        *named* is the window and *prompt* the tokens that the server's error states, else None;
        *window* and *used* are the window and factor by which the prompt was cut. A prompt cut by
        the new facts is shorter.
        """
        limit, measured = believed_window(named), 0.0
        if prompt is not None and counted >= _MIN_TOKENS:
            measured = believed_factor(prompt / counted)
        if limit is None:
            self._lower(believed_window(int(counted * used * _UNNAMED) + reply), UNNAMED)
        elif window is None or limit < window:
            self._lower(limit, "the server's refusal")
            if measured:
                known = 0.0 if self.factor in (None, used) else self.factor
                self.factor = max(known or 0.0, measured)
        else:  # the window was right, so the count was not
            tighter = measured if measured > used else used * _TIGHTER
            self.factor = max(self.factor or 0.0, min(FACTORS[1], tighter))

    def _lower(self, window: int | None, source: str) -> None:
        if window is not None and (self.window is None or window < self.window):
            self.window, self.source = window, source

    def facts(self) -> dict[str, Any]:
        """Return them as a file stores them."""
        return {"context_window": self.window, "source": self.source, "token_factor": self.factor}

    def lasting(self) -> dict[str, Any]:
        """Return the facts that later runs should use."""
        facts = replace(self, factor=self.measured or self.factor).facts()
        if self.source == UNNAMED:
            facts |= {"context_window": None, "source": ""}
        before = self.before if self.measured is None else self.facts()
        return {**facts, "before": before} if before else facts


def is_cut_off(read: int, counted: int, window: int | None) -> bool:
    """Return whether a server that *read* so many tokens left out some of *counted*.

    Ollama silently drops tokens beyond its `num_ctx`. No vocabulary needs a fifth fewer tokens than
    ours; a server that counts only uncached tokens may report any number, and one that reads more
    than *window* has a larger window. *counted* excludes the schema, which may not be part of the
    prompt.
    """
    full = window is not None and 0.98 * window <= read <= window
    return read < 0.8 * counted and (full or (read + 1) % _MULTIPLE <= 2)


def believed_window(tokens: float | None) -> int | None:
    """Return *tokens* as a window, None outside WINDOWS."""
    least, most = WINDOWS
    return int(tokens) if tokens is not None and least <= tokens <= most else None


def believed_factor(ratio: float) -> float:
    """Return *ratio* rounded up, within FACTORS."""
    least, most = FACTORS
    return min(most, max(least, math.ceil(ratio * _STEPS - 1e-9) / _STEPS))


def read_learned(entry: Mapping[str, Any]) -> LearnedFacts:
    """Return the facts in *entry* of an untrusted file that are plausible."""
    factor, source = number(entry.get("token_factor")), entry.get("source")
    return LearnedFacts(
        window=believed_window(number(entry.get("context_window"))),
        source=source[:80] if isinstance(source, str) else "",
        factor=None if factor is None else believed_factor(factor),
        before=section(entry, "before"),
    )


def learned_before(root: Path, key: str) -> LearnedFacts:
    """Return the facts that runs in *root* have stored about the model called *key*."""
    return read_learned(section(read_json(root / LEARNED), key))


def remember(root: Path, models: Mapping[str, LearnedFacts]) -> None:
    """Store the facts about *models*, by key, for later runs; raise OSError."""
    stored = read_json(root / LEARNED)
    found = {key: each.lasting() for key, each in models.items()}
    found = {key: facts for key, facts in found.items() if any(facts.values())}
    if any(stored.get(key) != facts for key, facts in found.items()):
        make_directory(root)
        write_json(root / LEARNED, {**stored, **found})
