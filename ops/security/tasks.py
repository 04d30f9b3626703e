"""Tasks that look at hosts and sites for what is unsafe, and keep what is allowed and accepted."""

from typing import Annotated

from ops.access.rights import INCIDENT, OFFICE, SECURITY
from ops.language.text import N_
from ops.terminal.flags import Document, DryRun, Json, ReasonForApprover
from ops.terminal.task import Flag, Form, task

TITLE = N_("what is unsafe on hosts and sites, what is accepted, and what it proves")

_GRADES = "ops.security.findings:Severity"
_TOOLS, _LISTS = "ops.security.subjects:TOOLS", "ops.security.subjects:ALLOWED"


@task("security.audit", "ops.security.cli:audit_now", roles=INCIDENT, forms=(Form("Audit now"),))
class Audit:
    """Look at hosts and sites: Lynis, SSH, TLS, updates, ports, keys, accounts, logs, clock, text.

    Without flags: what the controls ask for today, by the level of the systems. Nothing is changed
    on any host. What could not be looked at is told as not checked, never as good.
    """

    host: Annotated[
        tuple[str, ...],
        Flag(
            "Name of a host, localhost for this machine; may be given several times.",
            "Machines, one a line; empty: all",
            shape="host",
        ),
    ] = ()
    site: Annotated[
        tuple[str, ...],
        Flag(
            "Name of a site; may be given several times.",
            "Sites, one a line; empty: all",
            shape="site",
        ),
    ] = ()
    only: Annotated[
        tuple[str, ...],
        Flag(
            "Only this tool; may be given several times.",
            "Only these tools, one a line",
            one_of=_TOOLS,
        ),
    ] = ()
    all: Annotated[bool, Flag("Look at everything now, not only at what is due today.")] = False
    json: Json = False
    dry_run: DryRun = False


@task("security.findings", "ops.security.cli:show", roles=OFFICE - {"viewer", "archivist"})
class Findings:
    """Show what is unsafe: open, accepted until a day, or fixed; since when, and how grave.

    With --compliance: each control and duty, by system and level, with its verdict and the rows
    behind it; in JSON also the table of Mẫu số 08.
    """

    host: Annotated[str, Flag("Only this host; localhost is this machine.", shape="host")] = ""
    site: Annotated[str, Flag("Only this site.", shape="site")] = ""
    tool: Annotated[str, Flag("Only what this tool found.", one_of=_TOOLS)] = ""
    severity: Annotated[
        str, Flag("Only this grave or graver: low, medium, high, critical.", one_of=_GRADES)
    ] = ""
    fixed: Annotated[bool, Flag("Show also what is fixed.")] = False
    looks: Annotated[
        bool, Flag("Show the last look of each tool instead, and why it saw nothing.")
    ] = False
    trend: Annotated[
        int, Flag("Show how many were open at the end of each of so many months instead.")
    ] = 0
    compliance: Annotated[
        bool, Flag("Show each control and duty instead: whether it is proven, by what.")
    ] = False
    json: Json = False


@task(
    "security.baseline",
    "ops.security.allowed:keep_baseline",
    roles=SECURITY,
    second=("security-baseline",),
    forms=(Form("Allow what is there now", always={"approve": True}),),
)
class Baseline:
    """Show ports, keys and rights on a host against what is allowed; have two people allow them.

    What was not approved is a finding at the next look.
    """

    host: Annotated[str, Flag("Name of the host; localhost is this machine.", shape="host")]
    only: Annotated[
        tuple[str, ...],
        Flag("Only this list: ports, keys, sudoers; may be given several times.", one_of=_LISTS),
    ] = ()
    approve: Annotated[bool, Flag("Have what is there now approved as what is allowed.")] = False
    reason: ReasonForApprover = ""
    document: Document = ""
    json: Json = False
    dry_run: DryRun = False


@task(
    "security.accept",
    "ops.security.accept:accept_finding",
    roles=SECURITY,
    second=("finding-acceptance",),
    forms=(Form("Accept until a day"),),
)
class Accept:
    """Accept a finding until a day: a second person agrees, who is not the one who found it.

    It is never accepted for ever. Where it is fixed and comes back, or becomes graver, it is open.
    """

    id: Annotated[str, Flag("End of the finding's id, as `security.findings` shows it.")]
    until: Annotated[str, Flag("Last day on which it is accepted, e.g. 31/03/2027.", shape="date")]
    reason: ReasonForApprover = ""
    document: Document = ""
    dry_run: DryRun = False
