"""Tables of the estate on when things run, what is aimed at, kept, and watched for in copies."""

from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import Field, Strict, model_validator

from ops.estate.model.values import Flag, LocalPath, Part, Positive, Schedulable, Whole, mistake

KEEP_RULES = ("keep_last", "keep_daily", "keep_weekly", "keep_monthly", "keep_yearly")


_INSTEAD = "Instead of the sites' own."


class Schedule(Part):
    """When things run: a window of the day, a cron line, or nothing."""

    backup: Schedulable = Field(
        default="22:00-05:00",
        description="A window (sites start in its first half, and stop at its end) or a cron line.",
    )
    full_read: Schedulable = Field(
        default="0 1 1 * *", description="Every byte of the source is read again."
    )
    check: Schedulable = Field(
        default="0 12 * * *", description="The day's share of the stored packs is read back."
    )
    forget: Schedulable = Field(default="0 6 * * 0", description="Old backups are forgotten.")
    archive: Schedulable = Field(
        default="0 4 * * 0", description="The site is captured for the archive."
    )
    drill: Schedulable = Field(
        default="", description="Restore drills on top of those that duties ask for."
    )
    scan: Schedulable = Field(
        default="", description="The newest copy is looked through for malware."
    )


class Targets(Part):
    """The Center's own targets, not the law's."""

    rpo_hours: Positive = Field(default=24, description="At most so much work may be lost.")
    rto_hours: Positive = Field(default=4, description="A restore takes at most so long.")
    reread_days: Positive = Field(default=30, description="Every stored byte is read back within.")


class Limits(Part):
    """What one run may take before it is ended."""

    hours: Positive = Field(
        default=72,
        description="So long a run of any job may take; after two hours it may be ended sooner,"
        " where others wait in vain for a place.",
    )
    gigabytes: Positive | None = Field(
        default=None,
        description="So much a backup may read; left out: four times what the largest of the"
        " earlier ones read and 50 more; 2000 for the first.",
        examples=[5000],
    )


class Retention(Part):
    """How many backups are kept, and for how long at least."""

    keep_last: Whole = Field(default=3, description="The newest ones.")
    keep_daily: Whole = Field(default=14, description="The newest one of each of the last days.")
    keep_weekly: Whole = Field(default=8, description="The newest one of each of the last weeks.")
    keep_monthly: Whole = Field(
        default=24, description="The newest one of each of the last months."
    )
    keep_yearly: Whole = Field(default=10, description="The newest one of each of the last years.")
    minimum_days: Whole = Field(default=30, description="Nothing younger is ever forgotten.")
    minimum_basis: str = Field(
        default="", description="Who set the minimum.", examples=["Trung tâm tự đặt"]
    )
    maximum_basis: str = Field(
        default="",
        description="Why nothing is kept longer than these rules do; personal data asks for it.",
        examples=["Đủ để điều tra một năm sau sự cố"],
    )

    @model_validator(mode="after")
    def _keeps_something(self) -> Self:
        if not any(getattr(self, rule) for rule in KEEP_RULES):
            raise mistake(
                "every backup would be forgotten: all keep rules are 0",
                "set at least one of them, e.g. `keep_daily = 14`",
            )
        return self

    def overridden(self, changes: Mapping[str, Any]) -> "Retention":
        """Give this retention with some keys changed, as a store may ask."""
        return Retention(**{**self.model_dump(), **changes})


class DatabaseRetention(Part):
    """How many runs of one database alone are kept, in place of the site's own keep rules."""

    keep_last: Whole = Field(default=0, description="The newest ones.", examples=[3])
    keep_hourly: Whole = Field(
        default=0, description="The newest one of each of the last hours.", examples=[48]
    )
    keep_daily: Whole = Field(
        default=0, description="The newest one of each of the last days.", examples=[14]
    )
    keep_weekly: Whole = Field(default=0, description="The newest one of each of the last weeks.")
    keep_monthly: Whole = Field(default=0, description="The newest one of each of the last months.")
    keep_yearly: Whole = Field(default=0, description="The newest one of each of the last years.")
    minimum_days: Whole | None = Field(
        default=None,
        description="Nothing younger is ever forgotten; left out: the site's. A longer minimum of a"
        " content class or of a store counts all the same.",
        examples=[2],
    )

    @model_validator(mode="after")
    def _keeps_something(self) -> Self:
        if not any((*(getattr(self, rule) for rule in KEEP_RULES), self.keep_hourly)):
            raise mistake(
                "every run of this database alone would be forgotten: all keep rules are 0",
                "set at least one of them, e.g. `keep_hourly = 48`",
            )
        return self


class StoreRetention(Part):
    """What one store keeps longer or shorter than the sites ask for."""

    keep_last: Whole | None = Field(default=None, description=_INSTEAD, examples=[3])
    keep_daily: Whole | None = Field(default=None, description=_INSTEAD, examples=[14])
    keep_weekly: Whole | None = Field(default=None, description=_INSTEAD, examples=[8])
    keep_monthly: Whole | None = Field(default=None, description=_INSTEAD, examples=[60])
    keep_yearly: Whole | None = Field(default=None, description=_INSTEAD, examples=[10])
    minimum_days: Whole | None = Field(
        default=None, description="Where the sites' own minimum is shorter.", examples=[30]
    )


Percent = Annotated[int, Strict(), Field(ge=1, le=100)]


class Watch(Part):
    """When a backup is unlike the site's own past; the shares hold until that past is known."""

    enabled: Flag = Field(default=True, description="Hold each backup against the site's own past.")
    learn_runs: Positive = Field(
        default=7, description="Good backups from which on a site's own past counts."
    )
    encrypted_percent: Percent = Field(
        default=10, description="Share of a site's files that may seem encrypted since the last."
    )
    hardened_percent: Percent = Field(
        default=20, description="Share of files that may have lost their compressibility."
    )
    relabelled_percent: Percent = Field(
        default=40, description="Share of files that may have got a strange extension."
    )
    lost_percent: Percent = Field(
        default=70, description="Share of files that may be gone, with nothing in their place."
    )


class Security(Part):
    """What looks through copies and at hosts, and when that must have been done."""

    watch: Watch = Field(default=Watch(), description="The watch for ransomware.")
    clamav_database: LocalPath | None = Field(
        default=None,
        description="ClamAV's signatures: a folder or one file, which you bring up to date.",
        examples=["/var/lib/clamav"],
    )
    clamav_days: Positive = Field(
        default=30, description="Signatures older than this prove too little."
    )
    scan_before_use: Flag = Field(
        default=False,
        description="A copy is put in place of a live site only once it was looked through.",
    )
    controls: tuple[LocalPath, ...] = Field(
        default=(),
        description="Files with the Center's own controls, on top of those that ship.",
        examples=[["controls.local.toml"]],
    )
    scan_piece_mb: Positive = Field(
        default=1024, description="So much of a copy lies in the scratch folder at once."
    )
