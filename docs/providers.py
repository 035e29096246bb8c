"""Tables of providers in providers.md, made of conf/model and of litellm's map.

python docs/providers.py
"""

from pathlib import Path

import yaml

from runner.config.model_facts import map_entry, model_facts
from runner.config.provider_facts import provider_facts
from runner.config.schema import ModelSettings
from runner.providers.batches.factory import why_no_batches
from runner.providers.options import accepted_efforts, provider_of
from runner.providers.prices import prices_of

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "providers.md"
BEGIN = "<!-- made by docs/providers.py of conf/model and of litellm's map -->\n"
END = "<!-- end -->\n"
FIRST = ("offline", "simulated", "openai", "anthropic", "gemini", "azure", "bedrock", "mistral")
APIS = {  # what a batch is there, and how one is found again
    **dict.fromkeys(("openai", "azure", "groq"), ("a file of requests", "metadata")),
    "mistral": ("a job over a file", "metadata"),
    "gemini": ("a file of requests", "display name"),
    "anthropic": ("requests sent with it", "keys of its results"),
}
GATEWAYS = ("openrouter", "litellm_proxy")
BEGIN_DELIVERY = "<!-- made by docs/providers.py of what runner/providers/batches speaks -->\n"
DELIVERY = ("`model=`", "batch", "found again by", "batches tested with", "flex")
HEADER = ("`model=`", "variables", "default `model.name`", "window", "$ per Mtok", "JSON schema")
HEADER += ("prompt cache", "`model.effort`", "`model.service_tier`")


def shipped() -> dict[str, ModelSettings]:
    """Return the models of conf/model by choice, the well-known providers first."""
    files = {path.stem: yaml.safe_load(path.read_text()) for path in ROOT.glob("conf/model/*.yaml")}
    base = files.pop("base")
    names = sorted(files, key=lambda n: (FIRST.index(n) if n in FIRST else len(FIRST), n))
    own = {n: {k: v for k, v in files[n].items() if k != "defaults"} for n in names}
    return {name: ModelSettings.model_validate({**base, **own[name]}) for name in names}


def row(choice: str, model: ModelSettings) -> tuple[str, ...]:
    """Return the cells of one provider."""
    needed = [model.api_key_env, *model.requires_env]
    variables = [f"`{name}`" for name in needed if name]
    if provider_of(model) == "litellm_proxy":
        variables.append("and `model.api_base`")
    facts, prices = model_facts(model.map_name), prices_of(model)
    window = model.context_window or facts.context_window
    rates = prices.levels[0][1] if prices else None
    efforts = accepted_efforts(model)
    tiers = list(provider_facts(provider_of(model)).tiers) if model.simulate is None else []
    return (
        f"`{choice}`",
        ", ".join(variables) or "none",
        f"`{model.name}`",
        f"{window:,}" if window else "unknown",
        f"{rates.input * 1e6:g} / {rates.output * 1e6:g}" if rates else "unknown",
        "beside" if facts.supports_schema else "both",
        _cache(model),
        "as it is" if efforts is None else ", ".join(efforts) or "none",
        ", ".join(tiers) or "none",
    )


def _cache(model: ModelSettings) -> str:
    facts, entry = model_facts(model.map_name), map_entry(model.map_name) or {}
    if model.simulate is not None:
        return f"its own, from {model.simulate.cache_min_tokens:,}"
    if provider_of(model) in GATEWAYS:
        return "the model's own"
    if facts.cache_min_tokens is None:
        return "none known"
    how = "marked" if facts.cache_marks else "automatic"
    if entry.get("litellm_provider") == "mistral":
        how = "by `prompt_cache_key`"
    return f"{how}, from {facts.cache_min_tokens:,}"


def delivery(choice: str, model: ModelSettings) -> tuple[str, ...]:
    """Return how one provider delivers replies at a lower price, and what shows it."""
    provider, batches = provider_of(model), not why_no_batches(model)
    flex = "flex" in provider_facts(provider).tiers and model.simulate is None
    how, found = APIS.get(provider, ("no", "")) if batches else ("no", "")
    tested = "a loopback double" if batches else ""
    if model.simulate is not None:
        how, tested = "OpenAI's, Anthropic's", "its own server"
    return (f"`{choice}`", how, found, tested, "yes" if flex else "no")


def page(text: str) -> str:
    """Return the page *text* with its tables rendered again."""
    for begin, header, cells in ((BEGIN, HEADER, row), (BEGIN_DELIVERY, DELIVERY, delivery)):
        before, _, rest = text.partition(begin)
        _, _, after = rest.partition(END)
        rows = [header, ("---",) * len(header), *(cells(*each) for each in shipped().items())]
        table = "".join(f"| {' | '.join(cells)} |\n" for cells in rows)
        text = f"{before}{begin}\n{table}\n{END}{after}"
    return text


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
