"""Hold a site's pages as they are now against what was noted of them in a snapshot."""

from dataclasses import asdict

from backup.snapshots.walk import TreeReader
from ops.errors import OpsError
from ops.estate.load import load_estate
from ops.jobs.indexing import read_manifest
from ops.jobs.looking import choose_snapshot
from ops.jobs.reading_lock import hold_reading_lock
from ops.jobs.repositories import open_repository
from ops.pages.comparing import PageComparison, Verdict, compare_pages
from ops.pages.notes import PageNote, read_note
from ops.pages.noting import note_pages
from ops.present import Cell, Tone, format_moment, write_json, write_table
from ops.tasks.gravest import INCOMPLETE
from ops.text import N_, _

_TOLD: dict[Verdict, tuple[str, Tone]] = {
    "same": (N_("the same, word for word"), "good"),
    "changed": (N_("{alike} % of its text is as it was"), "warning"),
    "missing": (N_("it does not come"), "bad"),
    "not_checked": (N_("not checked: it was not well when it was noted"), "warning"),
}


class NoPagesError(OpsError):
    """A snapshot notes no page that could be compared."""


def prove_pages(name: str, *, snapshot: str, as_json: bool) -> int:
    """Fetch the pages that a snapshot notes, compare, and give the exit code.

    Returns:
        0 where all are the same, 1 where one does not come, 3 where one has changed or is not
        checked: whether a page may have changed since is for a person to say.

    Raises:
        NoPagesError: The snapshot notes none.
    """
    estate = load_estate()
    site = estate.site(name)
    repository = open_repository(estate, name)
    with hold_reading_lock(repository):
        chosen = choose_snapshot(repository, estate, name, wanted=snapshot)
        manifest = read_manifest(TreeReader(repository, repository.load_index()), chosen, name)
    noted = [read_note(it) for it in manifest.get("pages", ())]
    if not noted:
        raise NoPagesError(
            'the snapshot {snapshot} of "{site}" notes no pages',
            why="`url` and `pages` of the site were not set, or it was not asked",
            data="nothing was changed",
            next_step="look at the site yourself, and set `pages` for the next time",
            snapshot=chosen.short_id,
            site=name,
        )
    found = note_pages(site.url, [it.page for it in noted])
    compared = compare_pages(noted, found)
    if as_json:
        write_json({"snapshot": chosen.id, "pages": [asdict(it) for it in compared]})
    else:
        title = f"{name} · {format_moment(chosen.time, estate.organisation.timezone)}"
        rows = [_row(it, at) for it, at in zip(compared, noted, strict=True)]
        write_table([_("Page"), _("Title"), _("Now")], rows, title=title)
    return exit_code_of(compared)


def exit_code_of(compared: tuple[PageComparison, ...]) -> int:
    """Give the gravest."""
    verdicts = {it.verdict for it in compared}
    if "missing" in verdicts:
        return 1
    return INCOMPLETE if verdicts - {"same"} else 0


def _row(compared: PageComparison, noted: PageNote) -> list[str | Cell]:
    text, tone = _TOLD[compared.verdict]
    told = _(text).format(alike=round(compared.alike * 100))
    return [compared.page, noted.title, Cell(told, tone)]
