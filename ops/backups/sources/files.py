"""A site's files as sources: folders here and on hosts, what commands print, deliveries."""

import os
import shlex
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from pathlib import PurePosixPath

from backup.sources.remote.command_output import open_command_output
from backup.sources.remote.open import RemoteSource, open_remote_tree
from backup.sources.remote.sftp_tree import open_sftp_tree
from backup.sources.remote.tree import RemoteTree
from backup.sources.source import FolderSource, Reader, StreamSource
from ops.estate.model.estate import Estate
from ops.estate.model.sites import FilesPart
from ops.hosts.connect import open_host, open_ssh_host
from provisioning.hosts import Command

COMMAND_SECONDS = 3600.0
"""A command whose output is saved may run so long."""

IsExcluded = Callable[[bytes, os.stat_result], bool]


def is_folder_here(part: FilesPart) -> bool:
    """Whether a part is a folder of this machine, read and put back as it lies."""
    return part.host is None and part.source in {"files", "delivered"}


def files_path(part: FilesPart) -> str:
    """Give the path of a part in the snapshot, without the site."""
    if part.source == "command":
        return f"other/{part.name}/{PurePosixPath(part.path).name or 'output'}"
    room = "other" if part.source == "delivered" else "files"
    return f"{room}/{part.name}"


def keeps_to_one_file_system(part: FilesPart) -> bool:
    """Whether what is mounted below is left alone: on a host yes, unless the estate says no."""
    is_silent = "one_file_system" not in part.model_fields_set
    return part.one_file_system or (part.host is not None and is_silent)


def remote_source(
    estate: Estate,
    part: FilesPart,
    *,
    is_excluded: IsExcluded,
    options_key: str,
    on_lost: Callable[[tuple[str, ...]], None],
    on_size: Callable[[int], None],
) -> RemoteSource | StreamSource:
    """Give the source behind a part that is no folder of this machine; nothing is connected.

    Args:
        estate: Names the host.
        part: Which.
        is_excluded: What to leave out, asked about paths that begin with the part's own.
        options_key: Changes when that decides otherwise.
        on_lost: Told what cannot be kept.
        on_size: Told how many bytes a command has printed.
    """
    if part.source == "command":
        return StreamSource(partial(open_output, estate, part, on_size))
    folder = FolderSource(
        path=os.fsencode(part.path).rstrip(b"/") or b"/",
        is_excluded=is_excluded,
        keeps_excluded_folders=True,
        one_file_system=keeps_to_one_file_system(part),
        options_key=options_key,
    )
    host = part.host or "localhost"
    return RemoteSource(host, folder, partial(open_tree, estate, part), on_lost)


def open_tree(estate: Estate, part: FilesPart) -> AbstractContextManager[RemoteTree]:
    """Open a folder of a host.

    Raises:
        SecretError: The key to the host cannot be a file.
        SourceError: The host does not answer, or the path is not there; on entering.
    """
    path = os.fsencode(part.path)
    if part.source == "sftp" and part.host is not None:
        return open_sftp_tree(open_ssh_host(estate, part.host), path)
    one_file_system, host = keeps_to_one_file_system(part), open_host(estate, part.host)
    return open_remote_tree(host, path, one_file_system=one_file_system)


def open_output(
    estate: Estate, part: FilesPart, on_size: Callable[[int], None] = lambda _size: None
) -> AbstractContextManager[Reader]:
    """Read what a command prints.

    Raises:
        SecretError: The key to the host cannot be a file.
        SourceError: It cannot be run, failed, or printed nothing.
    """
    host = open_host(estate, part.host)
    command = words_of(estate, part)
    return open_command_output(host, command, on_size=on_size, timeout=COMMAND_SECONDS)


def words_of(estate: Estate, part: FilesPart) -> list[bytes]:
    """Give the words of a part's command; a device without a shell gets it in one piece."""
    if part.host is not None and not estate.host(part.host).shell:
        return [os.fsencode(part.command)]
    return [os.fsencode(word) for word in shlex.split(part.command)]


def commands_of_files(estate: Estate, host: str) -> tuple[Command, ...]:
    """Give the commands on a host whose output is saved, for the account that may run no others."""
    return tuple(
        words_of(estate, part)
        for site in estate.sites
        for part in site.files
        if part.host == host and part.source == "command"
    )
