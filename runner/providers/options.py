"""Options of a model: effort, service tier and delivery, in the words of its provider."""

from collections.abc import Mapping
from typing import Any

from runner.base.errors import ConfigError, did_you_mean
from runner.config.model_facts import map_entries, map_entry
from runner.config.provider_facts import provider_facts
from runner.config.schema import ModelSettings
from runner.providers.litellm.route import ModelRoute

EFFORTS = ("off", "minimal", "low", "medium", "high")
_STATED = ("low", "medium", "high")  # levels of a reasoning model, unless the map states others

Optioned = ModelSettings | ModelRoute


def provider_of(model: Optioned) -> str:
    """Return the provider of *model*, the first part of its name."""
    return model.name.split("/", 1)[0]


def accepted_efforts(model: Optioned) -> tuple[str, ...] | None:
    """Return which of EFFORTS *model* accepts; none if it does not reason, None if unknown.

    The map states levels outright (`reasoning_effort_levels`) or flags those that are unusual.
    """
    entry = map_entry(model.map_name)
    if entry is None:
        return _STATED if "gpt-oss" in model.map_name else None
    entry = {**(map_entry(model.map_name.rsplit("/", 1)[-1]) or {}), **entry}
    if not entry.get("supports_reasoning"):
        return ()
    if (stated := entry.get("reasoning_effort_levels")) is not None:
        named = {"off" if level == "none" else level for level in stated}
    elif provider_of(model) == "mistral":
        return ()  # Magistral always reasons, and takes no effort
    else:
        named = {*_STATED, *_unusual(model.map_name, entry)}
    return tuple(level for level in EFFORTS if level in named)


def _unusual(name: str, entry: Mapping[str, Any]) -> set[str]:
    """Return which of `off` and `minimal` a reasoning model accepts."""
    flash = "gemini-2.5" in name and "pro" not in name  # whose budget of tokens may be 0
    off = flash or any(maker in name for maker in ("deepseek", "qwen"))  # switched on or off
    off |= "claude" in name and not entry.get("thinking_always_on")
    off |= entry.get("supports_none_reasoning_effort") is True
    minimal = entry.get("supports_minimal_reasoning_effort") is True or "gemini-2.5" in name
    return {level for level, takes in (("off", off), ("minimal", minimal)) if takes}


def effort_of(model: Optioned) -> str | None:
    """Return the effort to request of *model*: the nearest that it accepts, or None.

    A level is rounded up to one that the model accepts; `off` becomes its lowest.
    """
    if (wanted := model.effort) is None:
        return None
    accepted = accepted_efforts(model)
    if accepted is None or wanted in accepted:
        return wanted
    if not accepted:
        return None
    rank = EFFORTS.index(wanted)
    ranked = [level for level in accepted if level != "off"]
    return next((level for level in ranked if EFFORTS.index(level) >= rank), ranked[-1])


def effort_note(model: Optioned) -> str:
    """Return a note on the substitute for an unsupported effort of *model*, "" if supported."""
    sent = effort_of(model)
    if model.effort in (None, sent) or (sent is None and model.effort == "off"):
        return ""
    if sent is None:
        return f"{model.name} does not support effort: {model.effort} is not sent"
    return f"{model.name} does not support effort {model.effort}: {sent} is sent"


def tier_word(model: Optioned) -> str | None:
    """Return the requested tier in the words of *model*'s provider; None for none."""
    asked = model.service_tier or ("flex" if model.delivery == "flex" else "")
    return provider_facts(provider_of(model)).tiers.get(asked)


def check_options(at: str, model: ModelSettings) -> None:
    """Raise ConfigError for an option that *model*'s provider does not have."""
    tiers = provider_facts(provider_of(model)).tiers
    if model.service_tier is not None and model.service_tier not in tiers:
        expected = ", ".join(["null", *tiers])
        raise ConfigError(
            f"{at}.service_tier={model.service_tier!r}: {provider_of(model)} has no such tier, "
            f"expected {expected}"
        )
    body = model.params.get("extra_body")
    sent = {**model.params, **(body if isinstance(body, dict) else {})}.get("service_tier")
    asked = {f"{at}.service_tier": model.service_tier, f"{at}.params.service_tier": sent}
    for key, value in asked.items():
        if value is not None and model.delivery not in ("live", value):
            raise ConfigError(
                f"{at}.delivery={model.delivery} contradicts {key}={value}: set one of them"
            )
    if (base := model.base_model) is not None and map_entry(base) is None:
        near = did_you_mean(base, [name for name in map_entries() if name[:3] == base[:3]])
        raise ConfigError(f"{at}.base_model={base!r} is not in litellm's map{near}")
