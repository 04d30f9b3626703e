"""The whole estate as one frozen value, and the questions other modules ask it."""

import difflib
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Literal, Protocol, TypeVar
from zoneinfo import ZoneInfo

from pydantic import Field, PrivateAttr

from ops.canonical import digest_of
from ops.errors import WrongUseError
from ops.estate.model.archive import ArchiveSettings
from ops.estate.model.calendar import Calendar
from ops.estate.model.changeable import Addable
from ops.estate.model.console import ConsoleSettings
from ops.estate.model.hosts import Host, Line
from ops.estate.model.minimums import decide_floor
from ops.estate.model.monitor import Device, MonitorSettings, resolve_thresholds
from ops.estate.model.organisation import (
    CatalogSettings,
    Drill,
    Duties,
    Keys,
    NamedPlace,
    Organisation,
    Planning,
    Reports,
    Service,
)
from ops.estate.model.people import ContentClass, Notices, Person, System, Unit
from ops.estate.model.policies import Retention, Security
from ops.estate.model.references import redact, reveal
from ops.estate.model.sites import RESERVED_SITE_NAMES, DatabasePart, Defaults, Profile, Site
from ops.estate.model.stores import Store
from ops.estate.model.values import Part, is_name
from ops.language.text import N_

SCHEMA = 1


class _Named(Protocol):
    @property
    def name(self) -> str: ...


NamedPart = TypeVar("NamedPart", bound=_Named)


class Estate(Part):
    """Everything one Center runs. Built by `ops.estate.load.load.load_estate` only."""

    schema_version: Literal[1] = Field(
        alias="schema", description="Version of this file's form.", examples=[SCHEMA]
    )
    include: tuple[str, ...] = Field(
        default=(),
        description="More files of the same form; patterns start at this file's folder.",
        examples=[["sites.d/*.toml"]],
    )
    organisation: Organisation = Field(description="The Center.")
    service: Service = Field(default=Service(), description="Where the service works.")
    catalog: CatalogSettings = Field(
        default=CatalogSettings(), description="The catalog: what was done, when, by whom."
    )
    keys: Keys = Field(description="Keys; this file holds references, never a key.")
    calendar: Calendar = Field(default=Calendar(), description="Days on which offices rest.")
    duties: Duties = Field(default=Duties(), description="Duties besides the shipped ones.")
    units: tuple[Unit, ...] = Field(default=(), description="Departments and communes.")
    systems: tuple[System, ...] = Field(
        default=(), description="Information systems; the security level belongs to them."
    )
    classes: tuple[ContentClass, ...] = Field(default=(), description="Classes of content.")
    people: Addable[tuple[Person, ...]] = Field(
        default=(), description="People; roles are not here."
    )
    notices: Notices = Field(default=Notices(), description="Who is told what, and how.")
    stores: tuple[Store, ...] = Field(description="Where backups are kept.")
    places: tuple[NamedPlace, ...] = Field(
        default=(),
        description="Folders that people may tell the service to use: where media are mounted.",
    )
    lines: tuple[Line, ...] = Field(default=(), description="Lines that several hosts share.")
    hosts: tuple[Host, ...] = Field(default=(), description="Machines reached through SSH.")
    devices: tuple[Device, ...] = Field(
        default=(), description="What is watched and has no SSH: switches, UPSs, cameras."
    )
    profiles: dict[str, Profile] = Field(
        default_factory=dict,
        description="What sites have in common, under a name; `{site}` stands for a site's name.",
    )
    defaults: Defaults = Field(
        default=Defaults(), description="What holds for sites that do not say otherwise."
    )
    drill: Drill = Field(default=Drill(), description="Restore drills.")
    archive: ArchiveSettings | None = Field(
        default=None, description="The archive; left out: nothing is archived."
    )
    monitor: MonitorSettings = Field(
        default=MonitorSettings(), description="The watch over hosts, devices and sites."
    )
    security: Security = Field(
        default=Security(), description="The watch over copies: ransomware, malware."
    )
    planning: Planning = Field(default=Planning(), description="The yearly plan.")
    reports: Reports = Field(default=Reports(), description="Papers that the service writes.")
    console: ConsoleSettings | None = Field(
        default=None, description="The console: pages for people; left out: there are none."
    )
    sites: tuple[Site, ...] = Field(default=(), description="The sites.")

    _path: Path = PrivateAttr(default=Path("estate.toml"))

    def model_post_init(self, context: Any, /) -> None:
        """Remember which file this estate comes from."""
        if isinstance(context, dict) and "path" in context:
            self._path = context["path"]

    @property
    def path(self) -> Path:
        """Give the main file's absolute path."""
        return self._path

    @property
    def zone(self) -> ZoneInfo:
        """Give the organisation's time zone."""
        return ZoneInfo(self.organisation.timezone)

    def name_at(self, moment: datetime | None = None) -> str:
        """Give the organisation's name, as a document of a moment bears it; of now unless given."""
        return self.organisation.name_on(self._day_of(moment))

    def title_at(self, site: str, moment: datetime | None = None) -> str:
        """Give a site's title likewise; empty where the estate does not name the site."""
        is_own = site == RESERVED_SITE_NAMES[0]
        found = self.own_site if is_own else _find(self.sites, site)
        return "" if found is None else found.title_on(self._day_of(moment))

    def _day_of(self, moment: datetime | None) -> date:
        return (moment or datetime.now(UTC)).astimezone(self.zone).date()

    @property
    def primary_store(self) -> Store:
        """Give the one store that sites are backed up to first."""
        return next(store for store in self.stores if store.role == "primary")

    @property
    def named_sites(self) -> tuple[Site, ...]:
        """Give the sites that the estate file names, without the archive as a site."""
        return tuple(it for it in self.sites if it.name not in RESERVED_SITE_NAMES)

    @property
    def own_site(self) -> Site:
        """Give the service itself as a site; it stands in no file and is not among `sites`."""
        from ops.estate.model.own_site import make_own_site

        return make_own_site(self)

    def site(self, name: str) -> Site:
        """Give a site by name, the service's own included.

        Raises:
            WrongUseError: There is none; names the nearest.
        """
        if name == RESERVED_SITE_NAMES[0]:
            return self.own_site
        next_step = N_("`{program} estate.show` lists the sites")
        return _need(self.sites, name, N_('no site is called "{name}"'), next_step)

    def store(self, name: str) -> Store:
        """Give a store by name. Raises WrongUseError with the nearest name when there is none."""
        next_step = N_("`{program} estate.show` lists the stores")
        return _need(self.stores, name, N_('no store is called "{name}"'), next_step)

    def host(self, name: str) -> Host:
        """Give a host by name. Raises WrongUseError with the nearest name when there is none."""
        next_step = N_("`{program} estate.show` lists the hosts")
        return _need(self.hosts, name, N_('no host is called "{name}"'), next_step)

    def repository_url(self, store: Store, site: str) -> str:
        """Give `<store url>/<site>`; a store whose URL is a reference is looked up now.

        Raises:
            WrongUseError: The site's name, which may come from a medium or a store, is a path.
        """
        if not is_name(site):
            raise WrongUseError(
                '"{site}" is not the name of a site',
                why="a site lies in a folder of its name, and nowhere else",
                site=site,
            )
        return f"{reveal(store.url).rstrip('/')}/{site}"

    def repository_key(self, store: Store) -> str:
        """Give the reference to a store's repository password: a copy's own, else the estate's."""
        return store.key or self.keys.repository

    def retention_for(self, site: Site, store: Store) -> Retention:
        """Give what a store keeps of a site: its rules, changed by the store's, and the minimum.

        The minimum is the longest that the site, one of its classes or the store asks for.
        """
        changes = store.retention.model_dump(exclude_none=True) if store.retention else {}
        classes = [it for it in self.classes if it.name in site.classes]
        floor = decide_floor(site.retention, classes, store.retention)
        least = {"minimum_days": floor.days, "minimum_basis": floor.basis}
        return site.retention.overridden({**changes, **least})

    def minimum_for(self, site: Site, store: Store, database: DatabasePart) -> int:
        """Give for how many days the runs of a database alone stay in a store at least."""
        own = database.retention
        if own is None or own.minimum_days is None:
            return self.retention_for(site, store).minimum_days
        classes = [it for it in self.classes if it.name in site.classes]
        least = site.retention.overridden({"minimum_days": own.minimum_days})
        return decide_floor(least, classes, store.retention).days

    def thresholds_for_host(self, name: str) -> dict[str, int]:
        """Give from what on something of a host is red, by name; of this machine where empty."""
        own = _find(self.hosts, name)
        return resolve_thresholds(own.thresholds if own else None, self.monitor.thresholds)

    def thresholds_for_site(self, name: str) -> dict[str, int]:
        """Give from what on something of a site is red, by name."""
        own = _find(self.sites, name)
        return resolve_thresholds(own.thresholds if own else None, self.monitor.thresholds)

    def document(self) -> dict[str, Any]:
        """Give the estate as plain JSON values, the form that is stored.

        References are unresolved, and what may be a secret without being one is struck out.
        """
        document: dict[str, Any] = self.model_dump(mode="json", by_alias=True)
        built_in = [it for it in document["sites"] if it["name"] in RESERVED_SITE_NAMES]
        document["sites"] = [it for it in document["sites"] if it not in built_in]
        return redact(document)

    def fingerprint(self) -> str:
        """Give the digest of its canonical form, by which the catalog and the journal name it."""
        return digest_of(self.document())


def _find(parts: Sequence[NamedPart], name: str) -> NamedPart | None:
    return next((part for part in parts if part.name == name), None)


def _need(parts: Sequence[NamedPart], name: str, what: str, next_step: str) -> NamedPart:
    found = _find(parts, name)
    if found is None:
        near = next(iter(difflib.get_close_matches(name, [it.name for it in parts], 1)), "")
        why = N_('the nearest name is "{near}"') if near else ""
        raise WrongUseError(what, why=why, next_step=next_step, name=name, near=near)
    return found
