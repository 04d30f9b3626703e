"""Give a database that was loaded the name of the live one, which is kept under another.

Order:
1. Look whether an earlier try of ours was cut off; it goes on without being asked for again.
2. Count what gets the live name; ask the person, and a second one, who agree to just that.
   Journal that it begins.
3. MariaDB: journal which events will be switched off; keep the plan of the switch in
   STATE/switches, durable, then carry it out (order in
   `backup.sources.databases.mariadb_switch`). PostgreSQL: rename both in one transaction.
4. Journal how it ended; throw the plan away.
"""

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, cast

from backup.sources.databases import load, mariadb_switch
from backup.sources.databases.administrator import owners_of, require_rights, require_unused
from backup.sources.databases.connection import Connection, LoadError
from backup.sources.databases.load import Engine
from backup.sources.databases.mariadb_copied_rights import take_rights_back
from backup.sources.databases.mariadb_switch import SwitchPlan
from ops.access.approvals.ask import ask_second_person
from ops.access.approvals.requests import Wish
from ops.access.session import Bench, at_bench
from ops.backups.restore.fresh_database import (
    LoadRefusedError,
    find_asleep,
    name_aside,
    refuse_keys_from_outside,
    refuse_names,
)
from ops.backups.restore.load_database import ACTION as LOADED
from ops.backups.restore.load_database import as_admin, find_part
from ops.backups.restore.state import wish_doubt
from ops.backups.restore.tasks import Switch
from ops.canonical import digest_of
from ops.durable_files import put_anew
from ops.estate.load.load import load_estate
from ops.estate.model.sites import DatabasePart, Site
from ops.hosts.admin_login import enter
from ops.jobs.site_lock import hold_site_lock
from ops.journal import journal
from ops.language.text import _
from ops.schedule.ledger.job import describe_failure
from ops.terminal.output import write_line
from ops.terminal.progress import need_confirmation

ACTION = "backup.switch"


def switch_database(wish: Switch) -> int:
    """Give a database that was loaded the live one's name; gives the exit code.

    Raises:
        LoadRefusedError: One of the names is not there, or the old one has no free name.
        ApprovalAwaitedError: Another person has to approve it first.
        SwitchError, SourceError: The server refuses, for one because the site is still connected.
    """
    estate = load_estate()
    site = estate.site(wish.site)
    part = find_part(site, wish.database)
    place = estate.service.state / "switches" / f"{site.name}.{part.name}.json"
    with (
        at_bench(estate, dry_run=wish.dry_run) as bench,
        enter(estate, part.host, wish.way) as host,
        hold_site_lock(estate.service.state, site.name, holder="switch"),
        hold_site_lock(estate.service.state, f"load/{site.name}", holder="switch"),
    ):
        admin = replace(as_admin(estate, part, wish), host=host)
        last = _find_last(bench, site, part)
        work = _Switch(admin, cast("Engine", part.engine), choose_names(wish.to, part, last), place)
        if _is_settled(last, work, wish):
            return 0
        is_new = last.get("outcome", "ok") == "ok" or last["from"] != wish.to
        if is_new:
            work = work.as_it_is_now()
        work.tell()
        if is_new:
            work.refuse()
            approval = _ask(bench, wish, site, part, work)
        else:
            write_line("  " + _("this goes on with a switch that was cut off"))
            approval = last.get("approval")
        if wish.dry_run:
            return 0
        details: dict[str, object] = {
            "database": part.name,
            "from": wish.to,
            "host": part.host or "",
            **work.names.as_details(),
            **({"approval": approval} if approval else {}),
        }
        lost = _carry_out_noted(bench, wish, work, details, is_new=is_new)
    for line in lost:
        write_line("  " + _("not kept of the old one: {what}"), what=line)
    if work.names.aside:
        write_line(_("done; what was there before is kept as {aside}"), aside=work.names.aside)
    else:
        write_line(_("done"))
    return 0


@dataclass(frozen=True, slots=True)
class Names:
    """Who gets which name.

    Attributes:
        live: The name that is taken.
        fresh: That of the database that takes it.
        aside: Under which the one that has it now is kept; empty where there is none.
        is_back: Whether a switch is taken back that found none: the site's database gets the name
            again under which it was loaded.
    """

    live: str
    fresh: str
    aside: str
    is_back: bool = False

    def as_details(self) -> dict[str, object]:
        """Give what the journal keeps of them."""
        back = {"back_to": self.live} if self.is_back else {}
        return {
            "kept": name_aside(self.fresh),
            **({} if self.aside else {"was_absent": True}),
            **back,
        }


def choose_names(into: str, part: DatabasePart, last: Mapping[str, Any]) -> Names:
    """Choose the names; those of the last switch where this is the same, or takes it back; pure.

    Args:
        into: The name that the person gives.
        part: The live database.
        last: What the journal tells of the last switch; empty for none.
    """
    is_same, takes_back = last.get("from") == into, last.get("kept") == into
    was_absent = bool(last.get("was_absent"))
    if is_same and "back_to" in last:
        return Names(last["back_to"], part.database, "", is_back=True)
    if takes_back and was_absent and "back_to" not in last:
        return Names(last["from"], part.database, "", is_back=True)
    return Names(part.database, into, "" if is_same and was_absent else name_aside(into))


def _is_settled(last: dict[str, Any], work: "_Switch", wish: Switch) -> bool:
    """Tell whether nothing is left to do; a switch that is to be taken back is finished first."""
    is_over = last.get("outcome", "ok") == "ok"
    if last.get("from") == wish.to and is_over and work.is_done():
        write_line("  " + _("an earlier try has done that already"))
        return True
    if last.get("kept") != wish.to or is_over or wish.dry_run or work.finish_first(last["from"]):
        return False
    write_line("  " + _("nothing was switched, so there is nothing to take back"))
    return True


def _carry_out_noted(
    bench: Bench, wish: Switch, work: "_Switch", details: dict[str, object], *, is_new: bool
) -> tuple[str, ...]:
    """Switch, with a row of the journal before and after."""
    _note(bench, wish, {**details, "outcome": "begun"})
    try:
        plan = work.plan(bench, wish.site, str(details["host"]), is_new=is_new)
        if plan is not None:
            asleep = {plan.aside or plan.live: list(plan.asleep)}
            _note(bench, wish, {**details, "outcome": "planned", "asleep": asleep})
        lost = work.carry_out(plan)
    except BaseException as error:
        reason = describe_failure(error).reason
        _note(bench, wish, {**details, "outcome": "failed", "reason": reason})
        raise
    _note(bench, wish, {**details, "outcome": "ok", "lost": list(lost)})
    work.forget()
    if plan is not None and plan.asleep:
        text = _("events switched off in {database}: {names}")
        names = ", ".join(plan.asleep)
        write_line("  " + text, database=plan.aside or plan.live, names=names)
    return lost


@dataclass(frozen=True, slots=True)
class _Switch:
    """One switch of names.

    Attributes:
        admin: The way to the server.
        engine: The server's.
        names: Given up, and taken.
        place: File of the plan.
    """

    admin: Connection
    engine: Engine
    names: Names
    place: Path

    def as_it_is_now(self) -> "_Switch":
        """Give the same, keeping nothing of a live database that is not there."""
        names = self.names
        if names.is_back:
            return self
        aside = name_aside(names.fresh) if self._is_there(names.live) else ""
        return replace(self, names=replace(names, aside=aside))

    def tell(self) -> None:
        """Say what becomes what."""
        live, fresh, aside = self.names.live, self.names.fresh, self.names.aside
        if aside:
            text = _("{live} becomes {aside}, {fresh} becomes {live}")
        elif self.names.is_back:
            text = _("{fresh} becomes {live} again: before, there was none of that name")
        else:
            text = _("{live} is not there, so nothing is kept of it; {fresh} becomes {live}")
        write_line(text, live=live, aside=aside, fresh=fresh)

    def refuse(self) -> None:
        """Refuse names that are not there or are taken, and an account that may not do it."""
        live, fresh, aside = self.names.live, self.names.fresh, self.names.aside
        if not self._is_there(fresh):
            raise LoadRefusedError(
                "there is no database {name} on the server",
                data="nothing was changed",
                next_step="load one first: `{program} backup.load --into NAME`",
                name=fresh,
            )
        taken = aside or (live if self.names.is_back else "")
        refuse_names(self.engine, self.admin, max(live, aside, key=len), taken)
        there = [it for it in (live, fresh) if it != live or aside]
        owners = owners_of(self.admin, there) if self.engine == "postgresql" else []
        require_rights(
            self.engine, self.admin, [it for it in (live, fresh, aside) if it], owners=owners
        )
        if self.engine == "postgresql":
            require_unused(self.admin, there)
        else:
            mariadb_switch.require_tables(self.admin, fresh)
            if aside:
                refuse_keys_from_outside(self.admin, live)

    def count(self) -> dict[str, object]:
        """Count what gets the live name; nothing where it has been live and is written on."""
        if self.names.is_back:
            return {}
        counts = load.count(self.engine, self.admin, self.names.fresh)
        rows = sum(it for it in counts.values() if it is not None)
        return {"tables": len(counts), "rows": rows, "counts": digest_of(counts)}

    def plan(self, bench: Bench, site: str, host: str, *, is_new: bool) -> SwitchPlan | None:
        """Give what is to be done, or what an earlier try has begun; none for PostgreSQL."""
        live, fresh, aside = self.names.live, self.names.fresh, self.names.aside
        if self.engine == "postgresql":
            return None
        if is_new:
            self.forget()
        if plan := self._find_plan(self.names):
            return plan
        awake = None if self.names.is_back else find_asleep(bench, site, host, fresh)
        return mariadb_switch.plan_switch(self.admin, live, fresh, aside, awake=awake)

    def carry_out(self, plan: SwitchPlan | None) -> tuple[str, ...]:
        """Do it, or what is left of it; gives what of the old one is not kept."""
        live, fresh, aside = self.names.live, self.names.fresh, self.names.aside
        if plan is None:
            if not self.is_done():
                load.switch_names(self.admin, live, fresh, aside)
            return ()
        self._keep(plan)
        lost = mariadb_switch.carry_out(self.admin, plan)
        if not self.names.is_back:  # the site's accounts keep their rights on its name
            with suppress(LoadError):  # of a name that is gone
                take_rights_back(self.admin, fresh)
        return lost

    def finish_first(self, fresh: str) -> bool:
        """Finish a switch that was cut off, so that it can be taken back; tells whether it began.

        Args:
            fresh: From which database it was.
        """
        names = self.names
        if names.is_back:
            before = replace(self, names=Names(names.fresh, names.live, ""))
        else:
            before = replace(self, names=Names(names.live, fresh, names.fresh))
        if self.engine == "mariadb" and (plan := self._find_plan(before.names)):
            mariadb_switch.carry_out(self.admin, plan)
        return before.is_done() if names.is_back else self._is_there(names.fresh)

    def forget(self) -> None:
        """Throw the plan away."""
        self.place.unlink(missing_ok=True)

    def is_done(self) -> bool:
        """Tell whether the names are as they should be."""
        taken = self.names.aside or self.names.live
        return self._is_there(taken) and not self._is_there(self.names.fresh)

    def _is_there(self, name: str) -> bool:
        return load.is_there(self.engine, self.admin, name)

    def _find_plan(self, names: Names) -> SwitchPlan | None:
        try:
            plan = SwitchPlan.from_json(json.loads(self.place.read_bytes()))
        except FileNotFoundError:
            return None
        except TypeError as error:
            raise LoadRefusedError(
                "a switch that was cut off cannot go on: an earlier version has planned it",
                why="views, triggers and routines stand in its plan as text that this version does"
                " not carry out",
                data="what was renamed so far stays so; the plan is kept in {path}",
                next_step="have the earlier version finish it, then upgrade anew",
                path=self.place,
            ) from error
        wanted = (names.live, names.fresh, names.aside)
        return plan if (plan.live, plan.fresh, plan.aside) == wanted else None

    def _keep(self, plan: SwitchPlan) -> None:
        self.place.parent.mkdir(mode=0o700, exist_ok=True)
        text = json.dumps(plan.as_json(), ensure_ascii=True)
        put_anew(self.place, text.encode(), 0o600)


def _ask(bench: Bench, wish: Switch, site: Site, part: DatabasePart, work: _Switch) -> object:
    """Have the person confirm and a second one agree; gives the approval for the journal.

    The agreement is to what was loaded, and to its rows: not to whatever has that name later.
    """
    names = work.names
    question = _("The site's database {live} will be another one. Stop the site first.")
    question = question.format(live=part.database)
    plan = {
        **(
            {"database": names.live, "becomes": names.aside}
            if names.aside
            else {"takes": names.live, "is_back" if names.is_back else "is_absent": True}
        ),
        "from": names.fresh,
        **_wish_loaded(bench, site, part, names.fresh),
        **work.count(),
    }
    asked = Wish("restore-in-place", site.name, plan, wish.reason, wish.document)
    confirm = partial(need_confirmation, site.name, wish.confirm, question)
    agreed = ask_second_person(bench, asked, confirm=confirm)
    return agreed.permit.as_details() if agreed else None


def _wish_loaded(bench: Bench, site: Site, part: DatabasePart, name: str) -> dict[str, object]:
    """Give what the request says of the snapshot a database was loaded from; nothing of others."""
    with bench.catalog.reading() as session:
        for told in journal.read_details(session, site.name, LOADED):
            if (told["into"], told["host"]) == (name, part.host or ""):
                moment = told.get("taken_at")
                taken = {told["snapshot"]: datetime.fromisoformat(moment)} if moment else {}
                load = {"load": told.get("mark", ""), "snapshot": told["snapshot"]}
                return {**load, **wish_doubt(bench, site.name, taken)}
    return {}


def _find_last(bench: Bench, site: Site, part: DatabasePart) -> dict[str, Any]:
    """Give what the journal tells of the last switch of this database; empty for none."""
    with bench.catalog.reading() as session:
        for told in journal.read_details(session, site.name, ACTION):
            if told["database"] == part.name and told.get("host", "") == (part.host or ""):
                return told
    return {}


def _note(bench: Bench, wish: Switch, details: dict[str, object]) -> None:
    bench.note(ACTION, wish.site, details, reason=wish.reason, document=wish.document)
