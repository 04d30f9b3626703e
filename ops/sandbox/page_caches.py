"""Where a restored site keeps pages that it has made; touches nothing.

Such a page would be shown though the rows behind it are lost, or as it was at another moment. A
cache is a folder whose path says so and which backups of such a site leave out: by the estate's
patterns, or by those of the content system that its configuration is of. A copy from before the
patterns may hold one. Any other folder that is marked as a cache (CACHEDIR.TAG) is one, too.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from backup.patterns.markers import CACHE_MARKER
from backup.patterns.patterns import Patterns
from ops.backups.sources.site import compile_excludes
from ops.estate.load.inherit import shipped_profiles
from ops.estate.model.sites import Site
from ops.sandbox.plan import FilesPlan
from ops.sandbox.site_settings import read_settings

_CALLED = b"cache"


def find_caches(site: Site, files: Sequence[FilesPlan]) -> Iterator[str]:
    """Yield the live paths of a site's caches, as far as the copy has their folders."""
    for part in files:
        known = next((it for it in site.files if it.name == part.name), None)
        texts = [*site.exclude, *(known.exclude if known else ()), *_of_system(site, part)]
        patterns = compile_excludes(texts, os.fsencode(part.live))
        for folder in _find(os.fsencode(part.restored), patterns):
            with suppress(UnicodeDecodeError):  # a plan is told as text
                yield part.live.rstrip("/") + folder.decode()


def _of_system(site: Site, part: FilesPlan) -> Iterator[str]:
    """Yield the patterns of the content system in a folder."""
    profiles = shipped_profiles()
    for it in read_settings([part], site.drill.root):
        yield from profiles.get(it.application, {}).get("exclude", ())


def _find(top: bytes, patterns: Patterns) -> Iterator[bytes]:
    """Yield paths below the folder, outermost only."""
    for folder, folders, files in os.walk(top):
        below = folder[len(top) :]
        for name in list(folders):
            path = below + b"/" + name
            if _CALLED in path.lower() and patterns.match(path):
                folders.remove(name)
                yield path
        if CACHE_MARKER.name in files and below and _is_marked(folder):
            folders.clear()
            yield below


def _is_marked(folder: bytes) -> bool:
    path = Path(os.fsdecode(folder)) / os.fsdecode(CACHE_MARKER.name)
    if path.is_symlink() or not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(len(CACHE_MARKER.header)) == CACHE_MARKER.header
