"""Look at what the estate file points to on this machine: secrets, folders, dates that have passed.

A file that loads has no mistake of its own; what is found here is about the world around it.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

from pydantic import BaseModel

from ops.errors import Problem, make_warning
from ops.estate.load.changeable import add_changeable
from ops.estate.load.problems import render_key
from ops.estate.load.read import Location, read_document
from ops.estate.model.estate import Estate
from ops.estate.model.people import find_shared
from ops.estate.model.references import is_open_to_others
from ops.estate.model.values import Reference
from ops.estate.organisation_rules import check_roles
from ops.estate.site_rules import check_bare_hosts, check_database_ways, check_personal_data
from ops.language.text import N_
from ops.parts import Seam

ESTATE_CHECKS: Seam[Callable[[Estate, date], Iterable[Problem]]] = Seam("estate-checks")
"""What other rooms find in an estate, on the organisation's date."""

_HOURS_A_DAY = 24


def check_surroundings(estate: Estate, today: date) -> list[Problem]:
    """List what does not fit around the estate, errors first, each with its key and the fix.

    Args:
        estate: A loaded estate.
        today: The organisation's date, for what ends on a day.
    """
    found = [
        *check_secrets(estate),
        *check_roots_part(estate),
        *_check_folders(estate),
        *_check_sources(estate),
        *_check_ends(estate, today),
        *_check_targets(estate),
        *_check_metrics(estate),
        *find_shared(estate.people),
        *check_roles(estate, today),
        *(it for check in ESTATE_CHECKS.parts() for it in check(estate, today)),
        *check_bare_hosts(estate),
        *check_database_ways(estate),
        *check_personal_data(estate),
    ]
    return sorted(found, key=lambda problem: problem.severity != "error")


def check_roots_part(estate: Estate) -> Iterator[Problem]:
    """Say where root's file and the part that the service writes say different things."""
    document = read_document(estate.path)
    laid = add_changeable(document)
    for key in laid.missed:
        yield make_warning(
            key,
            "the part that the service writes has an entry that the estate file does not have",
            "remove it there with `{program} estate.change`, or correct its `name`",
        )
    for location in laid.held:
        yield make_warning(
            render_key(location, document.data),
            "the part that the service writes says something else; what root's file says holds",
            "remove it there with `{program} estate.change`, or have root remove it here",
        )


def find_references(value: object, at: Location = ()) -> Iterator[tuple[Location, Reference]]:
    """Yield every reference in the estate with its location, in the order of the models."""
    if isinstance(value, Reference):
        yield at, value
    elif isinstance(value, BaseModel):
        for name, field in type(value).model_fields.items():
            yield from find_references(getattr(value, name), (*at, field.alias or name))
    elif isinstance(value, tuple):
        for number, item in enumerate(value):
            yield from find_references(item, (*at, number))


def check_secrets(estate: Estate) -> Iterator[Problem]:
    """Say where a secret is missing, open to others or empty; a key made later is a warning."""
    document = estate.document()
    for location, reference in find_references(estate):
        scheme, _, rest = reference.partition(":")
        problem = None
        if scheme == "env" and rest not in os.environ:
            problem = make_warning(
                "",
                'the environment variable "{name}" is not set here',
                "make sure that the service has it",
                name=rest,
            )
        elif scheme == "file":
            problem = _check_key(location, Path(rest)) or _check_file(Path(rest))
        if problem is not None:
            yield replace(problem, key=render_key(location, document))


def _check_key(location: Location, path: Path) -> Problem | None:
    """Say what is wrong with a key that the service itself makes, or None."""
    if location == ("keys", "credentials") and not path.exists():
        return make_warning(
            "",
            "there is no key for the people's second factors yet: {path}",
            "put it back from its copy; only where nobody has a second factor yet,"
            " `{program} user.add` makes one",
            path=path,
        )
    is_copys_own = (location[0], location[-1]) == ("stores", "key")
    if (is_copys_own or location == ("keys", "repository")) and not path.exists():
        return make_warning(
            "",
            "there is no repository key yet: {path}",
            "put it back from its copy; only where nothing was ever backed up,"
            " `{program} backup.init` makes one",
            path=path,
        )
    if location == ("keys", "signing") and not path.exists():
        return make_warning(
            "",
            "there is no signing key yet: {path}",
            "the service makes one when it saves itself for the first time; if there was one"
            " before, put that back",
            path=path,
        )
    if location == ("keys", "signing") and os.access(path, os.R_OK) and not path.stat().st_size:
        return Problem(
            "",
            "the signing key {path} is empty",
            "put back the one that was there; if there never was one, remove the file: the service"
            " makes one",
            {"path": path},
        )
    return None


def _check_file(path: Path) -> Problem | None:
    params = {"path": path}
    try:
        if is_open_to_others(path):
            return Problem(
                "", "others may read the secret {path}", "type `chmod 600 {path}`", params
            )
        if path.stat().st_size == 0:
            return Problem("", "the secret {path} is empty", "write it on one line", params)
    except FileNotFoundError:
        return Problem(
            "",
            "the secret {path} does not exist",
            "create it, readable by the service's user only (mode 0600)",
            params,
        )
    except PermissionError:
        return Problem(
            "",
            "the secret {path} may not be read by this user",
            "run this as the service's user",
            params,
        )
    return None


def _check_folders(estate: Estate) -> Iterator[Problem]:
    service = estate.service
    folders = {
        "service.state": service.state,
        "service.scratch": service.scratch,
        "service.cache": service.cache,
    }
    if not estate.drill.host:
        folders["drill.workdir"] = estate.drill.workdir
    for key, folder in folders.items():
        if not _can_be_written(folder):
            yield Problem(
                key,
                "the folder {path} cannot be written",
                "create it for the service's user, or name another",
                {"path": folder},
                severity="warning" if key == "drill.workdir" else "error",
            )
    for store in estate.stores:
        if store.url.startswith("/") and not Path(store.url).parent.exists():
            yield make_warning(
                f"stores[{store.name}].url",
                "the folder {path} does not exist; is a disk not mounted?",
                "mount it, or create the folder",
                path=Path(store.url).parent,
            )


def _can_be_written(folder: Path) -> bool:
    nearest = next(parent for parent in (folder, *folder.parents) if parent.exists())
    return nearest.is_dir() and os.access(nearest, os.W_OK)


def _check_sources(estate: Estate) -> Iterator[Problem]:
    for key, path in _local_paths(estate):
        if not path.exists():
            yield make_warning(
                key,
                "{path} does not exist on this machine",
                "correct the path, or add `host` if it is elsewhere",
                path=path,
            )
        for store in estate.stores:
            if store.url.startswith("/") and Path(store.url).is_relative_to(path):
                yield Problem(
                    key,
                    'the store "{store}" lies inside {path}: it would back itself up',
                    "move the store elsewhere, or add it to `exclude`",
                    {"store": store.name, "path": path},
                )


def _local_paths(estate: Estate) -> Iterator[tuple[str, Path]]:
    """Yield the folders and SQLite files that are read on this machine, with their keys."""
    for site in estate.named_sites:
        for part in site.files:
            if part.host is None and part.source != "command":
                yield f"sites[{site.name}].files[{part.name}].path", Path(part.path)
        for database in site.databases:
            if database.host is None and database.engine == "sqlite":
                key = f"sites[{site.name}].databases[{database.name}].database"
                yield key, Path(database.database)


def _check_ends(estate: Estate, today: date) -> Iterator[Problem]:
    ends = [
        (f"hosts[{host.name}].legacy_algorithms", host.legacy_algorithms.until)
        for host in estate.hosts
        if host.legacy_algorithms
    ]
    ends += [
        (f"sites[{site.name}].exceptions[{number}]", lack.until)
        for site in estate.named_sites
        for number, lack in enumerate(site.exceptions)
    ]
    for key, until in ends:
        if until < today:
            yield make_warning(
                key,
                "this ended on {until}",
                "remove it, or decide on a new end",
                until=f"{until:%d/%m/%Y}",
            )


def _check_targets(estate: Estate) -> Iterator[Problem]:
    for site in estate.named_sites:
        is_window = ":" in site.schedule.backup
        hourly = any(database.schedule for database in site.databases)
        if is_window and site.targets.rpo_hours < _HOURS_A_DAY and not hourly:
            yield make_warning(
                f"sites[{site.name}].targets.rpo_hours",
                "one backup a night cannot meet a target of {hours} hours",
                N_("give a database its own `schedule`, or correct the target"),
                hours=site.targets.rpo_hours,
            )


def _check_metrics(estate: Estate) -> Iterator[Problem]:
    if estate.monitor.metrics and not estate.monitor.metrics_token:
        yield make_warning(
            "monitor.metrics_token",
            "figures are not given out at {listen}: there is no token that readers show",
            'add `metrics_token = "file:var/keys/metrics-token"`, then `openssl rand -hex 32 |'
            " {program} estate.secret --name file:var/keys/metrics-token --file -`",
            listen=estate.monitor.metrics,
        )
