"""Have a second person agree to a step, through the estate's requests and approvals."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from ops.access.approvals.ask import proof_of_requester
from ops.access.approvals.requests import Wish
from ops.access.approvals.require import (
    NEXT_IN_RUN,
    ApprovalAwaitedError,
    Permit,
    require_approval,
)
from ops.access.session import Bench, follow_decision, look_at_past
from ops.catalog.tables.access import ApprovalRequest
from runbooks.errors import SamePersonError
from runbooks.seams import Clock, Request


@dataclass(frozen=True, slots=True)
class EstateApprover:
    """Asks for approvals of the action `runbook-step`.

    Attributes:
        bench: Who carries the runbook out.
        clock: The moment.
        reason, document: Why it is done, for the one who decides.
    """

    bench: Bench
    clock: Clock
    reason: str
    document: str = ""

    def approve(self, request: Request, person: str) -> str:
        """Use an approval up and give the second person's name; empty where there is no second.

        Raises:
            ApprovalAwaitedError: A request waits now.
            SamePersonError: Who approved it carries it out; the approval is left unused.
        """

        def refuse_same(_session: Session, permit: Permit) -> None:
            if permit.approved_by and permit.approved_by == person:
                raise SamePersonError(request.number, person)

        wish = Wish(
            action="runbook-step",
            subject=request.runbook,
            plan={
                "run": request.run,
                "step": request.number,
                "does": request.sentence,
                "commands": list(request.commands),
            },
            reason=self.reason,
            document=self.document,
        )
        look_at_past(self.bench)
        try:
            permit = require_approval(
                self.bench.catalog,
                self.bench.origin,
                wish,
                now=self.clock.now(),
                act=refuse_same,
                prove=proof_of_requester(self.bench),
            )
        except ApprovalAwaitedError as error:
            error.next_step, error.params["run"] = NEXT_IN_RUN, request.run
            raise
        if permit.need == "needed":
            follow_decision(self.bench)
        return permit.approved_by

    def find_agreed(self, person: str, since: datetime) -> str:
        """Give who approved what this person's commands have used last since then."""
        used = ApprovalRequest.used_by == person, ApprovalRequest.used_at >= since
        query = select(ApprovalRequest.decided_by).where(*used)
        with self.bench.catalog.reading() as session:
            found = session.execute(query.order_by(ApprovalRequest.used_at.desc())).scalars()
            return found.first() or ""
