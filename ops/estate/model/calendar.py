"""Days on which offices rest: tables in files, and days that are written into the estate itself."""

from datetime import date, timedelta
from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator

from ops.estate.model.changeable import Changeable
from ops.estate.model.values import Day, LocalPath, Part, Text, mistake

_LONGEST = timedelta(days=366)


class Bilingual(Part):
    """A short text in both languages."""

    vi: Text = Field(description="In Vietnamese.", examples=["Khôi phục thử"])
    en: Text = Field(description="In English.", examples=["Trial restore"])

    def told(self, language: str) -> str:
        """Give the text in a language; Vietnamese unless it is English."""
        return self.en if language == "en" else self.vi


class CoveredYear(Part):
    """A year whose days are known."""

    year: Annotated[int, Field(strict=True, ge=2000, le=2999)] = Field(
        description="Which.", examples=[2026]
    )
    status: Literal["announced", "expected"] = Field(
        description="announced when the authorities have fixed the days, else expected.",
        examples=["announced"],
    )
    source: str = Field(
        default="", description="Where they stand.", examples=["thông báo của Bộ Nội vụ"]
    )
    certainty: Literal["S", "S*", "M", "own"] = Field(
        description="As in the table of duties.", examples=["M"]
    )


class DaysOff(Part):
    """Days on which offices rest, from the first to the last."""

    title: Bilingual = Field(
        description="What they are for.", examples=[{"vi": "Quốc khánh", "en": "National Day"}]
    )
    since: Day = Field(alias="from", description="First day.", examples=["2026-08-31"])
    until: Day = Field(description="Last day.", examples=["2026-09-02"])

    @field_validator("until")
    @classmethod
    def _until_follows_from(cls, until: date, info: ValidationInfo) -> date:
        since = info.data.get("since")
        if since is not None and until < since:
            raise mistake(
                "{until} is before {since}", "write a later day", until=until, since=since
            )
        if since is not None and until > since + _LONGEST:
            raise mistake(
                "{until} is more than a year after {since}",
                "write an earlier day",
                until=until,
                since=since,
            )
        return until


class DayMadeUp(Part):
    """A day of rest on which offices work, for another day off."""

    day: Day = Field(description="The day that is worked.", examples=["2026-08-22"])
    instead_of: Day = Field(description="The day off.", examples=["2026-08-31"])


class Calendar(Part):
    """Days on which offices rest."""

    holidays: tuple[LocalPath, ...] = Field(
        default=(),
        description="Tables of holidays; the one that ships with the service needs no mention.",
        examples=[["holidays-vn.toml"]],
    )
    years: Changeable[tuple[CoveredYear, ...]] = Field(
        default=(), description="Years whose days stand below; for them no other table counts."
    )
    days_off: Changeable[tuple[DaysOff, ...]] = Field(default=(), description="Days off.")
    made_up: Changeable[tuple[DayMadeUp, ...]] = Field(
        default=(), description="Days worked instead."
    )
