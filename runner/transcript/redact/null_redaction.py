"""Null redaction: the interface of a redaction without replacements; loads no patterns."""

import json
from collections.abc import Mapping
from functools import partial
from typing import Any

from runner.base.format import plural
from runner.base.json import with_texts

_KINDS = {
    **{"PERSON": "name", "TERM": "term", "OWN": "match", "FILENAME": "file name"},
    **{"EMAIL": "mail address", "PHONE": "telephone number", "ACCOUNTNR": "account number"},
    **{"ADDRESS": "address", "URL": "URL", "IP": "IP address", "HANDLE": "handle"},
}


class NullRedaction:
    """A transcript that is sent unchanged; `Redaction` replaces names."""

    note = ""  # the explanation of stand-ins for the model

    def __bool__(self) -> bool:
        """Return whether anything is replaced."""
        return False

    def mask(self, text: str, *, eager: bool = False, fixed: bool = False) -> str:
        """Return *text* with stand-ins.

        *eager* is for texts that were restored: every known form is replaced everywhere.
        *fixed* is for prompts: only forms that cannot be another word are replaced.
        """
        return text

    def masked(self, value: Any) -> Any:
        """Return restored JSON-able data with stand-ins in its texts and keys."""
        return with_texts(value, partial(self.mask, eager=True)) if self else value

    def restore(self, text: str, *, in_json: bool = False) -> tuple[str, list[str]]:
        """Return *text* with its stand-ins replaced by their originals, and the unknown stand-ins.

        Case and separators of a stand-in make no difference; letters that follow are an ending.
        Forms *in_json* are escaped as inside its strings.
        """
        return text, []

    def counts(self) -> dict[str, int]:
        """Return the number of persons and identifiers, by kind."""
        return {}

    def as_dict(self) -> dict[str, Any]:
        """Return the content of redaction.json: the original of each stand-in."""
        return {}


def as_shown(form: str, *, in_json: bool) -> str:
    """Return *form*, escaped if it is to stand inside a string of JSON."""
    return json.dumps(form, ensure_ascii=False)[1:-1] if in_json else form


def described(counts: Mapping[str, int]) -> str:
    """Return `NullRedaction.counts` in words."""
    return ", ".join(plural(count, _KINDS[kind]) for kind, count in counts.items()) or "nothing"
