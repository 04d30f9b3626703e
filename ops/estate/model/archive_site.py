"""The archive as a site of its own estate: its copies far away are backups like all others.

It stands in no file: the estate refuses a site of that name. Once `[archive]` is written, the roots
are backed up, copied, locked, checked and held against 3-2-1-1-0 as any site's files are.
"""

from typing import TYPE_CHECKING

from ops.estate.model.policies import Schedule
from ops.estate.model.sites import RESERVED_SITE_NAMES, FilesPart, Site
from ops.language.text import N_, _

if TYPE_CHECKING:
    from ops.estate.model.estate import Estate

ARCHIVE_SITE = RESERVED_SITE_NAMES[1]
PUBLIC_PART, PRIVATE_PART = "cong-khai", "rieng"
_TITLE = N_("The archive")


def make_archive_site(estate: "Estate") -> Site:
    """Give the site, as if the estate file named it."""
    schedule = estate.defaults.schedule
    settings = estate.archive
    if settings is None:
        raise LookupError("the estate has no archive")
    parts = ((PUBLIC_PART, settings.url), (PRIVATE_PART, settings.private))
    return Site.model_construct(
        name=ARCHIVE_SITE,
        title=_(_TITLE),
        unit=ARCHIVE_SITE,
        schedule=Schedule.model_construct(
            backup=schedule.backup,
            full_read=schedule.full_read,
            check=schedule.check,
            forget=schedule.forget,
            archive="",
            drill="",
            scan="",
        ),
        targets=estate.defaults.targets,
        limits=estate.defaults.limits,
        retention=estate.defaults.retention,
        files=tuple(
            FilesPart.model_construct(name=name, path=str(path), kind="content")
            for name, path in parts
        ),
    )
