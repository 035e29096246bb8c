"""Refused parameters: recognizes which one an error names, and what to omit."""

import re
from dataclasses import replace

from runner.config.model_facts import ModelFacts
from runner.providers.litellm.parameters import LIMITS, Adaptation, limit_of, parameters
from runner.providers.litellm.route import ModelRoute
from runner.providers.litellm.words import SAYS, WORDS
from runner.providers.request import Request, current_exchange


def _named(*names: str) -> re.Pattern[str]:
    named = "|".join(names).replace("_", "[_ .]?")
    return re.compile(rf"(?<!\w)(?:{named})(?!\w)", re.IGNORECASE)


_ANY = {what: _named(*names) for what, names in WORDS["parameters"].items()}
_NUMBER = re.compile(r"(?<![\w.-])(\d{1,7})(?![\w-]|\.\d)( \(exclusive\))?")
_WARMEST = re.compile(  # commas are left out before
    r"(?:less than or equal to|<=|at most|(?<![\d.])0(?:\.0)? (?:and|to)?|0\.\.) ?(\d(?:\.\d)?)",
    re.IGNORECASE,
)


def adapted_to(
    route: ModelRoute, request: Request, facts: ModelFacts, sent: Adaptation, message: str
) -> Adaptation | None:
    """Return the adaptation after a call with *sent* was refused with *message*.

    It omits the first parameter sent that *message* names; None if it names none.
    """
    if not SAYS["refused"].search(message):
        return None
    params = {**route.params, **(route.params.get("extra_body") or {})}
    own = {name: _named(re.escape(name)) for name in params}
    found = {what: m.start() for what, p in {**_ANY, **own}.items() if (m := p.search(message))}
    if not found and SAYS["no_host"].search(message):  # no host accepts all of them
        found = {what: at for at, what in enumerate(("temperature", "effort", "response_format"))}
    before = parameters(route, request, facts, sent)
    beside = {  # of what is no parameter, whether this call has it
        "cache": request.cache and facts.cache_marks,
        "stream": current_exchange().streams,
        "system": any(message["role"] == "system" for message in request.messages),
    }
    for what in sorted(found, key=found.__getitem__):
        now = _without(what, sent, message.replace(",", ""), request)
        if (beside.get(what) and now != sent) or parameters(route, request, facts, now) != before:
            return now
    return None


def _without(what: str, sent: Adaptation, message: str, request: Request) -> Adaptation:
    """Return *sent* with *what* lowered to the limit in *message*, else dropped."""
    if what == "limit":
        if (name := _other_name(message)) is not None:
            return replace(sent, limit=name)
        numbers = (int(m[1]) - bool(m[2]) for m in _NUMBER.finditer(message))
        accepted = [n for n in numbers if 1 < n < limit_of(request, sent)]
        return replace(sent, most=max(accepted)) if accepted else sent
    if what == "response_format" and request.own_schema and "shared" not in sent.dropped:
        what = "shared"
    warmest = _WARMEST.search(message) if what == "temperature" else None
    if warmest and sent.warmest is None and 0 < float(warmest[1]) < (request.temperature or 0):
        return replace(sent, warmest=float(warmest[1]))
    return replace(sent, dropped=sent.dropped | {what})


def _other_name(message: str) -> str | None:
    """Return the name in *message* for the reply's limit, None if it refuses its value."""
    names = "|".join(LIMITS)
    if wanted := re.search(rf"\buse ['`\"]?({names})(?!\w)", message, re.IGNORECASE):
        return wanted[1].lower()
    named = set(re.findall(rf"(?<!\w)({names})(?!\w)", message))
    unknown = len(named) == 1 and SAYS["unknown"].search(message)
    return LIMITS[1 - LIMITS.index(named.pop())] if unknown else None
