"""Wording of claims: their proposition, quoted, stated or negated."""

import re

from runner.providers.offline.argument.claims import Claim
from runner.providers.offline.language import cues
from runner.providers.offline.language.wording import capital, excerpt

_ATTITUDE = re.compile(
    r"^(?:(?:thus|therefore|hence|indeed|certainly|again)|(?:i|we) (?:(?:just|really|also|do|"
    r"would|still|strongly|generally) )?(?:think|believe|"
    r"guess|suppose|feel(?: like)?|say|know|assume|imagine|suspect)(?: that)?|in my (?:opinion|"
    r"view)"
    r"|the (?:\w+ )?(?:position|point|fact|truth|thing) (?:here )?is(?: that)?)[\s,]+(?=\S+ \S)",
    re.IGNORECASE,
)
_REPAIR = re.compile(r"^.{10,}[–—-]\s+actually,?\s+(?=\S+ \S+ \S)")
_CALL = re.compile(r"^(?:[A-Z][\w ]{1,24}, )?this is [\w ]{1,20}, (?=\S+ \S)", re.IGNORECASE)
_THAT = re.compile(
    r"^(?:really,? )?that (?=(?:the|an?|we|they|it|there|our|this|these) )", re.IGNORECASE
)
_TAG = re.compile(
    r",? (?:i guess|i think|i suppose|i believe|or something|and stuff)$", re.IGNORECASE
)
_FALSE_START = re.compile(
    r"^(it|this|that|they|we|you|he|she|i)\b(?! (?:is|are|was|were|has|have|had|will)\b)"
    r"[^,.;]{0,60}, (?=\1\b)",
    re.IGNORECASE,
)
_HEDGED_BE = re.compile(
    r"^(it|this|that)\s+(?:could|might|may)(?:\s+(?:also|simply|just|well|very well|"
    r"possibly))*\s+be\b",
    re.IGNORECASE,
)


def quoted(claim: Claim, limit: int = 150) -> str:
    """Return the proposition in quotation marks, its own double marks made single."""
    inner = re.sub(r"[“”\"]|``|''", "'", proposition(claim.text))
    return f'"{excerpt(inner, limit)}"'


def stated(claim: Claim, limit: int = 200) -> str:
    """Return the claim as a plain statement, without "I think" and "could" before "be"."""
    return capital(_HEDGED_BE.sub(r"\1 is", excerpt(proposition(claim.text), limit)))


def proposition(text: str) -> str:
    """Return *text* without the doubt, the attitude or the false start that it opens with.

    "I believe that it works" becomes "it works", "it for us, it has to work" "it has to work".
    """
    before, but, after = text.partition(" but ")
    if but and cues.has("unsure", before) and len(after) > 20:
        text = after
    for _ in range(2):  # "I think the point is that …"
        text = _ATTITUDE.sub("", text, count=1)
    text = _THAT.sub("", _CALL.sub("", text, count=1))
    text = _REPAIR.sub("", _FALSE_START.sub("", text, count=1))
    return _TAG.sub("", text)


_AUXILIARY = re.compile(
    r"^(?P<head>(?:(?!(?:that|which|who|if|when|because|where|while|and|but|or)\b)[^\s,;:]+ )"
    r"{1,9}?)"
    r"(?P<aux>has to|have to|must|should|ought to|needs to|need to|will|would|can|"
    r"is|are|was|were)\b(?! not\b|n't)",
    re.IGNORECASE,
)
_NOT_AUXILIARY = {
    "has to": "need not",
    "have to": "need not",
    "needs to": "need not",
    "need to": "need not",
    "must": "need not",
    "can": "cannot",
}


def negated(text: str) -> str:
    """Return the contrary of *text*: its main verb negated where that is plain, else as a whole.

    "The berth must be kept" becomes "The berth need not be kept".
    """
    core = proposition(text)
    match = _AUXILIARY.match(core)
    plain = not cues.has("negation", core) and not re.match(r"(?:maybe|perhaps)\b", core, re.I)
    if match and plain and len(core) <= 170:
        aux = match["aux"].lower()
        turned = _NOT_AUXILIARY.get(aux, f"{aux} not")
        rest = core[match.end() :]
        head = match["head"].replace(" also ", " ")
        return capital(f"{head}{turned}{_ALSO.sub('', rest)}")
    inner = re.sub(r"[“”\"]|``|''", "'", excerpt(core, 170))
    return f'It is not so that "{inner}"'


_ALSO = re.compile(r"^ (?:also|really|certainly|definitely)\b")
