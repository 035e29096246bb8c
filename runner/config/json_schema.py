"""JSON Schema of the configuration's files, for editors: made from the settings and from conf/."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.resources.abc import Traversable
from itertools import takewhile
from typing import Any, get_origin

import yaml

from runner.config.checks import ChecksSettings
from runner.config.schema import (
    AnalyzerSettings,
    ModelSettings,
    ProcessingSettings,
    Settings,
    TranscriptSettings,
    section_of,
)
from runner.config.section import SettingsSection

Json = dict[str, Any]

# What a file sets, by the group it is in; `config` is that of files for the whole configuration.
KINDS: Mapping[str, type[SettingsSection]] = {
    "config": Settings,
    "analyzer": AnalyzerSettings,
    "model": ModelSettings,
    "processing": ProcessingSettings,
    "transcript": TranscriptSettings,
    "checks": ChecksSettings,
}
# The files of conf/ whose comments explain the settings, and the section that each fills.
_COMMENTED: Mapping[str, type[SettingsSection]] = {
    "config.yaml": Settings,
    "pipeline/two_stage.yaml": Settings,
    "model/base.yaml": ModelSettings,
    "model/simulated.yaml": ModelSettings,
    "processing/default.yaml": ProcessingSettings,
    "transcript/base.yaml": TranscriptSettings,
    "analyzer/base.yaml": AnalyzerSettings,
    "checks/base.yaml": ChecksSettings,
}
_LATER = {"type": "string", "pattern": r"\$\{.+\}|^\?\?\?$"}  # interpolated, or set by another file
_REF = re.compile(r"#/\$defs/(\w+)")
_COMMENT = re.compile(r"(?:^|\s)# ?(.*)$")


def json_schemas(
    conf: Traversable, choices: Mapping[str, Sequence[str]], formats: Sequence[str]
) -> dict[str, Json]:
    """Return the schema of each of KINDS.

    Every key may be left out, because files are merged. *conf* holds the files whose comments
    describe the keys; *choices* are the names of each group's files, and *formats* the values of
    `transcript.format`.
    """
    comments, schemas = _comments(conf), dict[str, Json]()
    analyzers: Json = {name: {} for name in choices["analyzer"] if name != "base"}
    own: dict[tuple[str, str], Json] = {
        ("TranscriptSettings", "format"): {"enum": list(formats)},
        ("Settings", "analyzers"): {"properties": analyzers},
    }
    for kind, model in KINDS.items():
        root = model.model_json_schema()
        sections: Json = {model.__name__: root, **root.get("$defs", {})}
        for name, section in sections.items():
            section.pop("required", None)
            for key, field in section["properties"].items():
                field |= own.get((name, key), {})
                inner = sections[ref[1]]["description"] if (ref := _REF.search(str(field))) else ""
                said = comments.get((name, key)) or field.get("description")
                text = said or inner.partition("\n")[0]
                section["properties"][key] = _or_later(field) | {"description": text}
        root["properties"]["defaults"] = _defaults(kind, comments, choices)
        if kind == "config":
            hydra = {"type": "object", "description": "Settings of Hydra: hydra.cc"}
            root["properties"]["hydra"] = hydra
        schemas[kind] = {"$schema": "http://json-schema.org/draft-07/schema#", **root}
    return schemas


def _or_later(field: Json) -> Json:
    """Return *field* as a schema that also accepts an interpolation, at every depth."""
    options = [_inside(option) for option in field.get("anyOf", [field])]
    return {"anyOf": [*options, _LATER]} if any(options) else {}


def _inside(option: Json) -> Json:
    opened = {k: v for k, v in option.items() if k not in ("title", "default", "description")}
    if "items" in opened:
        opened["items"] = _or_later(opened["items"])
    if isinstance(values := opened.get("additionalProperties"), dict):
        opened["additionalProperties"] = _or_later(values)
    if "patternProperties" in opened:  # by name: no other names are valid
        named = {name: _or_later(value) for name, value in opened["patternProperties"].items()}
        opened |= {"patternProperties": named, "additionalProperties": False}
    return opened


def _defaults(
    kind: str, comments: Mapping[tuple[str, str], str], choices: Mapping[str, Sequence[str]]
) -> Json:
    """Return the schema of a defaults list: names of the file's own group, or GROUP: CHOICE."""
    groups, named = {}, {}
    for group, names in choices.items():
        one = {"anyOf": [{"enum": [*names, None]}, _LATER]}
        choice = {"anyOf": [*one["anyOf"], {"type": "array", "items": one}]}
        groups[group] = choice | {"description": comments.get(("defaults", group), group)}
        named[rf"^(optional )?(override )?/?{group}(@.*)?$"] = choice
    own = choices.get(kind) or sorted({name for names in choices.values() for name in names})
    entry = {
        "type": "object",
        "maxProperties": 1,
        "properties": groups,
        "patternProperties": {**named, r"^(optional )?(override )?/?hydra\b": {}},
        "additionalProperties": False,
    }
    bare = {"anyOf": [{"enum": ["_self_", *own]}, {"type": "string", "pattern": "^/|@"}]}
    return {
        "type": "array",
        "items": {"anyOf": [bare, entry]},
        "description": "The files that are merged, in order; _self_ is this one",
    }


def _comments(conf: Traversable) -> dict[tuple[str, str], str]:
    """Return the comment beside each key, by the section's name and the key."""
    found: dict[tuple[str, str], str] = {}
    for name, section in _COMMENTED.items():
        text = conf.joinpath(name).read_text(encoding="utf-8")
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        for place, key, value in _keys(section, root):
            if comment := _beside(text.split("\n"), key, value):
                found.setdefault((place, str(key.value)), comment)
    return found


def _keys(
    section: type[SettingsSection], node: yaml.MappingNode
) -> Iterator[tuple[str, yaml.Node, yaml.Node]]:
    for key, value in node.value:
        if key.value == "defaults":
            for entry in value.value:
                pairs = entry.value if isinstance(entry, yaml.MappingNode) else []
                yield from (("defaults", *pair) for pair in pairs)
        if (field := section.model_fields.get(key.value)) is None:
            continue
        yield section.__name__, key, value
        inner = section_of(field.annotation)
        if inner is not None and isinstance(value, yaml.MappingNode):
            named = get_origin(field.annotation) is dict
            for below in [entry for _, entry in value.value] if named else [value]:
                yield from _keys(inner, below)


def _beside(lines: Sequence[str], key: yaml.Node, value: yaml.Node) -> str:
    """Return the comment on the line of *key* with the lines that continue it, or that above."""
    here = key.start_mark.line
    end = value.end_mark if value.end_mark.line == here else key.end_mark
    if (found := _COMMENT.search(lines[here], end.column)) is None:
        above = list(_run_of_comments(reversed(lines[:here]), key.start_mark.column))
        return " ".join(reversed(above))
    column = lines[here].index("#", found.start())
    return " ".join([found[1], *_run_of_comments(lines[here + 1 :], column)])


def _run_of_comments(lines: Iterable[str], column: int) -> Iterator[str]:
    starting = takewhile(lambda line: not line[:column].strip() and line[column:][:1] == "#", lines)
    return (line.strip("# ") for line in starting)
