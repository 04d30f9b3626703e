"""Bring the service back on a bare machine, from one store and the key.

Order:

1. Restore the newest snapshot of the site `giucong` into a folder of our own, every byte proven.
2. Decide what goes where, within the folders that the person names. What is there already is
   overwritten by nobody unasked; confirmed, and where a catalog is among it agreed to by two people
   it knows, it is moved aside first.
3. Put everything in place, each file whole or not at all; the estate file comes last, so that a
   recovery cut off before is not taken for a service. It is simply run again.
4. Hold the journal against its chain and the heads in the store; journal the recovery.
5. Build the index tables anew from the repositories.
6. As root: give everything to the user the service runs as.
"""

import json
import os
import uuid
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import select

from backup.errors import BackupError
from backup.format.snapshot import Snapshot
from ops.access.approvals.require import Permit
from ops.access.session import at_bench, person_at_terminal
from ops.audit.heads import attest, find_signing_key, read_heads
from ops.audit.job import Examination, examine
from ops.audit.verify import tell
from ops.backups import MANIFEST
from ops.backups.keys.paper.combine import read_shares
from ops.backups.keys.paper.shares import combine_shares
from ops.backups.repositories.stores import Access, open_root
from ops.catalog.open import open_catalog
from ops.catalog.tables.core import Occurrence, Run
from ops.entering import find_around, refuse_strange_links
from ops.errors import OpsError, WrongUseError
from ops.estate.load.load import load_estate
from ops.estate.model.estate import Estate
from ops.estate.model.own_site import OWN_SITE
from ops.estate.model.references import reveal
from ops.jobs.definitions import list_jobs
from ops.jobs.live import is_service_running
from ops.jobs.run_now import end_all
from ops.journal import journal
from ops.journal.record_proofs import note_found_credentials
from ops.journal.standing import RECOVERED
from ops.language.formats import format_moment
from ops.language.text import _
from ops.recovery.catalog_copy import catalog_file, load_records
from ops.recovery.content import CATALOG_FILE
from ops.recovery.fetch import Found, look_at, read_password, take_newest
from ops.recovery.next_steps import index_stores, write_next_steps
from ops.recovery.permission import ask_to_recover
from ops.recovery.place_files import find_owner, give_to, put_entry_keys, put_in_place
from ops.recovery.plan import (
    RecoveryPlan,
    list_outside,
    name_folders,
    plan_recovery,
    refuse_borrowed,
    refuse_outside,
    refuse_strangers,
)
from ops.recovery.tasks import Recover
from ops.schedule.kinds import tell_listeners
from ops.schedule.ledger.endings import Recording
from ops.terminal.output import write_line
from ops.terminal.progress import need_confirmation, shown_progress


def recover_service(wish: Recover) -> int:
    """Recover, write what was done and what comes next; gives the exit code."""
    refuse_borrowed()
    folders = name_folders(wish.target, wish.also)
    password = (
        combine_shares(read_shares(wish.share)).password.encode()
        if wish.share
        else read_password(wish.password_file)
    )
    entry = Access.of(wish)
    with shown_progress() as progress, take_newest(wish.repo, entry, password, progress) as found:
        manifest = json.loads(found.source(MANIFEST).read_text(encoding="utf-8"))
        target = Path(wish.target).absolute() if wish.target else None
        plan = plan_recovery(manifest, target, partial(look_at, found))
        _write_plan(plan, found.snapshot, folders)
        if wish.dry_run:
            write_line(_("Nothing was changed: this was a rehearsal."))
            return 0
        refuse_outside(plan, folders)
        refuse_strangers(plan.estate_file)
        for step in plan.steps:
            refuse_strange_links(step.path)
        _refuse_or_ask(plan, wish)
        owner, made = find_owner(plan.user), list[Path]()
        try:
            permit = ask_to_recover(plan, found.snapshot, wish.reason, wish.document)
            put_in_place(plan, found, made)
            put_entry_keys(load_estate(plan.estate_file), wish.repo, entry, folders, made)
            return _bring_to_life(plan, found, permit, folders)
        finally:
            working = _working_folders(plan.estate_file)
            give_to(owner, made, [it for it in working if find_around(it, folders)])


def _write_plan(plan: RecoveryPlan, snapshot: Snapshot, folders: Sequence[Path]) -> None:
    told = _("the service as of {moment}, from {store}")
    write_line(told.format(moment=format_moment(snapshot.time), store=plan.store))
    for step in plan.steps:
        mark = {"free": "", "same": _("(the same already)"), "taken": _("(there already)")}
        outside = _("(outside of the folders named)") if list_outside([step.path], folders) else ""
        write_line(f"  {step.path}  {outside or mark[step.state]}".rstrip())
    if plan.records:
        write_line("  " + _("the record tables, into the database that the estate names"))
    if os.geteuid() == 0:
        write_line("  " + _("all of it is given to the user {user}").format(user=plan.user))


def _refuse_or_ask(plan: RecoveryPlan, wish: Recover) -> None:
    if any(is_service_running(state) for state in _working_folders(plan.estate_file)[:1]):
        raise WrongUseError(
            "a service runs on this machine", next_step="stop it first: `systemctl stop giucong`"
        )
    if plan.taken:
        places = ", ".join(str(step.path) for step in plan.taken)
        question = _("These exist and will be moved aside: {places}").format(places=places)
        need_confirmation(OWN_SITE, wish.confirm, question)


def _working_folders(estate_file: Path) -> list[Path]:
    """Give the service's folders, the state first; none where no estate can be read."""
    with suppress(OpsError):
        service = load_estate(estate_file).service
        return [Path(service.state), Path(service.scratch), Path(service.cache)]
    return []


def _bring_to_life(
    plan: RecoveryPlan, found: Found, permit: Permit | None, folders: Sequence[Path]
) -> int:
    os.environ["GIUCONG_ESTATE"] = str(plan.estate_file)
    estate = load_estate(plan.estate_file)
    if outside := list_outside(_working_folders(plan.estate_file), folders):
        text = _(
            "The estate works in {places}: correct it, or type this again with `--also FOLDER`"
        )
        write_line(text.format(places=", ".join(map(str, outside))))
        return 3
    step = next((it for it in plan.steps if it.at == CATALOG_FILE), None)
    if step is not None and catalog_file(reveal(estate.catalog.url)) != step.path:
        text = _("The catalog is at {path}, not where the estate looks for it: move it there.")
        write_line(text.format(path=step.path))
        return 3
    with open_catalog(reveal(estate.catalog.url)) as catalog:
        if plan.records:
            load_records(catalog, found.folder / plan.records)
            with catalog.writing() as session:  # a backup from before has none of the digests
                note_found_credentials(session, person_at_terminal(estate))
        verdict = examine(estate, catalog)
    _record(estate, plan, found.snapshot, verdict, permit)
    _write_verdict(verdict)
    is_whole = index_stores(estate)
    write_next_steps(estate, plan.user, is_whole=is_whole)
    beyond = [it for it in verdict.faults if it.code != "cut"]
    if beyond:
        return 1
    return 0 if is_whole else 3


def _record(
    estate: Estate,
    plan: RecoveryPlan,
    snapshot: Snapshot,
    verdict: Examination,
    permit: Permit | None,
) -> None:
    """Journal the recovery with the heads that lie beyond it; end what ran on the old machine."""
    details = {
        "snapshot": snapshot.id,
        "store": plan.store,
        "head": verdict.head.sequence,
        "lost": _lost_heads(estate, verdict.head.sequence),
    }
    if permit is not None:
        details["approval"] = permit.as_details()
    with at_bench(estate) as bench, bench.catalog.writing() as session:
        run = session.execute(select(Run).where(Run.id == _as_id(plan.run))).scalar_one_or_none()
        if run is not None and run.outcome is None:
            run.outcome, run.ended_at = "ok", datetime.now(UTC)
            run.summary = {"snapshot": snapshot.id, "recovered": True}
            occurrence = session.get(Occurrence, run.occurrence_id) if run.occurrence_id else None
            if occurrence is not None:
                occurrence.state, occurrence.outcome = "ended", "ok"
                occurrence.ended_at = run.ended_at
        session.flush()
        recording = Recording(bench.origin, tell_listeners)
        end_all(session, estate.service.state, list_jobs(estate), recording)
        head = journal.append(session, bench.origin, [])  # its lock is ours until the commit
        with suppress(OpsError):  # without the key it stays a finding until two people accept it
            if key := find_signing_key(estate):
                details = attest(key, head, details)
        entry = journal.Entry(RECOVERED, OWN_SITE, details)
        journal.append(session, bench.origin, [entry])


def _as_id(text: str) -> uuid.UUID | None:
    with suppress(ValueError):
        return uuid.UUID(text)
    return None


def _lost_heads(estate: Estate, beyond: int) -> list[dict[str, Any]]:
    """Give the heads that stores have kept of rows beyond those that came back."""
    found: dict[tuple[int, str], None] = {}
    for store in estate.stores:
        with suppress(BackupError, OpsError):
            heads = read_heads(open_root(estate, store)).heads
            found |= {(it.sequence, it.hash): None for it in heads if it.sequence > beyond}
    return [{"sequence": sequence, "hash": text} for sequence, text in found]


def _write_verdict(verdict: Examination) -> None:
    if not verdict.findings:
        text = (
            _("The journal holds: {rows} rows, and the signed heads in the stores agree.")
            if verdict.outcome == "ok"
            else _("The journal's chain holds: {rows} rows; no store has a signed head of it.")
        )
        write_line(text.format(rows=verdict.head.sequence))
        return
    write_line(_("The journal was looked at:"))
    for finding in verdict.findings:
        write_line("  " + tell(finding))
    if any(it.code == "cut" for it in verdict.findings):
        write_line(
            "  " + _("what was journaled after this backup is lost; the journal says so now")
        )
