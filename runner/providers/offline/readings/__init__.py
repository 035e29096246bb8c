"""Readings: how the offline model answers, one for each packaged analyzer and a generic one.

A reading is a pure function from a document to an answer as plain data: `insights` and
`structured_data`.
"""

import importlib
from collections.abc import Callable, Mapping
from functools import partial
from importlib.util import find_spec
from types import ModuleType
from typing import Any, NoReturn

from runner.providers.offline.document import Document
from runner.providers.offline.readings.meeting_notes import MINUTED, read_minuted
from runner.providers.offline.synthesis.statements import STATED, read_stated

Reading = Callable[[Document], Mapping[str, Any]]


def find_reading(module: ModuleType | None) -> Reading:
    """Return the reading for the answers of *module*, an analyzer's answer module.

    That is the module's own `read`, else the reading of the same name as a packaged module,
    here, by its cues alone (STATED) or a list of the minutes (MINUTED), else the generic one,
    which fills no fields: where some are required, it raises NotImplementedError.
    """
    own: Reading | None = getattr(module, "read", None)
    if own is not None:
        return own
    stem = "" if module is None else module.__name__.removeprefix("analyzers.")
    for names, read in ((STATED, read_stated), (MINUTED, read_minuted)):
        if stem in names:
            return partial(read, stem)
    known = stem.isidentifier() and find_spec(f"{__name__}.{stem}") is not None
    fields = getattr(getattr(module, "Fields", None), "model_fields", {})
    if not known and any(field.is_required() for field in fields.values()):
        return _unread
    reading: Reading = importlib.import_module(f"{__name__}.{stem if known else 'generic'}").read
    return reading


def _unread(_: Document) -> NoReturn:
    raise NotImplementedError("its module needs a function read(document) to fill its Fields")
