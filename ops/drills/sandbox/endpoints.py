"""Which private servers a rehearsal needs: one for each of production's, in its place; pure."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from ops.drills.sandbox.plan import DatabasePlan

_PORTS = {"mariadb": 3306, "postgresql": 5432}


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One of production's database servers.

    Attributes:
        engine: `mariadb` or `postgresql`.
        number: Among those of its engine, from 1; the first has the usual socket, too.
        address, port, socket: Where it listens; address and socket may be empty.
        shares_port: Whether another one listens at the same port, on another address.
        databases: What it holds.
    """

    engine: str
    number: int
    address: str
    port: int
    socket: str
    shares_port: bool = False
    databases: tuple[DatabasePlan, ...] = ()

    @property
    def name(self) -> str:
        """Of its folder and its log."""
        return f"{self.engine}-{self.number}"

    @property
    def listens(self) -> tuple[str, ...]:
        """Addresses it listens at; `*`: at all of them."""
        return (self.address or "127.0.0.1",) if self.shares_port else ("*",)


def find_endpoints(databases: Iterable[DatabasePlan]) -> tuple[Endpoint, ...]:
    """Sort databases by the server that has them, in the order they come; SQLite needs none."""
    made: dict[tuple[str, str, int, str], Endpoint] = {}
    for database in databases:
        if database.engine == "sqlite":
            continue
        port = database.port or _PORTS[database.engine]
        key = (database.engine, database.address, port, database.socket)
        number = sum(it.engine == database.engine for it in made.values()) + 1
        known = made.get(key) or Endpoint(
            engine=database.engine, number=number, address=database.address, port=port,
            socket=database.socket,
        )  # fmt: skip
        made[key] = replace(known, databases=(*known.databases, database))
    ports = [(it.engine, it.port) for it in made.values()]
    return tuple(
        replace(it, shares_port=ports.count((it.engine, it.port)) > 1) for it in made.values()
    )
