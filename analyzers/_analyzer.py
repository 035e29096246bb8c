"""The one generic analyzer: a prompt, an answer shape, and how both are found by name."""

import importlib
import importlib.util
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any

from jinja2 import StrictUndefined, Template, TemplateError, meta, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment
from pydantic import BaseModel, RootModel

from runner.answers.analyzer import Material, Message
from runner.answers.codebook import Codebook
from runner.answers.examples import examples_of
from runner.answers.markdown import answer_markdown
from runner.answers.parse import ReadReply, parse_answer
from runner.answers.shape import Answer, NoFields, answer_shape, json_schema
from runner.base.errors import ConfigError, did_you_mean, one_line
from runner.base.text import digest
from runner.config.schema import AnalyzerSettings
from runner.config.section import NAME

PACKAGED = Path(__file__).parent
SYSTEM = (PACKAGED / "_system.md").read_text(encoding="utf-8").strip()

# What every question may name; a stage's material adds nothing to them.
VARIABLES = ("analyzer", "max_insights", "speakers", "stage", "transcript_name")

_ENVIRONMENT = ImmutableSandboxedEnvironment(
    undefined=StrictUndefined,
    autoescape=False,
    keep_trailing_newline=False,
    trim_blocks=True,
    lstrip_blocks=True,
)

REPAIR = _ENVIRONMENT.from_string((PACKAGED / "_repair.md").read_text(encoding="utf-8").strip())


@dataclass(frozen=True)
class PromptAnalyzer:
    """An analyzer made of a Markdown prompt and an optional module with its shape.

    *examples*, and a codebook, are put behind the question. *fields* is the structured data where
    it depends on a codebook. *module* may define `Fields` (the structured data), `fields_of(codes)`
    (the same for the codes of a codebook), `ADDS_UP` (as `adds_up`), `VERBATIM` (the names of its
    fields that hold a speaker's own words), `markdown(fields)` (how
    the structured data is shown), `is_silent(fields)` (whether there is nothing that insights could
    be about, which then are left out) and, beside a user's prompt, `read(document)` (the offline
    model's reading).
    """

    name: str
    question: str
    template: Template
    module: ModuleType | None
    variables: Mapping[str, Any]
    examples: str = ""
    fields: type[BaseModel] | None = None

    @property
    def codes(self) -> bool:
        """Whether it applies a codebook."""
        return hasattr(self.module, "fields_of")

    @property
    def adds_up(self) -> bool:
        """Whether the answers on parts of a transcript are joined without another call."""
        return bool(getattr(self.module, "ADDS_UP", False))

    def coded_by(self, book: Codebook) -> "PromptAnalyzer":
        """Return this with the codes of *book* in its prompt and in the shape of its answer."""
        fields = getattr(self.module, "fields_of")(book.names)  # noqa: B009 - of any module
        examples = "\n\n".join(filter(None, (book.prompt, self.examples)))
        return replace(self, fields=fields, examples=examples)

    @cached_property
    def verbatim(self) -> frozenset[str]:
        """The names of fields that hold a speaker's own words."""
        return frozenset(getattr(self.module, "VERBATIM", ()))

    @cached_property
    def shape(self) -> type[Answer]:
        """The pydantic model of the whole answer."""
        fields = self.fields or getattr(self.module, "Fields", NoFields)
        return answer_shape(self.name, fields)

    @cached_property
    def schema(self) -> Mapping[str, Any]:
        """The strict JSON schema of the answer."""
        return json_schema(self.shape)

    @cached_property
    def _asked_schema(self) -> str:
        """The end of a question that states the schema."""
        schema = json.dumps(self.schema, separators=(",", ":"))
        return f"\n\nThe JSON object must match this schema:\n{schema}"

    @cached_property
    def prompt_digest(self) -> str:
        """SHA-256 hex of system text, question, own variables, schema and examples."""
        parts = [SYSTEM, self.question, dict(self.variables), self.schema]
        parts += [self.examples] if self.examples else []
        return digest(json.dumps(parts, sort_keys=True))

    def messages(self, material: Material, *, with_schema: bool) -> tuple[Message, ...]:
        """Put the material first and the question last, so that prompt caches can share it."""
        question = _render(self.name, self.template, {**material.variables, **self.variables})
        for told in ("examples", "notes"):  # as the job has redacted them
            if text := material.variables.get(told):
                question += f"\n\n{text}"
        if with_schema:
            question += self._asked_schema
        shared = {"type": "text", "text": material.text}
        asked = {"type": "text", "text": f"{question}\n"}
        return (
            {"role": "system", "content": SYSTEM},
            {"role": "user", "content": [shared, asked]},
        )

    def repair(self, messages: tuple[Message, ...], reply: str, fault: str) -> tuple[Message, ...]:
        """Append *reply* and its fault to the messages that led to it."""
        return (
            *messages,
            {"role": "assistant", "content": reply},
            {"role": "user", "content": REPAIR.render(fault=fault)},
        )

    def read(self, text: str) -> ReadReply:
        """Parse and validate a reply."""
        reading = parse_answer(text, self.shape, self.name)
        is_silent = getattr(self.module, "is_silent", None)
        if is_silent is None or not is_silent(reading.answer.structured_data):
            return reading
        return replace(reading, answer=reading.answer.model_copy(update={"insights": []}))

    def markdown(self, answer: Mapping[str, Any], *, fields_first: bool = False) -> str:
        """Render a stored answer; the module's own `markdown` shows its structured data."""
        own = getattr(self.module, "markdown", None)
        return answer_markdown(self.name, answer, own, fields_first=fields_first)


def find(name: str, settings: AnalyzerSettings, folders: Sequence[Path]) -> PromptAnalyzer | None:
    """Return analyzer *name* from *folders* or from this package; None if no prompt is found.

    Raises ConfigError when a prompt names a variable that nobody provides, or when the
    answer module cannot be found or defines no `Fields`.
    """
    path = _prompt_path(settings.prompt or f"{name}.md", (*folders, PACKAGED))
    if path is None:
        return None
    _refuse_link(name, path)
    try:
        question = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"analyzers.{name}: cannot read prompt {path}: {error}") from error
    if not question.strip():
        raise ConfigError(f"analyzers.{name}: the prompt {path} is empty: expected a question")
    _check_placeholders(name, path, question, settings.variables)
    template = _compile(name, question, settings.variables)
    module = _answer_module(name, settings.answer, path)
    examples = examples_of(name, settings.examples, folders) if settings.examples else ""
    return PromptAnalyzer(name, question, template, module, dict(settings.variables), examples)


def _prompt_path(wanted: str, folders: Sequence[Path]) -> Path | None:
    places = (folder.resolve() / wanted for folder in folders)
    return next((place for place in places if place.is_file()), None)


def _refuse_link(name: str, path: Path) -> None:
    if not path.resolve().is_relative_to(path.parent):
        raise ConfigError(f"analyzers.{name}: {path} is a link out of its folder")


def _check_placeholders(name: str, path: Path, question: str, own: Mapping[str, object]) -> None:
    try:
        parsed = _ENVIRONMENT.parse(question)
        wanted = meta.find_undeclared_variables(parsed)
    except TemplateError as error:
        line = getattr(error, "lineno", 0)
        raise ConfigError(f"{path}:{line}: the prompt is not a Jinja template: {error}") from error
    for node in parsed.find_all(nodes.Getattr):
        if node.attr.startswith("_"):  # the sandbox would refuse it when it is rendered
            raise ConfigError(
                f"{path}:{node.lineno}: a prompt may not use the attribute {node.attr!r}"
            )
    known = {*VARIABLES, *own}
    for unknown in sorted(wanted - known):
        line = next((n for n, t in enumerate(question.split("\n"), 1) if unknown in t), 0)
        raise ConfigError(
            f"{path}:{line}: nobody provides '{unknown}'{did_you_mean(unknown, known)}; "
            f"set analyzers.{name}.variables.{unknown}, or leave it out: the transcript or "
            f"context is put before the question without being named"
        )


def _compile(name: str, question: str, own: Mapping[str, object]) -> Template:
    """Return the template, rendered once with placeholders to find faults before sending."""
    template = _ENVIRONMENT.from_string(question)
    _render(name, template, {**dict.fromkeys(VARIABLES, "x"), "max_insights": 1, **own})
    return template


def _render(name: str, template: Template, variables: Mapping[str, object]) -> str:
    try:
        return template.render(variables).strip()
    except Exception as error:  # the code of a user's prompt
        message = one_line(f"{type(error).__name__}: {error}")
        raise ConfigError(f"analyzers.{name}: its prompt cannot be rendered: {message}") from error


def _answer_module(name: str, wanted: str | None, prompt: Path) -> ModuleType | None:
    """Load the module of the answer: *wanted*, else the prompt's own stem where it exists."""
    stem = wanted or prompt.stem
    path = prompt.parent / f"{stem}.py"
    if NAME.match(stem) and prompt.parent != PACKAGED and path.is_file():
        _refuse_link(name, path)
        return _load_file(name, path)
    if (
        NAME.match(stem)
        and (PACKAGED / f"{stem}.py").is_file()
        and (wanted or prompt.parent == PACKAGED)
    ):
        return importlib.import_module(f"analyzers.{stem}")
    if wanted is not None:
        files = (*prompt.parent.glob("[a-z]*.py"), *PACKAGED.glob("[a-z]*.py"))
        known = [file.stem for file in files]
        raise ConfigError(
            f"analyzers.{name}.answer={wanted!r}: no such module{did_you_mean(wanted, known)}"
        )
    return None


def _load_file(name: str, path: Path) -> ModuleType:
    """Run a module beside a prompt in a folder of the user."""
    unique = f"colloquy_user_{path.stem}_{digest(str(path.resolve()), 8)}"
    spec = importlib.util.spec_from_file_location(unique, path)
    if spec is None or spec.loader is None:
        raise ConfigError(f"analyzers.{name}: cannot load {path}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[unique] = module  # pydantic looks names up there
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        message = one_line(str(error)) if isinstance(error, Exception) else repr(error)
        raise ConfigError(f"analyzers.{name}: {path} fails: {message}") from error
    fields = getattr(module, "Fields", None)
    if not (isinstance(fields, type) and issubclass(fields, BaseModel)):
        raise ConfigError(f"analyzers.{name}: {path} defines no pydantic model called Fields")
    if issubclass(fields, RootModel):
        raise ConfigError(f"analyzers.{name}: {path}: Fields must have fields, not be a RootModel")
    try:
        fields.model_json_schema()
    except Exception as error:
        message = one_line(str(error).partition("\n")[0])
        raise ConfigError(f"analyzers.{name}: {path}: Fields is not JSON: {message}") from error
    return module
