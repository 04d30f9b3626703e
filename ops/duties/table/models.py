"""One duty of a table and what it is made of; every model frozen, unknown keys refused."""

import re
from collections.abc import Collection
from datetime import date
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from ops.estate.model.calendar import Bilingual
from ops.estate.model.values import Day, Flag, Name, Part, Positive, Text, Whole, mistake

Certainty = Literal["S", "S*", "M", "own"]
Kind = Literal["organisation", "system", "site"]
Unit = Literal["hours", "days", "working-days", "weeks", "months", "years"]
Nature = Literal["law", "own-figure", "own"]
_MONTH_DAY = re.compile(r"(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])")


def check_month_day(value: str) -> str:
    """Refuse what is not a day of the year such as `12-19`."""
    if not _MONTH_DAY.fullmatch(value):
        raise mistake('"{value}" is not a day of the year', 'write it like `"12-19"`', value=value)
    return value


MonthDay = Annotated[str, AfterValidator(check_month_day)]


class Basis(Part):
    """Where a duty comes from, and how surely that was read.

    Attributes:
        document: The text's number, or who set it.
        article: Article, clause, form; empty for the whole.
        certainty: `S` read in a copy, `S*` read in a summary, `M` memory and not verified, `own`
            for what the Center set itself.
    """

    document: Text = Field(examples=["NĐ 331/2026/NĐ-CP"])
    article: str = Field(default="", examples=["Điều 35"])
    certainty: Certainty = Field(examples=["S"])

    def __str__(self) -> str:
        return " ".join(part for part in (self.article, name_in_full(self.document)) if part)


_KINDS_OF_TEXT = {"QĐ": "Quyết định số", "NĐ": "Nghị định số", "TT": "Thông tư số"}


def name_in_full(document: str) -> str:
    """Give `NĐ 331/2026/NĐ-CP` as papers cite it: `Nghị định số 331/2026/NĐ-CP`."""
    kind, _blank, number = document.partition(" ")
    if kind in _KINDS_OF_TEXT:
        return f"{_KINDS_OF_TEXT[kind]} {number}"
    return re.sub(r"^(Luật .*[^\W\d]) (?=\d+/)", r"\1 số ", document)


class Scope(Part):
    """Whom a duty concerns: the organisation once, each system, or each site.

    Attributes:
        kind: Which of the three.
        levels: Security levels; empty for every level and for what has none.
        role: Sites of this role only.
    """

    kind: Kind = Field(examples=["system"])
    levels: tuple[Annotated[int, Field(strict=True, ge=1, le=5)], ...] = Field(
        default=(), examples=[[3, 4, 5]]
    )
    role: Literal["main", "component"] | None = Field(default=None, examples=["main"])


class Span(Part):
    """A number of hours, days, working days, weeks, months or years."""

    count: Whole = Field(examples=[3])
    unit: Unit = Field(examples=["months"])


class Every(Part):
    """A period that comes back, or dates that come once.

    Attributes:
        count, unit: Length of the period; absent with `dates`.
        start: A day on which a period begins; without one, 1 January of the year of validity.
        dates: Days by which something is due once; the period reaches from the one before.
    """

    count: Positive | None = Field(default=None, examples=[3])
    unit: Literal["days", "weeks", "months", "years"] | None = Field(
        default=None, examples=["months"]
    )
    start: Day | None = Field(default=None, examples=["2025-12-15"])
    dates: tuple[Day, ...] = Field(default=(), examples=[["2027-07-01"]])

    @model_validator(mode="after")
    def _is_one_of_two(self) -> Self:
        length = (self.count is not None, self.unit is not None)
        if (not self.dates and not all(length)) or (self.dates and any(length)):
            raise mistake(
                "a period has a length, or dates, and not both",
                'write `{{ count = 3, unit = "months" }}` or `{{ dates = [2027-07-01] }}`',
            )
        return self


class DueRule(Part):
    """When a period's or an event's work must be done.

    Attributes:
        count, unit: So much after (or before) what it is counted from.
        since: Counted from the period's last day, its first day, or the event.
        before: Counted backwards.
        on: The first such day of the year on or after the period's last day, instead of a count.
    """

    count: Whole = Field(default=0, examples=[5])
    unit: Unit = Field(default="days", examples=["working-days"])
    since: Literal["period-end", "period-start", "event"] = Field(
        default="period-end", examples=["event"]
    )
    before: Flag = Field(default=False, examples=[True])
    on: MonthDay | None = Field(default=None, examples=["12-19"])


class Transition(Part):
    """Until when systems that existed already are given time; before that it is a target."""

    levels: tuple[Annotated[int, Field(strict=True, ge=1, le=5)], ...] = Field(
        default=(), examples=[[3, 4, 5]]
    )
    until: Day = Field(examples=["2027-07-01"])


class Proof(Part):
    """The query that finds what proves a duty, and its limits.

    Attributes:
        query: One of `ops.duties.evidence.queries.QUERIES`.
        run_kind: For `runs`: kind of the runs.
        job: For `runs`: what the job's name begins with.
        coverage: Whether every site of the subject must be proven, or any.
        scope, engine, from_paper: For `drills`: which of them count: of a whole `site`, of one
            `file`, of items of the `archive`; by which engine, empty for any; only those without
            the folder of keys.
        copies, media, places, locked, remote: For `copies`: how many there must be at least of
            copies, kinds of medium, places, copies that cannot be overwritten, and copies that
            lie on another machine.
        percent: For `watched` and `available`: of the minutes of the period, at least.
        tools, clean: For `looks` and `allowed`: which tools have to have looked, which lists two
            people have to have gone over; whether nothing may be open after the newest look.
        papers: For `issued`: kinds of reports of which one was issued, about each event where the
            duty comes with events.
        runbooks: For `runbooks`: ids of which one was carried out to its end.
        texts: For `measures`: documents; each control and duty that rests on one has to be proven.
        material: For `reviewed`: what was gone over, `roles`, `logs` or `procedures`.
        acts: For `acts`: what the journal calls acts of which one was done.
        stage: For `planned`: how far next year's plan has come.
        assets: For `listed`: kinds of assets, of which each system has one in the register.
    """

    query: Literal[
        "runs",
        "restores",
        "drills",
        "findings",
        "copies",
        "catalogue",
        "journal",
        "policy",
        "statement",
        "fixity",
        "metadata",
        "reserve",
        "reserve-statistics",
        "watched",
        "available",
        "https",
        "ipv6",
        "looks",
        "allowed",
        "levels",
        "answers",
        "issued",
        "planned",
        "listed",
        "compared",
        "runbooks",
        "acts",
        "media",
        "keys",
        "reviewed",
        "measures",
    ] = Field(default="statement", examples=["restores"])
    run_kind: str = Field(default="", examples=["backup"])
    job: str = Field(default="", examples=["backup/"])
    coverage: Literal["every", "any"] = Field(default="every", examples=["any"])
    scope: Literal["site", "file", "archive"] = Field(default="site", examples=["file"])
    engine: Literal["", "ours", "restic"] = Field(default="", examples=["restic"])
    from_paper: Flag = Field(default=False, examples=[True])
    copies: Whole = Field(default=0, examples=[3])
    media: Whole = Field(default=0, examples=[2])
    places: Whole = Field(default=0, examples=[2])
    locked: Whole = Field(default=0, examples=[1])
    remote: Whole = Field(default=0, examples=[1])
    percent: Whole = Field(default=0, examples=[99])
    tools: tuple[str, ...] = Field(default=(), examples=[["updates"]])
    clean: Flag = Field(default=False, examples=[True])
    papers: tuple[str, ...] = Field(default=(), examples=[["annual"]])
    runbooks: tuple[str, ...] = Field(default=(), examples=[["yearly-switch-over"]])
    acts: tuple[str, ...] = Field(default=(), examples=[["backup.key-escrow"]])
    texts: tuple[str, ...] = Field(default=(), examples=[["TCVN 14423:2026"]])
    material: Literal["", "roles", "logs", "procedures"] = Field(default="", examples=["roles"])
    stage: Literal["submitted", "reviewed"] = Field(default="submitted", examples=["reviewed"])
    assets: tuple[str, ...] = Field(default=(), examples=[["server"]])

    @property
    def triggered(self) -> str:
        """For `runs`: what a job is called whose runs prove it."""
        return f"{self.job or f'{self.run_kind}/'}SITE"

    @model_validator(mode="after")
    def _runs_are_named(self) -> Self:
        if self.query == "runs" and not (self.run_kind or self.job):
            raise mistake("it is not said which runs prove it", 'add `run_kind = "backup"`')
        if self.query == "issued" and not self.papers:
            raise mistake("it is not said which papers prove it", 'add `papers = ["annual"]`')
        if self.query == "runbooks" and not self.runbooks:
            raise mistake(
                "it is not said which runbooks prove it", 'add `runbooks = ["yearly-switch-over"]`'
            )
        if self.query == "reviewed" and not self.material:
            raise mistake("it is not said what is reviewed", 'add `material = "roles"`')
        if self.query == "acts" and not self.acts:
            raise mistake(
                "it is not said which acts prove it", 'add `acts = ["backup.key-escrow"]`'
            )
        if self.query == "listed" and not self.assets:
            raise mistake("it is not said which assets prove it", 'add `assets = ["server"]`')
        if self.query in {"looks", "allowed"} and not self.tools:
            raise mistake("it is not said which tools prove it", 'add `tools = ["updates"]`')
        return self


class Duty(Part):
    """One duty as it is valid for some time.

    Attributes:
        name: For life; rows of one name follow each other in time.
        title: What is to be done, short enough for a column.
        basis: Where it comes from.
        figure: Whether the number comes from the basis or was set by the Center.
        valid_from, valid_until: First and last day; without a last one until the next row.
        applies: Whom it concerns.
        every, event: When it comes: a period, or something that happens.
        due, lead: By when, and how long before a notice is written; without lead none is.
        responsible: Role, or name of a person in the estate.
        evidence: What proves it.
        transition: Time given to what existed.
        note: Name of a note of the table.
    """

    name: Name = Field(examples=["restore-test-quarter"])
    title: Bilingual = Field(examples=[{"vi": "Khôi phục thử", "en": "Trial restore"}])
    basis: tuple[Basis, ...] = Field(min_length=1)
    figure: Literal["law", "own"] = Field(default="law", examples=["own"])
    valid_from: Day = Field(examples=["2026-07-01"])
    valid_until: Day | None = Field(default=None, examples=["2027-12-31"])
    applies: Scope = Field(examples=[{"kind": "system"}])
    every: Every | None = Field(default=None, examples=[{"count": 3, "unit": "months"}])
    event: str = Field(default="", examples=["incident"])
    due: DueRule = Field(default=DueRule(), examples=[{"count": 5, "unit": "days"}])
    lead: Span | None = Field(default=None, examples=[{"count": 14, "unit": "days"}])
    responsible: Text = Field(examples=["operator"])
    evidence: Proof = Field(default=Proof(), examples=[{"query": "statement"}])
    transition: tuple[Transition, ...] = ()
    note: str = Field(default="", examples=["qcvn-12"])

    @model_validator(mode="after")
    def _comes_one_way(self) -> Self:
        if (self.every is None) == (not self.event):
            raise mistake(
                "a duty comes with a period or with an event",
                'write either `every = {{ count = 1, unit = "years" }}` or `event = "incident"`',
            )
        if self.valid_until is not None and self.valid_until < self.valid_from:
            raise mistake(
                "{until} is before {since}",
                "write a later day",
                until=self.valid_until,
                since=self.valid_from,
            )
        return self

    @property
    def row(self) -> str:
        """Give the name of this row: the duty's, and since when."""
        return f"{self.name}@{self.valid_from.isoformat()}"

    @property
    def nature(self) -> Nature:
        """Say whether it is law, law with a figure of the Center's, or the Center's own target."""
        if all(it.certainty == "own" for it in self.basis):
            return "own"
        return "own-figure" if self.figure == "own" else "law"

    def is_valid_on(self, day: date) -> bool:
        """Say whether the row is valid on a day."""
        return self.valid_from <= day and (self.valid_until is None or day <= self.valid_until)

    def is_transitional(self, day: date, levels: Collection[int] = ()) -> bool:
        """Say whether systems of all these levels, or of any where none is given, have time yet."""
        waiting = {level for it in self.transition if day < it.until for level in it.levels}
        concerned = {it for it in levels if not self.applies.levels or it in self.applies.levels}
        return concerned <= waiting if concerned else bool(waiting)

    def document(self) -> dict[str, Any]:
        """Give the row as plain JSON values."""
        document: dict[str, Any] = self.model_dump(mode="json")
        return document


class Note(Part):
    """What must be said beside several duties."""

    name: Name = Field(examples=["qcvn-12"])
    text: Bilingual


class DutyTable(Part):
    """A table of duties: the shipped one, or one of the estate's."""

    schema_version: Literal[1] = Field(alias="schema", examples=[1])
    notes: tuple[Note, ...] = ()
    duties: tuple[Duty, ...] = ()
