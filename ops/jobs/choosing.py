"""Which sites and stores a command or a job means."""

from collections.abc import Collection, Mapping
from typing import Any

from ops.errors import WrongUseError
from ops.estate.models import Estate
from ops.estate.sites import Site
from ops.estate.stores import Store

ROLES = ("primary", "copy", "mirror")


def chosen_store(estate: Estate, arguments: Mapping[str, Any]) -> Store:
    """Give the store that a job's arguments name; without one the primary.

    Raises:
        WrongUseError: There is no store of that name.
    """
    name = str(arguments.get("store", ""))
    return estate.store(name) if name else estate.primary_store


def choose_stores(estate: Estate, name: str, roles: Collection[str] = ROLES) -> tuple[Store, ...]:
    """Give the store of that name, or all of these roles where none is named; the primary first.

    Raises:
        WrongUseError: There is none, or it has another role.
    """
    if not name:
        chosen = [store for store in estate.stores if store.role in roles]
        return tuple(sorted(chosen, key=lambda store: ROLES.index(store.role)))
    store = estate.store(name)
    if store.role not in roles:
        raise WrongUseError(
            'the store "{store}" has the role {role}, for which there is nothing to do here',
            why="a mirror follows its source by itself",
            data="nothing was changed",
            next_step="name the store that it is made from: {source}",
            store=name,
            role=store.role,
            source=store.of or "",
        )
    return (store,)


def choose_sites(estate: Estate, name: str) -> tuple[Site, ...]:
    """Give the site of that name, or all where none is named.

    Raises:
        WrongUseError: There is none.
    """
    if name:
        return (estate.site(name),)
    if not estate.sites:
        raise WrongUseError(
            "the estate has no site",
            why="{path} names none",
            next_step="add `[[sites]]`; `{program} estate.sample` shows how",
            path=estate.path,
        )
    return estate.sites
