"""The kinds of papers, in the order they are listed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Literal

from ops.errors import unknown
from ops.language.text import N_

Issuer = Literal["body", "submits", "decides", "unit"]
Need = Literal["year", "plan", "time", "site", "drill", "stop", "incident", "line", "day"]
LETTER = "CV"
"""Sign of a letter; its number has no abbreviation of a kind (Decree 30/2020, annex I)."""

_TAKES: Mapping[str, tuple[str, ...]] = {
    "year": ("year",),
    "plan": ("year",),
    "time": ("from", "to", "year"),
    "site": ("site", "year"),
    "drill": ("of", "site"),
    "stop": ("of", "site"),
    "incident": ("of", "site"),
    "line": ("of", "year"),
    "day": (),
}


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of paper.

    Attributes:
        name: As it is typed, and the name of its functions and of its texts.
        title: What it is.
        needs: What it is about.
        sign: Abbreviation in its number (Decree 30/2020, annex III); empty for none.
        files: Endings of what it gives.
        like: Kind whose texts it has where its own file has none; empty for none.
        writer: Kind whose functions make it; empty for its own.
        module: Where `gather_NAME` and `write_NAME` are; empty for the module of that name.
        more: Flags beside those of `needs` and of all papers.
        issuer: Who issues it: the organisation, who submits the plan or decides on it, or the
            unit of the site that it is about.
        is_on_a_year: Whether it reports on a whole year, so that it goes out once that is over.
    """

    name: str
    title: str
    needs: Need
    sign: str = ""
    files: tuple[str, ...] = ("docx", "pdf")
    like: str = ""
    writer: str = ""
    module: str = ""
    more: tuple[str, ...] = ()
    issuer: Issuer = "body"
    is_on_a_year: bool = False

    @property
    def takes(self) -> tuple[str, ...]:
        """The flags that it heeds; of others nothing may be given."""
        of_papers = ("date", "request") if "pdf" in self.files else ()
        return (*_TAKES[self.needs], *self.more, *(("number",) if self.sign else ()), *of_papers)

    @property
    def file_name(self) -> str:
        """Its name in the names of modules and texts."""
        return self.name.replace("-", "_")

    def find(self, verb: str) -> Callable[..., Any]:
        """Give what gathers or writes it; its module is loaded when it is asked for."""
        name = self.writer or self.file_name
        module = import_module(f"ops.reports.kinds.{self.module or name}")
        function: Callable[..., Any] = getattr(module, f"{verb}_{name}")
        return function


_LISTED = (
    Kind("plan", N_("the year's plan"), needs="plan", sign="KH"),
    Kind("submission", N_("submission of the year's plan"), needs="plan", sign="TTr", like="plan",
         module="plan_letters", issuer="submits"),
    Kind("decision", N_("draft of the decision on the year's plan"), needs="plan", sign="QĐ",
         like="plan", module="plan_letters", issuer="decides"),
    Kind("plan-progress", N_("report on carrying out the year's plan"), needs="year", sign="BC",
         like="annual", module="plan_results"),
    Kind("completion", N_("information on completion of a line of the plan"), needs="line",
         sign=LETTER, module="plan_results"),
    Kind("annual", N_("report on the portal's year"), needs="year", sign="BC", is_on_a_year=True),
    Kind("activity", N_("report on some time, also one asked for once"), needs="time", sign="BC",
         like="annual", writer="annual"),
    Kind("site", N_("report on a site's year"), needs="site", sign="BC", like="annual",
         module="sites", issuer="unit", is_on_a_year=True),
    Kind("sites", N_("table of all sites"), needs="year", sign="BC", like="annual",
         is_on_a_year=True),
    Kind("security", N_("letter on security, form 08"), needs="day", sign=LETTER,
         more=("year",), is_on_a_year=True),
    Kind("difficulties", N_("summary of difficulties"), needs="year", sign="BC",
         is_on_a_year=True),
    Kind("drill", N_("minutes of a restore drill"), needs="drill"),
    Kind("backup-log", N_("log of backups"), needs="time", more=("site",), module="backups"),
    Kind("backup-minutes", N_("minutes of a backup"), needs="site", module="backups"),
    Kind("maintenance", N_("maintenance log"), needs="time"),
    Kind("notice", N_("notice of a planned stop"), needs="stop", sign="TB"),
    *(
        Kind(f"incident-{stage}", title, needs="incident", sign="BC", like="incident",
             writer="" if stage == "end" else "incident", module="incident")
        for stage, title in (
            ("first", N_("first report of an incident")),
            ("full", N_("report of an incident's cause, scope and repair")),
            ("end", N_("report at the end of an incident")),
        )
    ),
    Kind("policy", N_("backup policy"), needs="day", sign="QyĐ"),
    Kind("inventory", N_("lists of devices, software, copies"), needs="day", files=("xlsx",),
         more=("site",)),
    Kind("evidence", N_("evidence: tables, journal, hashes"), needs="time", files=("zip",)),
)  # fmt: skip

KINDS: Mapping[str, Kind] = {it.name: it for it in _LISTED}


def find_kind(name: str) -> Kind:
    """Give the kind of that name."""
    if name in KINDS:
        return KINDS[name]
    raise unknown('there is no kind of paper "{name}"', name, KINDS)
