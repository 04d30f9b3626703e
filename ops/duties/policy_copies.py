"""Which copies the policy names and no store holds: a policy on paper proves nothing."""

from collections.abc import Collection, Iterable, Mapping, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from ops.catalog.indexes import Snapshot
from ops.duties.policy import PolicyRow
from ops.text import N_, _, fill

_MOST_SHOWN = 5


def read_kept(session: Session) -> set[tuple[str, str]]:
    """Give the names of site and store wherever there is a snapshot of a site."""
    rows = session.execute(select(Snapshot.site, Snapshot.store).distinct())
    return {(site, store) for site, store in rows}


def find_missing(
    rows: Iterable[PolicyRow], kept: Collection[tuple[str, str]]
) -> dict[str, list[str]]:
    """Give the sites of which a store holds nothing although the policy says so, by store; pure."""
    missing: dict[str, dict[str, None]] = {}
    for row in rows:
        for place in row.places:
            for site in row.sites:
                if (site, place.store) not in kept:
                    missing.setdefault(place.store, {})[site] = None
    return {store: list(sites) for store, sites in missing.items()}


def tell_copies(row: PolicyRow, missing: Mapping[str, Sequence[str]]) -> str:
    """Say how many copies a row names, and where some of its sites have none."""
    lacking = [it.store for it in row.places if set(row.sites) & set(missing.get(it.store, ()))]
    if not lacking:
        return str(row.copies)
    text = _("{count} by the estate; not there yet for every site: {stores}")
    return text.format(count=row.copies, stores=", ".join(lacking))


def tell_missing(missing: Mapping[str, Sequence[str]], primary: str) -> list[str]:
    """Say what is not there, and what to type; a line for each store."""
    lines = []
    for store, sites in missing.items():
        shown = ", ".join(sites[:_MOST_SHOWN]) + (" …" if sites[_MOST_SHOWN:] else "")
        text = (
            N_("nothing is stored in {store} yet of: {sites} → `{program} backup.run-all`")
            if store == primary
            else N_("nothing is stored in {store} yet of: {sites} →"
                    " `{program} backup.copy --to {store}`")
        )  # fmt: skip
        lines.append(fill(text, {"store": store, "sites": shown}))
    return lines
