"""A private MariaDB inside the sandbox: made anew, where production's listens, then asked."""

import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from backup.errors import BackupError
from backup.sources.databases.connection import Connection
from backup.sources.databases.load import apply_accounts
from backup.sources.databases.mariadb_client import ask, quote_name, quote_text
from backup.sources.databases.mariadb_copied_rights import copy_rights
from backup.sources.databases.mariadb_dump import count_rows, look_at_mariadb
from ops.language.text import render_error
from ops.sandbox.isolation.accounts import find_account, give
from ops.sandbox.isolation.new_root import WORKSHOP
from ops.sandbox.make_plan import Endpoint
from ops.sandbox.newest_row import FIRST, Believed, MomentColumn, choose_newest, kind_of
from ops.sandbox.plan import DatabasePlan
from ops.sandbox.processes import Bench
from provisioning.local_host import LocalHost

ADMIN = "giucong-drill"
_ACCOUNT = find_account(("mysql",))
_USUAL_SOCKET = Path("/run/mysqld/mysqld.sock")
_TABLES = ("mariadb_system_tables.sql", "mariadb_system_tables_data.sql")
_SHARES = (Path("/usr/share/mariadb"), Path("/usr/share/mysql"))
# Nothing in it has to outlive a power cut, and nothing may happen in it by itself.
_SETTINGS = (
    "--skip-log-bin",
    "--innodb-flush-log-at-trx-commit=0",
    "--skip-innodb-doublewrite",
    "--innodb-buffer-pool-size=256M",
    "--innodb-log-file-size=96M",
    "--max-allowed-packet=1G",
    "--event-scheduler=OFF",
    "--skip-slave-start",
    # Ways to log in that production's accounts may have; one that is missing is passed over.
    "--plugin-load-add=auth_ed25519",
    "--plugin-load-add=auth_parsec",
)
# The administrator of this server bears a name that no site uses; `root` is left to the accounts
# of the backup. Each statement stands on a line of its own, as the bootstrap wants it.
_ADMINISTRATOR = f"""
DELETE FROM global_priv WHERE User = 'root';
DELETE FROM proxies_priv;
INSERT INTO global_priv VALUES ('localhost', '{ADMIN}', '{{"access":18446744073709551615}}');
"""  # noqa: S608 -- our own words

# Production's accounts may be for the address of one web server alone; in here all come from the
# loopback. So each gets a twin for every address, with the same password and rights.
_FROM_ELSEWHERE = "Host NOT IN ('', '%', 'localhost')"
_RIGHTS = ("global_priv", "db", "tables_priv", "columns_priv", "procs_priv", "roles_mapping")
_TWIN = """
CREATE TEMPORARY TABLE drill SELECT * FROM {table} WHERE {elsewhere};
UPDATE IGNORE drill SET Host = '%';
INSERT IGNORE INTO {table} SELECT * FROM drill;
DROP TEMPORARY TABLE drill;
"""


@dataclass(frozen=True, slots=True)
class Mariadb:
    """A running server.

    Attributes:
        bench: Where it runs.
        socket: Its own.
    """

    bench: Bench
    socket: Path

    def connect(self, database: str = "mysql") -> Connection:
        """Give the administrator's way to a database."""
        return Connection(host=LocalHost(), database=database, socket=str(self.socket), user=ADMIN)

    @property
    def version(self) -> str:
        """Product and version."""
        return look_at_mariadb(self.connect()).server


def start_mariadb(program: str, bench: Bench, endpoint: Endpoint) -> Mariadb:
    """Make a server and start it.

    Args:
        program: The server's path.
        bench: Where it is to run.
        endpoint: Where it is to listen.
    """
    folder = Path(WORKSHOP) / endpoint.name
    place = Path(endpoint.socket) if endpoint.socket else _USUAL_SOCKET
    for it in (folder, place.parent):
        it.mkdir(parents=True, exist_ok=True)
        give(it, _ACCOUNT, bench.way)
    (folder / "data" / "mysql").mkdir(parents=True)
    for it in (folder / "data", folder / "data" / "mysql"):
        give(it, _ACCOUNT, bench.way)
    settings = endpoint.databases[0].settings if endpoint.databases else {}
    words = [program, "--no-defaults", f"--datadir={folder}/data", f"--tmpdir={folder}", *_SETTINGS]
    bootstrap = [*words, "--bootstrap", "--skip-networking", "--default-storage-engine=Aria"]
    bench.run(bootstrap, _ACCOUNT, log=f"{endpoint.name}-made", stdin=_first_tables())
    bench.serve(
        [
            *words,
            f"--socket={place}",
            f"--port={endpoint.port}",
            f"--pid-file={folder}/pid",
            f"--bind-address={','.join(endpoint.listens)}",
            *_as_production(settings),
        ],
        _ACCOUNT,
        log=endpoint.name,
    )
    bench.await_up(endpoint.name, lambda: _answers(place))
    if endpoint.number == 1 and place != _USUAL_SOCKET:
        _USUAL_SOCKET.parent.mkdir(exist_ok=True)
        _USUAL_SOCKET.symlink_to(place)
    return Mariadb(bench, place)


def _first_tables() -> bytes:
    share = next((it for it in _SHARES if (it / _TABLES[0]).exists()), _SHARES[0])
    made = b"".join((share / name).read_bytes() for name in _TABLES)
    begin = b"CREATE DATABASE IF NOT EXISTS mysql;\nUSE mysql;\nSET @auth_root_socket=NULL;\n"
    return begin + made + _ADMINISTRATOR.encode()


def _as_production(settings: Mapping[str, str]) -> list[str]:
    """Give the server's settings that the manifest knows and a site can feel."""
    words = []
    if "sql_mode" in settings:
        words.append(f"--sql-mode={settings['sql_mode']}")
    if settings.get("time_zone", "SYSTEM")[:1] in {"+", "-"}:
        words.append(f"--default-time-zone={settings['time_zone']}")
    return words


def _answers(place: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as line:
        try:
            line.connect(str(place))
        except OSError:
            return False
        return bool(line.recv(1))  # a server says first who it is


def load_mariadb(server: Mariadb, plan: DatabasePlan) -> str:
    """Load accounts, as far as they are not there already, the dump, and rights on what is in it.

    Gives why a load with its accounts would stop, as it is done here too; empty where it would not.
    """
    client = [
        "mariadb",
        "--no-defaults",
        f"--socket={server.socket}",
        f"--user={ADMIN}",
        "--binary-mode",
        "--max-allowed-packet=1G",
        "--local-infile=0",
        "--default-character-set=utf8mb4",
    ]
    log, why = f"load-{plan.name}", ""
    accounts = Path(plan.globals).read_bytes() if plan.globals else b""
    try:
        apply_accounts("mariadb", server.connect(), [accounts])
    except BackupError as error:
        why = render_error(error)
    made = [f"CREATE DATABASE IF NOT EXISTS {quote_name(plan.database)}"]
    if plan.settings.get("character_set"):
        made.append(f"CHARACTER SET {plan.settings['character_set']}")
    if plan.settings.get("collation"):
        made.append(f"COLLATE {plan.settings['collation']}")
    server.bench.run(client, _ACCOUNT, log=log, stdin=f"{' '.join(made)};\n".encode())
    with Path(plan.dump).open("rb") as dump:
        server.bench.run([*client, "--", plan.database], _ACCOUNT, log=log, stdin=dump)
    try:
        copy_rights(server.connect(), plan.database, plan.database, accounts)
    except BackupError as error:
        why = why or render_error(error)
    server.bench.run([*client, "mysql"], _ACCOUNT, log=log, stdin=_let_in())
    return why


def _let_in() -> bytes:
    twins = [_TWIN.format(table=table, elsewhere=_FROM_ELSEWHERE) for table in _RIGHTS]
    return f"{''.join(twins)}FLUSH PRIVILEGES;\n".encode()


def count_mariadb(server: Mariadb, database: str) -> dict[str, int | None]:
    """Count the rows of every table, as at backup time; None for one that is not to be counted."""
    connection = server.connect(database)
    return count_rows(connection, look_at_mariadb(connection))


def find_newest_in_mariadb(
    server: Mariadb, database: str, window: Believed
) -> tuple[datetime | None, str]:
    """Find the newest moment in any row, and where it stands."""
    connection = server.connect(database)
    columns = list(_list_columns(connection))
    if not columns:
        return None, ""
    lines = ["SET time_zone = '+00:00';", *_questions(columns, window)]
    rows = ask(connection, "\n".join(lines), goes_on=True)
    found = {int(number): text for number, text in rows}
    return choose_newest(
        (column, window.read(found.get(number, ""), column.kind))
        for number, column in enumerate(columns)
    )


def _list_columns(connection: Connection) -> Iterator[MomentColumn]:
    rows = ask(
        connection,
        "SELECT c.table_name, c.column_name, c.data_type FROM information_schema.columns c"
        " JOIN information_schema.tables t USING (table_schema, table_name)"
        " WHERE c.table_schema = DATABASE() AND t.table_type = 'BASE TABLE'"
        " AND c.data_type IN ('datetime', 'timestamp', 'date') ORDER BY 1, c.ordinal_position;",
    )
    for table, column, kind in rows:
        zoned, date = kind == "timestamp", kind == "date"
        yield MomentColumn(table, column, kind_of(column, is_zoned=zoned, is_date=date))


def _questions(columns: list[MomentColumn], window: Believed) -> Iterator[str]:
    """Yield one statement a column, that gives its number and its newest value that counts."""
    for number, it in enumerate(columns):
        name, limit = quote_name(it.column), quote_text(window.limit(it.kind))
        yield (
            f"SELECT {number}, MAX({name}) FROM {quote_name(it.table)}"  # noqa: S608 -- quoted
            f" WHERE {name} BETWEEN '{FIRST}' AND {limit} HAVING MAX({name}) IS NOT NULL;"
        )
