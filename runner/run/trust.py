"""Trust: what resuming an unsigned directory would send, read and execute, and consent to it."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from runner.base.errors import ConfigError, one_line
from runner.base.json import at, mapping, strings_in, text
from runner.base.regular_files import kind_of, user_path
from runner.base.secrets import secrets_of
from runner.base.text import print_stderr, to_terminal
from runner.config.model_facts import OFFLINE
from runner.config.schema import FILES, ModelSettings, Settings
from runner.job.attributes import FILE as ATTRIBUTES
from runner.job.build import PACKAGE_PREFIX
from runner.providers.litellm.embedding import embedding_model
from runner.providers.litellm.route import ADDRESSES
from runner.record.run_directory import CODEBOOK

_REFERENCE = re.compile(r"\$\{(\w+(?:\.\w+)*)\}")  # of OmegaConf, without a resolver
_MAX_REFERENCES = 2000
_MAX_TARGET_CHARS = 500
_MAX_CHARS = 10_000  # of the line, which hides nothing once it is trusted


def permit(
    path: Path,
    fault: str,
    wanted: Iterable[Settings],
    config_dirs: Sequence[Path],
    *,
    trusted: bool,
) -> None:
    """Print in one line what resuming *path*, with its *fault*, does; refuse it unless *trusted*.

    *wanted* are the settings of all its runs.
    """
    code = " and ".join(map(str, config_dirs)) or "the installed package only"
    does = dict.fromkeys(part for each in wanted for part in _uses(each))
    runs = f"{'and ' if does else ''}runs the code of {code}"
    line = f"resume={path}: {fault}; with trusted=true it {', '.join([*does, runs])}"
    if not trusted:
        raise ConfigError(line)
    print_stderr(to_terminal(secrets_of().redact(f"colloquy: {line}"), _MAX_CHARS))


def _files(settings: Settings) -> Iterator[tuple[str, str]]:
    for key in FILES:
        value: Any = settings
        for name in key.split("."):
            value = getattr(value, name, None)
        if value is not None:
            yield key, value


def _uses(settings: Settings) -> Iterator[str]:
    for model in (settings.model, *settings.models.values()):
        yield from _sent(model)
    if settings.collection.embeddings is not None:
        yield from _sent(embedding_model(settings.collection.embeddings, settings.model))
    for _, value in _files(settings):
        yield f"reads {_place(value)}"
    yield f"writes to {_place(settings.output.dir)}"
    if settings.output.traces != "none":
        yield "sends traces to OTEL_EXPORTER_OTLP_ENDPOINT"


def _sent(model: ModelSettings) -> Iterator[str]:
    """Yield the hosts with the keys and parameters that each receives."""
    local = model.api_base is None and model.simulate is not None
    if local or model.name.startswith(OFFLINE):
        return
    provider = model.name.split("/", 1)[0]
    key = f"the value of {model.api_key_env}"
    if model.api_key_env is None:
        own = f"any credentials of {provider} ({provider.upper()}_API_KEY)"
        key = "no key" if model.api_base and provider in ADDRESSES else own
    more = f" with params {one_line(text(model.params), 100)}" if model.params else ""
    yield f"sends {key} to {_host(model.api_base or provider)} for {one_line(model.name, 60)}{more}"


def _host(address: str) -> str:
    try:
        return one_line(urlsplit(address).netloc.rpartition("@")[2] or address, 100)
    except ValueError:
        return one_line(address, 100)


def _place(path: str) -> str:
    is_packaged = path.startswith(PACKAGE_PREFIX)
    return one_line(path if is_packaged else str(user_path(path).resolve()), 150)


def refuse_interpolations(source: Path, data: Any) -> None:
    """Raise ConfigError for interpolations that read variables or grow when resolved.

    The *data* of an unsigned directory may refer to short plain values in it, as ours do.
    """
    values = [value for value in strings_in(data) if "$" in value and "{" in value]
    for number, value in enumerate(values):
        *above, last = match[1].split(".") if (match := _REFERENCE.fullmatch(value)) else [""]
        target = str(mapping(at(data, *above)).get(last, "{"))
        if "{" in target or len(target) > _MAX_TARGET_CHARS or number == _MAX_REFERENCES:
            what = f"{one_line(value, 60)!r} is resolved in signed directories only"
            raise ConfigError(f"{source}: {what}: start a new run")


def refuse_paths_outside(path: Path, settings: Settings, given: Iterable[str]) -> None:
    """Raise ConfigError for a relative path outside this directory that is not *given*."""
    here, keys = Path.cwd().resolve(), {override.partition("=")[0] for override in given}
    for key, value in (*_files(settings), ("output.dir", settings.output.dir)):
        place = user_path(value)
        if key in keys or place.is_absolute() or value.startswith(PACKAGE_PREFIX):
            continue
        if not place.resolve().is_relative_to(here):
            allow = f"to allow it, add {key}={value}"
            raise ConfigError(f"resume={path}: {key}={value} is outside this directory; {allow}")


def kept_files(path: Path, wanted: Mapping[str, Any]) -> dict[str, str]:
    """Return the run's own copy of each file of the user that is gone, by key.

    Another codebook would change prompts, which is detected; attributes affect no call.
    """
    copies = {"codebook": path / CODEBOOK, "attributes": path / ATTRIBUTES}
    return {
        key: str(copy)
        for key, copy in copies.items()
        if (file := wanted.get(key)) and not kind_of(user_path(str(file))) and kind_of(copy)
    }
