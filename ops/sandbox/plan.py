"""What is to be rehearsed: plain values, told to the sandbox as JSON; no secrets among them.

The sandbox's first process reads an `Order` on its standard input.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal

import msgspec

from ops.backups.pages.notes import PageNote

Engine = Literal["mariadb", "postgresql", "sqlite"]
SPARE = 16
"""Processes beyond what is allowed: who watches sees it before the kernel refuses more."""

Way = Literal["php", "static", "command", "none"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FilesPlan:
    """A restored folder and the place where the site looks for it.

    Attributes:
        name: Of the part.
        restored: Where it lies now: a folder below the plan's work folder; only read.
        live: Absolute path at which production has it.
    """

    name: str
    restored: str
    live: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabasePlan:
    """A restored copy of a database and what is known of the original.

    Attributes:
        name: Of the part.
        engine: Which server, or `sqlite`.
        database: Its name; for `sqlite` the absolute path at which production has it.
        dump: The copy: `.sql`, `.dump` (PostgreSQL's own form) or `.sqlite`; only read.
        globals: Accounts and roles beside it; empty without.
        address, port, socket: Where production's server listens; empty or None for the usual.
        server: Product and version of production's server; empty where unknown.
        settings: Of production's database, as the manifest has them.
        tables: Rows by table, as the manifest has them; None for what was not counted.
        tables_after: Counted again after the dump: rows then lie between the two. None where
            `tables` is exact.
    """

    name: str
    engine: Engine
    database: str
    dump: str
    globals: str = ""
    address: str = ""
    port: int | None = None
    socket: str = ""
    server: str = ""
    settings: Mapping[str, str] = field(default_factory=dict)
    tables: Mapping[str, int | None] = field(default_factory=dict)
    tables_after: Mapping[str, int | None] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ServingPlan:
    """How the site is started.

    Attributes:
        way: `php`: PHP's built-in server; `static`: files as they are; `command`: the site's own
            program; `none`: the site is not started.
        folder: Document root (`php`, `static`) or working folder: a live path.
        command: For `command`: program and arguments.
        port: For `command`: where the program listens on the loopback; None: at the url's own.
    """

    way: Way = "none"
    folder: str = ""
    command: tuple[str, ...] = ()
    port: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What everything inside may take of the machine.

    Attributes:
        memory_bytes: All processes and all files in memory together.
        processes: Processes and threads.
        file_bytes: Of one file.
    """

    memory_bytes: int = 4_000_000_000
    processes: int = 512
    file_bytes: int = 50_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class RehearsalPlan:
    """Everything a rehearsal is told.

    Attributes:
        work: Absolute path of the drill's own folder: all restored data lies below it, and the
            rehearsal's servers work in its subfolder `rehearsal`.
        site: Name of the site.
        files: Its folders.
        databases: Its databases.
        url: Address of the site; empty without one.
        pages: As noted at backup time.
        rows_are_later: Whether a database is of a later moment than those notes.
        caches: Live paths of folders in which the site keeps pages that it has made; it begins
            with empty ones, so that what it shows is made of its rows.
        serving: How the site is started.
        addresses: More addresses (IP, or names of hosts) at which production's servers are found
            by the site; inside they lead to the private ones.
        probes: What must not be reachable: `HOST:PORT`, `[IPv6]:PORT`, or the absolute path of a
            Unix socket, a folder or a file.
        incident_at: Newer data counts as made after the loss; aware.
        zone: Time zone of the organisation; columns without one are read as its local time.
        deadline_seconds: For all of it.
        bounds: Of what is taken of the machine.
    """

    work: str
    site: str
    files: tuple[FilesPlan, ...] = ()
    databases: tuple[DatabasePlan, ...] = ()
    url: str = ""
    pages: tuple[PageNote, ...] = ()
    rows_are_later: bool = False
    caches: tuple[str, ...] = ()
    serving: ServingPlan = ServingPlan()
    addresses: tuple[str, ...] = ()
    probes: tuple[str, ...] = ()
    incident_at: datetime
    zone: str = "Asia/Ho_Chi_Minh"
    deadline_seconds: float = 3600.0
    bounds: Bounds = Bounds()


def write_plan(plan: RehearsalPlan) -> str:
    """Give a plan as JSON."""
    return msgspec.json.encode(plan).decode()


def read_plan(text: str) -> RehearsalPlan:
    """Read a plan from JSON.

    Raises:
        ValueError: It is none.
    """
    return msgspec.json.decode(text, type=RehearsalPlan)


NAMESPACES = ("mnt", "pid", "net", "ipc", "uts")


@dataclass(frozen=True, slots=True, kw_only=True)
class RowsWanted:
    """Rows that somebody wants back.

    Attributes:
        table: Its name; PostgreSQL's may bear its schema.
        where: Columns and the text of the value they must have.
        contains: Text that some column must contain, in whatever case; empty: any row.
        most: Rows at most.
    """

    table: str
    where: Mapping[str, str]
    contains: str = ""
    most: int = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class TablesWanted:
    """Rows that a connector of the archive asks for.

    Attributes:
        connector: Its name.
        mapping: Text of its mapping file; empty without one.
        options: Of the connector, as the estate has them.
    """

    connector: str
    mapping: str = ""
    options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is to be done inside.

    Attributes:
        plan: The rehearsal.
        way: How the sandbox is made.
        outside: The machine's own namespaces, as `/proc/self/ns` names them.
        begun: When the work began, as `time.monotonic` counts on this machine.
        in_group: Whether a control group holds memory and processes together.
        taken: Processes that the busiest account besides root already runs on this machine, where
            they count with those inside.
        rows: Give these of the plan's only database instead of starting the site.
        tables: Or what a connector of the archive asks of it.
    """

    plan: RehearsalPlan
    way: Literal["root", "user"]
    outside: Mapping[str, str]
    begun: float
    in_group: bool = False
    taken: int = 0
    rows: RowsWanted | None = None
    tables: TablesWanted | None = None


def list_namespaces() -> dict[str, str]:
    """Give the namespaces of this process."""
    return {name: str(Path(f"/proc/self/ns/{name}").readlink()) for name in NAMESPACES}
