"""Say for a person at a terminal what the watch for ransomware has found, and accept it."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select

from ops.access.session import Bench, at_bench
from ops.alerts.drafts import FROZEN, SUSPICIOUS
from ops.backups.pages.jump import UNLIKE
from ops.backups.ransomware.freeze import (
    Freeze,
    accept_findings,
    find_freeze,
    whole_runs,
)
from ops.backups.ransomware.verdict import tell_figures, tell_signals
from ops.backups.tasks import Accept
from ops.catalog.tables.core import Run
from ops.errors import WrongUseError
from ops.estate.known_sites import require_site
from ops.estate.load.load import load_estate
from ops.language.formats import format_moment
from ops.language.text import LABELS, N_, _, fill
from ops.outcomes import explain
from ops.terminal.output import write_indented, write_line


def write_watch(site: str, summary: Mapping[str, Any]) -> None:
    """Write what a backup's summary says of the watch; nothing where all is usual."""
    found = summary.get("watch", {})
    if "not_checked" in found:
        text = _("could not be held against the site's past: {reason}")
        write_indented(text.format(reason=found["not_checked"]), "  ", "    ")
    if found.get("accepted"):
        text = _("unlike the site's past, and accepted: {signals}")
        told = tell_signals({"figures": found["figures"], "signals": found["accepted"]})
        write_indented(text.format(signals=told), "  ", "    ")
    if found.get("signals"):
        params = {**found, "snapshot": str(summary["snapshot"])[:8], "before": found["before"][:8]}
        write_freeze(site, params)


def write_freeze(site: str, params: Mapping[str, Any]) -> None:
    """Write why a site is frozen, and what to do; `params` as of `Freeze.as_params`."""
    told = explain(FROZEN, params, site=site)
    write_indented(told.what, "  ", "    ", style="bold red")
    for label, text in (("why", told.why), ("data", told.data), ("next_step", told.next_step)):
        write_indented(f"{_(LABELS[label])}: {text}", "    ", "      ")


def accept_backup(wish: Accept) -> int:
    """End a site's freeze because somebody has looked; gives the exit code.

    Raises:
        WrongUseError: No reason is given, or there is no such site.
    """
    if not wish.reason.strip():
        raise WrongUseError(
            "this lets old backups be deleted again, so it needs a reason",
            next_step="add `--reason TEXT`: what you have looked at, and what it was",
        )
    estate, name = load_estate(), wish.site
    with at_bench(estate, dry_run=wish.dry_run) as bench:
        require_site(estate, bench.catalog, name)
        with bench.catalog.reading() as session:
            freeze = find_freeze(session, name)
        if freeze is None:
            write_line(_("Nothing is frozen; there is nothing to accept."))
            return 0
        _write_accepted(freeze, estate.organisation.timezone)
        if freeze.is_of_pages and _is_newest(bench, freeze):
            write_line(
                "  " + _("how its pages are in the newest backup counts as usual from now on")
            )
        if wish.dry_run:
            write_line(_("would let the rules delete old backups of the site again"))
            return 0
        with bench.catalog.writing() as session:
            accept_findings(session, bench.origin, name, wish.reason, now=datetime.now(UTC))
    write_line(_("Accepted; the rules decide again what is deleted."))
    write_line(
        fill(
            N_("What was deleted: `{program} backup.list --site {site} --deletions`"),
            {"site": name},
        )
    )
    return 0


def _is_newest(bench: Bench, freeze: Freeze) -> bool:
    """Say whether the site's newest backup is still one that jumps: nobody has put it back."""
    with bench.catalog.reading() as session:
        query = select(Run.reason).where(*whole_runs(freeze.site))
        newest = session.execute(query.order_by(Run.started_at.desc()).limit(1)).scalar()
    return newest in {UNLIKE, SUSPICIOUS}


def _write_accepted(freeze: Freeze, zone: str) -> None:
    params = freeze.as_params()
    moment = format_moment(freeze.found_at, zone)
    write_line(f"{freeze.site} · {freeze.snapshot[:8]} · {moment}")
    write_indented(tell_signals(params), "  ", "    ")
    if not freeze.is_of_pages:
        write_indented(tell_figures(params), "  ", "    ")
    text = _("the snapshot before it, the last without these signs: {before}")
    write_line("  " + text, before=freeze.before[:8])
    if freeze.more:
        write_line("  " + _("later findings that end with it: {count}"), count=freeze.more)
