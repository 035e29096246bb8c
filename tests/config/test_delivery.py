"""When answers are wanted: durations, times, and what is neither."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from pydantic import ValidationError

from runner.config.delivery import DeliverySettings, deadline_of

BEGUN = 1_000_000.0


@pytest.mark.parametrize(
    ("by", "seconds"), [("90s", 90), ("30m", 1800), ("2h", 7200), (" 1.5h ", 5400), ("1h30m", 5400)]
)
def test_a_duration_counts_from_the_start(by: str, seconds: float) -> None:
    assert BEGUN + seconds == deadline_of(by, BEGUN)


def test_a_time_is_local_unless_it_has_an_offset() -> None:
    local = datetime(2026, 12, 1, 8).timestamp()
    zoned = datetime(2026, 12, 1, 7, tzinfo=UTC).timestamp()

    assert local == deadline_of("2026-12-01T08:00", BEGUN)
    assert zoned == deadline_of("2026-12-01T08:00+01:00", BEGUN)
    assert "2026-12-01" == DeliverySettings(by=date(2026, 12, 1)).by  # as YAML reads it


@pytest.mark.parametrize(
    "by", ["", "soon", "0h", "2 h", "-1h", "1e3s", "2h30", "0h0m", 7200, "9999999h"]
)
def test_what_names_no_time_is_refused_with_examples(by: object) -> None:
    with pytest.raises(ValidationError, match="expected a duration such as 30m, 1h30m or 1d"):
        DeliverySettings(by=by)
