"""What is known of every site, from catalog, locks and the stores' folders here; notices unread."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ops.alerts.overview import AlertView, list_alerts
from ops.alerts.routing import find_gaps
from ops.archives.kind import FIXITY_JOB, archive_job
from ops.backups.checks.packs import Mended, read_mended
from ops.backups.copies.rule_32110 import CopyFacts, RulePart, judge_copies
from ops.backups.copies.seen import (
    HeldGone,
    Newest,
    Place,
    find_newer,
    read_ahead,
    read_copies,
    read_held_gone,
    read_missed,
    read_newest,
    read_newest_alone,
)
from ops.backups.media.records import MediumFacts, copies_on_media, read_medium_facts
from ops.backups.ransomware.freeze import Freeze, read_freezes
from ops.backups.retention.deletion_records import Loss, read_losses
from ops.backups.run.follow_up import read_newest_full
from ops.catalog.open import Catalog, open_catalog
from ops.catalog.tables.core import JournalRow, Notice
from ops.drills.rotation.read import NO_DRILLS, DrillStanding, read_standing
from ops.duties.evidence.judge import list_overdue_reviews
from ops.duties.reminders import make_setting
from ops.duties.table.load import DutiesError, load_duties
from ops.estate.known_sites import Vanished, read_vanished
from ops.estate.model.estate import Estate
from ops.estate.model.own_site import ARCHIVE_SITE
from ops.estate.model.references import reveal
from ops.estate.model.sites import Site
from ops.jobs.live import LastRun, is_service_running, last_runs
from ops.jobs.site_lock import is_lock_free
from ops.journal.standing import Doubt, find_doubt
from ops.reports.requests import ReportRequest, list_requests
from ops.status.heartbeat import first_dues

TOLD_FOR = timedelta(days=10)
"""How long a notice that was given up is shown: seven days, after three days of tries."""


def read_undelivered(session: Session, now: datetime) -> tuple[int, int]:
    """Give how many notices are still tried after a failure, and how many were given up lately.

    One that was given up counts no more once a younger message reached the same target: a notice,
    or a test message (`service.notify-test`).
    """
    rows = session.execute(select(Notice.state, Notice.error)).all()
    tried = sum(state in {"waiting", "sending"} and bool(error) for state, error in rows)
    given_up = session.execute(
        select(Notice.target, Notice.created_at).where(
            Notice.state == "failed", Notice.created_at >= now - TOLD_FOR
        )
    ).all()
    if not given_up:
        return tried, 0
    reached = _read_reached(session, since=min(at for _target, at in given_up))
    return tried, count_unreached(((target, at) for target, at in given_up), reached)


def count_unreached(
    given_up: Iterable[tuple[str, datetime]], reached: Mapping[str, datetime]
) -> int:
    """Count the notices whose target nothing younger has reached; pure.

    Args:
        given_up: Target and moment of each notice.
        reached: For each target, the moment of the youngest message that got through.
    """
    return sum(target not in reached or reached[target] <= at for target, at in given_up)


def _read_reached(session: Session, since: datetime) -> dict[str, datetime]:
    sent = session.execute(
        select(Notice.target, func.max(Notice.created_at).label("at"))
        .where(Notice.state == "sent")
        .group_by(Notice.target)
    )
    reached: dict[str, datetime] = {target: at for target, at in sent}  # noqa: C416 - dict() loses the types
    tests = session.execute(
        select(JournalRow.at, JournalRow.details).where(
            JournalRow.action == "notices.test", JournalRow.at >= since
        )
    )
    for at, details in tests:
        for target, error in json.loads(details)["answers"].items():
            if not error:
                reached[target] = max(at, reached.get(target, at))
    return reached


MISSED_SINCE = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteFacts:
    """What is known of one site.

    Attributes:
        name, title: As in the estate.
        rpo: How old its newest backup may be.
        reread: Within which every stored byte is to be read back.
        newest_at: Up to when all of it is saved.
        databases: Up to when databases are saved that have newer runs of their own, or are to.
        due_since: When its backup was first due; None where it never was, or there is one.
        full_at: When all of its bytes were last read, changed or not.
        newest_outcome: `ok`, `incomplete`, or empty where that is not known.
        newest_id: Its id.
        snapshots: How many there are in the primary store.
        last_backup, last_check, last_forget, last_witness: The newest ended runs.
        last_verify: The newest look of a person at the journal that was noted.
        last_archived: The newest ended capture for the archive; of the archive itself, its check.
        last_scan: The newest ended look for malware in the primary store.
        ahead: The latest moment of its snapshots that are dated ahead of now; None where none is.
        frozen: Why nothing of it is deleted; None where the rules decide.
        is_working: Whether somebody holds the site's lock.
        missed: Runs that were missed lately.
        delivered: Parts that another system delivers: nobody here proves that they restore.
        copies: What is known of it in each store, the primary included.
        rule: Each part of the rule 3-2-1-1-0, judged.
        losses: What is gone from stores although nobody here has deleted it.
        mended: Damage that was mended lately.
    """

    name: str
    title: str
    rpo: timedelta
    reread: timedelta
    newest_at: datetime | None = None
    databases: Mapping[str, datetime] = field(default_factory=dict)
    due_since: datetime | None = None
    full_at: datetime | None = None
    newest_outcome: str = ""
    newest_id: str = ""
    snapshots: int = 0
    last_backup: LastRun | None = None
    last_check: LastRun | None = None
    last_forget: LastRun | None = None
    last_witness: LastRun | None = None
    last_archived: LastRun | None = None
    last_scan: LastRun | None = None
    last_verify: LastRun | None = None
    ahead: datetime | None = None
    frozen: Freeze | None = None
    is_working: bool = False
    missed: int = 0
    delivered: tuple[str, ...] = ()
    copies: tuple[CopyFacts, ...] = ()
    rule: tuple[RulePart, ...] = ()
    losses: tuple[Loss, ...] = ()
    mended: tuple[Mended, ...] = ()


@dataclass(frozen=True, slots=True)
class OverdueReview:
    """A review that was not done.

    Attributes:
        duty: Its name.
        title: What is to be done, in the organisation's two languages: `vi`, `en`.
        due_on: By the end of which day it was due.
    """

    duty: str
    title: Mapping[str, str]
    due_on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known of everything.

    Attributes:
        now: When it was looked at.
        zone: The organisation's time zone.
        sites: In the order of the estate.
        own: The service itself as a site.
        is_service_running: Whether a service runs on this machine.
        has_relay: Whether the estate says how people are told.
        undelivered: Notices that could not be delivered: those still tried, those given up lately.
        held_gone: What is held of sites that the estate no longer names, and is gone.
        vanished: Sites that the estate no longer names although nobody retired them.
        alerts: The open ones, the gravest and oldest first.
        reviews: Reviews of roles and accounts that were not done.
        drills: How the restore drills stand.
        media: Removable media that were written.
        requests: Reports that somebody has asked for once, whose day has passed.
        is_duty_vacant: There is a roster, and it names nobody for today.
        doubt: Why this catalog may not be the one that counts; None where nothing says so.
    """

    now: datetime
    zone: str
    sites: tuple[SiteFacts, ...]
    is_service_running: bool
    has_relay: bool
    undelivered: tuple[int, int] = (0, 0)
    own: SiteFacts | None = None
    held_gone: tuple[HeldGone, ...] = ()
    vanished: tuple[Vanished, ...] = ()
    alerts: tuple[AlertView, ...] = ()
    reviews: tuple[OverdueReview, ...] = ()
    drills: DrillStanding = NO_DRILLS
    media: tuple[MediumFacts, ...] = ()
    requests: tuple[ReportRequest, ...] = ()
    is_duty_vacant: bool = False
    doubt: Doubt | None = None


def look(estate: Estate) -> Facts:
    """Open the catalog and gather the facts of now."""
    with open_catalog(reveal(estate.catalog.url)) as catalog:
        return gather_facts(estate, catalog, datetime.now(UTC))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    """What the catalog says of sites: by name, of runs by job, of snapshots by site and store."""

    runs: Mapping[str, LastRun]
    newest: Mapping[Place, Newest]
    alone: Mapping[Place, Mapping[str, datetime]]
    copies: Mapping[str, Sequence[CopyFacts]]
    losses: Mapping[str, Sequence[Loss]]
    mended: Sequence[Mended]
    ahead: Mapping[str, datetime]
    freezes: Mapping[str, Freeze]
    full_reads: Mapping[str, datetime]
    missed: Mapping[str, int]
    media: tuple[MediumFacts, ...]
    due_since: Mapping[str, datetime]


def gather_facts(estate: Estate, catalog: Catalog, now: datetime) -> Facts:
    """Read what is known; of a store only whether its folders on this machine are there."""
    with catalog.reading() as session:
        read = _read_catalog(session, estate, now)
        undelivered = read_undelivered(session, now)
        vanished = tuple(read_vanished(session, estate))
        alerts = tuple(list_alerts(session))
        held_gone = read_held_gone(session, estate)
        reviews = _overdue_reviews(session, estate, now)
        drills = read_standing(session, estate, now)
        requests = list_requests(session, only_open=True)
        doubt = find_doubt(session)
    today = now.astimezone(estate.zone).date()
    return Facts(
        now=now,
        zone=estate.organisation.timezone,
        sites=tuple(_gather_site(estate, it, read, now) for it in estate.sites),
        own=_gather_site(estate, estate.own_site, read, now),
        is_service_running=is_service_running(estate.service.state),
        has_relay=estate.notices.relay is not None,
        undelivered=undelivered,
        held_gone=held_gone,
        vanished=vanished,
        alerts=alerts,
        reviews=reviews,
        drills=drills,
        media=read.media,
        requests=tuple(it for it in requests if it.is_overdue(today)),
        is_duty_vacant=bool(find_gaps(estate.notices.roster, today, 1)),
        doubt=doubt,
    )


def _read_catalog(session: Session, estate: Estate, now: datetime) -> _Read:
    runs, newest = last_runs(session), read_newest(session)
    names = (it.name for it in (*estate.sites, estate.own_site))
    unsaved = [it for it in names if (it, estate.primary_store.name) not in newest]
    ended = {job: (run.outcome, run.ended_at) for job, run in runs.items()}
    return _Read(
        runs=runs,
        newest=newest,
        alone=read_newest_alone(session),
        copies=read_copies(session, estate, ended, newest, now),
        losses=read_losses(session, estate),
        mended=read_mended(session, now),
        ahead=read_ahead(session, now),
        freezes={it.site: it for it in read_freezes(session)},
        full_reads=read_newest_full(session),
        missed=read_missed(session, now - MISSED_SINCE),
        media=read_medium_facts(session, estate, now),
        due_since=first_dues(session, unsaved),
    )


def _gather_site(estate: Estate, site: Site, read: _Read, now: datetime) -> SiteFacts:
    name, primary = site.name, estate.primary_store.name
    newest = read.newest.get((name, primary))
    whole = newest.taken_at if newest else None
    saved = find_newer(site, whole, read.alone.get((name, primary), {}))
    scheduled = {it.name: whole for it in site.databases if it.schedule and whole}
    rpo = timedelta(hours=site.targets.rpo_hours)
    reread = timedelta(days=site.targets.reread_days)
    copies = (*read.copies[name], *copies_on_media(read.media, name))
    return SiteFacts(
        name=name,
        title=estate.title_at(name, now),
        rpo=rpo,
        reread=reread,
        newest_at=saved.whole,
        databases={**scheduled, **saved.databases},
        due_since=read.due_since.get(name),
        full_at=read.full_reads.get(name),
        newest_outcome=newest.outcome if newest else "",
        newest_id=newest.id if newest else "",
        snapshots=sum(it.snapshots for it in copies if it.store == primary),
        last_backup=read.runs.get(f"backup/{name}"),
        last_check=read.runs.get(f"check/{name}"),
        last_forget=read.runs.get(f"forget/{name}"),
        last_witness=read.runs.get(f"witness/{name}"),
        last_archived=read.runs.get(FIXITY_JOB if name == ARCHIVE_SITE else archive_job(name)),
        last_scan=read.runs.get(f"scan/{name}"),
        last_verify=read.runs.get(f"journal-verify/{name}"),
        ahead=read.ahead.get(name),
        frozen=read.freezes.get(name),
        is_working=not is_lock_free(estate.service.state, name),
        missed=read.missed.get(name, 0),
        delivered=tuple(it.name for it in site.files if it.source == "delivered"),
        copies=copies,
        losses=tuple(read.losses.get(name, ())),
        mended=tuple(it for it in read.mended if it.site == name),
        rule=tuple(judge_copies(copies, now=now, rpo=rpo, reread=reread)),
    )


def _overdue_reviews(session: Session, estate: Estate, now: datetime) -> tuple[OverdueReview, ...]:
    try:
        duties, setting = load_duties(estate), make_setting(estate, now)
    except DutiesError:
        return ()  # `estate.check` and a notice of its own tell of the mistakes
    return tuple(
        OverdueReview(
            it.due.duty.name, {"vi": it.due.duty.title.vi, "en": it.due.duty.title.en}, it.due.day
        )
        for it in list_overdue_reviews(session, duties, setting)
        if it.due.day is not None
    )
