"""Which role may run which task, and which may approve what: pure decisions.

Who may run a task stands where the task is declared; here are the sets of roles it is said with. A
task that nobody has declared may be run by nobody once roles exist. `unit_contact` sees the sites
of the person's own unit only, so the tasks it may run are those that name a site.
"""

from collections.abc import Collection, Mapping

from ops.language.text import N_
from ops.terminal.elsewhere import BARE
from ops.terminal.task import all_tasks

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

OFFICE = frozenset(ROLES) - {"unit_contact"}
OPERATE = frozenset({"operator", "backup_admin"})
ADMIN = frozenset({"backup_admin"})
ARCHIVE = frozenset({"archivist", "backup_admin"})
INCIDENT = frozenset({"operator", "backup_admin", "security_officer"})
KEYS = frozenset({"backup_admin", "security_officer"})
PRIVATE = frozenset({"archivist", "security_officer"})
SECURITY = frozenset({"security_officer"})


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


def decide_may_approve(roles: Collection[str], action: str) -> bool:
    """Decide whether somebody with these roles may approve an action; pure."""
    return bool(APPROVERS[action] & frozenset(roles))


def roles_for(task: str, *, is_own_site: bool = False, flags: Collection[str] = ()) -> list[str]:
    """List the roles that may run a task as it is asked for, in the order of `ROLES`."""
    return [it for it in ROLES if decide_may([it], task, is_own_site=is_own_site, flags=flags)]
