"""Say what differs between two snapshots of a site."""

from backup.snapshots.difference import Difference, compare_trees
from backup.snapshots.walk import TreeReader, find_folder
from ops.estate.load import load_estate
from ops.jobs.looking import choose_snapshot
from ops.jobs.reading_lock import hold_reading_lock
from ops.jobs.repositories import open_repository
from ops.jobs.vanished import title_of_known
from ops.present import format_moment, format_number, write_json, write_line
from ops.tasks.gravest import INCOMPLETE
from ops.tasks.running import report
from ops.text import _


def show_difference(
    name: str, *, before: str, after: str, folder: str, metadata: bool, as_json: bool
) -> int:
    """Write each entry that differs, with restic's marks; gives the exit code.

    Args:
        name: The site's.
        before: Beginning of a snapshot's id, or `latest`.
        after: The same, of the later one.
        folder: Only what lies below, without the site; empty for everything.
        metadata: Whether other owners, modes and times count.
        as_json: Write one JSON document.

    Raises:
        SnapshotNotFoundError, PathNotFoundError: There is no such snapshot or folder.
    """
    estate = load_estate()
    title_of_known(estate, name)
    repository = open_repository(estate, name)
    found: list[tuple[str, str]] = []
    with hold_reading_lock(repository):
        pair = [choose_snapshot(repository, estate, name, wanted=it) for it in (before, after)]
        reader = TreeReader(repository, repository.load_index())
        below = f"{name}/{folder.strip('/')}".strip("/").encode()
        trees = [find_folder(reader, it.tree, below) for it in pair]

        def note(path: bytes, mark: str) -> None:
            found.append((mark, (below + path).decode("utf-8", "backslashreplace")))

        result = compare_trees(reader, trees[0], trees[1], note, metadata=metadata)
    for error in result.errors:
        report(error)
    code = INCOMPLETE if result.errors else 0
    if as_json:
        changes = [{"mark": mark, "path": path} for mark, path in found]
        write_json({"before": pair[0].id, "after": pair[1].id, "changes": changes})
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
