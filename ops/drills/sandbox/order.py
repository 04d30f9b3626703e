"""What the sandbox's first process is told on its standard input."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ops.drills.sandbox.plan import RehearsalPlan

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
    """

    plan: RehearsalPlan
    way: Literal["root", "user"]
    outside: Mapping[str, str]
    begun: float
    in_group: bool = False
    taken: int = 0
    rows: RowsWanted | None = None


def list_namespaces() -> dict[str, str]:
    """Give the namespaces of this process."""
    return {name: str(Path(f"/proc/self/ns/{name}").readlink()) for name in NAMESPACES}
