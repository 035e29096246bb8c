from __future__ import annotations

from pathlib import Path

import pytest
from helpers import composed, job
from hydra.errors import HydraException
from omegaconf.errors import OmegaConfBaseException

from runner.base.errors import ColloquyError, ConfigError, TranscriptError
from runner.run.cli.command_line import expand_arguments, worst_exit_code
from runner.run.cli.compose import compose_config
from runner.run.cli.hydra_errors import explain_hydra_error

CONF = Path(__file__).resolve().parents[2] / "conf"


def fault(*overrides: str) -> str:
    """Return the one line that a wrong configuration is answered with."""
    try:
        job(*overrides)
    except ColloquyError as error:
        return str(error)
    except (HydraException, OmegaConfBaseException, ValueError) as error:
        return explain_hydra_error(error) or repr(error)
    return "accepted"


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("processing.max_concurent=4", "did you mean 'processing.max_concurrent'?"),
        ("+typo=1", "unknown key 'typo'"),
        ("+model.api_key=x", "model.api_key contains what looks like a key"),
        ("+stages.stage_a.need=[]", "did you mean 'stages.stage_a.needs'?"),
        ("model=opneai", "model=opneai: no such choice; did you mean 'openai'?"),
        ("pipeline=three_stage", "did you mean 'two_stage'?"),
        ("processing.mode=medium", "processing.mode='medium': expected 'concurrent' or"),
        ("processing.max_concurrent=0", "greater than or equal to 1"),
        ("processing.max_concurrent=1000000000", "less than or equal to 256"),
        ("processing.max_concurrent='8'", "expected a valid integer"),
        ("processing.max_concurrent=true", "expected a valid integer"),
        ("processing.stage_b_context_top_insights=-1", "greater than or equal to 0"),
        ("model.timeout_s=0", "greater than 0"),
        ("model.timeout_s=nan", "expected a finite number"),
        ("model.temperature=3", "less than or equal to 2"),
        ("model.name=gpt4", "expected provider/model"),
        ("model.api_base=ftp://x", "expected an address such as http://"),
        ("model.api_key_env=sk-123", "model.api_key_env contains what looks like a key"),
        ("model.input_usd_per_mtok=1", "go together"),
        ("+model.params.stream=true", "model.params.stream"),
        ("+model.params.extra_body.n=5", "model.params.extra_body.n"),
        ("+model.params.max_completion_tokens=9", "model.params.max_completion_tokens"),
        (
            "+model.params.extra_body.options.numPredict=9",
            "extra_body.options.numPredict: not allowed",
        ),
        (
            "+model.params.generation_config={maxOutputTokens:9}",
            "generation_config.maxOutputTokens",
        ),
        ("+model.params.extra_body.search_parameters={mode:on}", "extra_body.search_parameters"),
        ("+model.params.serviceTier={type:priority}", "model.params.serviceTier: not allowed"),
        (
            "+model.params.extra_headers.X-Amzn-Bedrock-Service-Tier=priority",
            "X-Amzn-Bedrock-Service-Tier: not allowed in params; use the keys of the model",
        ),
        ("+model.params.extra_body=[1]", "model.params.extra_body=[1]: expected a mapping"),
        ("+model.params.extra_headers=x", "model.params.extra_headers='x'"),
        ("+model.params.extra_headers.X-Team=5", "model.params.extra_headers.X-Team: expected a"),
        ("model.params={seed: 7}", "write +model.params.KEY=VALUE"),
        ("model.reply_format=text", "the offline model answers by schema"),
        ("output.console=loud", "'plain', 'json' or 'quiet'"),
        ("transcript.format=vvt", "did you mean 'vtt'?"),
        ("analyzers.say_mean.max_tokens=5", "unknown analyzer 'say_mean'; did you mean"),
        ("analyzers.say_means.max_token=5", "did you mean 'analyzers.say_means.max_tokens'?"),
        ("analyzers.say_means.stage=stage_aa", "is not a stage; did you mean 'stage_a'?"),
        ("analyzers.patentability.needs=[say_mean]", "did you mean 'say_means'?"),
        ("analyzers.say_means.prompt=nope.md", "no prompt file 'nope.md'"),
        ("analyzers.say_means.answer=say_mean", "did you mean 'say_means'?"),
        ("stages.stage_a.needs=[stage_b]", "stages need each other in a cycle"),
        ("stages.stage_b.needs=[stage_c]", "is not a stage; did you mean"),
        ("+analyzer@analyzers.Say_Means=say_means", "is not a valid name"),
        ("+models={gpt-4.1: {}}", "is not a valid name"),
        ("+analyzer@analyzers.stage_a=say_means", "names both a stage and an analyzer"),
        (
            "processing.stage_b_context_include_structured_keys=[argument]",
            "did you mean 'arguments'?",
        ),
        ("analyzers=null", "analyzers=null: expected a valid dictionary"),
        ("delivery=batch", "set as delivery.KEY=VALUE; model.delivery chooses how calls are sent"),
        ("stages.stage_b=null", "stages.stage_b=null"),
        ("model.max_tokens=${nope}", "Interpolation key 'nope' not found"),
        ("model.max_tokens=abc", "model.max_tokens='abc': expected a valid integer"),
        ("objective=cost_usd", "expected a valid list, such as [cost_usd]"),
        ("modle.max_tokens=3", "did you mean 'model.max_tokens'?"),
        ("stages.stage_a.contex.token_budget=3", "'stages.stage_a.context.token_budget'?"),
        ("stages.stag_a.input=context", "stages has no 'stag_a'"),
        ("models.backup.max_tokens=3", "+model@models.NAME=CHOICE adds one"),
        ("model.simulate.latency_s=3", "model.simulate is null"),
        ("model=OpenAI", "did you mean 'openai'?"),
        ("~analyzers.say_meens", "did you mean '~analyzer@analyzers.say_means'?"),
        ("~analyzer@analyzers.say_meens", "did you mean '~analyzer@analyzers.say_means'?"),
        ("~say_means", "did you mean '~analyzer@analyzers.say_means'?"),
        ("pipeline=mine/pipeline/x.yaml", "FOLDER/pipeline/NAME.yaml is --config-dir FOLDER"),
        ("~model.nam", "did you mean 'model.name'?"),
        ("+model=openai", "write model=CHOICE, without +"),
        ("~model", "a file in model/ needs `defaults: [base]`"),
        ("analyzers.say_means.variables=[1]", "variables=[1] expected {key: value}"),
        ("+analyzers.say_means.variables.a=[1]", "a=[1]: expected text, a number, true or false"),
        ("model.name=${oc.env:NO_SUCH}", "model.name: Environment variable 'NO_SUCH' not"),
        ("hydra/launcher=poled", "hydra/launcher=poled: no such choice; did you mean 'pooled'?"),
        ("analyzer@analyzers.x=needs", "not in the pipeline; +analyzer@analyzers.x=CHOICE adds it"),
        ("+analyzers.x.stage=stage_a", "needs `defaults: [base, _self_]`"),
        ("transcript.path=pkg://nope/x", "expected pkg://PACKAGE/FILE"),
        ("transcript.path=pkg://", "expected pkg://PACKAGE/FILE"),
        ("transcript.path=''", "transcript.path=''"),
        ("model=openai", "names OPENAI_API_KEY, which is not set"),
        ("model.context_window=3000", "but offline/extractive has a window of 3,000"),
        ("transcript=file", "'transcript.path' is required"),
    ],
)
def test_a_wrong_configuration_is_one_line_that_names_the_remedy(
    override: str, expected: str
) -> None:
    line = fault(override)

    assert expected in line
    assert "\n" not in line
    assert list(Path.cwd().iterdir()) == []  # nothing was written


@pytest.mark.parametrize(
    ("group", "text"),
    [
        ("pipeline", "# mine\n# @package _global_\ndefaults: [two_stage, _self_]\n"),
        ("pipeline", "stages: {stage_a: {needs: [], input: transcript}}\n"),
        ("pipeline", "# @package _global\ndefaults: [two_stage, _self_]\n"),
        ("pipeline", "# @package _global_ # mine\ndefaults: [two_stage, _self_]\n"),
        ("experiment", "---\n# @package _global_\nplan: true\n"),
        ("sweep", "hydra: {sweeper: {params: {model: offline}}}\n"),
    ],
)
def test_a_file_whose_header_is_not_read_is_told_the_header(
    group: str, text: str, tmp_path: Path
) -> None:
    (tmp_path / group).mkdir()
    (tmp_path / group / "mine.yaml").write_text(text)
    line = fault(f"hydra.searchpath=[file://{tmp_path}]", f"{group}=mine")

    assert "# @package _global_" in line.replace("'", "")
    assert "\n" not in line


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("processing.max_concurrent: 8", "write processing: {max_concurrent: …}"),
        ("analyzers: {say_means.max_tokens: 5}", "write say_means: {max_tokens: …}"),
        ("model: simulated", "add `override /model: CHOICE` to its defaults"),
        (
            "defaults: [override model: simulated]",
            "expected override /model, not below experiment/",
        ),
        ("defaults: [/model: simulated]", "in a file's defaults: override /model: CHOICE"),
    ],
)
def test_an_experiment_of_ones_own_is_told_how_to_set_what_it_means(
    text: str, said: str, tmp_path: Path
) -> None:
    (tmp_path / "experiment").mkdir()
    (tmp_path / "experiment/mine.yaml").write_text(f"# @package _global_\n{text}\n")

    assert said in fault(f"hydra.searchpath=[file://{tmp_path}]", "experiment=mine")


def test_a_pipeline_of_ones_own_needs_no_needs_but_a_slash_before_another_group(
    tmp_path: Path,
) -> None:
    (tmp_path / "pipeline").mkdir()
    text = "# @package _global_\ndefaults: [/analyzer@analyzers.say_means: say_means, _self_]\n"
    text += "stages: {stage_a: {input: transcript}}\n"
    (tmp_path / "pipeline/good.yaml").write_text(text)
    (tmp_path / "pipeline/bad.yaml").write_text(text.replace("/analyzer", "analyzer"))
    search = f"hydra.searchpath=[file://{tmp_path}]"

    assert "accepted" == fault(search, "pipeline=good")
    assert "pipeline/bad.yaml: analyzer: expected /analyzer" in fault(search, "pipeline=bad")


def test_a_choice_of_ones_own_that_is_misspelt_is_told_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "analyzer").mkdir()
    (tmp_path / "analyzer/risk_register.yaml").write_text("defaults: [base, _self_]\n")
    line = fault(f"hydra.searchpath=[file://{tmp_path}]", "+analyzer@analyzers.r=risk_registr")

    assert "did you mean 'risk_register'?" in line


def test_a_missing_transcript_is_an_input_error_not_a_configuration_error() -> None:
    with pytest.raises(TranscriptError, match=r"nope\.md"):
        job("transcript=file", "transcript.path=nope.md")


def test_the_plans_defaults_hold() -> None:
    settings = job().settings
    processing = settings.processing

    assert processing.max_concurrent == 3
    assert processing.max_concurrent_stage_a is None
    assert processing.max_concurrent_stage_b is None
    assert processing.mode == "concurrent"
    assert processing.stage_b_context_token_budget == 8000
    assert processing.stage_b_context_top_insights == 5
    assert processing.stage_b_context_include_structured_keys == []
    assert settings.model.name == "offline/extractive"


@pytest.mark.parametrize(
    ("override", "path", "expected"),
    [
        ("analyzers.say_means.max_tokens=77", "analyzers.say_means.max_tokens", 77),
        ("analyzers.say_means.temperature=1", "analyzers.say_means.temperature", 1.0),
        ("model.max_tokens=99", "analyzers.patentability.max_tokens", 99),
        ("processing.max_concurrent_stage_a=7", "stages.stage_a.max_concurrent", 7),
        ("processing.stage_b_context_token_budget=500", "stages.stage_b.context.token_budget", 500),
        ("processing.stage_b_context_top_insights=2", "stages.stage_b.context.top_insights", 2),
    ],
)
def test_an_override_reaches_the_value_it_names(override: str, path: str, expected: object) -> None:
    value: object = job(override).settings
    for part in path.split("."):
        value = value[part] if isinstance(value, dict) else getattr(value, part)

    assert expected == value


def test_an_analyzer_can_override_its_stages_context() -> None:
    made = job("analyzers.patentability.context.token_budget=900")
    budgets = {n.name: n.context.token_budget for n in made.pipeline.nodes if n.context}

    assert budgets["patentability"] == 900
    assert budgets["first_principles"] == 8000


def test_an_analyzer_can_be_left_out() -> None:
    made = job("~analyzer@analyzers.patentability")

    assert "patentability" not in made.analyzers
    assert len(made.pipeline.nodes) == 7


def choices(group: str) -> list[str]:
    return sorted(p.stem for p in (CONF / group).glob("*.yaml") if p.stem != "base")


@pytest.mark.parametrize("name", choices("experiment"))
def test_every_experiment_builds(name: str) -> None:
    assert job(f"experiment={name}").pipeline.nodes


@pytest.mark.parametrize("name", choices("pipeline"))
def test_every_pipeline_builds(name: str) -> None:
    Path("codes.csv").write_text("code,definition\nCost,Money is spent\n")
    given = ["codebook=codes.csv"] if name == "codebook" else []

    assert job(f"pipeline={name}", *given).pipeline.nodes


@pytest.mark.parametrize("name", choices("sweep"))
def test_every_sweep_composes(name: str) -> None:
    Path("talk.txt").write_text("Ann: We wait.")
    folder = ["transcript.path=."] if name == "shards" else []

    assert job(f"sweep={name}", *folder).pipeline.nodes


def test_one_file_has_no_shards() -> None:
    with pytest.raises(ConfigError, match=r"batch\.shards=4: expected transcript=FOLDER"):
        job("sweep=shards")


def test_a_missing_folder_is_named_before_what_only_a_folder_has() -> None:
    Path("at.csv").write_text("file,role\na,cook\n")
    given = ("transcript=file", "transcript.path=no_such", "pipeline=interviews")
    for each in ("attributes=at.csv", "batch.shards=2"):
        with pytest.raises(TranscriptError, match="no_such: no such file"):
            job(*given, each)


def test_the_digest_follows_settings_and_prompts_and_nothing_else() -> None:
    plain, same = job().config_digest, job().config_digest
    hotter = job("model.temperature=1").config_digest

    assert same == plain
    assert hotter != plain


def write_analyzer(folder: Path, prompt: str, yaml: str = "") -> None:
    (folder / "analyzer").mkdir(parents=True)
    (folder / "analyzers").mkdir()
    body = "defaults: [base, _self_]\n\nstage: stage_b\n" + yaml
    (folder / "analyzer" / "risk_register.yaml").write_text(body)
    (folder / "analyzers" / "risk_register.md").write_text(prompt)


def own(folder: Path, *overrides: str) -> object:
    return job(
        f"hydra.searchpath=[file://{folder}]",
        "+analyzer@analyzers.risk_register=risk_register",
        *overrides,
        config_folders=[folder],
    )


def test_a_users_own_analyzer_needs_a_prompt_and_a_yaml_only(tmp_path: Path) -> None:
    write_analyzer(tmp_path / "mine", "Which risks are named? At most {{ max_insights }}.")
    made = own(tmp_path / "mine")

    assert "risk_register" in made.analyzers
    assert made.pipeline.nodes[-1].name == "risk_register"
    assert len(made.pipeline.nodes[-1].needs) == 4


def test_a_users_own_answer_shape_is_used(tmp_path: Path) -> None:
    """Written like those that ship: deferred annotations, one model inside another."""
    write_analyzer(tmp_path / "mine", "Which risks?")
    (tmp_path / "mine" / "analyzers" / "risk_register.py").write_text(
        "from __future__ import annotations\n\n"
        "from runner.answers.shape import Strict\n\n\n"
        "class Risk(Strict):\n    name: str\n\n\n"
        "class Fields(Strict):\n    risks: list[Risk]\n"
    )
    schema = own(tmp_path / "mine").analyzers["risk_register"].schema

    assert list(schema["$defs"]["Fields"]["properties"]) == ["risks"]
    assert list(schema["$defs"]["Risk"]["properties"]) == ["name"]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("Fields = 5\n", "defines no pydantic model called Fields"),
        ("import nowhere_at_all\n", "fails: No module named 'nowhere_at_all'"),
        ("def\n", "fails: "),
        ("raise SystemExit(3)\n", r"fails: SystemExit\(3\)"),
        (
            "import pydantic\nclass Fields(pydantic.RootModel[list[str]]): ...\n",
            "not be a RootModel",
        ),
        (
            "import pydantic\nfrom collections.abc import Callable\n"
            "class Fields(pydantic.BaseModel):\n    call: Callable\n",
            "Fields is not JSON: Cannot generate a JsonSchema",
        ),
    ],
)
def test_an_answer_module_that_cannot_be_used_is_refused(
    tmp_path: Path, source: str, expected: str
) -> None:
    write_analyzer(tmp_path / "mine", "Which risks?")
    (tmp_path / "mine" / "analyzers" / "risk_register.py").write_text(source)
    with pytest.raises(ColloquyError, match=expected):
        own(tmp_path / "mine")


def test_a_file_that_is_not_yaml_is_named_on_one_line(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "broken.yaml").write_text("name: [x\n")
    with pytest.raises(Exception, match="broken") as caught:
        job(f"hydra.searchpath=[file://{tmp_path}]", "model=broken")
    line = explain_hydra_error(caught.value) or ""

    assert line.startswith("a configuration file is not YAML: ")
    assert "broken.yaml" in line
    assert "\n" not in line


def test_a_reply_longer_than_the_model_writes_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "not-a-key")
    line = fault("model=openai", "model.name=openai/gpt-4o-mini", "model.max_tokens=16385")

    assert "analyzers.say_means.max_tokens=16385: openai/gpt-4o-mini writes at most 16384" in line


@pytest.mark.parametrize(
    ("model", "reply_format", "in_prompt", "beside"),
    [
        ("openai/gpt-4o-mini", "auto", False, True),
        ("cohere/no-such-model", "auto", True, True),
        ("openai/gpt-3.5-turbo", "auto", True, False),
        ("openai/gpt-4o-mini", "text", True, False),
        ("openai/no-such-model", "schema", False, True),
    ],
)
def test_the_schema_goes_beside_the_prompt_only_where_it_is_surely_taken(
    monkeypatch: pytest.MonkeyPatch, model: str, reply_format: str, in_prompt: bool, beside: bool
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "not-a-key")
    made = job(
        "model=openai",
        f"model.name={model}",
        "model.max_tokens=2000",
        f"model.reply_format={reply_format}",
    )

    assert (made.main.schema_in_prompt, made.main.schema_beside) == (in_prompt, beside)


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("Line one.\nUse {{ speakrs }}.", "risk_register.md:2: nobody provides 'speakrs'"),
        ("{{ transcript }}", "put before the question without being named"),
        ("{% if x %}", "not a Jinja template"),
        ("\ufeff \n", "risk_register.md is empty"),
        ("{{ max_insights.foo.bar }}", "cannot be rendered"),
        (
            "Hi.\n{% if stage == 'b' %}{{ stage.__class__ }}{% endif %}",
            "md:2: a prompt may not use",
        ),
        ("{{ cycler.__init__.__globals__.os.system('touch x') }}", "may not use the attribute"),
        ("{{ stage['__class__'] }}", "cannot be rendered: SecurityError"),
        ("{{ stage|attr('__class__') }}", "cannot be rendered"),
        ("{{ '{0.__class__}'.format(stage) }}", "cannot be rendered: SecurityError"),
        ("{{ [].append(1) }}", "cannot be rendered: SecurityError"),
        ("{{ ''['_' ~ '_class__'] }}", "cannot be rendered: SecurityError"),
        ("{% for n in range(10 ** 9) %}x{% endfor %}", "cannot be rendered: OverflowError"),
    ],
)
def test_a_prompt_that_asks_for_what_nobody_provides_is_refused_by_line(
    tmp_path: Path, prompt: str, expected: str
) -> None:
    write_analyzer(tmp_path / "mine", prompt)
    with pytest.raises(ColloquyError) as caught:
        own(tmp_path / "mine")

    assert expected in str(caught.value)
    assert caught.value.exit_code == 2


def test_a_prompt_has_variables_of_its_own_that_the_command_line_can_change(tmp_path: Path) -> None:
    write_analyzer(tmp_path / "mine", "Name {{ how_many }} risks.", "variables: {how_many: 3}\n")
    made = own(tmp_path / "mine", "analyzers.risk_register.variables.how_many=9")

    assert made.settings.analyzers["risk_register"].variables == {"how_many": 9}


def test_transcript_text_is_never_evaluated() -> None:
    hostile = "Ann: costs ${oc.env:HOME} and {{ 7*7 }} and {% raw %} today\n"
    Path("t.txt").write_text(hostile)
    made = job("transcript=file", "transcript.path=t.txt")

    assert hostile.removeprefix("Ann: ").strip() in made.transcript_material()
    assert "oc.env" not in made.config


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (["transcript=meeting.vtt"], ["transcript=file", "transcript.path='meeting.vtt'"]),
        (["transcript=${x}.md"], ["transcript=file", "transcript.path='\\${x}.md'"]),
        (["transcript=it's.md"], ["transcript=file", "transcript.path='it\\'s.md'"]),
        (["a=1", "--config-dir", "d", "b=2"], ["--config-dir", "d", "a=1", "b=2"]),
        (["-m", "transcript=sample,x.md"], ["-m", "transcript=sample,x.md"]),
        (["transcript=x=y.md"], ["transcript=file", "transcript.path='x=y.md'"]),
        (["transcript=sample"], ["transcript=sample"]),
        (
            ["-m", "transcript=a.md,b.md"],
            ["-m", "transcript=file", "transcript.path='a.md','b.md'"],
        ),
        (["model=openai"], ["model=openai"]),
        (["model.api_base=http://[::1]:8/v1"], ["model.api_base='http://[::1]:8/v1'"]),
        (["+a.b=https://[fe80::1%25lo]/"], ["+a.b='https://[fe80::1%25lo]/'"]),
        (["model.api_base='http://[::1]:8/v1'"], ["model.api_base='http://[::1]:8/v1'"]),
        (["a=[http://x]"], ["a=[http://x]"]),
    ],
)
def test_a_file_or_an_address_can_be_named_directly(given: list[str], expected: list[str]) -> None:
    assert expand_arguments(given) == expected


@pytest.mark.parametrize(
    ("codes", "expected"), [([], 0), ([0, 0], 0), ([0, 3, 4], 4), ([3, 5], 5), ([1, 130], 130)]
)
def test_the_worst_job_decides_the_exit_code(codes: list[int], expected: int) -> None:
    assert worst_exit_code(codes) == expected


@pytest.mark.parametrize(
    ("given", "sweeps"),
    [
        (["sweep=max_concurrent"], True),
        (["+sweep=mine", "--config-dir", "mine"], True),
        (["-m", "sweep=max_concurrent"], True),
        (["model=openai"], False),
        (["sweep=max_concurrent", "--cfg", "job"], False),
        (["sweep=max_concurrent", "-c", "job"], False),
        (["sweep=max_concurrent", "--help"], False),
        (["sweep=max_concurrent", "--run"], False),
    ],
)
def test_a_sweep_that_is_named_is_run_as_one_unless_an_option_says_otherwise(
    given: list[str], sweeps: bool
) -> None:
    expanded = expand_arguments(given)

    assert sweeps is bool({"-m", "--multirun"} & set(expanded))
    assert expanded.count("--multirun") <= 1


def test_no_shipped_file_chooses_between_run_and_sweep() -> None:
    """Hydra 1.4 refuses that in all files but the first."""
    shipped = (Path(__file__).parents[2] / "conf").rglob("*.yaml")

    assert [] == [path.name for path in shipped if "MULTIRUN" in path.read_text("utf-8")]


@pytest.mark.parametrize(
    "overrides",
    [
        ("model.name=a/b", "model=simulated", "model.input_usd_per_mtok=3"),
        ("processing.max_concurrent=8", "processing.prime_prefix=off", "reuse=off"),
        ("stages.stage_a.model=null", "objective=[wall_s]", "transcript.path='a b=c.txt'"),
    ],
)
def test_the_tests_short_way_to_a_configuration_leads_where_hydras_does(
    overrides: tuple[str, ...],
) -> None:
    assert compose_config(*overrides) == composed(overrides)
