"""Units, information systems, content classes, people, and who is told what."""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Annotated, Literal

from pydantic import Field, Strict, ValidationInfo, field_validator

from ops.errors import Problem
from ops.estate.model.changeable import Changeable
from ops.estate.model.organisation import DatedTitle, title_on
from ops.estate.model.values import (
    Address,
    Day,
    Flag,
    Name,
    OwnName,
    Part,
    Positive,
    Text,
    Whole,
    mistake,
)
from ops.language.text import N_


class Unit(Part):
    """A department or commune: creator of records and reader of reports."""

    name: OwnName = Field(examples=["so-y-te"])
    title: Changeable[Text] = Field(description="The unit's title today.", examples=["Sở Y tế"])
    parent: str = Field(
        default="", description="The body above it.", examples=["UBND tỉnh Đồng Nai"]
    )
    names: Changeable[tuple[DatedTitle, ...]] = Field(
        default=(), description="Earlier and coming titles, each from a day on."
    )

    def title_on(self, day: date) -> str:
        """Give the title that is valid on a day; today's where no dated row says otherwise."""
        row = title_on(self.names, day)
        return row.name if row else self.title

    def parent_on(self, day: date) -> str:
        """Give the body above it on a day, likewise; may be empty."""
        row = title_on(self.names, day)
        return (row.parent if row else "") or self.parent


class System(Part):
    """An information system; the security level belongs to it."""

    name: OwnName = Field(examples=["cong-ttdt"])
    title: str = Field(default="", description="Its title.", examples=["Hệ thống Cổng TTĐT"])
    level: Annotated[int, Strict(), Field(ge=1, le=5)] = Field(
        description="Security level, 1 to 5.", examples=[3]
    )
    decision: str = Field(
        default="",
        description="The decision that approved the level: number, day, body.",
        examples=["123/QĐ-UBND"],
    )
    standing: Literal["", "drafted", "sent", "appraised", "approved"] = Field(
        default="",
        description="How far its level file is: drafted, sent, appraised or approved; left out:"
        " approved, where there is a decision.",
        examples=["sent"],
    )
    expected: str = Field(
        default="", description="When its level is to be approved.", examples=["quý I năm 2027"]
    )
    rules: str = Field(
        default="",
        description="Its security regulation: number, day, body.",
        examples=["45/QĐ-UBND"],
    )
    expected_done: str = Field(
        default="",
        description="When its measures are to be complete.",
        examples=["quý III năm 2027"],
    )
    checked_before_use: Flag = Field(
        default=False, description="It was checked before it was put to use."
    )


class ContentClass(Part):
    """A class of content; a site with several takes the longest retention."""

    name: OwnName = Field(examples=["feedback"])
    title: str = Field(default="", description="Its title.", examples=["Hỏi đáp, phản ánh"])
    personal_data: Flag = Field(
        default=False, description="Whether it holds personal data.", examples=[True]
    )
    minimum_days: Whole = Field(
        default=0,
        description="No backup of a site that holds it is forgotten before.",
        examples=[90],
    )
    minimum_basis: str = Field(
        default="", description="Who set the minimum.", examples=["Trung tâm tự đặt"]
    )


class Person(Part):
    """A person. Roles are not here: they are given with approval by `user.role`."""

    name: OwnName = Field(examples=["nva"])
    title: Changeable[Text] = Field(
        description="The person's full name.", examples=["Nguyễn Văn A"]
    )
    mail: Changeable[str] = Field(
        default="", description="Mail address.", examples=["nva@example.vn"]
    )
    phone: Changeable[str] = Field(default="", description="Telephone.", examples=["0900 000 000"])
    login: str = Field(default="", description="Login name on this machine.", examples=["nva"])
    unit: Name | None = Field(default=None, description="Name of a unit.", examples=["so-y-te"])


def find_shared(people: Sequence[Person]) -> Iterator[Problem]:
    """Name the logins and mail addresses that two people share; pure.

    Acts that need two people tell people apart by their logins, and reach them by mail.
    """
    seen: dict[tuple[str, str], str] = {}
    for person in people:
        for key, value in (("login", person.login), ("mail", person.mail.casefold())):
            first = seen.setdefault((key, value), person.name)
            if value and first != person.name:
                yield Problem(
                    f"people[{person.name}].{key}",
                    '"{person}" has the same `{key}` as "{other}": {value}',
                    N_("give each person their own; until then the login is nobody's")
                    if key == "login"
                    else N_("give each person their own"),
                    {"person": person.name, "other": first, "key": key, "value": value},
                )


class Route(Part):
    """Which notices go to whom."""

    severity: Literal["info", "warning", "critical"] = Field(
        default="warning", description="From this severity up: info, warning or critical."
    )
    sites: tuple[str, ...] = Field(
        default=("*",),
        description='Names of sites, or patterns such as `so-*`; `"*"` means all of them.',
        examples=[["*"]],
    )
    people: tuple[Name, ...] = Field(description="Names of people.", examples=[["nva"]])


class Turn(Part):
    """Whose turn on duty it is."""

    person: Name = Field(description="Name of the person on duty.", examples=["nva"])
    since: Day = Field(alias="from", description="First day.", examples=["2026-12-01"])
    until: Day = Field(description="The day after the last one.", examples=["2026-12-08"])

    @field_validator("until")
    @classmethod
    def _until_follows_from(cls, until: date, info: ValidationInfo) -> date:
        since = info.data.get("since")
        if since is not None and until <= since:
            raise mistake(
                "{until} is not after {since}", "write a later day", until=until, since=since
            )
        return until


class Notices(Part):
    """How people are told."""

    relay: Address | None = Field(
        default=None, description="An apprise URL, as a reference.", examples=["env:GIUCONG_RELAY"]
    )
    escalate_after_minutes: Positive = Field(
        default=30, description="Unanswered for so long, a critical notice goes to the next person."
    )
    daily_summary: str = Field(
        default="07:30", description="When the summary of the night is sent; empty for none."
    )
    heartbeat_url: Address | None = Field(
        default=None,
        description="Called every minute, so that somebody else alarms when we fall silent.",
        examples=["file:var/keys/heartbeat-url"],
    )
    routes: Changeable[tuple[Route, ...]] = Field(
        default=(), description="Which notices go to whom."
    )
    roster: Changeable[tuple[Turn, ...]] = Field(
        default=(), description="Whose turn on duty it is."
    )

    @property
    def people(self) -> frozenset[str]:
        """Give everybody whom a route or the roster names."""
        routed = {name for route in self.routes for name in route.people}
        return frozenset(routed | {turn.person for turn in self.roster})

    @field_validator("daily_summary")
    @classmethod
    def _is_time_of_day(cls, value: str) -> str:
        hour, _, minute = value.partition(":")
        fits = hour.isdigit() and minute.isdigit() and int(hour) < 24 and int(minute) < 60  # noqa: PLR2004 - hours and minutes of a day
        if value and not fits:
            raise mistake('"{value}" is not a time of day', 'write it like `"07:30"`', value=value)
        return value
