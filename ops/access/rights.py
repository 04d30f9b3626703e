"""Which role may run which task, and which may approve what: pure decisions.

Who may run a task stands where the task is declared; here are the sets of roles it is said with. A
task that nobody has declared may be run by nobody once roles exist. `unit_contact` sees the sites
of the person's own unit only, so the tasks it may run are those that name a site.
"""

from collections.abc import Collection, Mapping

from ops.language.text import N_
from ops.terminal.task import OLD, all_tasks

ROLES: Mapping[str, str] = {
    "viewer": N_("viewer"),
    "operator": N_("operator"),
    "backup_admin": N_("backup administrator"),
    "security_officer": N_("security officer"),
    "head": N_("head of the unit in charge"),
    "approver": N_("approver"),
    "auditor": N_("auditor"),
    "archivist": N_("archivist"),
    "unit_contact": N_("contact of a unit"),
}

ACTIONS: Mapping[str, str] = {
    "restore-in-place": N_("restore over production"),
    "deletion-below-minimum": N_("deletion below a minimum"),
    "key-export": N_("export of a key"),
    "disposal": N_("disposal of archived objects"),
    "plan-decision": N_("decision on a plan"),
    "hold-release": N_("release of a hold"),
    "role-change": N_("change of roles or credentials"),
    "key-replacement": N_("replacement of a key"),
    "minimum-lowering": N_("lowering of a minimum"),
    "service-recovery": N_("recovery over a service that is there"),
    "journal-acceptance": N_("acceptance of what the journal cannot explain"),
    "finding-acceptance": N_("acceptance of what an audit found"),
    "security-baseline": N_("change of what is allowed on a host"),
    "moment-correction": N_("correction of a backup's moment"),
    "runbook-step": N_("a step of a runbook that takes two people"),
}
"""What needs two people, with its title."""

APPROVERS: Mapping[str, frozenset[str]] = {
    "restore-in-place": frozenset({"approver", "backup_admin", "security_officer"}),
    "deletion-below-minimum": frozenset({"approver"}),
    "key-export": frozenset({"approver", "security_officer"}),
    "disposal": frozenset({"approver"}),
    "plan-decision": frozenset({"approver", "head"}),
    "hold-release": frozenset({"approver", "security_officer"}),
    "role-change": frozenset({"approver", "security_officer"}),
    "key-replacement": frozenset({"approver", "security_officer"}),
    "minimum-lowering": frozenset({"approver"}),
    "service-recovery": frozenset({"approver", "security_officer"}),
    "journal-acceptance": frozenset({"approver", "security_officer"}),
    "finding-acceptance": frozenset({"approver", "security_officer"}),
    "security-baseline": frozenset({"approver", "backup_admin", "security_officer"}),
    "moment-correction": frozenset({"approver", "backup_admin", "security_officer"}),
    "runbook-step": frozenset({"approver", "backup_admin", "security_officer"}),
}
"""Which roles may approve an action; the Center's own choice, no law names them."""

OPEN = frozenset(
    {
        "approval.approve",  # the person proves who it is inside, and that person's roles count
        "approval.refuse",
        "catalog.move",  # root alone, as it sees itself inside
        "catalog.trust",  # the same
        "console.run",  # what systemd starts is no person; who looks logs in there
        "estate.check",
        "estate.discover",  # reads and writes as the user who types it; see `AS_ONESELF`
        "estate.sample",
        "service.recover",  # on a bare machine nobody's role is known; else it asks inside
        "service.run",  # what systemd starts is no person
    }
)
"""Tasks without a check at the door, each with its reason."""

LOOKING = frozenset({"estate.check", "estate.discover", "estate.sample"})
"""Tasks of those that may read any estate file: they do nothing that it says."""

AS_ONESELF = frozenset({"estate.discover"})
"""Tasks that read and write wherever they are told; with rights that are lent they are refused."""

BARE = "giucong"
"""The program without a task: it says what is red at every site."""

OFFICE = frozenset(ROLES) - {"unit_contact"}
OPERATE = frozenset({"operator", "backup_admin"})
ADMIN = frozenset({"backup_admin"})
ARCHIVE = frozenset({"archivist", "backup_admin"})
INCIDENT = frozenset({"operator", "backup_admin", "security_officer"})
KEYS = frozenset({"backup_admin", "security_officer"})
PRIVATE = frozenset({"archivist", "security_officer"})
SECURITY = frozenset({"security_officer"})

_LINES: tuple[tuple[frozenset[str], str], ...] = (
    (OFFICE | {"unit_contact"}, "backup.list backup.files backup.find report.site report.section"),
    (
        OFFICE,
        (
            "estate.show backup.status backup.key-list service.status service.jobs service.missed"
            " backup.diff"
            " duty.list duty.due duty.evidence duty.diff approval.list drill.list drill.show"
            " runbook.list runbook.show runbook.print archive.list archive.search archive.show"
            " archive.status archive.replay"
            " document.list document.export asset.list asset.diff asset.export"
            " monitor.status monitor.forecast monitor.alerts"
            " monitor.chart monitor.silence plan.show plan.progress report.kinds report.make"
            " report.annual report.activity report.drill report.notice report.policy"
            " report.evidence duty.policy service.journal-verify archive.prove"
            f" {BARE}"
        ),
    ),
    (
        OFFICE - {"viewer", "archivist"},
        "security.findings report.security user.list provision.drift",
    ),
    (
        OPERATE,
        (
            "backup.run backup.run-all backup.check backup.scan backup.restore backup.reindex"
            " backup.pages backup.load backup.switch backup.unlock"
            " service.trigger service.notify-test drill.run drill.phase drill.extract drill.wipe"
            " runbook.run runbook.resume asset.import document.add monitor.check estate.test"
            " provision.plan plan.draft plan.edit plan.revise plan.complete"
            " monitor.observer"
        ),
    ),
    (
        OPERATE | ARCHIVE,
        "archive.capture archive.ingest archive.verify archive.reindex",
    ),
    (OPERATE | {"head"}, "plan.submit"),
    (ARCHIVE, "archive.export"),
    (
        INCIDENT,
        "monitor.ack duty.planned-stop security.audit",
    ),
    (INCIDENT | {"archivist", "head"}, "register.update register.close report.request"),
    (INCIDENT | {"archivist", "head", "unit_contact"}, "register.add"),
    (OFFICE, "register.show report.requests"),
    (OFFICE | {"unit_contact"}, "register.list"),
    (
        ADMIN,
        (
            "backup.init backup.forget backup.prune backup.repair backup.copy backup.export-media"
            " backup.lower-minimum backup.import-media backup.key-add backup.key-rotate"
            " backup.redate backup.retire-media"
            " estate.import estate.keep estate.secret estate.trust estate.account estate.retire"
            " archive.repair archive.dispose archive.static provision.apply service.upgrade"
            " service.kit duty.import plan.record-decision report.issue"
        ),
    ),
    (
        KEYS,
        (
            "backup.key-export backup.key-escrow backup.key-combine backup.hold backup.release"
            " backup.accept archive.hold archive.release"
        ),
    ),
    (
        SECURITY,
        "security.baseline security.accept user.add user.disable user.role",
    ),
    # Whose a duty is to record, the duty says.
    (INCIDENT | {"approver", "archivist"}, "duty.record"),
    # Everybody renews the own second factor; that of another takes a security officer's role.
    (frozenset(ROLES), "user.reset-totp"),
    (frozenset(), " ".join(sorted(OPEN))),
)

RIGHTS: Mapping[str, frozenset[str]] = {
    task: roles for roles, tasks in _LINES for task in tasks.split()
}
"""Task → roles that may run it."""

FLAG_RIGHTS: Mapping[tuple[str, str], frozenset[str]] = {
    ("backup.run", "accept_size"): KEYS,  # as `backup.accept`: it ends what would freeze the site
    ("duty.policy", "approve"): ADMIN,
    ("duty.policy", "withdraw"): ADMIN,
    ("service.journal-verify", "accept"): KEYS,
    ("service.missed", "seen"): INCIDENT,
    ("monitor.silence", "about"): OPERATE,
    **{
        ("plan.progress", flag): OPERATE
        for flag in ("contracted", "paid", "done", "begins", "until", "stops")
    },
    ("monitor.silence", "end"): OPERATE,
    ("asset.diff", "look"): OPERATE,
    # A unit's contact enters for the own unit, and reads of no alert by beginning with it.
    **{
        ("register.add", flag): INCIDENT | {"archivist", "head"}
        for flag in ("unit", "from_alert", "from_drill", "from_finding")
    },
    # The unit's own words: its contact writes and confirms them, operators type what came on paper.
    **{
        ("report.section", part): OPERATE | {"unit_contact"}
        for part in ("board", "content", "shortcomings", "proposals")
    },
    ("report.section", "confirm"): frozenset({"unit_contact"}),
    **{(f"archive.{verb}", "private"): PRIVATE for verb in ("list", "search", "show", "export")},
}
"""Flags that make of a task one that weighs more → roles that may give them."""

WHEN_ASKED = frozenset({"monitor.ack"})
"""Tasks that everybody with a role may run whom the estate's routes or roster name: who is told of
something red, and waited for, may answer."""

OWN_SITES_ONLY = frozenset(
    {
        "backup.list", "backup.files", "backup.find", "report.site", "report.section",
        "register.add", "register.list",
    }
)  # fmt: skip
"""Tasks that a unit's contact may run for sites of that unit only."""


def decide_may(
    roles: Collection[str],
    task: str,
    *,
    is_own_site: bool = False,
    is_asked: bool = False,
    flags: Collection[str] = (),
) -> bool:
    """Decide whether somebody with these roles may run a task.

    Args:
        roles: What the person holds; may be empty.
        task: Its full name, `area.verb`.
        is_own_site: Whether the task is asked for a site of the person's own unit.
        is_asked: Whether the estate's routes or roster name the person.
        flags: Names of the flags that are given.
    """
    declared = all_tasks().get(task)
    if declared is None:
        return task == BARE and bool(OFFICE & frozenset(roles))
    if declared.roles is OLD:
        return decide_old(roles, task, is_own_site=is_own_site, is_asked=is_asked, flags=flags)
    if declared.roles is None:
        return True
    fitting = declared.roles & frozenset(roles)
    if declared.when_asked and is_asked:
        fitting = frozenset(roles)
    if declared.own_sites and not is_own_site:
        fitting -= {"unit_contact"}
    for name in flags:
        if name in declared.flags and (may_give := declared.flags[name].roles) is not None:
            fitting &= may_give
    return bool(fitting)


def decide_old(  # noqa: D103 - goes when every task is declared
    roles: Collection[str],
    task: str,
    *,
    is_own_site: bool,
    is_asked: bool,
    flags: Collection[str],
) -> bool:
    if task in OPEN:
        return True
    fitting = RIGHTS.get(task, frozenset()) & frozenset(roles)
    if task in WHEN_ASKED and is_asked:
        fitting = frozenset(roles)
    if task in OWN_SITES_ONLY and not is_own_site:
        fitting -= {"unit_contact"}
    for flag in flags:
        fitting &= FLAG_RIGHTS.get((task, flag), fitting)
    return bool(fitting)


def decide_may_approve(roles: Collection[str], action: str) -> bool:
    """Decide whether somebody with these roles may approve an action; pure."""
    return bool(APPROVERS[action] & frozenset(roles))


def roles_for(task: str, *, is_own_site: bool = False, flags: Collection[str] = ()) -> list[str]:
    """List the roles that may run a task as it is asked for, in the order of `ROLES`."""
    return [it for it in ROLES if decide_may([it], task, is_own_site=is_own_site, flags=flags)]
