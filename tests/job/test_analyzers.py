"""Analyzers of a job: the codes that a redaction would hide from the model."""

from __future__ import annotations

import pytest

from runner.answers.codebook import Code, Codebook
from runner.base.errors import ConfigError
from runner.job.analyzers import check_codes
from runner.transcript.redact.null_redaction import NullRedaction

BOOK = Codebook((Code("Costs", "money"), Code("Ana's view", "what she thinks")))


class Masked(NullRedaction):
    def mask(self, text: str, *, eager: bool = False, fixed: bool = False) -> str:
        return text.replace("Ana", "PERSON_1")


def test_a_code_whose_name_would_be_masked_is_refused() -> None:
    check_codes(BOOK, NullRedaction())
    check_codes(None, Masked())
    with pytest.raises(ConfigError, match='name or identifier in the code "Ana\'s view"'):
        check_codes(BOOK, Masked())
