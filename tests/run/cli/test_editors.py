from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from helpers import job
from helpers.documentation import PAGES, blocks
from jsonschema import Draft7Validator

from runner.config.json_schema import KINDS
from runner.run.cli.editors import main

CONF = Path(__file__).resolve().parents[3] / "conf"


@pytest.fixture
def schemas(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Return what the command writes beside an analyzer and an experiment of the user's own."""
    for name in ("analyzer/risk_register.yaml", "experiment/mine.yaml", "model/\udcff.yaml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("stage: stage_b\n")
    monkeypatch.setattr("sys.argv", ["colloquy-schema", str(tmp_path)])
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 0
    return {path.stem: json.loads(path.read_text()) for path in (tmp_path / "schema").iterdir()}


def faults(schemas: dict[str, Any], folder: str, text: str) -> list[str]:
    schema = schemas[folder if folder in KINDS else "config"]
    found = Draft7Validator(schema).iter_errors(yaml.safe_load(text))
    return [f"{'.'.join(map(str, fault.absolute_path))}: {fault.message}" for fault in found]


def test_every_file_that_ships_is_valid_and_so_is_the_resolved_configuration(
    schemas: dict[str, Any],
) -> None:
    files = [p for p in CONF.rglob("*.yaml") if p.relative_to(CONF).parts[0] != "hydra"]
    texts = [(path.relative_to(CONF).parts[0], path.read_text()) for path in files]
    resolved = job("model=simulated").settings.model_dump()

    assert len(texts) > 50
    assert [line for folder, text in texts for line in faults(schemas, folder, text)] == []
    assert faults(schemas, "config", yaml.safe_dump(resolved)) == []


def test_the_files_in_the_documentation_are_valid(schemas: dict[str, Any]) -> None:
    printed = [block for page in PAGES.values() for block in blocks("yaml", page)]
    named = [(block.partition("mine/")[2], block) for block in printed if "mine/" in block]
    texts = [(name.partition("/")[0], block) for name, block in named]
    texts = [(folder, block) for folder, block in texts if (CONF / folder).is_dir()]

    assert len(texts) >= 3
    assert [line for folder, text in texts for line in faults(schemas, folder, text)] == []


@pytest.mark.parametrize(
    ("folder", "text", "at"),
    [
        ("experiment", "processing: {max_concurent: 4}", "processing"),
        ("experiment", "processing: {max_concurrent: 0}", "processing.max_concurrent"),
        ("experiment", "processing: {max_concurrent: 257}", "processing.max_concurrent"),
        ("experiment", "processing: {max_concurrent: '8'}", "processing.max_concurrent"),
        ("experiment", "processing: {mode: medium}", "processing.mode"),
        ("experiment", "reuse: never", "reuse"),
        ("experiment", "experiment: quick", ""),
        ("experiment", "stages: {Stage A: {needs: []}}", "stages"),
        ("experiment", "stages: {stage_a: {need: []}}", "stages.stage_a"),
        (
            "experiment",
            "analyzers: {say_means: {context: {tokens: 4}}}",
            "analyzers.say_means.context",
        ),
        ("experiment", "models: {backup: {name: gpt4}}", "models.backup.name"),
        ("experiment", "objective: [speed]", "objective.0"),
        ("experiment", "transcript: {format: vvt}", "transcript.format"),
        ("experiment", "defaults: [{override /model: opneai}]", "defaults.0"),
        ("experiment", "defaults: [{override /modle: openai}]", "defaults.0"),
        ("pipeline", "defaults: [{/analyzer@analyzers.x: risk_registr}]", "defaults.0"),
        ("pipeline", "defaults: [two_stages]", "defaults.0"),
        ("config.yaml", "defaults: [{pipeline: [meeting, talk]}]", "defaults.0"),
        ("analyzer", "defaults: [bsae]", "defaults.0"),
        ("analyzer", "stages: stage_a", ""),
        ("analyzer", "temperature: 3", "temperature"),
        ("analyzer", "prompt: ../risk.md", "prompt"),
        ("model", "api_key: x", ""),
        ("model", "timeout_s: 0", "timeout_s"),
        ("model", "simulate: {faults: {status_500: 2}}", "simulate"),
        ("transcript", "about: {titel: x}", "about"),
        ("checks", "every: [{type: count, path: insights, min: -1}]", "every.0.min"),
    ],
)
def test_what_a_run_would_refuse_is_marked_where_it_stands(
    schemas: dict[str, Any], folder: str, text: str, at: str
) -> None:
    (line,) = faults(schemas, folder, text)

    assert at.startswith(line.partition(":")[0])


@pytest.mark.parametrize(
    ("folder", "text"),
    [
        ("experiment", "defaults: [{override /model: openai}, {experiment: mine}, _self_]"),
        ("pipeline", "defaults: [{/analyzer@analyzers.x: risk_register}, two_stage]"),
        ("sweep", "hydra: {sweeper: {params: {model: 'offline,simulated'}}}"),
        (
            "analyzer",
            "{defaults: [risk_register], max_tokens: '${model.max_tokens}', stage: '???'}",
        ),
        ("experiment", "processing: {prime_prefix: off, max_concurrent: '${oc.env:SLOTS}'}"),
        ("model", "params: {reasoning: {effort: low}}"),
    ],
)
def test_what_composes_is_not_marked(schemas: dict[str, Any], folder: str, text: str) -> None:
    assert faults(schemas, folder, text) == []


def test_every_key_is_explained_by_a_comment_in_conf(schemas: dict[str, Any]) -> None:
    silent = []
    for kind, schema in schemas.items():
        Draft7Validator.check_schema(schema)
        for name, section in {kind: schema, **schema.get("$defs", {})}.items():
            for key, field in section["properties"].items():
                silent += [] if field["description"] else [f"{name}.{key}"]

    assert silent == []


def test_the_comment_that_an_editor_reads_is_printed_for_each_kind_of_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["colloquy-schema", "mine"])
    with pytest.raises(SystemExit):
        main()
    lines = capsys.readouterr().out.splitlines()

    assert len(lines) == len(KINDS)
    assert "mine/analyzer/*.yaml # yaml-language-server: $schema=../schema/analyzer.json" in lines
