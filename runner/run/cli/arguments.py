"""Command-line arguments, converted to Hydra's overrides before Hydra reads them."""

from collections.abc import Iterator, Sequence
from importlib.metadata import entry_points, version
from importlib.resources import files
from pathlib import Path

from runner.base.errors import ConfigError, did_you_mean
from runner.base.regular_files import kind_of
from runner.base.text import DISTRIBUTION
from runner.config.schema import GROUPS, known_keys
from runner.transcript.decode import nearest_file

# Sections whose keys may be given without the section's name, the likeliest first.
_SECTIONS = (
    *("processing", "model", "budget", "output"),
    *("grounding", "coverage", "transcript", "batch"),
)
_CHOSEN = ("model", "transcript", *GROUPS)  # mean nothing without a value
_SWITCHES = ("plan", "allow_changed", "retry_failed", "trusted")  # true without a value
WITH_VALUE = frozenset(  # options whose value is the next argument
    {"--config-dir", "-cd", "--config-name", "-cn", "--config-path", "-cp", "--package", "-p"}
    | {"--cfg", "-c", "--shell-completion", "-sc"}
)
_INFO = ("all", "config", "defaults", "defaults-tree", "plugins", "searchpath")
_OPTIONS = (  # Hydra's, with the abbreviations that argparse accepts
    *("--help", "--hydra-help", "--version", "--cfg", "--resolve", "--package", "--run"),
    *("--multirun", "--shell-completion", "--config-path", "--config-name", "--config-dir"),
    *("--experimental-rerun", "--info"),
)


def as_overrides(arguments: Sequence[str]) -> list[str]:
    """Return *arguments* as Hydra's overrides.

    `meeting.vtt` is `transcript=meeting.vtt`, `--model openai` is `model=openai`,
    `max_concurrent=4` is `processing.max_concurrent=4`, and `model=openai/gpt-4o-mini` is the
    preset of that provider with this name. Raises ConfigError for an unknown word.
    """
    overrides, files, following = list[str](), dict[str, None](), list(_joined(arguments))
    while following:
        argument = following.pop(0)
        if argument in _INFO and overrides[-1:] in (["--info"], ["-i"]):
            overrides[-1] = f"--info={argument}"
            continue
        if _is_file(argument, following):
            argument = f"transcript={argument}"
        if argument.startswith("transcript="):
            files[argument.partition("=")[2]] = None
        overrides += _one(argument)
        if argument in WITH_VALUE and following:
            overrides.append(following.pop(0))
    if len(files) > 1:
        first, second, *_ = files
        expected = "expected one file or folder, or a pattern such as 'talks/*.vtt'; each in quotes"
        raise ConfigError(f"{len(files)} transcripts, {first!r} and {second!r}: {expected}")
    return overrides


def _joined(arguments: Sequence[str]) -> Iterator[str]:
    """Yield the arguments; `--KEY VALUE` with a configuration key becomes `KEY=VALUE`."""
    following = list(arguments)
    while following:
        argument = following.pop(0)
        name, equals, value = argument.partition("=")
        is_option = any(option.startswith(name) for option in _OPTIONS)
        if not name.startswith("--") or is_option:
            yield argument
            continue
        key = name[2:].replace("-", "_")
        if key.partition(".")[0] not in _names() and not _in_sections(key):
            known = [option[2:] for option in options()]
            raise ConfigError(f"unknown option {name}{did_you_mean(key, known)}")
        if not equals:
            alone = not following or following[0].startswith("--")
            alone = alone or (key in _SWITCHES and following[0] not in ("true", "false"))
            value = following.pop(0) if not alone else "" if key in (*_CHOSEN, "resume") else "true"
        yield f"{key}={value}"


def _is_file(argument: str, following: Sequence[str]) -> bool:
    """Return whether *argument* stands for a transcript; raise ConfigError if it means nothing."""
    if argument.startswith(("-", "~", "+")) and not argument.startswith("~/"):
        return False
    if "=" in argument:  # which names may have, too, as in `talks/a=b.txt`
        name = argument.partition("=")[0]
        is_key = name in _names() or "." in name or bool(_in_sections(name))
        return not is_key and kind_of(Path(argument)) is not None
    *above, last = argument.split(".")
    is_key = bool(above) and last in known_keys(above)
    if kind_of(Path(argument)) is None and (is_key or not any(c in argument for c in "./\\*?")):
        near = _nearest(argument, following)
        raise ConfigError(f"{argument!r} is neither a file nor KEY=VALUE{near}")
    return True


def _nearest(word: str, following: Sequence[str]) -> str:
    """Return a clause that says what a lone *word* may be meant as."""
    for last in range(1, len(following) + 1):
        path = " ".join([word, *following[:last]])
        if kind_of(Path(path)) is not None:
            return f"; a path with spaces needs quotes: {path!r}"
    if word in _names() or "." in word:
        value = next((each for each in following if each != "="), "VALUE").removeprefix("=")
        return f"; did you mean '{word}={'true' if word in _SWITCHES else value}'?"
    if entry_points(group="console_scripts", name=f"colloquy-{word}"):
        return f"; did you mean the command 'colloquy-{word}'?"
    group = next((each for each in _CHOSEN if word in choices(each)), None)
    if group is not None:
        return f"; did you mean '{group}={word}'?"
    named = [each for each in ("--help", "--version") if each == f"--{word}"]
    near, file = did_you_mean(word, [*_names(), *named]), nearest_file(Path(word))
    return near if "did you mean" in near else file or near


def _one(argument: str) -> list[str]:
    name, _, value = argument.partition("=")
    if not name.lstrip("+~-") or (name in _CHOSEN and not value):
        known = did_you_mean("", choices(name)) if name and name != "transcript" else ""
        raise ConfigError(f"{argument}: expected {name.lstrip('+~-') or 'KEY'}=VALUE{known}")
    group, _, key = name.lstrip("+~").partition("@")
    if group == "analyzer" and not key.startswith("analyzers."):
        sign, choice = ("~", "") if name.startswith("~") else ("+", f"={value or 'NAME'}")
        raise ConfigError(f"{argument}: expected {sign}analyzer@analyzers.NAME{choice}")
    if argument.startswith(("-", "~", "+")):
        return [argument]
    if name == "transcript" and value.startswith(("http://", "https://")):
        raise ConfigError(f"{argument}: expected a file: download it first")
    if name == "model" and "/" in value:
        return _model(value.strip("'\""))
    if not any(sign in name for sign in "./@") and name not in _names():
        section = next((f"{each}." for each in _in_sections(name)), "")
        return [f"{section}{name}={value}"]
    return [argument]


def _model(value: str) -> list[str]:
    """Return the preset of the provider in *value*, with *value*, or several, as the name."""
    provider, *others = dict.fromkeys(part.partition("/")[0] for part in value.split(","))
    presets = choices("model")
    if others:
        raise ConfigError(f"model={value}: expected models of one provider, not of {others[0]} too")
    if provider not in presets:
        raise ConfigError(
            f"model={value}: there is no preset {provider!r}{did_you_mean(provider, presets)}; "
            f"for another provider: model=openai model.name={value} with its api_key_env"
        )
    return [f"model={provider}", f"model.name={value}"]


def _in_sections(name: str) -> list[str]:
    return [section for section in _SECTIONS if name in known_keys([section])]


def _names() -> list[str]:
    """Return the names without a dot that are allowed before `=`."""
    return [*known_keys([]), *GROUPS, "resume", *_SWITCHES, "hydra"]


def options() -> list[str]:
    """Return all options: Hydra's, and those that stand for a key."""
    return [*_OPTIONS, *(f"--{name}" for name in _names())]


def choices(group: str) -> list[str]:
    """Return the choices of a configuration group, empty for an unknown one."""
    folder = files("conf").joinpath(group)
    names = [each.name for each in folder.iterdir()] if folder.is_dir() else []
    return [n[:-5] for n in names if n.endswith(".yaml") and n != "base.yaml"]


def versions_line() -> str:
    """Return the versions of this program, Hydra and litellm."""
    named = (("colloquy", DISTRIBUTION), ("hydra", "hydra-core"), ("litellm", "litellm"))
    return ", ".join(f"{name} {version(package)}" for name, package in named)
