"""Who acts at this terminal, and whether that person may run this task: the door of every task.

The login is the one the person logged in with, also behind `sudo`. The kernel keeps it (audit
login id) where the system's login sets it, as Debian's does; elsewhere the environment tells.
"""

import os
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from contextvars import ContextVar
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ops.access.caller import current_caller, note_task
from ops.entering import name_of
from ops.errors import OpsError, WrongUseError
from ops.estate.load.read import INSTALLED_PATH
from ops.estate.owner import BY_ROOT, is_borrowed
from ops.meanwhile import meanwhile
from ops.terminal.task import PROOF_FLAG, Task

if TYPE_CHECKING:
    from ops.catalog.open import Catalog
    from ops.estate.model.estate import Estate
    from ops.estate.model.people import Person


_AUDIT_LOGIN = Path("/proc/self/loginuid")
_NOBODY_YET = 2**32 - 1


class NotAllowedError(OpsError):
    """The person at the terminal may not do this."""


def login_at_terminal() -> str:
    """Give the login name of who sits at the terminal, also behind `sudo`; or at the console."""
    if caller := current_caller():
        return caller.login
    return (
        kernel_login()
        or os.environ.get("SUDO_USER")
        or os.environ.get("LOGNAME")
        or name_of(os.getuid())
    )


def find_person(people: "Iterable[Person]", login: str) -> "Person | None":
    """Give the person of the estate that a login belongs to; of two with one login, neither."""
    found = [it for it in people if it.login and it.login == login]
    return found[0] if len(found) == 1 else None


def find_actor(people: "Iterable[Person]") -> "Person | None":
    """Give the person of the estate who acts here: at the console by name, else by login."""
    if caller := current_caller():
        return next((it for it in people if it.name == caller.person), None)
    return find_person(people, login_at_terminal())


def check_person(people: "Iterable[Person]", name: str) -> None:
    """Refuse a name that is nobody in the estate.

    Raises:
        WrongUseError: No person is called so.
    """
    if all(person.name != name for person in people):
        raise WrongUseError(
            'no person of the estate is called "{name}"',
            next_step="add `[[people]]` with that name to the estate file, or correct it;"
            " `{program} user.list` lists the people",
            name=name,
        )


def check_door(task: str, values: Mapping[str, object]) -> None:
    """Refuse a task that the person at the terminal may not run.

    Before anybody holds a role, and where there is no catalog yet, everything is allowed to whose
    the service is, and nothing to others.

    Args:
        task: Its full name, `area.verb`.
        values: The flags with their values, the site among them.

    Raises:
        NotAllowedError: The person's roles do not reach.
        EstateStrangeError: Others may write the estate's files, or swap them.
        OpsError: The estate or the catalog cannot be read, so that nobody knows.
    """
    from ops.estate.load.load import load_estate
    from ops.estate.load.read import check_files, find_estate_path
    from ops.terminal.task import all_tasks

    declared = all_tasks().get(task)
    if declared is not None and declared.is_looking:
        return
    try:
        path = find_estate_path()
    except WrongUseError:
        return  # a task that needs the estate says so itself
    files = check_files(path)
    estate = load_estate()
    _refuse_restored(estate, files)
    if declared is not None and declared.roles is None:
        return
    catalog = open_existing(estate)
    if catalog is None:
        _refuse_lent(estate, task)
        return
    with catalog:
        check_right(catalog, estate, task, values)


def check_right(
    catalog: "Catalog", estate: "Estate", task: str, values: Mapping[str, object]
) -> None:
    """Refuse a task that the roles of the person at the terminal do not allow.

    Raises:
        NotAllowedError: They do not; or nobody holds a role, and the rights are lent.
    """
    from ops.access.roles import is_anybody_appointed, roles_of

    person = find_actor(estate.people)
    with catalog.reading() as session:
        if not is_anybody_appointed(session):
            _refuse_lent(estate, task)
            return
        roles = roles_of(session, person.name) if person else frozenset()
    check_roles(estate, roles, task, values)


def is_service_owner(estate: "Estate") -> bool:
    """Tell whether who acts is the one whose the service is, and may all while nobody has a role.

    That is root, or the service's own user at a console; in a checkout whoever runs it. Who gets
    that user's rights through `sudo` is not, nor somebody at the console of an installed service.
    """
    if caller := current_caller():
        return caller.is_root if caller.at_terminal else estate.path != INSTALLED_PATH
    return not is_borrowed() or os.environ.get(BY_ROOT) == "1"


def _refuse_lent(estate: "Estate", task: str) -> None:
    if not is_service_owner(estate):
        raise NotAllowedError(
            "you may not run `{task}`",
            why="nobody holds a role here, and until then only root acts",
            data="nothing was changed",
            next_step="have root give the first one: `{program} user.add --person PERSON`, then"
            " `{program} user.role --person PERSON --role security_officer`; after a recovery the"
            " roles may be in a newer backup",
            task=task,
        )


def check_roles(
    estate: "Estate", roles: Collection[str], task: str, values: Mapping[str, object]
) -> None:
    """Refuse a task that these roles do not allow to who acts here.

    Raises:
        NotAllowedError: They do not.
    """
    from ops.access.rights import decide_may, roles_for

    login = login_at_terminal()
    person = find_actor(estate.people)
    wanted = values.get("site")
    units = {site.name: site.unit for site in estate.sites}
    unit = units.get(wanted) if isinstance(wanted, str) else None
    is_own_site = person is not None and unit is not None and unit == person.unit
    is_asked = person is not None and person.name in estate.notices.people
    given = [flag for flag, value in values.items() if value]
    if not decide_may(roles, task, is_own_site=is_own_site, is_asked=is_asked, flags=given):
        needed = roles_for(task, is_own_site=is_own_site, flags=given)
        raise _not_allowed(task, login, person.name if person else "", roles, needed)


def _refuse_restored(estate: "Estate", files: Iterable[Path]) -> None:
    """Refuse an estate that lies where the service itself writes: what it restored is no order."""
    from ops.entering import find_around
    from ops.estate.model.own_site import list_own_folders

    written = [*list_own_folders(estate), estate.drill.workdir]
    for path in files:
        if place := find_around(path, written):
            raise NotAllowedError(
                "the estate file {path} is not believed",
                why="the service itself writes into {place}",
                data="nothing was changed",
                next_step="keep it in a folder that is not the service's, and include it there",
                path=path,
                place=place,
            )


def open_existing(estate: "Estate") -> "Catalog | None":
    """Open the catalog; None where its SQLite file is still to be made."""
    from sqlalchemy import make_url

    from ops.catalog.open import open_catalog
    from ops.estate.model.references import reveal

    url = reveal(estate.catalog.url)
    if url.startswith("sqlite") and not Path(make_url(url).database or "").exists():
        return None
    return open_catalog(url)


def _not_allowed(
    task: str, login: str, person: str, roles: Iterable[str], needed: Iterable[str]
) -> NotAllowedError:
    from ops.access.rights import ROLES
    from ops.language.text import _

    if not person:
        return NotAllowedError(
            "you may not run `{task}`",
            why='your login "{login}" is nobody in the estate file',
            data="nothing was changed",
            next_step="log in as yourself, then type it again with `sudo`"
            if login == "root"
            else "log in as yourself, or write `login` at your `[[people]]` entry",
            task=task,
            login=login,
        )
    return NotAllowedError(
        "you may not run `{task}`",
        why='it takes one of these roles: {needed}; "{person}" holds: {held}',
        data="nothing was changed",
        next_step="ask a security officer: `{program} user.role --person {person} --role ROLE`",
        task=task,
        person=person,
        needed=", ".join(_(ROLES[role]) for role in needed) or "–",
        held=", ".join(_(ROLES[role]) for role in sorted(roles)) or "–",
    )


def kernel_login() -> str:
    """Give the login name that the kernel keeps for this session; empty where it keeps none.

    Of somebody at the console it keeps none: the session there is that of the service. Who types at
    a terminal elsewhere is known by the socket that brings it.
    """
    if caller := current_caller():
        return caller.login if caller.by_kernel else ""
    try:
        text = _AUDIT_LOGIN.read_text(encoding="ascii")
    except (OSError, ValueError):
        return ""
    number = read_login_id(text)
    return "" if number is None else name_of(number)


def read_login_id(text: str) -> int | None:
    """Read what `/proc/self/loginuid` says; None where no login has set it; pure."""
    bare = text.strip()
    if not bare.isascii() or not bare.isdecimal():
        return None
    return None if int(bare) == _NOBODY_YET else int(bare)


_DOOR: ContextVar[Callable[[], None] | None] = ContextVar("door", default=None)


def look_again() -> None:
    """Look anew whether who types may: roles end, and estates change, while somebody is asked.

    Raises:
        NotAllowedError: The person's roles do not reach any more.
    """
    if (door := _DOOR.get()) is not None:
        door()


def carry_out(
    task: Task,
    values: Mapping[str, Any],
    placed: AbstractContextManager[Mapping[str, Any]] | None = None,
) -> int | None:
    """Run a task; gives its exit code, None for 0.

    Args:
        task: Which.
        values: What was given, by field; the file that proves among them.
        placed: Gives them with files of who types in their places; entered for who may run it.

    Raises:
        NotAllowedError: The person's roles do not reach.
    """
    note_task(task.name)
    door = partial(check_door, task.name, values) if task.as_owner else None
    if door is not None:
        door()
    with meanwhile(_DOOR, door), placed or nullcontext(values) as given:
        if PROOF_FLAG not in given:
            return task.run(given)
        from ops.access.approvals.ask import proving_with

        with proving_with(given[PROOF_FLAG]):
            return task.run(given)
