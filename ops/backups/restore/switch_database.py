"""Give a database that was loaded the name of the live one, which is kept under another.

Order:
1. Look whether an earlier try of ours was cut off; it goes on without being asked for again.
2. Ask the person, and a second one. Journal that it begins.
3. MariaDB: keep the plan of the switch in STATE/switches, durable, then carry it out (order in
   `backup.sources.databases.mariadb_switch`). PostgreSQL: rename both in one transaction.
4. Journal how it ended; throw the plan away.
"""

import json
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from sqlalchemy import select

from backup.sources.databases import load, mariadb_switch
from backup.sources.databases.connection import Connection
from backup.sources.databases.load import Engine, LoadError
from backup.sources.databases.mariadb_copied_rights import take_rights_back
from backup.sources.databases.mariadb_switch import SwitchPlan
from ops.access.approvals.ask import ask_second_person
from ops.access.approvals.requests import Wish
from ops.access.session import Bench, at_bench
from ops.backups.restore.load_database import (
    LoadRefusedError,
    LoadWish,
    as_admin,
    find_part,
)
from ops.catalog.tables.core import JournalRow
from ops.durable_files import put_anew
from ops.estate.load.load import load_estate
from ops.estate.model.sites import DatabasePart, Site
from ops.hosts.admin_login import enter
from ops.jobs.site_lock import hold_site_lock
from ops.journal import journal
from ops.language.text import _
from ops.schedule.ledger.job import describe_failure
from ops.terminal.confirm import need_confirmation
from ops.terminal.output import write_line

ACTION = "backup.switch"


def switch_database(wish: LoadWish) -> int:
    """Give a database that was loaded the live one's name; gives the exit code.

    Raises:
        LoadRefusedError: One of the names is not there, or the old one has no free name.
        ApprovalAwaitedError: Another person has to approve it first.
        SwitchError, SourceError: The server refuses, for one because the site is still connected.
    """
    estate = load_estate()
    site = estate.site(wish.site)
    part = find_part(site, wish.database)
    aside = f"{wish.into}_truoc"
    plans = estate.service.state / "switches"
    with (
        at_bench(estate, dry_run=wish.dry_run) as bench,
        enter(estate, part.host, wish.way) as host,
        hold_site_lock(estate.service.state, site.name, holder="switch"),
    ):
        admin = replace(as_admin(estate, part, wish), host=host)
        last = _find_last(bench, site, part)
        write_line(_("{live} becomes {aside}, {fresh} becomes {live}").format(
            live=part.database, aside=aside, fresh=wish.into))  # fmt: skip
        work = _Switch(admin, part, wish.into, aside, plans / f"{site.name}.{part.name}.json")
        if _is_settled(last, work, wish):
            return 0
        is_new = last.get("outcome", "ok") == "ok" or last["from"] != wish.into
        if is_new:
            _refuse(admin, part, wish.into, aside)
            approval = _ask(bench, wish, site, part, aside)
        else:
            write_line("  " + _("this goes on with a switch that was cut off"))
            approval = last.get("approval")
        if wish.dry_run:
            return 0
        details: dict[str, object] = {
            "database": part.name, "from": wish.into, "kept": aside, "host": part.host or "",
            **({"approval": approval} if approval else {}),
        }  # fmt: skip
        lost = _carry_out_noted(bench, wish, work, details, is_new=is_new)
    for line in lost:
        write_line("  " + _("not kept of the old one: {what}").format(what=line))
    write_line(_("done; what was there before is kept as {aside}").format(aside=aside))
    return 0


def _is_settled(last: dict[str, Any], work: "_Switch", wish: LoadWish) -> bool:
    """Tell whether nothing is left to do; a switch that is to be taken back is finished first."""
    is_over = last.get("outcome", "ok") == "ok"
    if last.get("from") == wish.into and is_over and work.is_done():
        write_line("  " + _("an earlier try has done that already"))
        return True
    if last.get("kept") != wish.into or is_over or wish.dry_run or work.finish_first(last["from"]):
        return False
    write_line("  " + _("nothing was switched, so there is nothing to take back"))
    return True


def _carry_out_noted(
    bench: Bench, wish: LoadWish, work: "_Switch", details: dict[str, object], *, is_new: bool
) -> tuple[str, ...]:
    """Switch, with a row of the journal before and after."""
    _note(bench, wish, {**details, "outcome": "begun"})
    try:
        lost = work.carry_out(is_new=is_new)
    except BaseException as error:
        reason = describe_failure(error).reason
        _note(bench, wish, {**details, "outcome": "failed", "reason": reason})
        raise
    _note(bench, wish, {**details, "outcome": "ok", "lost": list(lost)})
    work.forget()
    return lost


class _Switch:
    """One switch of names.

    Args:
        admin: The way to the server.
        part: The live database.
        fresh, aside: The names that are given up, and taken.
        place: File of the plan.
    """

    def __init__(
        self, admin: Connection, part: DatabasePart, fresh: str, aside: str, place: Path
    ) -> None:
        self._admin = admin
        self._engine = cast("Engine", part.engine)
        self._names = part.database, fresh, aside
        self._place = place

    def carry_out(self, *, is_new: bool) -> tuple[str, ...]:
        """Do it, or what is left of it; gives what of the old one is not kept."""
        live, fresh, aside = self._names
        if self._engine == "postgresql":
            if not self.is_done():
                load.switch_names(self._admin, live, fresh, aside)
            return ()
        if is_new:
            self.forget()
        plan = self._find_plan(self._names) or mariadb_switch.plan_switch(
            self._admin, live, fresh, aside
        )
        self._keep(plan)
        lost = mariadb_switch.carry_out(self._admin, plan)
        with suppress(LoadError):  # of a name that is gone
            take_rights_back(self._admin, fresh)
        return lost

    def finish_first(self, fresh: str) -> bool:
        """Finish a switch that was cut off, so that it can be taken back; tells whether it began.

        Args:
            fresh: From which database it was.
        """
        live, kept, _aside = self._names
        if self._engine == "mariadb" and (plan := self._find_plan((live, fresh, kept))):
            mariadb_switch.carry_out(self._admin, plan)
        return load.is_there(self._engine, self._admin, kept)

    def forget(self) -> None:
        """Throw the plan away."""
        self._place.unlink(missing_ok=True)

    def is_done(self) -> bool:
        """Tell whether the names are as they should be."""
        _live, fresh, aside = self._names
        return load.is_there(self._engine, self._admin, aside) and not load.is_there(
            self._engine, self._admin, fresh
        )

    def _find_plan(self, names: tuple[str, str, str]) -> SwitchPlan | None:
        try:
            plan = SwitchPlan.from_json(json.loads(self._place.read_bytes()))
        except FileNotFoundError:
            return None
        return plan if (plan.live, plan.fresh, plan.aside) == names else None

    def _keep(self, plan: SwitchPlan) -> None:
        self._place.parent.mkdir(mode=0o700, exist_ok=True)
        text = json.dumps(plan.as_json(), ensure_ascii=True)
        put_anew(self._place, text.encode(), 0o600)


def _refuse(admin: Connection, part: DatabasePart, fresh: str, aside: str) -> None:
    """Refuse names that are not there, or are taken."""
    engine = cast("Engine", part.engine)
    for name in (part.database, fresh):
        if not load.is_there(engine, admin, name):
            raise LoadRefusedError(
                "there is no database {name} on the server",
                data="nothing was changed",
                next_step="load one first: `{program} backup.load --into NAME`",
                name=name,
            )
    if load.is_there(engine, admin, aside):
        raise LoadRefusedError(
            "there is a database {name} on the server already",
            why="the live one would be kept under that name",
            data="nothing was changed",
            next_step="drop it if nobody needs it any more, or load into another name",
            name=aside,
        )


def _ask(bench: Bench, wish: LoadWish, site: Site, part: DatabasePart, aside: str) -> object:
    """Have the person confirm and a second one agree; gives the approval for the journal."""
    if not wish.dry_run:
        question = _("The site's database {live} will be another one. Stop the site first.")
        need_confirmation(site.name, wish.confirm, question.format(live=part.database))
    asked = Wish(
        action="restore-in-place",
        subject=site.name,
        plan={"database": part.database, "becomes": aside, "from": wish.into},
        reason=wish.reason,
        document=wish.document,
    )
    permit = ask_second_person(bench, asked, dry_run=wish.dry_run)
    return permit.as_details() if permit is not None else None


def _find_last(bench: Bench, site: Site, part: DatabasePart) -> dict[str, Any]:
    """Give what the journal tells of the last switch of this database; empty for none."""
    query = (
        select(JournalRow.details)
        .where(JournalRow.action == ACTION, JournalRow.subject == site.name)
        .order_by(JournalRow.sequence.desc())
    )
    with bench.catalog.reading() as session:
        for text in session.execute(query).scalars():
            told: dict[str, Any] = json.loads(text)
            if told["database"] == part.name and told.get("host", "") == (part.host or ""):
                return told
    return {}


def _note(bench: Bench, wish: LoadWish, details: dict[str, object]) -> None:
    origin = replace(bench.origin, reason=wish.reason, document=wish.document)
    with bench.catalog.writing() as session:
        journal.append(session, origin, [journal.Entry(ACTION, wish.site, details)])
