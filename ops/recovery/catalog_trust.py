"""Root says that this is the catalog that counts, although something speaks against it.

What was held, who had which role and what waited for approval is lost with that, for whoever it was
recorded elsewhere. So it is said once, by who could exchange the catalog anyway, and journaled.
"""

import os

from ops.access.identity import NotAllowedError, open_existing
from ops.access.session import at_bench, look_at_past
from ops.errors import WrongUseError
from ops.estate.load.load import load_estate
from ops.estate.load.read import INSTALLED_PATH, check_files
from ops.estate.model.estate import Estate
from ops.estate.model.own_site import OWN_SITE
from ops.estate.owner import is_borrowed
from ops.journal import journal
from ops.journal.journal import Entry
from ops.journal.standing import TRUSTED, find_doubt
from ops.language.text import _
from ops.outcomes import explain
from ops.recovery.tasks_catalog import Trust
from ops.terminal.confirm import need_confirmation
from ops.terminal.output import write_line


def trust_catalog(wish: Trust) -> int:
    """Journal it; gives the exit code."""
    estate = load_estate()
    _refuse_others(estate)
    check_files(estate.path)
    if not wish.reason.strip():
        raise WrongUseError(
            "why this catalog counts has to be said",
            next_step="add `--reason TEXT`",
        )
    there = open_existing(estate)
    if there is None:
        raise WrongUseError(
            "there is no catalog yet",
            next_step="look first: `{program} backup.status`",
        )
    there.close()
    with at_bench(estate, dry_run=wish.dry_run) as bench:
        look_at_past(bench)
        with bench.catalog.reading() as session:
            doubt = find_doubt(session)
        if doubt is None:
            write_line(_("Nothing is to be said: nothing speaks against this catalog."))
            return 0
        write_line("  " + explain(doubt.reason, doubt.params).what)
        if wish.dry_run:
            write_line(_("Nothing was changed: this was a rehearsal."))
            return 0
        question = _("Holds, roles and approvals that this catalog does not know are given up.")
        need_confirmation(OWN_SITE, wish.confirm, question)
        with bench.catalog.writing() as session:
            details = {"doubt": doubt.reason, **doubt.params, "reason": wish.reason.strip()}
            journal.append(session, bench.origin, [Entry(TRUSTED, OWN_SITE, details)])
    write_line("  " + _("said; from now on this catalog counts"))
    return 0


def _refuse_others(estate: Estate) -> None:
    """Refuse who is not root; where nothing is installed, it is whoever owns the estate file."""
    if estate.path != INSTALLED_PATH:
        check_files(estate.path)
    me = os.geteuid()
    is_own = estate.path != INSTALLED_PATH and estate.path.stat().st_uid == me
    if is_borrowed() or not (me == 0 or is_own):
        raise NotAllowedError(
            "only root says which catalog counts",
            why="without its records nobody's role is known",
            data="nothing was changed",
            next_step="have root type it: `{program} catalog.trust --reason TEXT`",
        )
