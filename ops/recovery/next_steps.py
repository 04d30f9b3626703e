"""After a recovery: which stores are there, their index tables anew, and what is left to do."""

import os
import pwd
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from ops.access.identity import find_actor
from ops.access.rights import decide_may
from ops.access.roles import is_anybody_appointed, roles_by_person
from ops.access.session import reading
from ops.backups.repositories.init import rebuild_index
from ops.errors import SecretError
from ops.estate.model.estate import Estate
from ops.estate.model.references import reveal
from ops.language.text import N_, _, fill
from ops.terminal.output import write_line


def index_stores(estate: Estate) -> bool:
    """Build the index tables anew, and name the stores that are not there; gives whether all were.

    Args:
        estate: As it was recovered.
    """
    missing, waiting = find_missing_stores(estate), find_missing_secrets(estate)
    for store, place in missing.items():
        told = N_("the store {store} is not there: {place}")
        write_line("  " + fill(told, {"store": store, "place": place}))
    if missing:
        write_line(
            "    "
            + _(
                "mount it; a relative address starts at the estate's folder: move"
                " the store there, or write its full address"
            )
        )
    for store, secrets in waiting.items():
        told = N_("the store {store} waits for what opens it: {secrets}")
        write_line("  " + fill(told, {"store": store, "secrets": ", ".join(secrets)}))
    left_out = missing.keys() | waiting.keys()
    write_line(_("The index tables are built anew from the repositories:"))
    code = rebuild_index("", leaving_out=left_out)
    return not code and not left_out


def find_missing_stores(estate: Estate) -> dict[str, Path]:
    """Give the stores that are folders of this machine and are not there, with their places."""
    missing = {}
    for store in estate.stores:
        try:
            place = Path(reveal(store.url))
        except SecretError:
            continue
        if place.is_absolute() and not place.is_dir():
            missing[store.name] = place
    return missing


def find_missing_secrets(estate: Estate) -> dict[str, list[str]]:
    """Give the stores that cannot be opened yet, with the references to what is in no backup."""
    missing: dict[str, list[str]] = {}
    for store in estate.stores:
        needed = (
            store.url,
            estate.repository_key(store),
            store.identity,
            store.access_key,
            store.secret_key,
        )
        for reference in needed:
            try:
                reveal(reference or "")
            except SecretError:
                missing.setdefault(store.name, []).append(reference or "")
    return missing


def write_next_steps(estate: Estate, user: str, *, is_whole: bool) -> None:
    """Write what is left to do, each with what is typed, and by whom.

    Args:
        estate: As it was recovered.
        user: Who the service runs as.
        is_whole: Whether all stores are in the index.
    """
    write_line(_("Next:"))
    missing = sorted(_missing_secrets(estate.document()))
    for path in missing:
        write_line("  " + _("put this secret back from its safe: {path}").format(path=path))
    if missing and os.geteuid() == 0:
        write_line("    " + fill(N_("so that {user} alone reads it:"), {"user": user}))
        write_line(f"    install -D -o {user} -g {user} -m 600 FILE PLACE")
    write_line(
        "  "
        + fill(
            N_(
                "start it: `systemctl enable --now giucong`, with the unit from"
                " examples/systemd; or `{program} service.run`"
            ),
            {},
        )
    )
    if logins := _find_who_may(estate):
        told = N_(
            "the tasks below need a role, which this login has not; log in as {logins}, then:"
            " `{program} TASK`"
        )
        write_line("  " + fill(told, {"logins": ", ".join(logins)}))
        if absent := [it for it in logins if not _is_login(it)]:
            told = N_(
                "not on this machine yet: {logins}; `adduser LOGIN`, then `adduser"
                " LOGIN giucong-operators`"
            )
            write_line("    " + fill(told, {"logins": ", ".join(absent)}))
    steps = [
        N_("look: `{program} backup.status`"),
        N_("save the service anew: `{program} backup.run --site giucong`"),
    ]
    if not is_whole:
        steps.insert(
            0, N_("have the stores in the index that were not read: `{program} backup.reindex`")
        )
    for step in steps:
        write_line("  " + fill(step, {}))


def _find_who_may(estate: Estate) -> list[str]:
    """Give the logins of those whose roles allow the next tasks; none where this one's do."""
    with reading(estate) as session:
        roles = roles_by_person(session)
        if not is_anybody_appointed(session):
            return []
    may = [it for it in estate.people if decide_may(roles.get(it.name, ()), "backup.run")]
    return [] if find_actor(may) else [it.login for it in may if it.login]


def _is_login(name: str) -> bool:
    with suppress(KeyError):
        return bool(pwd.getpwnam(name))
    return False


def _missing_secrets(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for item in value.values():
            yield from _missing_secrets(item)
    elif isinstance(value, list):
        for item in value:
            yield from _missing_secrets(item)
    elif isinstance(value, str) and value.startswith("file:"):
        path = value.removeprefix("file:")
        if not os.path.exists(path):  # noqa: PTH110 -- a text from the estate
            yield path
