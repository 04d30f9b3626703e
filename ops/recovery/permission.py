"""Who may put an older state in the place of a catalog that is there.

On a bare machine nobody's role is known, and nothing is asked. A catalog that would be moved aside
knows roles and second persons: they are asked as it knows them, and the request stays in it. One
that cannot be read any more is the very reason to recover, and only a confirmation is asked for.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from backup.format.snapshot import Snapshot
from ops.access.approvals.ask import ask_second_person
from ops.access.approvals.requests import Wish
from ops.access.approvals.require import RECOVERY, Permit
from ops.access.identity import NotAllowedError, open_existing
from ops.access.rights import ROLES
from ops.access.roles import is_anybody_appointed, roles_of
from ops.access.session import Bench, person_at_terminal
from ops.catalog.open import Catalog, open_catalog
from ops.errors import OpsError
from ops.estate.load.load import load_estate
from ops.estate.model.estate import Estate
from ops.estate.versions import find_estate_at, revive
from ops.language.text import _
from ops.recovery.content import CATALOG_FILE
from ops.recovery.plan import RecoveryPlan
from ops.terminal.output import write_line

_ROLE = "backup_admin"


def ask_to_recover(
    recovery: RecoveryPlan, snapshot: Snapshot, reason: str, document: str
) -> Permit | None:
    """Ask whoever has to be asked; None where there is no catalog that could know.

    Args:
        recovery: What would go where.
        snapshot: The state that would come back.
        reason: Why.
        document: On what ground.
    """
    with _live_bench(recovery) as bench:
        if bench is None:
            return None
        _check_role(bench)
        to = str(recovery.estate_file.parent)
        plan = {"act": "recover", "snapshot": snapshot.id, "store": recovery.store, "to": to}
        asked = Wish(RECOVERY, bench.estate.own_site.name, plan, reason, document)
        agreed = ask_second_person(bench, asked)
        return agreed.permit if agreed else None


@contextmanager
def _live_bench(plan: RecoveryPlan) -> Iterator[Bench | None]:
    """Open the catalog that would be replaced; None where there is none, or none to be read."""
    catalog = None
    try:
        try:
            catalog, estate = _open_live(plan)
        except (OpsError, SQLAlchemyError):
            write_line(_("The catalog that is there cannot be read: nobody's role is known."))
            yield None
            return
        if catalog is None or estate is None:
            yield None
        else:
            yield Bench(estate, catalog, person_at_terminal(estate))
    finally:
        if catalog is not None:
            catalog.close()


def _open_live(plan: RecoveryPlan) -> tuple[Catalog | None, Estate | None]:
    """Give the catalog of the estate that is there; else the file that would be replaced."""
    estate: Estate | None = None
    with suppress(OpsError):
        estate = load_estate(plan.estate_file)
    # The one it uses, whatever the snapshot says that it would replace.
    if estate is not None and (catalog := open_existing(estate)) is not None:
        return catalog, estate
    path = _replaced(plan)
    if path is None:
        return None, None
    catalog = open_catalog(f"sqlite:///{path}")
    if estate is None:
        with catalog.reading() as session:
            stored = find_estate_at(session, datetime.now(UTC))
        estate = revive(stored.document, plan.estate_file) if stored else None
    return catalog, estate


def _replaced(plan: RecoveryPlan) -> Path | None:
    return next((it.path for it in plan.taken if it.at == CATALOG_FILE), None)


def _check_role(bench: Bench) -> None:
    person = bench.origin.person
    with bench.catalog.reading() as session:
        roles = roles_of(session, person)
        if _ROLE in roles or not is_anybody_appointed(session):
            return
    raise NotAllowedError(
        "you may not recover over the service that is there",
        why='it takes the role: {needed}; "{person}" holds: {held}',
        data="nothing was changed",
        next_step="ask a backup administrator of this service",
        person=person or bench.origin.login,
        needed=_(ROLES[_ROLE]),
        held=", ".join(_(ROLES[role]) for role in sorted(roles)) or "–",
    )
