"""The checks of a job: read, checked against its analyzers and models, and ready to evaluate."""

import importlib.util
import json
import re
from asyncio import Lock
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from pydantic import ValidationError

from runner.answers.analyzer import Analyzer
from runner.answers.checks import CheckResult, CheckSubject, Function, evaluate
from runner.answers.judge import labelled
from runner.answers.paths import check_path, compile_path
from runner.answers.references import MAX_BYTES, SUFFIXES, References, read_references
from runner.answers.shape import dereferenced
from runner.base.errors import ConfigError, did_you_mean, one_line, reason
from runner.base.json import load_json, load_yaml, read_json, text
from runner.base.patterns import pattern_of
from runner.base.regular_files import files_in, kind_of, read_regular, user_path
from runner.base.text import digest
from runner.config.checks import JUDGED, KINDS, NEGATED, REFERENCE, Check, Expectations
from runner.config.model_facts import OFFLINE
from runner.config.schema import Settings
from runner.config.section import explain
from runner.job.models import MAIN
from runner.transcript.model import Transcript

FOLDER = "checks"  # in a --config-dir: check files, and modules of Python checks
TEXT_SUFFIXES = (".md", ".txt")  # in which a line is a turn
_FUNCTION = re.compile(r"(?:file://)?([A-Za-z_]\w*)(?:\.py)?:([A-Za-z_]\w*)")


@dataclass(frozen=True)
class JobChecks:
    """The checks of a job; *functions* are its Python checks by their `value`, *references* by
    transcript. *judge* is the name of the model that judges. The runs of a batch share its
    *agreements* with labels, by the digest of what it was asked, each behind one of *locks*.
    """

    body: Expectations = field(default_factory=Expectations)
    functions: Mapping[str, Function] = field(default_factory=dict)
    references: References = field(default_factory=dict)
    judge: str = MAIN
    agreements: dict[str, Mapping[str, Any]] = field(default_factory=dict, compare=False)
    locks: defaultdict[str, Lock] = field(default_factory=lambda: defaultdict(Lock), compare=False)

    def __bool__(self) -> bool:
        """Return whether there is anything to evaluate."""
        return bool(self.references) or any(True for _ in self.named())

    def of(self, name: str | None) -> Sequence[Check]:
        """Return the checks of analyzer *name*, those of the run for None."""
        own = self.body.analyzers.get(name or "", [])
        return self.body.run if name is None else [*self.body.every, *own]

    def named(self) -> Iterator[Check]:
        """Yield every check once."""
        for each in (self.body.run, self.body.every, *self.body.analyzers.values()):
            yield from each

    def judged(self, names: Iterable[str]) -> list[tuple[str, Check]]:
        """Return the judged checks of the analyzers *names*, each with its analyzer."""
        return [(name, check) for name in names for check in self.of(name) if check.kind == JUDGED]

    def evaluate(self, about: CheckSubject) -> list[CheckResult]:
        """Return the results of the checks of *about*'s answer, except judged ones."""
        return evaluate(self.of(about.name), about, self.functions)

    @property
    def slow(self) -> bool:
        """Whether evaluating them may take seconds for some answer."""
        return any(check.kind in ("regex", "python") for check in self.named())

    @property
    def declared(self) -> dict[str, Any]:
        """The checks, without the labels of judged ones, as checks.json has them."""
        labels = {"__all__": {"labels"}}
        hidden: Any = {"run": labels, "every": labels, "analyzers": {"__all__": labels}}
        return self.body.model_dump(exclude_defaults=True, exclude=hidden)

    @property
    def digest(self) -> str:
        """SHA-256 hex of the checks and references; a run is evaluated again if it changes."""
        known = {name: [[r.question, r.answer, sorted(r.turns)] for r in found]
                 for name, found in self.references.items()}  # fmt: skip
        return digest(json.dumps([self.body.model_dump(), known, self.judge], sort_keys=True))


def read_expectations(
    settings: Settings, analyzers: Mapping[str, Analyzer], config_dirs: Sequence[Path]
) -> JobChecks:
    """Return the checks and references that *settings* name; raise ConfigError.

    *analyzers* are those that read single transcripts: no other answers are checked. Python checks
    are functions in `checks/NAME.py` of one of *config_dirs*.
    """
    references: References = {}
    if settings.references is not None:
        references = read_references(user_path(settings.references))
    if settings.checks is None:
        return JobChecks(references=references)
    body = Expectations.model_validate(settings.checks.model_dump(exclude={"file"}))
    source = settings.checks.file or "checks"
    if settings.checks.file is not None:
        given = {name: getattr(body, name) for name in body.model_fields_set}
        changes = {name: value for name, value in given.items() if value}
        body = _read(user_path(source), source).model_copy(update=changes)
    body = labelled(body, source)
    expected = JobChecks(body, {}, references, body.judge or MAIN)
    if expected.judge != MAIN and expected.judge not in settings.models:
        near = did_you_mean(expected.judge, settings.models)
        add = f"; add it with +model@models.{expected.judge}=CHOICE"
        raise ConfigError(f"{source}: judge={expected.judge!r} is not in models{near}{add}")
    judge = settings.models.get(expected.judge, settings.model)
    if any(check.kind == JUDGED for check in expected.named()) and judge.name.startswith(OFFLINE):
        fault = f"{JUDGED}: the offline model cannot judge: set judge to a model"
        raise ConfigError(f"{source}: {fault}")
    if not expected:
        raise ConfigError(f"{source}: there is no check: expected checks=FILE or checks=NAME")
    for name in body.analyzers:
        if name not in analyzers:
            near = did_you_mean(name, analyzers)
            what = "no analyzer of this pipeline that reads single transcripts"
            raise ConfigError(f"{source}: analyzers.{name}: {what}{near}")
    functions = {}
    for where, check, schema in _placed(expected, analyzers):
        try:
            _check(where, check, schema, references)
            if check.kind == "python" and str(check.value) not in functions:
                functions[str(check.value)] = _function(str(check.value), config_dirs)
        except ConfigError as error:
            raise ConfigError(f"{source}: {where}: {error}") from error
    return JobChecks(body, functions, references, expected.judge)


def _read(path: Path, source: str) -> Expectations:
    try:
        data = (load_json if path.suffix.lower() == ".json" else load_yaml)(path)
    except OSError as error:
        beside = [str(p) for end in SUFFIXES for p in files_in(path.parent, end)]
        near = did_you_mean(str(path), beside) if beside else ""
        raise ConfigError(f"checks={source}: {reason(error, path)}{near}") from error
    except ValueError as error:
        raise ConfigError(f"checks={source} cannot be read: {one_line(str(error), 200)}") from error
    if not isinstance(data, Mapping):
        raise ConfigError(f"checks={source}: expected a mapping with analyzers, every or run")
    inner = data.get("checks")
    data = inner if isinstance(inner, Mapping) else data  # written as a whole configuration
    try:
        return Expectations.model_validate({str(key): value for key, value in data.items()})
    except ValidationError as error:
        raise ConfigError(f"checks={source}: {explain(error, _nearest)}") from error


def _nearest(path: list[str]) -> str:
    deep = any(part.isdecimal() for part in path)
    return did_you_mean(path[-1], (Check if deep else Expectations).model_fields)


def _placed(
    expected: JobChecks, analyzers: Mapping[str, Analyzer]
) -> Iterator[tuple[str, Check, Mapping[str, Any]]]:
    """Yield each check with its place in the file and the schema that its path starts in."""
    schemas = {name: dereferenced(analyzer.schema) for name, analyzer in analyzers.items()}
    for at, check in enumerate(expected.body.run):
        yield f"run[{at}]", check, {"properties": schemas}
    for at, check in enumerate(expected.body.every):
        for name, schema in schemas.items():
            yield f"every[{at}] of {name}", check, schema
    for name, checks in expected.body.analyzers.items():
        for at, check in enumerate(checks):
            yield f"analyzers.{name}[{at}]", check, schemas[name]


def _check(where: str, check: Check, schema: Mapping[str, Any], references: References) -> None:
    if check.kind not in KINDS:
        kinds = [*KINDS, *(f"not-{kind}" for kind in NEGATED)]
        near = did_you_mean(check.type, kinds)
        raise ConfigError(f"type={check.type!r} is not a kind of check{near}")
    if check.path is not None:
        compile_path(check.path)
        check_path(check.path, schema)
    if check.kind == JUDGED and where.startswith("run["):
        expected = "expected under every or analyzers"
        raise ConfigError(f"{JUDGED} judges the answer of an analyzer: {expected}")
    if check.kind in REFERENCE and not references:
        raise ConfigError(f"type {check.type} needs references=FILE or references=FOLDER")
    if check.kind == "regex":
        try:
            pattern_of(text(check.value))
        except ValueError as error:
            raise ConfigError(f"{check.value!r} is not a regular expression: {error}") from error


def _function(value: str, config_dirs: Sequence[Path]) -> Function:
    """Return the function that *value*, `NAME:function`, names; runs its module."""
    named = _FUNCTION.fullmatch(value)
    if named is None:
        raise ConfigError(f"value={value!r}: expected NAME:function, of checks/NAME.py")
    folders = [folder / FOLDER for folder in config_dirs]
    path = next((p for f in folders if (p := f / f"{named[1]}.py").is_file()), None)
    if path is None:
        known = [found.stem for folder in folders for found in folder.glob("*.py")]
        nowhere = "a folder checks of --config-dir, which is not given"
        where = ", ".join(map(str, folders)) or nowhere
        raise ConfigError(f"there is no {named[1]}.py in {where}{did_you_mean(named[1], known)}")
    if path.is_symlink() or path.parent.is_symlink():
        raise ConfigError(f"{path} is a link: expected a file, since its code is run")
    unique = f"colloquy_check_{path.stem}_{digest(str(path.resolve()), 8)}"
    spec = importlib.util.spec_from_file_location(unique, path)
    assert spec is not None  # as for every name that ends with .py
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except BaseException as error:
        why = one_line(f"{type(error).__name__}: {error}")
        raise ConfigError(f"{path} fails: {why}") from error
    function = getattr(module, named[2], None)
    if not callable(function):
        known = [name for name, value in vars(module).items() if callable(value)]
        raise ConfigError(f"{path} has no function {named[2]!r}{did_you_mean(named[2], known)}")
    return cast(Function, function)


def source_lines(given: str, transcript: Transcript) -> list[str]:
    """Return the lines of the file that *transcript* was read from, none if it is missing.

    *given* is `transcript.path`: the file, its folder, or a pattern in it.
    """
    place = user_path(given)
    named = [f"{transcript.name}{end}" for end in TEXT_SUFFIXES]
    for path in (place, *(folder / name for folder in (place, place.parent) for name in named)):
        if path.suffix.lower() in TEXT_SUFFIXES and kind_of(path) == "file":
            with suppress(OSError, ValueError):
                return read_regular(path, MAX_BYTES).decode("utf-8-sig").split("\n")
    return []


def has_checked(path: Path, expected: JobChecks) -> bool:
    """Return whether the run or batch in *path* was evaluated with *expected*."""
    own = path / "checks.json"
    file = next(path.glob("runs/*/*/checks.json"), own)  # of the first run of a batch
    return text(read_json(file).get("digest")) == (expected.digest if expected else "")
