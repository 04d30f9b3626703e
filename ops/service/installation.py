"""Look at how the service is installed on this machine: what an upgrade asks root to change."""

import grp
import pwd
from collections.abc import Iterator
from contextlib import suppress
from datetime import date
from pathlib import Path

from ops.entering import name_of
from ops.errors import Problem
from ops.estate.load.read import INSTALLED_PATH, read_document
from ops.estate.model.estate import Estate
from ops.language.text import N_
from ops.terminal.elsewhere import GROUP

OLD_RULE = Path("/etc/sudoers.d/giucong")
"""Where an earlier version's how-to put the rule that lent people the service's rights."""

UNIT = Path("/etc/systemd/system/giucong.service")
_SHIPPED = Path(__file__).parents[2] / "examples/systemd/giucong.service"
_MOST_BYTES = 64 * 1024


def check_installation(estate: Estate, _today: date) -> Iterator[Problem]:
    """Yield what root has to do so that people can type tasks, and what is left of before."""
    if estate.path != INSTALLED_PATH:
        return
    for check in (_check_group, _check_owner, _check_rule):
        with suppress(FileNotFoundError):  # of the state folder another check speaks
            yield from check(estate)
    with suppress(OSError):
        if UNIT.stat().st_size > _MOST_BYTES or UNIT.read_bytes() != _SHIPPED.read_bytes():
            yield _warning(
                N_("{path} is not the unit that this version ships"),
                N_(
                    "have root type `cp {shipped} {path}`, then `systemctl daemon-reload` and"
                    " `systemctl restart giucong`; what differs here goes into"
                    " `systemctl edit giucong`"
                ),
                path=UNIT,
                shipped=_SHIPPED,
            )


def _check_group(estate: Estate) -> Iterator[Problem]:
    owner = Path(estate.service.state).stat().st_uid
    service = name_of(owner)
    try:
        members = set(grp.getgrnam(GROUP).gr_mem)
    except KeyError:
        yield _warning(
            N_("there is no group {group}: nobody but root can type tasks"),
            N_(
                "have root type `addgroup --system {group}`, `adduser {service} {group}`, and"
                " `adduser LOGIN {group}` for each person; then `systemctl restart giucong`"
            ),
            group=GROUP,
            service=service,
        )
        return
    if owner != 0 and service not in members:
        yield _warning(
            N_(
                "the service's user {service} is not in the group {group}: nobody but root can type"
                " tasks"
            ),
            N_("have root type `adduser {service} {group}`, then `systemctl restart giucong`"),
            group=GROUP,
            service=service,
        )
    for person in estate.people:
        if person.login and person.login not in members and _has_account(person.login):
            yield _warning(
                N_(
                    "{login} has an account here and is not in the group {group}: they cannot type"
                    " tasks"
                ),
                N_("have root type `adduser {login} {group}`; they log in anew"),
                f"people[{person.name}].login",
                login=person.login,
                group=GROUP,
            )


def _check_owner(estate: Estate) -> Iterator[Problem]:
    """Yield the files of the estate that are still the service's own, and their folders."""
    service = Path(estate.service.state).stat().st_uid
    files = [estate.path, *read_document(estate.path).included]
    for place in dict.fromkeys(it for file in files for it in (file.parent, file)):
        if place.stat().st_uid == service != 0:
            yield _warning(
                N_(
                    "{path} belongs to the service's user: whoever has that user's rights has"
                    " root's word"
                ),
                N_("give it to root: `chown root:giucong {path}`, `chmod g-w,o= {path}`"),
                path=place,
            )


def _has_account(login: str) -> bool:
    with suppress(KeyError, ValueError):
        return pwd.getpwnam(login).pw_uid != 0
    return False


def _check_rule(_estate: Estate) -> Iterator[Problem]:
    try:
        OLD_RULE.lstat()
    except PermissionError:
        yield _warning(
            N_("not checked: whether the old rule of sudo is still there; only root may look"),
            N_("have root type `rm -f {rule}`"),
            rule=OLD_RULE,
        )
        return
    yield _warning(
        N_("{rule} is still there; it lent people the rights of the service"),
        N_("have root type `rm {rule}`; people type `giucong` as themselves"),
        rule=OLD_RULE,
    )


def _warning(what: str, fix: str, key: str = "", **params: object) -> Problem:
    return Problem(key, what, fix, params, severity="warning")
