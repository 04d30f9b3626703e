"""`service.journal-verify`: the journal held against its signed heads."""

from typing import Annotated

from ops.access.rights import KEYS, OFFICE
from ops.terminal.flags import Document, Json
from ops.terminal.task import Flag, Form, task


@task(
    "service.journal-verify",
    "ops.audit.cli:verify_journal",
    roles=OFFICE,
    keeps=True,
    second=("journal-acceptance",),
    forms=(Form("Verify the journal", fields="", proves=False),),
)
class JournalVerify:
    """Hold the journal against its chain, the signed heads in the stores, and the records.

    With --accept two people accept what cannot be put right: heads of rows that are lost, a signing
    key that was lost or changed. The journal says so from then on.
    """

    accept: Annotated[
        bool,
        Flag("Have a second person accept what was found, so that it is signed again.", roles=KEYS),
    ] = False
    reason: Annotated[str, Flag("Why it is accepted.", shape="long")] = ""
    document: Document = ""
    json: Json = False
