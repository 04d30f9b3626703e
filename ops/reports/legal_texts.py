"""The legal texts that papers cite, as dated data: those of a day, and how they are cited.

The shipped ones stand in `wordings/legal_texts.toml`, each with its source and with what of it was
read in no copy of the text. An office's own file of that name goes on top.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError

from ops.estate.model.values import Day, Part, Text
from ops.language.formats import format_long_date
from ops.language.text import N_, _
from ops.reports.texts import SHIPPED, TextsError, find_line, read_file
from ops.toml import read_toml

FILE = "legal_texts.toml"
_DOTS = ".........."
_YEAR = re.compile(r"/((?:19|20)\d\d)/")
UNREAD: Mapping[str, str] = {
    "day": N_("the day"),
    "about": N_("the title"),
    "from": N_("since when it is valid"),
}
"""What of a text may have been read nowhere → how people are asked."""


class LegalText(Part):
    """A legal text; its fields stand at the head of the shipped file."""

    subject: Text = Field()
    kind: Text = Field()
    number: Text = Field()
    day: Day | None = None
    issuer: str = ""
    about: str = ""
    since: Day = Field(alias="from")
    until: Day | None = Field(default=None, alias="to")
    asks: str = ""
    sure: Literal["S", "S*", "M"] = "M"
    source: str = ""
    unread: tuple[Literal["day", "about", "from"], ...] = ()

    def is_valid_on(self, day: date) -> bool:
        """Say whether papers of a day cite it."""
        return self.since <= day and (self.until is None or day <= self.until)

    @property
    def name(self) -> str:
        """Give how it is cited again: `Nghị định số 224/2026/NĐ-CP`; a law by its title."""
        return self.about if self.kind == "Luật" else f"{self.kind} số {self.number}"

    @property
    def dated(self) -> str:
        """Give it with its day and who issued it; a law with its day alone."""
        year = _YEAR.search(self.number)
        unknown = f"..... tháng ..... năm {year[1] if year else '.....'}"
        told = f"{self.name} ngày {format_long_date(self.day) if self.day else unknown}"
        return told if self.kind == "Luật" else f"{told} của {self.issuer}"

    @property
    def citation(self) -> str:
        """Give how it is cited first (NĐ 30/2020, annex I): a law has its day and no number."""
        return self.dated if self.kind == "Luật" else f"{self.dated} {self.about or _DOTS}"


@dataclass(frozen=True, slots=True)
class Citations:
    """The legal texts that are valid on a day, by subject, in the order of the file."""

    by_subject: Mapping[str, Sequence[LegalText]]

    def cite_bases(self, bases: Sequence[str]) -> tuple[str, ...]:
        """Give `Căn cứ …` for each text of the subjects; what is no subject is a text itself."""
        return tuple(
            told
            for base in bases
            for told in (
                (f"Căn cứ {it.citation}" for it in self.by_subject[base])
                if base in self.by_subject
                else (base,)
            )
        )

    def cites(self, number: str) -> bool:
        """Say whether the text of a number is valid on the day."""
        return any(it.number == number for found in self.by_subject.values() for it in found)

    @property
    def values(self) -> dict[str, str]:
        """Give `law_SUBJECT`, `dated_SUBJECT`, `name_SUBJECT` for texts that cite in a sentence."""
        forms = {"law": "citation", "dated": "dated", "name": "name"}
        return {
            f"{lead}_{subject.replace('-', '_')}": "; ".join(getattr(it, form) for it in found)
            or _DOTS
            for subject, found in self.by_subject.items()
            for lead, form in forms.items()
        }


def load_citations(folder: Path | None, day: date) -> Citations:
    """Give the texts of a paper's day; folder and errors as in `load_legal_texts`."""
    found: dict[str, list[LegalText]] = {}
    for text in load_legal_texts(folder):
        rows = found.setdefault(text.subject, [])
        if text.is_valid_on(day):
            rows.append(text)
    return Citations(found)


def list_unread(folder: Path | None, said: str) -> list[str]:
    """Say of each text that a paper cites what of it was read nowhere.

    Args:
        folder: As in `load_legal_texts`.
        said: What the paper says, its bases among it.
    """
    return [
        f"{it.kind} {it.number}: {', '.join(_(UNREAD[name]) for name in it.unread)}"
        for it in load_legal_texts(folder)
        if it.unread and (it.dated if it.kind == "Luật" else it.name) in said
    ]


def load_legal_texts(folder: Path | None) -> list[LegalText]:
    """Give all texts, those of an office on top, in the order of the files.

    Args:
        folder: The office's own texts; None for none.

    Raises:
        TextsError: The office's file cannot be used; names the line.
    """
    tables = dict(read_toml(SHIPPED / FILE))
    own = folder / FILE if folder is not None else None
    if own is not None and own.exists():
        for name, values in read_file(own).items():
            if not isinstance(values, dict):
                why = N_("{name} stands in no table")
                raise TextsError(own, why=why, line=find_line(own, name), name=name)
            tables[name] = {**tables.get(name, {}), **values}
    return [_read(own or SHIPPED / FILE, name, values) for name, values in tables.items()]


def _read(path: Path, name: str, values: Mapping[str, object]) -> LegalText:
    try:
        return LegalText.model_validate(values)
    except ValidationError as error:
        key = str(error.errors()[0]["loc"][0])
        why = N_("{key} of {name} is missing, or is not what it has to be")
        raise TextsError(
            path, why=why, line=find_line(path, key, name), key=key, name=name
        ) from error
