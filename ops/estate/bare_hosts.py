"""Devices without a shell: of what they hold only what a command prints, or SFTP, can be saved."""

from collections.abc import Iterator

from ops.errors import Problem
from ops.estate.models import Estate
from ops.estate.sites import DatabasePart, FilesPart


def check_bare_hosts(estate: Estate) -> Iterator[Problem]:
    """Yield the parts that only a host with a shell could give."""
    bare = {host.name for host in estate.hosts if not host.shell}
    for site in estate.sites:
        parts: list[FilesPart | DatabasePart] = [*site.files, *site.databases]
        for part in parts:
            is_database = isinstance(part, DatabasePart)
            fits = isinstance(part, FilesPart) and part.source in {"command", "sftp"}
            if part.host not in bare or fits:
                continue
            room = "databases" if is_database else "files"
            yield Problem(
                f"sites[{site.name}].{room}[{part.name}].host",
                'the host "{host}" has no shell, by which this part could be read',
                "take `command` or `sftp` as its `source`; or remove `shell = false` if it has a"
                " POSIX shell",
                {"host": part.host},
            )
