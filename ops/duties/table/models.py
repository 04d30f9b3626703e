"""One duty as it stands in a table, and the table; every model frozen, unknown keys refused."""

from collections.abc import Collection
from datetime import date
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from ops.duties.table.parts import (
    Basis,
    DueRule,
    Every,
    Nature,
    Proof,
    Scope,
    Span,
    Transition,
)
from ops.estate.model.calendar import Bilingual
from ops.estate.model.values import Day, Name, Part, Text, mistake


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
