"""Whether this catalog is the one that counts: only then does it free or release anything.

Holds, roles and approvals stand in it. An empty catalog beside stores that were filled before it
began knows none of them, and one whose records were moved elsewhere knows none of the later ones.
Both look as if nothing were held and nobody had to be asked. So both free nothing until root has
said that this is the one that counts.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from ops.catalog.tables.core import JournalRow, Run
from ops.catalog.tables.index import Snapshot
from ops.errors import OpsError
from ops.journal.record_proofs import read_acts
from ops.language.text import N_

MOVED = "catalog.moved"
"""Journaled by the catalog that the records have moved to."""
LEFT = "catalog.left"
"""Journaled by the catalog that they have left."""
RECOVERED = "service.recovered"
"""Journaled once the service is back; its details name the last row that came back, `head`."""
TRUSTED = "catalog.trust"
"""Journaled when root has said that this is the catalog that counts."""

CATALOG_BEGAN_LATER = "catalog_began_later"
CATALOG_LEFT = "catalog_left"

_UNTOUCHED = N_("nothing was changed; every backup is untouched, and new ones are made")
TEXTS: Mapping[str, tuple[str, str, str, str]] = {
    CATALOG_BEGAN_LATER: (
        N_(
            "this catalog frees nothing: it knows only what happened since {began}, and {store}"
            " holds a backup of {site} of {taken}"
        ),
        N_(
            "it may be an empty one in the place of another, which knows what is held and who may"
            " do what"
        ),
        _UNTOUCHED,
        N_(
            "point `[catalog] url` to the one that knows more (it moves by `{program} catalog.move"
            " --to URL`), or bring it back: `{program} service.recover --repo STORE`; only where"
            " there is none any more, root types `{program} catalog.trust --reason TEXT`"
        ),
    ),
    CATALOG_LEFT: (
        N_("this catalog frees nothing: its records were moved to {to}"),
        N_("what is held and who may do what is known there"),
        _UNTOUCHED,
        N_(
            "point `[catalog] url` there; only where that one is lost, root types `{program}"
            " catalog.trust --reason TEXT`"
        ),
    ),
}
"""What, why, whether data is safe, and the next step, by reason code."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """Why this catalog may not be the one that counts.

    Attributes:
        reason: `CATALOG_BEGAN_LATER` or `CATALOG_LEFT`.
        params: JSON values for its sentence.
    """

    reason: str
    params: Mapping[str, Any] = field(default_factory=dict)

    @property
    def told(self) -> dict[str, Any]:
        """The parameters with moments as such, for sentences."""
        return tell_moments(self.params)


def tell_moments(params: Mapping[str, Any]) -> dict[str, Any]:
    """Give a doubt's parameters with moments as such."""
    moments = {it: datetime.fromisoformat(params[it]) for it in ("taken", "began") if it in params}
    return {**params, **moments}


def refuse_doubted(session: Session) -> None:
    """Refuse what only the catalog that counts may allow.

    Raises:
        OpsError: Something speaks against this one.
    """
    if doubt := find_doubt(session):
        what, why, data, step = TEXTS[doubt.reason]
        raise OpsError(what, why=why, data=data, next_step=step, **doubt.told)


def find_doubt(session: Session) -> Doubt | None:
    """Say why this catalog may not be the one that counts; None where nothing speaks against it.

    Only snapshots that the index knows are held against it: whoever asks looks at the stores first.
    """
    last = None
    for act in read_acts(session, MOVED, LEFT, TRUSTED):
        last = act
    if last is not None and last.action == LEFT:
        return Doubt(CATALOG_LEFT, {"to": str(last.details.get("to", ""))})
    if last is not None and last.action == TRUSTED:
        return None
    began = select(JournalRow.at).where(JournalRow.sequence == 1).scalar_subquery()
    # One of its own runs may have been made by a clock that was behind.
    own = exists().where(
        Run.site == Snapshot.site,
        Run.started_at <= Snapshot.taken_at,
        Run.ended_at >= Snapshot.taken_at,
    )
    older = select(Snapshot.site, Snapshot.store, Snapshot.taken_at, began)
    older = older.where(Snapshot.taken_at < began, ~own).order_by(Snapshot.taken_at).limit(1)
    found = session.execute(older).first()
    if found is None:
        return None
    site, store, taken_at, began_at = found
    moments = {"taken": taken_at.isoformat(), "began": began_at.isoformat()}
    return Doubt(CATALOG_BEGAN_LATER, {"site": site, "store": store, **moments})
