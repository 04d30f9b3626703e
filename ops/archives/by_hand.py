"""Archive what people hand in for a site: a folder, a table, a BagIt bag.

Order:

1. Look at all of it; a bag that is not whole is refused as one, a wrong row by its line.
2. Take the files of each item, digests on the way: what is handed in may change or go.
3. Keep the items (`ops.archives.keep`): looked through, durable, read back, indexed, journaled.

Whoever calls by `sudo` hands in what they themselves may read, and nothing that the service alone
may. What was handed in is never changed. Handed in again, only what is new or changed is kept.
"""

import errno
import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

from archive.capture.captured import Captured, Content, FileRef
from archive.errors import HandedInError
from archive.handed_in.access import MYSELF, Reader
from archive.handed_in.folder import HandedIn, receive
from archive.handed_in.listing import Listing, unreadable
from archive.handed_in.table import Desk, Refused
from archive.ingest import Delivery
from archive.ocfl.files import Digests, copy_file, digest_of, read_most
from backup.progress import SILENT, Progress
from ops.access.session import at_bench
from ops.archives.bench import set_up
from ops.archives.capture import SMALL, Contents, portal_of
from ops.archives.keep import ItemKeeper, keeping
from ops.archives.kind import BY_HAND, by_hand_job
from ops.archives.places import make_roots
from ops.archives.tasks import Ingest
from ops.errors import WrongUseError
from ops.estate.choose import choose_sites
from ops.estate.load.load import load_estate
from ops.estate.model.estate import Estate
from ops.estate.model.sites import Site
from ops.estate.owner import callers_of_lent_rights
from ops.jobs.run_now import begin, run_by_hand
from ops.language.formats import format_number, format_size
from ops.language.text import _, fill
from ops.outcomes import write_outcome
from ops.schedule.kinds import RunContext
from ops.schedule.ledger.job import JobResult
from ops.terminal.exit_codes import EXIT_CODES, INCOMPLETE
from ops.terminal.output import write_json, write_line, write_table
from ops.terminal.progress import shown_progress

_MOST_NAMED = 50
_LONGEST_ENDING = 10


@dataclass(slots=True)
class HandedLook:
    """What was found without keeping anything.

    Attributes:
        kind: `folder`, `table` or `bag`.
        items, files, bytes: How much would be archived.
        refused: What would not be, and why.
        remarks: What is odd.
    """

    kind: str
    items: int = 0
    files: int = 0
    bytes: int = 0
    refused: list[Refused] = field(default_factory=list)
    remarks: tuple[HandedInError, ...] = ()


class HandedFiles:
    """Files of a folder that was handed in; each is read once, before anything looks at it.

    Small ones stay in memory, large ones are copied aside.
    """

    def __init__(self, listing: Listing, folder: Path) -> None:
        self._listing, self._folder, self._count = listing, folder, 0

    def take(self, path: str, name: str) -> tuple[bytes | Path, Digests] | None:
        """Take a file, as who hands it in may read it at this moment.

        Raises:
            HandedInError: It cannot be read, or not by them.
        """
        source = self._listing.find(path)
        if source is None:
            return None
        self._count += 1
        ending = PurePosixPath(name).suffix[:_LONGEST_ENDING]
        place = self._folder / f"{self._count}{ending}"
        try:
            with self._listing.reader.open(source) as file:
                data = read_most(file, SMALL)
                if len(data) <= SMALL:
                    return data, digest_of(data)
                file.seek(0)
                return place, copy_file(file, str(place))
        except OSError as error:
            if error.errno in {errno.ENOSPC, errno.EDQUOT}:
                raise
            raise unreadable(path, error) from error


def caller() -> Reader:
    """Give whose rights bound what is read: who called `sudo`; else who runs this.

    Raises:
        WrongUseError: The environment names two callers.
    """
    uids = callers_of_lent_rights()
    if len(uids) > 1:
        raise WrongUseError(
            "it cannot be told whose files may be read: two accounts are named as the caller",
            why="SUDO_UID, PKEXEC_UID and DOAS_USER do not agree",
            data="nothing was archived",
            next_step="call it by `sudo` alone",
        )
    if not uids:
        return MYSELF
    (uid,) = uids
    return Reader.of(uid)


def desk_of(estate: Estate, site: Site, content_class: str = "") -> Desk:
    """Give what is known of whoever hands something in."""
    portal = portal_of(estate, site, site.archive, datetime.now(UTC))
    return Desk(portal, content_class, frozenset(it.name for it in estate.classes))


def look_at(path: Path, desk: Desk) -> HandedLook:
    """Say what would be archived; keeps nothing.

    Raises:
        HandedInError: Nothing of it can be taken.
    """
    handed = receive(path, desk, caller())
    looked = HandedLook(handed.kind, remarks=handed.remarks)
    for found in handed.items:
        if isinstance(found, Refused):
            looked.refused.append(found)
            continue
        looked.items += 1
        looked.files += len(found.contents)
        looked.bytes += sum(_size_of(it, handed.listing) for it in found.contents.values())
    return looked


def ingest_by_hand(
    context: RunContext,
    progress: Progress = SILENT,
    told: Callable[[Refused], None] = lambda _refused: None,
) -> JobResult:
    """Run it; the caller holds the site's lock.

    Arguments in the context: `from` is the path, `class` the class of what names none.
    """
    estate, _version, site = begin(context)
    path = Path(str(context.arguments["from"]))
    desk = desk_of(estate, site, str(context.arguments.get("class", "")))
    handed = receive(path, desk, caller())
    make_roots(estate, context.catalog)
    aside = estate.service.scratch / f"handed-in-{site.name}"
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True, mode=0o700)
    try:
        agent = context.origin.person or context.origin.login or "giucong"
        with keeping(context, estate, set_up(estate), agent) as keeper:
            progress.start("archive items", None, "items")
            _keep(
                handed,
                Contents(HandedFiles(handed.listing, aside), desk.portal),
                keeper,
                progress,
                told,
            )
            progress.finish()
        return _conclude(keeper, handed, path, site.name)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _keep(
    handed: HandedIn,
    contents: Contents,
    keeper: ItemKeeper,
    progress: Progress,
    told: Callable[[Refused], None],
) -> None:
    for found in handed.items:
        if isinstance(found, Refused):
            keeper.counts.refuse(found.place, found.error.reason)
            told(found)
            continue
        try:
            for delivery in _deliveries(found, handed, contents):
                keeper.keep(delivery)
                progress.advance(1)
        except HandedInError as error:
            keeper.counts.refuse(found.item.source_key, error.reason)
            told(Refused(found.item.source_key, error))


def _deliveries(captured: Captured, handed: HandedIn, contents: Contents) -> Iterator[Delivery]:
    """Give what is kept, with what the sender's manifests say of its files.

    An item with a file that may not be kept is refused whole: whoever handed it in is there.
    """
    for delivery in contents.deliveries(captured):
        sums = {
            part: handed.digests[it.path]
            for part, it in captured.contents.items()
            if isinstance(it, FileRef) and it.path in handed.digests
        }
        yield replace(delivery, sender_digests=sums, verified=handed.verified, is_whole=True)


def _conclude(keeper: ItemKeeper, handed: HandedIn, path: Path, site: str) -> JobResult:
    counts = keeper.counts
    summary: dict[str, Any] = {
        **asdict(counts),
        "kind": handed.kind,
        "from": str(path),
        "remarks": [it.reason for it in handed.remarks][:_MOST_NAMED],
        "archived_at": datetime.now(UTC).isoformat(),
    }
    for name in ("refused", "left_out"):
        summary[name] = [list(it) for it in summary[name]]
    if counts.refused_count:
        places = [place for place, _why in counts.refused[:_MOST_NAMED]]
        params = {"count": counts.refused_count, "places": places, "site": site}
        return JobResult("incomplete", "archive_handed_in_refused", params, summary)
    if not counts.seen:
        return JobResult("incomplete", "archive_nothing_handed_in", {"site": site}, summary)
    return JobResult("ok", summary=summary)


def _size_of(content: Content, listing: Listing) -> int:
    if isinstance(content, bytes):
        return len(content)
    path = listing.find(content.path) if isinstance(content, FileRef) else None
    return path.stat().st_size if path else 0


_SHOWN = 50


def ingest(wish: Ingest) -> int:
    """Archive what lies at a path; gives the exit code."""
    estate = load_estate()
    (chosen,) = choose_sites(estate, wish.site)
    source = Path(wish.from_).absolute()
    if wish.dry_run:
        looked = look_at(source, desk_of(estate, chosen, wish.content_class))
        return _tell_looked(looked, as_json=wish.json)
    refused: list[Refused] = []
    with shown_progress() as progress, at_bench(estate) as bench:
        work = partial(ingest_by_hand, progress=progress, told=refused.append)
        given = {
            "from": str(source),
            **({"class": wish.content_class} if wish.content_class else {}),
        }
        result = run_by_hand(
            bench,
            work,
            job=by_hand_job(chosen.name),
            kind=BY_HAND.name,
            site=chosen.name,
            arguments=given,
        )
    if wish.json:
        write_json([{"site": chosen.name, **asdict(result)}])
    else:
        _write_kept(chosen.name, result, refused)
    return EXIT_CODES[result.outcome]


def _tell_looked(looked: HandedLook, *, as_json: bool) -> int:
    if as_json:
        refused = [{"place": it.place, "why": it.error.reason} for it in looked.refused]
        remarks = [it.reason for it in looked.remarks]
        counts = {it: getattr(looked, it) for it in ("kind", "items", "files", "bytes")}
        write_json([{**counts, "refused": refused, "remarks": remarks}])
    else:
        text = _("would archive {items} items with {files} files, {size}")
        write_line(
            text.format(
                items=format_number(looked.items),
                files=format_number(looked.files),
                size=format_size(looked.bytes),
            )
        )
        _write_remarks(looked.remarks)
        _write_refused(looked.refused)
    return INCOMPLETE if looked.refused else 0


def _write_kept(site: str, result: JobResult, refused: list[Refused]) -> None:
    summary = result.summary
    text = _(
        "{site}: {seen} items handed in; {new} new, {changed} changed, {unchanged} as before,"
        " {size}"
    )
    names = ("seen", "new", "changed", "unchanged")
    write_line(
        text.format(
            site=site,
            size=format_size(summary["bytes"]),
            **{it: format_number(summary[it]) for it in names},
        )
    )
    for remark in summary["remarks"]:
        write_line(f"  {remark}")
    _write_refused(refused)
    write_outcome(result, job=by_hand_job(site), site=site)


def _write_refused(refused: list[Refused]) -> None:
    if not refused:
        return
    rows = [[it.place, _reason(it.error)] for it in refused[:_SHOWN]]
    write_table((_("where"), _("why it is not taken")), rows)
    if more := len(refused) - len(rows):
        write_line(_("and {count} more").format(count=format_number(more)))


def _write_remarks(remarks: Iterable[HandedInError]) -> None:
    for it in remarks:
        write_line(f"  {_reason(it)}")


def _reason(error: HandedInError) -> str:
    return fill(error.why, error.params)
