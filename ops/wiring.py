"""The kinds of jobs there are. The service and its workers import this module by its name.

What does the work is loaded when it is called: the service itself stays small.
"""

from collections.abc import Sequence

from sqlalchemy.orm import Session

from ops.alerts.outbox import write_notices
from ops.schedule.kinds import RunContext, register, register_listener
from ops.schedule.ledger.job import JobResult, LedgerEvent

BACKUP = "backup"
CHECK = "check"
COPY = "copy"
DRILL = "drill"
DRILL_PLAN = "drill-plan"
FORGET = "forget"
JOURNAL_HEAD = "journal-head"
SCAN = "scan"
WITNESS = "witness"


def _back_up(context: RunContext) -> JobResult:
    from ops.backups.run.job import back_up

    return back_up(context)


def _check(context: RunContext) -> JobResult:
    from ops.backups.checks.job import check

    return check(context)


def _copy(context: RunContext) -> JobResult:
    from ops.backups.copies.job import bring_up_to_date

    return bring_up_to_date(context)


def _drill(context: RunContext) -> JobResult:
    from ops.drills.job import run_drill

    return run_drill(context)


def _plan_drills(context: RunContext) -> JobResult:
    from ops.drills.rotation.job import plan_drills

    return plan_drills(context)


def _follow_drills(session: Session, events: Sequence[LedgerEvent]) -> None:
    from ops.drills.rotation.job import follow_drills

    follow_drills(session, events)


def _follow_backups(session: Session, events: Sequence[LedgerEvent]) -> None:
    from ops.backups.run.follow_up import follow_backups

    follow_backups(session, events)


def _forget(context: RunContext) -> JobResult:
    from ops.backups.retention.job import forget_and_prune

    return forget_and_prune(context)


def _scan(context: RunContext) -> JobResult:
    from ops.backups.malware.job import scan_copy

    return scan_copy(context)


def _sign_journal(context: RunContext) -> JobResult:
    from ops.audit.job import sign_daily

    return sign_daily(context)


def _witness(context: RunContext) -> JobResult:
    from ops.backups.checks.witness import bear_witness

    return bear_witness(context)


register(BACKUP, _back_up)
register(CHECK, _check)
register(COPY, _copy)
register(DRILL, _drill)
register(DRILL_PLAN, _plan_drills)
register(FORGET, _forget)
register(JOURNAL_HEAD, _sign_journal)
register(SCAN, _scan)
register(WITNESS, _witness)
register_listener(write_notices)
register_listener(_follow_backups)
register_listener(_follow_drills)
