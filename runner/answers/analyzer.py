"""Analyzer interface, and the lookup of analyzers by name in installed catalogs."""

import importlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol, cast

from runner.answers.parse import ReadReply
from runner.base.errors import ConfigError, did_you_mean
from runner.config.schema import AnalyzerSettings

Message = Mapping[str, Any]  # one chat message: `role` and `content`, a text or text parts


@dataclass(frozen=True, slots=True)
class Material:
    """Input of one question: *text* wrapped for the prompt, *variables* for its placeholders."""

    text: str
    variables: Mapping[str, Any]


class Analyzer(Protocol):
    """One question: the prompt that asks it, and the parser of its reply."""

    @property
    def name(self) -> str:
        """The stem that names its files, its node and its output."""

    @property
    def prompt_digest(self) -> str:
        """SHA-256 hex of everything in the prompt except the material."""

    @property
    def schema(self) -> Mapping[str, Any]:
        """The strict JSON schema of the answer."""

    def messages(self, material: Material, *, with_schema: bool) -> tuple[Message, ...]:
        """Return the messages; *with_schema* adds the answer's schema to the prompt."""

    def repair(self, messages: tuple[Message, ...], reply: str, fault: str) -> tuple[Message, ...]:
        """Return *messages* with the invalid *reply* and its *fault* appended."""

    def read(self, text: str) -> ReadReply:
        """Return the answer in *text*, and how it was read; raise AnswerError."""

    def markdown(self, answer: Mapping[str, Any], *, fields_first: bool = False) -> str:
        """Render a stored answer as Markdown; *fields_first* puts the structured data first."""

    @property
    def verbatim(self) -> Collection[str]:
        """The names of fields that hold a speaker's own words, as its module's `VERBATIM` says."""

    @property
    def module(self) -> ModuleType | None:
        """The module of the answer's shape; the offline model finds its reading by it."""


class Catalog(Protocol):
    """A package of analyzers, found through the entry point group `colloquy.analyzers`."""

    def find(
        self, name: str, settings: AnalyzerSettings, folders: Sequence[Path]
    ) -> Analyzer | None:
        """Return analyzer *name*, None where this catalog does not have it."""


def load_analyzer(name: str, settings: AnalyzerSettings, folders: Sequence[Path]) -> Analyzer:
    """Return analyzer *name* from the first installed catalog that has it.

    *folders*, the user's, are searched before the packaged prompts. Raises ConfigError.
    """
    for module in _catalogs():
        catalog = cast("Catalog", importlib.import_module(module))
        analyzer = catalog.find(name, settings, folders)
        if analyzer is not None:
            if settings.examples and not getattr(analyzer, "examples", ""):
                raise ConfigError(f"analyzers.{name}.examples: {module} takes no examples")
            return analyzer
    prompt = settings.prompt or f"{name}.md"
    searched = ", ".join(str(folder) for folder in folders) or "the packaged analyzers"
    near = did_you_mean(prompt, (file.name for each in folders for file in each.glob("*.md")))
    raise ConfigError(f"analyzers.{name}: no prompt file {prompt!r} in {searched}{near}")


@cache
def _catalogs() -> tuple[str, ...]:
    """Return the catalogs' module names; cached, since listing entry points takes milliseconds."""
    return tuple(entry.module for entry in entry_points(group="colloquy.analyzers"))
