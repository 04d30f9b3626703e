"""Comparisons of a site with a snapshot: its pages as they are now, or another snapshot."""

from backup.snapshots.difference import Difference, compare_trees
from backup.snapshots.walk import TreeReader, find_folder
from ops.backups.pages.notes import PageNote, read_note, tell_problem
from ops.backups.pages.noting import note_pages
from ops.backups.pages.verdict import PageComparison, Verdict, compare_pages, tell_comparison
from ops.backups.repositories.catalog_index import read_manifest
from ops.backups.repositories.moments import choose_snapshot
from ops.backups.repositories.open import hold_reading_lock, open_repository
from ops.backups.tasks import CompareSnapshots, Pages
from ops.errors import OpsError
from ops.estate.known_sites import title_of_known
from ops.estate.load.load import load_estate
from ops.language.formats import format_moment, format_number
from ops.language.text import N_, _
from ops.terminal.exit_codes import INCOMPLETE, report
from ops.terminal.output import Cell, Tone, write_json, write_line
from ops.terminal.view import Column, View, write_list

_TONES: dict[Verdict, Tone] = {
    "same": "good",
    "changed": "warning",
    "missing": "bad",
    "not_checked": "warning",
}
PAGES = View(
    "", Column("page", N_("Page")), Column("title", N_("Title")), Column("verdict", N_("Now"))
)


class NoPagesError(OpsError):
    """A snapshot notes no page that could be compared: nothing was checked, and nothing failed."""

    exit_code = INCOMPLETE


def prove_pages(wish: Pages) -> int:
    """Fetch the pages that a snapshot notes, compare, and give the exit code.

    Returns:
        0 where all are the same, 1 where one does not come, 3 where one has changed or is not
        checked: whether a page may have changed since is for a person to say.

    Raises:
        NoPagesError: The snapshot notes none.
    """
    estate, name = load_estate(), wish.site
    site = estate.site(name)
    repository = open_repository(estate, name)
    with hold_reading_lock(repository):
        chosen = choose_snapshot(repository, estate, name, wanted=wish.snapshot, completes=True)
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
    rules = {it.page: it.rules for it in noted}
    found = note_pages(site.url, [it.page for it in noted], rules=rules)
    compared = compare_pages(noted, found)
    told = {it.page: _tell(it, now) for it, now in zip(compared, found, strict=True)}
    titles = {it.page: it.title for it in noted}
    write_list(
        PAGES,
        compared,
        as_json=wish.json,
        beside={
            "title": lambda row: titles[row["page"]],
            "verdict": lambda row: Cell(told[row["page"]], _TONES[row["verdict"]]),
        },
        title=f"{name} · {format_moment(chosen.time, estate.organisation.timezone)}",
        snapshot=chosen.id,
    )
    return exit_code_of(compared)


def exit_code_of(compared: tuple[PageComparison, ...]) -> int:
    """Give the gravest."""
    verdicts = {it.verdict for it in compared}
    if "missing" in verdicts:
        return 1
    return INCOMPLETE if verdicts - {"same"} else 0


def _tell(it: PageComparison, found: PageNote) -> str:
    if it.verdict == "missing":
        return tell_problem(found.problem, found.address, found.detail)
    if it.why:
        return tell_comparison(it.why, it.detail, it.alike, it.least, it.stays)
    text = _("the same: {alike} % of what stays on it, {least} % are needed")
    return text.format(alike=int(100 * it.alike), least=int(100 * it.least))


def show_difference(wish: CompareSnapshots) -> int:
    """Write each entry that differs, with restic's marks; gives the exit code.

    Raises:
        SnapshotNotFoundError, PathNotFoundError: There is no such snapshot or folder.
    """
    estate, name = load_estate(), wish.site
    title_of_known(estate, name)
    repository = open_repository(estate, name)
    found: list[tuple[str, str]] = []
    with hold_reading_lock(repository):
        pair = [
            choose_snapshot(repository, estate, name, wanted=it) for it in (wish.before, wish.after)
        ]
        reader = TreeReader(repository, repository.load_index())
        below = f"{name}/{wish.folder.strip('/')}".strip("/").encode()
        trees = [find_folder(reader, it.tree, below) for it in pair]

        def note(path: bytes, mark: str) -> None:
            found.append((mark, (below + path).decode("utf-8", "backslashreplace")))

        result = compare_trees(reader, trees[0], trees[1], note, metadata=wish.metadata)
    for error in result.errors:
        report(error)
    code = INCOMPLETE if result.errors else 0
    if wish.json:
        changes = [{"mark": mark, "path": path} for mark, path in found]
        write_json(changes, before=pair[0].id, after=pair[1].id)
        return code
    zone = estate.organisation.timezone
    for snapshot in pair:
        write_line(f"{snapshot.short_id} · {format_moment(snapshot.time, zone)}")
    for mark, path in found:
        write_line(f"{mark:<3}{path}")
    write_line(_figures(result))
    return code


def _figures(result: Difference) -> str:
    text = _("files: {added} added (+), {removed} gone (-), {changed} with other content (M)")
    return text.format(
        added=format_number(result.added.files),
        removed=format_number(result.removed.files),
        changed=format_number(result.changed_files),
    )
