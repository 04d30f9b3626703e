"""The kinds of jobs there are. The service and its workers import this module by its name.

What does the work is loaded when it is called: the service itself stays small.
"""

from ops.ledger.definitions import JobResult
from ops.notices.outbox import write_notices
from ops.service.registry import RunContext, register, register_listener

BACKUP = "backup"
CHECK = "check"
FORGET = "forget"
JOURNAL_HEAD = "journal-head"
WITNESS = "witness"


def _back_up(context: RunContext) -> JobResult:
    from ops.jobs.backup import back_up

    return back_up(context)


def _check(context: RunContext) -> JobResult:
    from ops.jobs.check import check

    return check(context)


def _forget(context: RunContext) -> JobResult:
    from ops.jobs.forget import forget_and_prune

    return forget_and_prune(context)


def _sign_journal(context: RunContext) -> JobResult:
    from ops.jobs.journal_heads import sign_daily

    return sign_daily(context)


def _witness(context: RunContext) -> JobResult:
    from ops.jobs.witness import bear_witness

    return bear_witness(context)


register(BACKUP, _back_up)
register(CHECK, _check)
register(FORGET, _forget)
register(JOURNAL_HEAD, _sign_journal)
register(WITNESS, _witness)
register_listener(write_notices)
