"""Try a site's chosen pages. A backup does not need them, so one that fails is not checked."""

from collections.abc import Iterator

from ops.estate.sites import Site
from ops.jobs.trials import Trial
from ops.pages.notes import PageNote, tell_problem
from ops.pages.noting import note_pages
from ops.present import format_number
from ops.text import _


def try_pages(site: Site) -> Iterator[Trial]:
    """Fetch each page as a backup would; yields what was seen."""
    for note in note_pages(site.url, site.pages):
        yield _tell(f"sites[{site.name}].pages[{note.page}]", note)


def _tell(part: str, note: PageNote) -> Trial:
    if note.problem:
        told = tell_problem(note.problem, note.address, note.detail)
        fix = _("a backup tells of it and goes on; correct `url` or `pages`, or mend the site")
        return Trial(part, "not_checked", told, fix)
    told = _('it answers: "{title}", {length} characters to read')
    return Trial(part, "ok", told.format(title=note.title, length=format_number(note.length)))
