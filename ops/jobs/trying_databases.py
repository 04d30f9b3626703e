"""Try a database on a server: does it answer, does the account get in, may it read everything?"""

from backup.errors import SourceError
from backup.sources.databases.mariadb_dump import (
    look_at_mariadb,
    mariadb_dumper_version,
    refuse_missing_rights,
)
from backup.sources.databases.postgresql_dump import (
    look_at_postgresql,
    postgresql_dumper_version,
    refuse_unreadable,
)
from ops.databases import connect
from ops.errors import OpsError
from ops.estate.models import Estate
from ops.estate.sites import DatabasePart
from ops.jobs.first_copy import Extent
from ops.jobs.trials import Trial, failed_because
from ops.present import format_size
from ops.text import _


def try_server(estate: Estate, key: str, part: DatabasePart, extent: Extent) -> Trial:
    """Log in and look; nothing is dumped.

    Args:
        estate: Knows the hosts.
        key: The part's key in the estate.
        part: Which.
        extent: Takes in what there is to copy.
    """
    try:
        connection = connect(estate, part)
        if part.engine == "mariadb":
            program = mariadb_dumper_version(connection)
            state = look_at_mariadb(connection)
            refuse_missing_rights(connection, state, lock_tables=part.lock_tables)
            server, size = state.server, state.size_bytes
            torn = () if part.lock_tables else state.unsafe_tables
            without_history = state.tables_without_history(program)
        else:
            postgresql_dumper_version(connection)
            found = look_at_postgresql(connection)
            refuse_unreadable(connection, found)
            server, size = found.server, found.size_bytes
            torn, without_history = (), ()
    except (SourceError, OpsError) as error:
        return failed_because(key, error)
    extent.files += 1
    extent.size_bytes += size
    told = _("it answers and may be read in full: {server}, {size}").format(
        server=server, size=format_size(size)
    )
    if without_history:
        text = _("{told}; the history that the tables {tables} keep is not copied")
        told = text.format(told=told, tables=", ".join(without_history))
    if not torn:
        return Trial(key, "ok", told)
    text = _("{told}; not consistent: the tables {tables} know no transactions")
    fix = _("turn them into InnoDB, or let them be locked: `lock_tables = true`")
    return Trial(key, "ok", text.format(told=told, tables=", ".join(torn)), fix)
