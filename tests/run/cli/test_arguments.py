"""Arguments as people type them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import OmegaConf

from runner.base.errors import ConfigError, TranscriptError
from runner.config.resolve import resolve
from runner.run.cli.arguments import as_overrides, choices, versions_line
from runner.run.cli.command_line import (
    check_arguments,
    composed,
    expand_arguments,
    quote,
)
from runner.run.cli.hydra_errors import explain_hydra_error
from runner.transcript.decode import nearest_file

MEANT = {
    "meeting.vtt": ["transcript=meeting.vtt"],
    "talks/*.vtt": ["transcript=talks/*.vtt"],
    "pkg://samples/sample1.md": ["transcript=pkg://samples/sample1.md"],
    "--transcript meeting.vtt": ["transcript=meeting.vtt"],
    "--transcript=meeting.vtt": ["transcript=meeting.vtt"],
    "--model openai plan=true": ["model=openai", "plan=true"],
    "--max-concurrent 4": ["processing.max_concurrent=4"],
    "--processing.max_concurrent=4": ["processing.max_concurrent=4"],
    "--plan": ["plan=true"],
    "--plan meeting.vtt": ["plan=true", "transcript=meeting.vtt"],
    "--plan false": ["plan=false"],
    "x.md --resume": ["transcript=x.md", "resume="],
    "--plan --model openai": ["plan=true", "model=openai"],
    "--grounding.require --plan": ["grounding.require=true", "plan=true"],
    "-i defaults plan=true": ["--info=defaults", "plan=true"],
    "--info": ["--info"],
    "max_concurrent=4": ["processing.max_concurrent=4"],
    "max_cost_usd=1": ["budget.max_cost_usd=1"],
    "pages=obsidian": ["output.pages=obsidian"],
    "model=openai/gpt-4o-mini": ["model=openai", "model.name=openai/gpt-4o-mini"],
    "model=openai,anthropic": ["model=openai,anthropic"],
    "model.name=openai/gpt-4o": ["model.name=openai/gpt-4o"],
    "-m model=openai/a,openai/b": ["-m", "model=openai", "model.name=openai/a,openai/b"],
    "a.md transcript=a.md": ["transcript=a.md", "transcript=a.md"],
    "processing.mode=sequential": ["processing.mode=sequential"],
    "+analyzer@analyzers.x=x ~analyzer@analyzers.patentability": [
        "+analyzer@analyzers.x=x",
        "~analyzer@analyzers.patentability",
    ],
    "-m -cd mine --config-dir other --cfg job": [
        *("-m", "-cd", "mine", "--config-dir", "other", "--cfg", "job")
    ],
    "resume=outputs/runs/x trusted=true": ["resume=outputs/runs/x", "trusted=true"],
    "colour=blue": ["colour=blue"],  # which Hydra refuses, with the nearest key
}


def test_a_word_that_is_nearly_a_file_is_answered_with_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("talks").mkdir()
    with pytest.raises(ConfigError, match=r"neither a file nor KEY=VALUE; did you mean 'talks'\?"):
        as_overrides(["talk"])
    Path("talks/a1.txt").touch()
    for path in ("talks/a2.txt", "talks/A1.TXT"):
        assert "; did you mean 'a1.txt'?" == nearest_file(Path(path))


@pytest.mark.parametrize("typed", MEANT)
def test_what_is_meant_is_what_hydra_gets(typed: str) -> None:
    assert MEANT[typed] == as_overrides(typed.split())


@pytest.mark.parametrize(
    ("typed", "line"),
    [
        ("meeting", "'meeting' is neither a file nor KEY=VALUE"),
        ("pipelin", r"neither a file nor KEY=VALUE; did you mean 'pipeline'\?"),
        ("--transcrip x", r"unknown option --transcrip; did you mean 'transcript'\?"),
        ("--multirn", r"unknown option --multirn; did you mean 'multirun'\?"),
        ("model=opena/gpt-4o", r"no preset 'opena'; did you mean 'openai'\?"),
        ("pipeline meeting", r"neither a file nor KEY=VALUE; did you mean 'pipeline=meeting'\?"),
        ("meeting x.md", r"KEY=VALUE; did you mean 'pipeline=meeting'\?"),
        ("openai", r"KEY=VALUE; did you mean 'model=openai'\?"),
        ("pipeline =meeting", r"did you mean 'pipeline=meeting'\?"),
        ("plan x.md", r"did you mean 'plan=true'\?"),
        ("version", r"KEY=VALUE; did you mean '--version'\?"),
        ("analyzer@x=decisions", r"expected \+analyzer@analyzers\.NAME=decisions"),
        ("~analyzer x.md", r"expected ~analyzer@analyzers\.NAME$"),
        ("+analyzer=decisions", r"expected \+analyzer@analyzers\.NAME=decisions"),
        ("ask x.md", r"KEY=VALUE; did you mean the command 'colloquy-ask'\?"),
        ("model.name x", r"KEY=VALUE; did you mean 'model.name=x'\?"),
        ("two words.md", r"; a path with spaces needs quotes: 'two words.md'"),
        ("a.md b.md plan=true", "2 transcripts, 'a.md' and 'b.md': expected one file or folder"),
        ("--transcript", "transcript=: expected transcript=VALUE"),
        ("pipeline=", "pipeline=: expected pipeline=VALUE; known: .*meeting"),
        ("= x", "=: expected KEY=VALUE$"),
        ("+", r"\+: expected KEY=VALUE$"),
        ("-", "-: expected KEY=VALUE$"),
        ("a.md transcript=b.md", "2 transcripts, 'a.md' and 'b.md': expected one file or folder"),
        ("model = openai", r"did you mean 'model=openai'\?"),
        ("model=openai/a,groq/b", "expected models of one provider, not of groq too"),
        ("~", "~: expected KEY=VALUE$"),
        ("https://example.com/a.vtt", "expected a file: download it first"),
    ],
)
def test_what_means_nothing_is_one_line_with_the_nearest(typed: str, line: str) -> None:
    Path("two words.md").touch()
    with pytest.raises(ConfigError, match=line):
        as_overrides(typed.split())


def test_a_file_with_an_equals_sign_is_a_transcript_unless_that_is_a_key() -> None:
    for name in ("a=b.txt", "plan=true", "model.name=x"):
        Path(name).touch()

    assert ["transcript=a=b.txt", "plan=true", "model.name=x"] == as_overrides(
        ["a=b.txt", "plan=true", "model.name=x"]
    )


def test_a_folder_or_file_without_a_suffix_is_a_transcript() -> None:
    Path("talks").mkdir()

    Path("2024").write_text("Ann: We start.")

    assert ["transcript=file", "transcript.path='talks'"] == expand_arguments(["talks"])
    assert ["transcript=file", "transcript.path='2024'"] == expand_arguments(["transcript=2024"])
    given = ["-m", "transcript=talks,missing"]
    assert ["-m", "transcript=file", "transcript.path='talks','missing'"] == expand_arguments(given)


def test_checks_of_a_sweep_that_do_not_exist_are_refused_before_its_first_job(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own.yaml").touch()
    for typo in ("grouded", "./grouded.yaml"):
        with pytest.raises(ConfigError, match=f"checks={typo}: .* did you mean 'grounded'"):
            expand_arguments(["-m", f"checks=own.yaml,{typo}"])


@pytest.mark.parametrize("value", ["5", "null", "True", "-1.5e3", "nan"])
def test_a_choice_that_is_no_name_is_refused_by_its_value(value: str) -> None:
    with pytest.raises(ConfigError, match=f"model={value}: no such choice; known: anthropic, "):
        check_arguments([f"model={value}"])
    with pytest.raises(ConfigError, match=f"checks={value}: no such choice; known: "):
        check_arguments([f"+checks={value}"])
    with pytest.raises(TranscriptError, match=f"{value}: no such file or folder"):
        check_arguments([f"transcript={value}"])


def test_keys_that_the_default_has_not_may_be_given_in_braces() -> None:
    faults = "model.simulate.faults={status_500: 0.1}"

    assert [f"++{faults}", "model.simulat.faults={x: 1}"] == expand_arguments(
        [faults, "model.simulat.faults={x: 1}"]
    )


@pytest.mark.parametrize(
    ("typed", "sent"),
    [
        ("output.dir=Büro/a b", "output.dir='Büro/a b'"),
        ("resume=Büro/it's", "resume=Büro/it's"),  # Hydra does not see it
        ("codebook=it's.csv", r"codebook='it\'s.csv'"),
        ("guide=~/a&b.txt", "guide='~/a&b.txt'"),
        ("output.language='français'", "output.language='français'"),
        ("output.dir=${oc.env:HOME}/ä", "output.dir=${oc.env:HOME}/ä"),
        ("guide=C:\\a&b\\", r"guide='C:\a&b\\'"),
        ("model.params.seed=7", "++model.params.seed=7"),
        ("transcript.speakers.Ana=Anna", "++transcript.speakers.Ana=Anna"),
        ("analyzers.decisions.variables.year=7", "++analyzers.decisions.variables.year=7"),
        ("model.simulate.faults.status_500=1", "++model.simulate.faults.status_500=1"),
        ("+model.params.seed=7", "+model.params.seed=7"),
        ("model.param.seed=7", "model.param.seed=7"),
        ("transcript.speakers={}", "++transcript.speakers={}"),
        ("stages.a.context.keys=[ä]", "stages.a.context.keys=[ä]"),
        ("model.seed=choice(1,2)", "model.seed=choice(1,2)"),
    ],
)
def test_a_value_is_quoted_if_hydra_cannot_read_it_otherwise(typed: str, sent: str) -> None:
    assert [sent] == expand_arguments([typed])


def test_an_empty_mapping_replaces_what_is_there() -> None:
    assert ["~stages", "++stages={}"] == expand_arguments(["stages={}"])
    assert ["~model.params", "++model.params={}"] == expand_arguments(["model.params={}"])


@pytest.mark.parametrize(
    "text", ["", "\\", "a'b", r"a\'b", r"a\\'", "${x}", r"\${x}", r"C:\x y\\", "'"]
)
def test_a_quoted_value_is_what_hydra_and_omegaconf_read(text: str) -> None:
    parsed = OverridesParser.create().parse_override(f"key={quote(text)}").value()

    assert text == OmegaConf.create({"key": parsed}).key


def test_quotes_that_the_shell_left_around_a_path_are_no_part_of_it() -> None:
    meant = ["transcript=file", "transcript.path='a b.md'"]

    assert meant == expand_arguments(["transcript='a b.md'"])
    assert ["a='x ä','y'"] == expand_arguments(["a=x ä,y", "-m"])[1:]


@pytest.mark.parametrize(
    ("model", "meant"),
    [
        ("gpt-4o", "'openai/gpt-4o'"),
        ("gemini-3.8-flash", "'gemini/gemini-3.8-flash'"),
        ("opneai", "'openai'"),
    ],
)
def test_a_model_without_its_provider_is_named_with_it(model: str, meant: str) -> None:
    from hydra.errors import HydraException

    line = explain_hydra_error(HydraException(f"In 'config': Could not find 'model/{model}'"))

    assert f"model={model}: no such choice; did you mean {meant}?" == line


def test_versions_are_those_of_what_is_installed() -> None:
    assert ["colloquy", "hydra", "litellm"] == [
        part.split()[0] for part in versions_line().split(", ")
    ]


def test_a_study_without_a_completed_trial_ends_with_one_line() -> None:
    with pytest.raises(ValueError, match="No trials") as raised:
        exec("raise ValueError('No trials are completed yet.')", {"__name__": "optuna.storages"})

    assert explain_hydra_error(raised.value) == "No trials are completed yet."


def test_links_lead_to_the_documentation_of_the_installed_hydra() -> None:
    from hydra import __version__
    from hydra.errors import OverrideParseException

    line = explain_hydra_error(OverrideParseException("x", "See https://hydra.cc/docs/1.2/a/b"))

    assert line is not None
    assert f"hydra.cc/docs/{'.'.join(__version__.split('.')[:2])}/a/b" in line


@pytest.mark.parametrize(
    ("override", "line"),
    [
        ("title=${x", "title=${x: mismatched input '{' expecting <EOF>"),
        ("budget.max_tokens=[1", "budget.max_tokens=[1: not in the grammar of overrides: '[1'"),
        ("modle.name=x", "unknown key 'modle.name'; did you mean 'model.name'?"),
        ("max_tokns=3", "unknown key 'max_tokns'; did you mean 'model.max_tokens'?"),
        ("colour=blue", "unknown key 'colour'; known: analyzers, attributes, batch"),
        ("output.language=${nope}", "output.language: Interpolation key 'nope' not found$"),
        ("output.language=${oc.env:NOPE}", "output.language: Environment variable 'NOPE' not fou"),
    ],
)
def test_an_override_that_means_nothing_is_named_with_the_nearest(override: str, line: str) -> None:
    with pytest.raises(ConfigError) as raised:
        resolve(composed(["transcript=pkg://samples/sample1.md", override])[0])

    assert f"{raised.value}$".startswith(line)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--cfg"], "argument --cfg/-c: expected one argument"),
        (["--cfg", "bogus"], "argument --cfg/-c: invalid choice: 'bogus'"),
        (["-x"], "unrecognized arguments: -x"),
        (["--multirun=3"], "argument --multirun/-m: ignored explicit argument '3'"),
        (["--config-dir"], "argument --config-dir/-cd: expected one argument"),
        (["--co"], "ambiguous option: --co could match"),
        (["x.md", "--config-dir"], "argument --config-dir/-cd: expected one argument"),
    ],
)
def test_an_option_that_hydra_does_not_take_is_one_line(
    arguments: list[str], expected: str
) -> None:
    with pytest.raises(ConfigError) as raised:
        check_arguments(expand_arguments(arguments))
    line = str(raised.value)

    assert line.startswith(expected)
    assert line.endswith("; see colloquy --help")
    assert "\n" not in line


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["-cd", "a", "--config-dir=b"], r"-cd a and b: expected one folder; hydra.searchpath=\["),
        (["-m", "dir=o1,o2"], "output.dir=o1,o2: expected one folder, which the runs of a sweep"),
    ],
)
def test_a_second_folder_of_which_one_would_win_silently_is_refused(
    arguments: list[str], line: str
) -> None:
    with pytest.raises(ConfigError, match=line):
        check_arguments(expand_arguments(arguments))
    check_arguments(["-cd", "a", "--config-dir=b", "resume=run"])
    check_arguments(["-m", "output.dir='a, b'"])


def test_a_folder_of_parts_is_no_choice_of_a_group() -> None:
    assert "parts" not in choices("pipeline")
    assert "two_stage" in choices("pipeline")


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("mine.yml", b"defaults: [offline]", "mine.yml: Hydra reads files that end with .yaml"),
        ("mine.yaml", b"# caf\xe9", "mine.yaml: 'utf-8' codec can't decode byte 0xe9"),
        (
            "mine.yaml",
            b"\xef\xbb\xbf# @package _global_",
            "mine.yaml: begins with a byte order mark",
        ),
        ("mine.yaml", "name: x".encode("utf-16"), "mine.yaml: 'utf-8' codec can't decode"),
    ],
)
def test_a_file_that_hydra_would_not_read_is_named(name: str, data: bytes, said: str) -> None:
    Path("c/model").mkdir(parents=True)
    Path("c/model", name).write_bytes(data)
    with pytest.raises(ConfigError, match=said):
        check_arguments(["--config-dir", "c"])


def test_a_folder_that_is_not_the_whole_configuration_is_told_the_option_that_adds_it() -> None:
    Path("mine").mkdir()
    with pytest.raises(ConfigError, match="--config-dir mine adds its files"):
        check_arguments(["-cp", "mine"])
    Path("mine/main.yaml").touch()
    check_arguments(["-cp", "mine", "--config-name", "main"])
