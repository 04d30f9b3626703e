"""Try files that are not of this machine: does the host answer, may everything be listed?"""

import os
import stat
from collections.abc import Callable, Iterator

from backup.errors import SourceError
from backup.sources.remote.tree import ListedFolder, Pause, RemoteTree, Unlisted
from ops.errors import OpsError
from ops.estate.models import Estate
from ops.estate.sites import FilesPart, Site
from ops.files import open_output, open_tree
from ops.jobs.first_copy import Extent
from ops.jobs.trials import Trial, failed_because
from ops.present import format_size
from ops.sites import compile_excludes
from ops.text import _

_PIECE = 1 << 16


def try_elsewhere(estate: Estate, site: Site, key: str, part: FilesPart, extent: Extent) -> Trial:
    """List a folder of a host, or run the command whose output is saved.

    Args:
        estate: Knows the hosts.
        site: Whose part it is.
        key: The part's key in the estate.
        part: Which.
        extent: Takes in what there is to copy.
    """
    seen = Extent()
    try:
        if part.source == "command":
            _run(estate, part, seen)
        else:
            _list(estate, site, part, seen)
    except (SourceError, OpsError) as error:
        return failed_because(key, error)
    extent.files += seen.files
    extent.size_bytes += seen.size_bytes
    if seen.unreadable:
        text = _("{count} folders may not be listed by the account on the host, e.g. {first}")
        first = seen.first_unreadable[0].decode("utf-8", "backslashreplace")
        told = text.format(count=seen.unreadable, first=first)
        return Trial(key, "failed", told, _("let that account read them, or leave them out"))
    told = _("{count} files, {size}").format(count=seen.files, size=format_size(seen.size_bytes))
    return Trial(key, "ok", told)


def _run(estate: Estate, part: FilesPart, seen: Extent) -> None:
    buffer = memoryview(bytearray(_PIECE))
    with open_output(estate, part) as reader:
        while count := reader.readinto(buffer):
            seen.size_bytes += count
    seen.files = 1


def _list(estate: Estate, site: Site, part: FilesPart, seen: Extent) -> None:
    top = os.fsencode(part.path).rstrip(b"/")
    patterns = compile_excludes((*site.exclude, *part.exclude), top)
    with open_tree(estate, part) as tree:
        _measure(tree, lambda it: bool(patterns) and patterns.match(b"/" + it), seen)
        tree.finish()


def _measure(tree: RemoteTree, is_excluded: Callable[[bytes], bool], seen: Extent) -> None:
    """Count what is listed and not left out; a folder that is left out hides those in it."""
    left_out: set[bytes] = set()
    for item in tree.list_all():
        if isinstance(item, Pause):
            continue
        if item.path and item.path.rpartition(b"/")[0] in left_out:
            left_out.add(item.path)
        if item.path in left_out:
            continue
        if isinstance(item, Unlisted):
            seen.note_unreadable(item.path or tree.root.path)
        else:
            left_out.update(_count(item, is_excluded, seen))
    if stat.S_ISREG(tree.root.status.st_mode):
        seen.files, seen.size_bytes = 1, tree.root.status.st_size


def _count(
    folder: ListedFolder, is_excluded: Callable[[bytes], bool], seen: Extent
) -> Iterator[bytes]:
    """Count a folder's files; yields what is left out."""
    prefix = folder.path + b"/" if folder.path else b""
    for name, status in zip(folder.names, folder.stats, strict=True):
        if is_excluded(prefix + name):
            yield prefix + name
        elif stat.S_ISREG(status.st_mode):
            seen.files += 1
            seen.size_bytes += status.st_size
