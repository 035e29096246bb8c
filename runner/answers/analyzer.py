"""What the runner asks of an analyzer, and where it finds one by name."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Protocol, cast

from runner.answers.shape import Answer
from runner.base.errors import ConfigError
from runner.config.schema import AnalyzerSettings

ENTRY_POINTS = "colloquy.analyzers"

Message = Mapping[str, Any]  # one chat message: `role` and `content`, a text or text parts


@dataclass(frozen=True, slots=True)
class Material:
    """What a node reads: *text* already wrapped for the prompt, and what the question may name.

    *variables* fill the question's placeholders.
    """

    text: str
    variables: Mapping[str, Any]


class Analyzer(Protocol):
    """One question: how it is put, and how the reply is read."""

    @property
    def name(self) -> str:
        """The stem that names its files, its node and its output."""

    @property
    def prompt_digest(self) -> str:
        """SHA-256 hex of everything the prompt is made of, besides the material."""

    @property
    def schema(self) -> Mapping[str, Any]:
        """The strict JSON schema of the answer."""

    def messages(self, material: Material, *, with_schema: bool) -> tuple[Message, ...]:
        """Return the messages; *with_schema* states the answer's schema in words too."""

    def repair(self, messages: tuple[Message, ...], reply: str, fault: str) -> tuple[Message, ...]:
        """Return *messages* with a reply that is no answer and what is wrong with it."""

    def read(self, text: str) -> tuple[Answer, bool]:
        """Return the answer in *text* and whether its JSON was repaired; raise AnswerError."""

    def markdown(self, answer: Mapping[str, Any], *, fields_first: bool = False) -> str:
        """Render a stored answer for people; *fields_first* puts its own fields on top."""

    def reader(self) -> Callable[..., Mapping[str, Any]]:
        """Return the offline model's reading for this question."""


class Catalog(Protocol):
    """A package of analyzers, found through the entry point group `colloquy.analyzers`."""

    def find(
        self, name: str, settings: AnalyzerSettings, folders: Sequence[Path]
    ) -> Analyzer | None:
        """Return the analyzer, or None where this catalog does not have it."""


def load_analyzer(name: str, settings: AnalyzerSettings, folders: Sequence[Path]) -> Analyzer:
    """Return analyzer *name* from the first installed catalog that has it.

    *folders* are the user's own, searched for prompts before the packaged ones. Raises
    ConfigError when no catalog has the prompt.
    """
    for module in _catalogs():
        catalog = cast("Catalog", importlib.import_module(module))
        found = catalog.find(name, settings, folders)
        if found is not None:
            return found
    wanted = settings.prompt or f"{name}.md"
    looked = ", ".join(str(folder) for folder in folders) or "the packaged analyzers"
    raise ConfigError(f"analyzers.{name}: no prompt file {wanted!r} in {looked}")


@cache
def _catalogs() -> tuple[str, ...]:
    """Return the modules that provide analyzers; reading what is installed takes milliseconds."""
    return tuple(entry.module for entry in entry_points(group=ENTRY_POINTS))
