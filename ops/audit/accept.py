"""Have two people accept what the journal cannot explain by itself: a lost head, a new signing key.

Order:

1. Hold the journal against everything; what nobody can accept ends it here.
2. Ask for a second person, for exactly these findings.
3. Where the signing key is gone, make a new one.
4. In one transaction: put back the holds whose records were tampered with, journal what was
   accepted, signed by the key that signs from now on.

Killed after 3, the new key signs nothing yet: nobody knows it, and the next try takes it over.
"""

from dataclasses import replace
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ops.access.approvals.ask import ask_second_person
from ops.access.approvals.requests import Wish
from ops.access.approvals.require import Permit
from ops.access.session import Bench, at_bench
from ops.audit.evidence import ACCEPTED, read_keys
from ops.audit.job import Examination, examine
from ops.audit.signing_key import (
    attest,
    find_signing_key,
    make_signing_key,
    public_text,
    signing_file,
)
from ops.audit.tasks import JournalVerify
from ops.audit.verify import UNACCEPTABLE, tell
from ops.backups.retention.holds import put_back
from ops.errors import OpsError
from ops.estate.load.load import load_estate
from ops.estate.model.estate import Estate
from ops.estate.model.own_site import OWN_SITE
from ops.journal import journal
from ops.journal.journal import Entry
from ops.language.text import _
from ops.terminal.output import write_line

ACTION = "journal-acceptance"
_TOLD_BY_HEADS = frozenset({"cut", "rewritten", "lost_unproven"})
_TAMPERED_HOLDS = frozenset({"hold_gone", "hold_differs"})


class CannotAcceptError(OpsError):
    """Something was found that nobody can accept, or nobody can sign that it was."""


def accept_findings(wish: JournalVerify) -> int:
    """Accept all that was found; gives the exit code.

    Raises:
        CannotAcceptError: A row itself was changed, or there is no key to sign with.
        ApprovalAwaitedError: A request waits for the second person.
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
        asked = Wish(
            action=ACTION,
            subject=OWN_SITE,
            plan=_what(found),
            reason=wish.reason,
            document=wish.document,
        )
        permit = ask_second_person(bench, asked, dry_run=False)
        if permit is not None:
            _record(bench, found, wish, permit)
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
        raise CannotAcceptError(
            "this cannot be accepted: {first}",
            why="nothing that follows it can be proven",
            data="nothing was changed",
            next_step="put it right, or recover the service as it was before: `{program}"
            " service.recover --repo STORE`",
            first=tell(beyond[0]),
        )
    is_gone = any(it.code == "key_gone" for it in found.faults)
    if estate.keys.signing is None or (is_gone and signing_file(estate) is None):
        raise CannotAcceptError(
            "nobody can sign what is accepted: there is no signing key",
            data="nothing was changed",
            next_step="put the key back where `[keys] signing` points",
        )


def _record(bench: Bench, found: Examination, wish: JournalVerify, permit: Permit) -> None:
    key = _key(bench.estate)
    details = {**_what(found), **permit.as_details()}
    origin = replace(
        bench.origin,
        requested_by=permit.requested_by,
        reason=wish.reason,
        document=wish.document,
    )
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
