"""Hold the journal against everything; show it, or have two people accept what was found."""

import os
import socket
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ops.access.approvals.ask import Agreed, ask_second_person
from ops.access.approvals.requests import Wish
from ops.access.session import at_bench
from ops.alerts.drafts import JOURNAL_BROKEN
from ops.audit.evidence import ACCEPTED, read_keys
from ops.audit.heads import attest, find_signing_key, make_signing_key, public_text, signing_file
from ops.audit.job import VERIFY, Examination, broken_params, examine
from ops.audit.tasks import JournalVerify
from ops.audit.verify import UNACCEPTABLE, tell
from ops.backups.retention.holds import put_back
from ops.catalog.columns import new_id
from ops.catalog.open import Catalog, open_catalog
from ops.catalog.tables.core import Run
from ops.errors import OpsError
from ops.estate.load.load import load_estate
from ops.estate.model.estate import Estate
from ops.estate.model.own_site import OWN_SITE
from ops.estate.model.references import reveal
from ops.jobs.live import last_runs
from ops.journal import journal
from ops.journal.journal import Entry
from ops.language.text import N_, _, fill, ngettext
from ops.terminal.output import Cell, verdict_cell, write_json, write_line, write_table

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
            findings,
            outcome=found.outcome,
            rows=found.head.sequence,
            head=found.head.hash,
            heads=found.counts,
            unreached=found.unreached,
            signed=found.has_key,
            signed_to=found.signed,
        )
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
                id=new_id(),
                job=_JOB,
                kind=VERIFY.name,
                site=OWN_SITE,
                host=socket.gethostname(),
                pid=os.getpid(),
                started_at=now,
                ended_at=now,
                outcome=found.outcome,
                reason=JOURNAL_BROKEN if found.faults else "",
                params=broken_params(found) if found.faults else {},
            )
        )


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
            "Change nothing. Copy the catalog elsewhere; choose an earlier backup,"
            " `{program} backup.list --site giucong`, and take it out to compare the journals:"
            " `{program} backup.restore --site giucong --snapshot ID --target FOLDER`"
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
        return store, "–", verdict_cell("not_checked")
    count = found.counts[store]
    is_bad = any(it.params.get("store") == store for it in found.faults)
    outcome = "failed" if is_bad else "ok" if count else "not_checked"
    return store, str(count), verdict_cell(outcome)


ACTION = "journal-acceptance"
_TOLD_BY_HEADS = frozenset({"cut", "rewritten", "lost_unproven"})
_TAMPERED_HOLDS = frozenset({"hold_gone", "hold_differs"})


def accept_findings(wish: JournalVerify) -> int:
    """Accept all that was found; gives the exit code.

    What the journal cannot explain by itself is accepted by two people: a lost head, a new signing
    key. Order:

    1. Hold the journal against everything (`verify_journal`); what nobody can accept ends it here.
    2. Ask for a second person, for exactly these findings.
    3. Where the signing key is gone, make a new one.
    4. In one transaction: put back the holds whose records were tampered with, journal what was
       accepted, signed by the key that signs from now on.

    Killed after 3, the new key signs nothing yet: nobody knows it, and the next try takes it over.
    """
    estate = load_estate()
    with at_bench(estate) as bench:
        found = examine(estate, bench.catalog)
        for finding in found.faults:
            write_line("  " + tell(finding))
        _refuse(estate, found)
        if not found.faults:
            write_line(_("Nothing is to be accepted: the journal holds."))
            return 0
        asked = Wish(ACTION, OWN_SITE, _what(found), wish.reason, wish.document)
        if agreed := ask_second_person(bench, asked):
            _record(agreed, found)
    write_line("  " + _("accepted; the journal says so, and is signed again from now on"))
    return 0


def _what(found: Examination) -> dict[str, Any]:
    """Give what is accepted; it stays the same while the journal itself grows."""
    told = [it for it in found.faults if it.code not in _TOLD_BY_HEADS]
    return {
        "findings": [{"code": it.code, "params": dict(it.params)} for it in told],
        "lost": [{"sequence": number, "hash": text} for number, text in found.disagreeing],
    }


def _refuse(estate: Estate, found: Examination) -> None:
    beyond = [it for it in found.faults if it.code in UNACCEPTABLE]
    if beyond:
        raise OpsError(
            "this cannot be accepted: {first}",
            why="nothing that follows it can be proven",
            data="nothing was changed",
            next_step="put it right, or recover the service as it was before: `{program}"
            " service.recover --repo STORE`",
            first=tell(beyond[0]),
        )
    is_gone = any(it.code == "key_gone" for it in found.faults)
    if estate.keys.signing is None or (is_gone and signing_file(estate) is None):
        raise OpsError(
            "nobody can sign what is accepted: there is no signing key",
            data="nothing was changed",
            next_step="put the key back where `[keys] signing` points",
        )


def _record(agreed: Agreed, found: Examination) -> None:
    bench, origin = agreed.bench, agreed.bench.origin
    key = _key(bench.estate)
    details = {**_what(found), **agreed.permit.as_details()}
    tampered = [it.params["hold"] for it in found.faults if it.code in _TAMPERED_HOLDS]
    with bench.catalog.writing() as session:
        before = journal.append(session, origin, [])  # its lock is ours until the commit
        for hold in tampered:
            put_back(session, hold)
        if read_keys(session)[-1:] != [public_text(key)]:
            details["key"] = public_text(key)
        entry = Entry(ACCEPTED, OWN_SITE, attest(key, before, details))
        journal.append(session, origin, [entry])


def _key(estate: Estate) -> Ed25519PrivateKey:
    key, path = find_signing_key(estate), signing_file(estate)
    if key is None and path is not None:
        return make_signing_key(path)
    if key is None:
        raise AssertionError("refused before")
    return key
