"""Causality: conditions, causes and effects that a statement links."""

import re
from dataclasses import replace

from runner.providers.offline.argument.case import Case
from runner.providers.offline.argument.claims import Claim
from runner.providers.offline.argument.insights import who
from runner.providers.offline.argument.relations import denies
from runner.providers.offline.argument.wording import quoted
from runner.providers.offline.language import cues
from runner.providers.offline.language.sentences import trim
from runner.providers.offline.language.wording import capital, excerpt

_IF_FIRST = re.compile(
    r"(?<!what )(?<!as )(?<!even )\b(?P<c>if|unless|as long as|"
    r"once (?=we|you|it|the|they|he|she|i |that)|"
    r"provided that)\b ?(?P<a>[^,.?!;]{6,140}), (?:then )?"
    r"(?P<b>[^.?!;]{6,160})",
    re.IGNORECASE,
)
_IF_LAST = re.compile(
    r"(?P<b>[^.?!;]{12,160}?),? (?<!as )(?<!what )"
    r"(?P<c>only if|if|unless|provided that|as long as|"
    r"once (?=we|you|it|the|they|he|she|i ))\b ?(?P<a>[^,.?!;]{8,140})",
    re.IGNORECASE,
)
_CAUSE = re.compile(
    r"(?P<b>[^.?!;]{12,160}?),? (?:because(?! of)|since(?! \d)) (?P<a>[^.?!;]{8,160})",
    re.IGNORECASE,
)
_EFFECT = re.compile(
    r"(?P<a>[^.?!;]{12,160}?), (?:therefore|which means(?: that)?|so(?! that| far| on| to)|hence|"
    r"thus|"
    r"which is why) (?P<b>[^.?!;]{8,160})",
    re.IGNORECASE,
)
_DUE_TO = re.compile(
    r"(?P<b>[^.?!;]{12,160}?),? (?:because of|due to|thanks to|owing to|as a result of) "
    r"(?P<a>[^.?!;,]{4,120})",
    re.IGNORECASE,
)
_LINKS = (  # what acts is named a, what it acts on b, the conjunction c
    (_IF_FIRST, '{name} expects this {c} "{a}": "{b}".'),
    (_IF_LAST, '{name} makes "{b}" wait on this: "{c} {a}".'),
    (_CAUSE, '{name} gives "{a}" as the reason for "{b}".'),
    (_EFFECT, '{name} concludes "{b}" from "{a}".'),
    (_DUE_TO, '{name} puts "{b}" down to "{a}".'),
)
_OURS = re.compile(r"\b(?:i|we|me|us|our|my)\b", re.IGNORECASE)
_NECESSARY = re.compile(
    r"\b(?:must|only if|unless|provided that|without (?:a|an|the|that|this|it)|requires?|required|"
    r"depends? on|needs? (?!no\b)|"
    r"(?:has|have) to|as long as)\b",
    re.IGNORECASE,
)
_PAST_DUTY = re.compile(r"\bhad to\b", re.IGNORECASE)
_SUFFICIENT = re.compile(
    r"\b(?:enough|sufficient|suffices|ensures?|guarantees?|then (?:we|you|it|they|the)|"
    r"all (?:we|you|it) needs?|automatically)\b",
    re.IGNORECASE,
)
_OUTSIDE = re.compile(
    r"\b(?:weather|storm seasons?|seasons?|storms?|deadlines?|courts?|competitors?|"
    r"(?:\w+ )?authorit(?:y|ies)(?= \w+s\b)|the law|by law|inflation|"
    r"(?:it )?was decided|sign off on)\b",
    re.IGNORECASE,
)
_OWN = re.compile(
    r"\b(?:i|we)(?:'ll| will| can| could| should| have to| need to| must|'re going to)\b|"
    r"\bour (?:own )?\w+|\blet's\b",
    re.IGNORECASE,
)


def conditional(text: str) -> tuple[str, str] | None:
    """Return (condition, consequence) as clauses of *text*, or None."""
    match = _IF_FIRST.search(text) or _IF_LAST.search(text)
    return (trim(match["a"]), trim(match["b"])) if match else None


def cause_of(claim: Claim) -> str:
    """Return the clause of the claim's sentence that acts: its condition, cause or ground."""
    return _part(claim, "a")


def effect_of(claim: Claim) -> str:
    """Return the clause of the claim's sentence that is acted on, or an empty string."""
    return _part(claim, "b")


def _part(claim: Claim, name: str) -> str:
    found = (pattern.search(claim.sentence) for pattern, _ in _LINKS)
    return next((match[name].strip() for match in found if match), "")


def is_ours(clause: str) -> bool:
    """Return whether *clause* is about an action or a result of the speakers."""
    return bool(_OURS.search(clause))


def outside_cue(claim: Claim) -> str:
    """Return the words of *claim* that put it in the hands of outsiders or of nature."""
    match = _OUTSIDE.search(cause_of(claim) or claim.text)
    return match[0] if match else ""


def mechanism(claim: Claim, direction: str) -> str:
    """Say in one sentence how the claim acts, by the clauses its speaker links."""
    name = capital(who(claim))
    for pattern, form in _LINKS:
        match = pattern.search(claim.sentence)
        if match:
            clean = {k: v.replace('"', "'") for k, v in match.groupdict().items()}
            parts = {
                k: excerpt(v.strip(), 120) if k != "c" else v.lower().strip()
                for k, v in clean.items()
            }
            return form.format(name=name, **parts)
    told = replace(claim, text=telling_clause(claim.text))
    return f"{name} {_verb(claim, direction)}: {quoted(told, 170)}."


def telling_clause(text: str) -> str:
    """Return the part of a list of reports that is good or bad news, else *text*."""
    parts = [part.strip() for part in text.split(";")]
    told = [part for part in parts if cues.polarity(part)]
    return told[-1] if len(parts) > 2 and told else text


def _verb(claim: Claim, direction: str) -> str:
    if claim.kind == "agreement":
        return "and others agree on this" if claim.fields.get("holders") else "agrees"
    if claim.kind == "commitment" or cues.strength("commitment", claim.text) >= 0.7:
        return "promises"
    if claim.kind == "proposal" or cues.is_question(claim.text):
        return "proposes"
    if direction != "depends":
        return "reports something favourable" if direction == "drives" else "reports a difficulty"
    if cues.strength("obligation", claim.text) >= 0.6 and not _PAST_DUTY.search(claim.text):
        return "says what has to be"
    return "reports" if cues.has("evidence", claim.text) else "says of it"


def role_of(text: str) -> str:
    """Return whether *text* makes its matter necessary, sufficient or contributing."""
    if _NECESSARY.search(text):
        return "necessary"
    return "sufficient" if _SUFFICIENT.search(text) else "contributing"


def control_of(claim: Claim) -> str:
    """Return whether the speakers can change the matter of *claim*: yes, partly or no."""
    if outside_cue(claim):
        return "partly" if _OWN.search(claim.text) else "no"
    return "yes" if _OWN.search(claim.text) or claim.kind == "commitment" else "partly"


def direction_of(claim: Claim, role: str, case: Case) -> str:
    """Return drives, restrains or depends: by condition, evaluation, negation, then stance."""
    link = conditional(claim.sentence)
    if cues.strength("obligation", claim.text) >= 0.8 and not link:
        return "depends"
    light = cues.polarity(link[1] if link else claim.text)
    if light:
        return "drives" if light > 0 else "restrains"
    if link or role == "necessary":
        return "depends"
    stances = [c.fields.get("stance") for c in case.of("position") if c.speaker == claim.speaker]
    if claim.speaker and stances and stances[0] in ("supports", "opposes"):
        return "drives" if stances[0] == "supports" else "restrains"
    if denies(claim):
        return "restrains"
    return "drives" if claim.kind in ("agreement", "commitment") else "depends"
