"""Which sites, stores, folders and moments a command or a job means."""

import re
from collections.abc import Collection, Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from ops.entering import find_around
from ops.errors import WrongUseError
from ops.estate.edit.import_sites import read_day as try_day
from ops.estate.load.read import INSTALLED_PATH
from ops.estate.model.estate import Estate
from ops.estate.model.own_site import list_own_folders
from ops.estate.model.sites import RESERVED_SITE_NAMES, Site
from ops.estate.model.stores import Store
from ops.terminal.elsewhere import is_elsewhere

ROLES = ("primary", "copy", "mirror")


def chosen_store(estate: Estate, arguments: Mapping[str, Any]) -> Store:
    """Give the store that a job's arguments name; without one the primary.

    Raises:
        WrongUseError: There is no store of that name.
    """
    name = str(arguments.get("store", ""))
    return estate.store(name) if name else estate.primary_store


PRIMARY = "primary"
"""What a procedure says where it does not know the primary store's name."""


def choose_stores(estate: Estate, name: str, roles: Collection[str] = ROLES) -> tuple[Store, ...]:
    """Give the store of that name, or all of these roles where none is named; the primary first.

    A store that is called so itself is meant before the word `primary`.

    Raises:
        WrongUseError: There is none, or it has another role.
    """
    if not name:
        chosen = [store for store in estate.stores if store.role in roles]
        return tuple(sorted(chosen, key=lambda store: ROLES.index(store.role)))
    is_word = name == PRIMARY and all(it.name != name for it in estate.stores)
    store = estate.primary_store if is_word else estate.store(name)
    if store.role not in roles:
        raise WrongUseError(
            'the store "{store}" has the role {role}, for which there is nothing to do here',
            why="a mirror follows its source by itself",
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


def refuse_built_in(name: str) -> None:
    """Refuse the name of a site that stands in no file.

    Raises:
        WrongUseError: It is one.
    """
    if name in RESERVED_SITE_NAMES:
        raise WrongUseError(
            'the name "{site}" belongs to the service itself',
            next_step="`{program} estate.show` lists the sites",
            site=name,
        )


def choose_place(estate: Estate, typed: str) -> str:
    """Give the folder that somebody means: by a place's name, its path, or a path below it.

    What the service has to open by itself, because a medium is mounted there or a store lies there,
    root has named. Where who types is this very process, any other folder is theirs.

    Args:
        estate: Has the places.
        typed: By whoever types; not believed.

    Raises:
        WrongUseError: It is no place, or a link leads out of it.
    """
    named = next((it.path for it in estate.places if it.name == typed), None)
    if not is_elsewhere():
        return typed if named is None else str(named)
    folder = Path(typed) if named is None else named
    around = next((it.path for it in estate.places if folder.is_relative_to(it.path)), None)
    if around is None or ".." in folder.parts:
        raise _no_place(estate, typed)
    real = around.resolve() / folder.relative_to(around)
    own = [*list_own_folders(estate), INSTALLED_PATH.parent]
    if real.resolve() != real or find_around(real, own):
        raise _no_place(estate, typed)
    return str(real)


def _no_place(estate: Estate, typed: str) -> WrongUseError:
    return WrongUseError(
        "{path} is no place that the estate names",
        why="the service opens no path that somebody types, and follows no link below a place;"
        " it has: {names}",
        next_step="name one of these; or have root add it to {estate}:"
        ' `[[places]]`, `name = "NAME"`, `path = "{path}"`',
        path=typed,
        names=", ".join(it.name for it in estate.places) or "-",
        estate=estate.path,
    )


_DAY_FIRST = re.compile(r"^(\d\d)/(\d\d)/(\d{4})")
_BEFORE_OFFSET = re.compile(r" +([+-]\d\d:\d\d)$")


def read_day(text: str) -> date:
    """Read `24/11/2026` or `2026-11-24`.

    Raises:
        WrongUseError: It is no date.
    """
    day = try_day(text)
    if day is None:
        raise WrongUseError(
            '"{text}" is not a date', next_step="write it like 24/11/2026 or 2026-11-24", text=text
        )
    return day


def read_moment(text: str, estate: Estate) -> datetime:
    """Read `2026-11-20 18:00`, or `20/11/2026 18:00 +07:00` as it stands on the screen.

    Without an offset it is a moment in the organisation's zone.

    Raises:
        WrongUseError: It is no moment.
    """
    try:
        dashed = _DAY_FIRST.sub(r"\3-\2-\1", text.strip())
        moment = datetime.fromisoformat(_BEFORE_OFFSET.sub(r"\1", dashed))
        moment = moment if moment.tzinfo else moment.replace(tzinfo=estate.zone)
        moment.astimezone(UTC)  # of the first and the last day there is none
    except (ValueError, OverflowError) as error:
        raise WrongUseError(
            '"{text}" is not a moment',
            next_step="write it like '20/11/2026 18:00' or '2026-11-20 18:00'",
            text=text,
        ) from error
    return moment
