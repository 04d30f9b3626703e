"""`service.journal-verify`: the journal held against its signed heads."""

from invoke.context import Context

from ops.language.text import N_
from ops.terminal import flags
from ops.terminal.task import operator_task

AREA = "service"


@operator_task(
    help={
        "accept": N_("Have a second person accept what was found, so that it is signed again."),
        "reason": N_("Why it is accepted."),
        "document": flags.DOCUMENT,
        "json": flags.JSON,
    },
    two_people=True,
)
def journal_verify(
    _context: Context,
    accept: bool = False,
    reason: str = "",
    document: str = "",
    json: bool = False,
) -> int:
    """Hold the journal against its chain, the signed heads in the stores, and the records.

    With --accept two people accept what cannot be put right: heads of rows that are lost, a signing
    key that was lost or changed. The journal says so from then on.
    """
    if accept:
        from ops.audit.accept import AcceptWish, accept_findings

        return accept_findings(AcceptWish(reason, document))
    from ops.audit.cli import verify_journal

    return verify_journal(as_json=json)
