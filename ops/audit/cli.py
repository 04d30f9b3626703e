"""Hold the journal against everything for a person at a terminal, and say what was found."""

import os
import socket
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime

from ops.alerts.drafts import JOURNAL_BROKEN
from ops.audit.accept import accept_findings
from ops.audit.job import Examination, broken_params, examine
from ops.audit.kind import VERIFY
from ops.audit.tasks import JournalVerify
from ops.audit.verify import UNACCEPTABLE, tell
from ops.catalog.columns import new_id
from ops.catalog.open import Catalog, open_catalog
from ops.catalog.tables.core import Run
from ops.estate.load.load import load_estate
from ops.estate.model.estate import Estate
from ops.estate.model.own_site import OWN_SITE
from ops.estate.model.references import reveal
from ops.jobs.last_runs import last_runs
from ops.language.text import N_, _, fill, ngettext
from ops.terminal.output import Cell, outcome_cell, write_json, write_line, write_table

_JOB = f"{VERIFY.name}/{OWN_SITE}"


def verify_journal(wish: JournalVerify) -> int:
    """Hold the journal against everything, and write or accept it; gives the exit code."""
    if wish.accept:
        return accept_findings(wish)
    estate = load_estate()
    with open_catalog(reveal(estate.catalog.url)) as catalog:
        found = examine(estate, catalog)
        _remember(catalog, found)
    code = {"ok": 0, "failed": 1, "not_checked": 3}[found.outcome]
    if wish.json:
        findings = [{**asdict(it), "told": tell(it)} for it in found.findings]
        write_json(
            findings, outcome=found.outcome, rows=found.head.sequence, head=found.head.hash,
            heads=found.counts, unreached=found.unreached, signed=found.has_key,
            signed_to=found.signed,
        )  # fmt: skip
        return code
    _write(estate, found)
    return code


def _remember(catalog: Catalog, found: Examination) -> None:
    """Note a look that found faults, so that the status is red at once, and the next good one."""
    now = datetime.now(UTC)
    with catalog.writing() as session:
        before = last_runs(session).get(_JOB)
        if not found.faults and (before is None or before.outcome != "failed"):
            return
        session.add(
            Run(
                id=new_id(), job=_JOB, kind=VERIFY.name, site=OWN_SITE,
                host=socket.gethostname(), pid=os.getpid(), started_at=now, ended_at=now,
                outcome=found.outcome,
                reason=JOURNAL_BROKEN if found.faults else "",
                params=broken_params(found) if found.faults else {},
            )
        )  # fmt: skip


def _write(estate: Estate, found: Examination) -> None:
    rows = found.head.sequence
    text = ngettext("{rows} row of the journal holds", "{rows} rows of the journal hold", rows)
    write_line(text.format(rows=rows))
    heads = [_("Store"), _("Signed heads"), _("Result")]
    write_table(heads, [_row(it.name, found) for it in estate.stores], right=(1,))
    for finding in found.findings:
        write_line("  " + tell(finding))
    if found.signed:
        text = _("the stores vouch for rows up to {row}; later ones could be cut off unseen")
        write_line("  " + text.format(row=found.signed))
    if not found.has_key:
        write_line("  " + _("nobody signs: the estate has no `[keys] signing`"))
    if found.faults:
        advice = N_(
            "Touch nothing. Keep a copy of the catalog, and compare with the journal in a backup"
            " from before: `{program} backup.list --site giucong`"
        )
        write_line("  " + fill(advice, {}))
    if found.faults and not any(it.code in UNACCEPTABLE for it in found.faults):
        advice = N_(
            "Where the cause is known, two people accept it: `{program} service.journal-verify"
            " --accept --reason TEXT`"
        )
        write_line("  " + fill(advice, {}))


def _row(store: str, found: Examination) -> Sequence[str | Cell]:
    if store in found.unreached:
        return store, "–", outcome_cell("not_checked")
    count = found.counts[store]
    is_bad = any(it.params.get("store") == store for it in found.faults)
    outcome = "failed" if is_bad else "ok" if count else "not_checked"
    return store, str(count), outcome_cell(outcome)
