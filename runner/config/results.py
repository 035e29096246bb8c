"""Settings of results: output files, and checks of quotes and coverage."""

from typing import Annotated, Literal

from pydantic import Field

from runner.config.section import SettingsSection


class OutputSettings(SettingsSection):
    """Output files and the console."""

    dir: Annotated[str, Field(min_length=1)]
    max_insights_per_analyzer: Annotated[int, Field(ge=1, le=100)]
    console: Literal["auto", "live", "plain", "json", "quiet"]
    pages: Literal["plain", "obsidian", "docx"]
    insights_csv: Literal["insight", "evidence"] = "insight"
    language: Annotated[str, Field(min_length=1, max_length=60)] | None = None
    traces: Literal["none", "otlp"] = "none"


class GroundingSettings(SettingsSection):
    """Treatment of quotes that are not in the transcript.

    A run is degraded if less than *min_rate* of its quotes are there.
    """

    require: Literal["mark", "drop", "ask"]
    min_rate: Annotated[float, Field(ge=0, le=1)] = 0.5
    near_score: Annotated[float, Field(ge=50, le=100)]


class CoverageSettings(SettingsSection):
    """Treatment of uncited segments: *ask_again* asks about them once more."""

    ask_again: bool = False
