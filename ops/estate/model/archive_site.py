"""The archive as a site of its own estate: its copies far away are backups like all others.

It stands in no file: the estate refuses a site of that name. Once `[archive]` is written, the roots
are backed up, copied, locked, checked and held against 3-2-1-1-0 as any site's files are.
"""

from typing import TYPE_CHECKING

from ops.estate.model.sites import RESERVED_SITE_NAMES, FilesPart, Site, make_built_in
from ops.language.text import N_, _

if TYPE_CHECKING:
    from ops.estate.model.estate import Estate

ARCHIVE_SITE = RESERVED_SITE_NAMES[1]
PUBLIC_PART, PRIVATE_PART = "cong-khai", "rieng"
_TITLE = N_("The archive")


def make_archive_site(estate: "Estate") -> Site:
    """Give the site, as if the estate file named it."""
    settings = estate.archive
    if settings is None:
        raise LookupError("the estate has no archive")
    parts = ((PUBLIC_PART, settings.url), (PRIVATE_PART, settings.private))
    files = tuple(
        FilesPart.model_construct(name=name, path=str(path), kind="content") for name, path in parts
    )
    schedule = {"archive": "", "drill": "", "scan": ""}
    return make_built_in(ARCHIVE_SITE, _(_TITLE), estate.defaults, schedule, files)
