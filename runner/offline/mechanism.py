"""How one statement links cause to effect: conditions, causes and conclusions as put in clauses."""

from __future__ import annotations

import re

from runner.offline import cues
from runner.offline.argue import Case
from runner.offline.claims import Claim
from runner.offline.phrasing import brief, capital, quoted, who
from runner.offline.text import trim
from runner.offline.weigh import denies

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
    r"\b(?:weather|seasons?|storms?|markets?|economy|deadline|courts?|"
    r"customers?|competitors?|government|congress|senate|authority|authorities|inflation|"
    r"closes|expires|interest rates?)\b",
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


def mechanism(claim: Claim, direction: str) -> str:
    """Say in one sentence how the claim acts, by the clauses its speaker links."""
    name = capital(who(claim))
    for pattern, form in (
        (_IF_FIRST, '{name} sees this follow {c} "{a}": "{b}".'),
        (_IF_LAST, '{name} makes "{b}" wait on this: "{c} {a}".'),
        (_CAUSE, '{name} gives "{a}" as the cause of "{b}".'),
        (_EFFECT, '{name} concludes "{b}" from "{a}".'),
    ):
        match = pattern.search(claim.sentence)
        if match:
            clean = {k: v.replace('"', "'") for k, v in match.groupdict().items()}
            parts = {
                k: brief(v.strip(), 120) if k != "c" else v.lower().strip()
                for k, v in clean.items()
            }
            return form.format(name=name, **parts)
    return f"{name} {_verb(claim, direction)}: {quoted(claim, 170)}."


def _verb(claim: Claim, direction: str) -> str:
    if claim.kind == "commitment" or cues.strength("commitment", claim.text) >= 0.7:
        return "promises"
    if claim.kind == "proposal" or cues.is_question(claim.text):
        return "proposes"
    if direction != "depends":
        return f"puts it in a {'good' if direction == 'drives' else 'bad'} light"
    if cues.strength("obligation", claim.text) >= 0.6 and not _PAST_DUTY.search(claim.text):
        return "says what has to be"
    return "reports" if cues.has("evidence", claim.text) else "says of it"


def role_of(text: str) -> str:
    """Return whether *text* makes its matter necessary, sufficient or contributing."""
    if _NECESSARY.search(text):
        return "necessary"
    return "sufficient" if _SUFFICIENT.search(text) else "contributing"


def control_of(claim: Claim) -> str:
    """Return whether the speakers can move what *claim* speaks of: yes, partly or no."""
    if _OUTSIDE.search(claim.text):
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
