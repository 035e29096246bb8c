"""Every key, choice, command, file and link that the documentation names exists."""

from __future__ import annotations

import re
import shlex
from importlib.util import find_spec
from typing import Any

import pytest
import yaml
from helpers import composed, job
from helpers.documentation import PAGES, PROJECT, ROOT, TARGETS, TEXTS, blocks, inline

from runner.config.resolve import resolve
from runner.config.schema import known_keys, validate
from runner.run.resume_arguments import FLAGS
from runner.transcript.read import formats


def test_the_readme_is_for_half_an_hour_and_names_every_page() -> None:
    text = PAGES["README.md"]

    assert text.count("\n") <= 220
    assert [page for page in PAGES if page != "README.md" and f"({page})" not in text] == []


@pytest.mark.parametrize("name", TEXTS)
def test_every_target_command_and_module_named_exists(name: str) -> None:
    text = TEXTS[name]
    printed = "\n".join([*blocks("sh", text), *inline(text)])
    modules = set(re.findall(r"python -m ([a-z_.]+)", "" if name == "CHANGELOG.md" else printed))

    assert set(re.findall(r"^make ([a-z-]+)", printed, re.MULTILINE)) <= TARGETS
    assert set(re.findall(r"\bcolloquy-[a-z]+\b", text)) <= {*PROJECT["scripts"], PROJECT["name"]}
    assert [module for module in modules if find_spec(module) is None] == []


@pytest.mark.parametrize("name", TEXTS)
def test_every_link_and_file_named_leads_somewhere(name: str) -> None:
    text = TEXTS[name]
    folder = (ROOT / name).parent
    for target, anchor in re.findall(r"\]\((?!https?://)([^)#]*)#?([^)]*)\)", text):
        page = (folder / target).resolve() if target else ROOT / name
        assert page.exists(), target
        if anchor:
            titles = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
            anchors = [re.sub(r"[^\w -]", "", t.lower()).replace(" ", "-") for t in titles]
            assert anchor in anchors, (target, anchor)
    for path in re.findall(r"`((?:tests|docs|conf|benchmarks|runner)/[\w/]+\.\w+)`", text):
        assert "NAME" in path or (ROOT / path).exists(), path


def test_the_page_on_transcripts_explains_every_format() -> None:
    named = re.findall(r"^\| (`.*?) \|", PAGES["docs/transcripts.md"], re.MULTILINE)

    assert {"auto", *inline("".join(named).replace("``", "` `"))} >= set(formats())


@pytest.mark.parametrize("name", PAGES)
def test_every_key_named_exists(name: str) -> None:
    sections = "|".join(("transcript", "model", "processing", "batch", "budget", "grounding"))
    keys = re.findall(rf"(?<![\w/.])((?:{sections}|output)(?:\.[a-z_]+)+)(?=[=`])", PAGES[name])
    free = ("model.params.", "model.simulate.faults.", "model.simulate.batch.faults.")
    keys = [key for key in keys if not key.startswith(free) and not key.endswith(".json")]

    assert [key for key in keys if not exists(key)] == []


def exists(key: str) -> bool:
    *above, last = key.split(".")
    return last in known_keys(above)


def table() -> dict[str, str]:
    """Return the defaults in the tables of keys, by key."""
    text = PAGES["docs/configuration.md"].partition("\n## Keys\n")[2]
    rows = re.findall(r"^\| `([\w.]+)` \| (.+?) \| .+ \|$", text, re.MULTILINE)
    return {key: default.strip("`") for key, default in rows}


def test_the_table_of_keys_is_complete() -> None:
    expected = set()
    for name in known_keys([]):
        below = known_keys([name])
        if name in ("analyzers", "stages"):
            inner = known_keys([name, "NAME"])
            nested = [f"context.{key}" for key in known_keys([name, "NAME", "context"])]
            expected |= {f"{name}.NAME.{key}" for key in [*inner, *nested]} - {
                f"{name}.NAME.context"
            }
        else:
            expected |= {f"{name}.{key}" for key in below} or {name}
    expected.remove("transcript.about")
    expected |= {f"transcript.about.{key}" for key in known_keys(["transcript", "about"])}
    for above in (["model", "simulate"], ["model", "simulate", "batch"]):
        expected |= {f"{'.'.join(above)}.{key}" for key in known_keys(above)}
    expected.remove("model.simulate.batch")

    assert {*expected, *FLAGS} == set(table())


def test_every_default_in_the_table_is_that_of_the_configuration() -> None:
    plain = validate(resolve(composed(("checks=base",))))
    simulated = job("model=simulated").settings
    for key, shown in table().items():
        if "NAME" in key or key in FLAGS:
            continue
        value: Any = simulated if key.startswith("model.simulate.") else plain
        for part in key.split("."):
            value = getattr(value, part)

        assert yaml.safe_load(shown) == value or shown == value, key


def test_the_commands_in_comments_and_running_text_name_keys_and_choices() -> None:
    """Comments that continue with a backslash are one command."""
    texts = {name: "\n".join(inline(text)) for name, text in TEXTS.items()}
    for path in (ROOT / "conf").rglob("*.yaml"):
        comments = re.findall(r"^ *# ?(.*)$", path.read_text(encoding="utf-8"), re.MULTILINE)
        texts[path.name] = "\n".join(comments).replace("\\\n", "")
    commands = {
        (name, command)
        for name, text in texts.items()
        for command in re.findall(r"\bcolloquy((?: +[\w'~+./-]+=\S+)+)", text)
    }
    wrong = [(name, command) for name, command in commands if not all(map(known, words(command)))]

    assert len(commands) > 20
    assert wrong == []


def words(command: str) -> list[str]:
    return [word.lstrip("+~") for word in shlex.split(command)]


def known(word: str) -> bool:
    """Return whether a word of a command line names a key, or a choice of a group."""
    key, _, value = word.partition("=")
    group = ROOT / "conf" / key
    if group.is_dir() and re.fullmatch(r"[a-z_,]+", value):
        return all((group / f"{choice}.yaml").exists() for choice in value.split(","))
    return group.is_dir() or exists(key) or key in ("resume", *FLAGS) or key.startswith("hydra")


def test_the_pages_have_no_gap() -> None:
    assert [name for name, text in TEXTS.items() if re.search(r"@[A-Z]+@", text)] == []
