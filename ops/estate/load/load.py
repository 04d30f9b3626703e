"""Load the estate: read, inherit, validate, and report every problem at once or none."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from contextvars import ContextVar
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from ops.errors import EstateError, Problem
from ops.estate.load.changeable import read_whole
from ops.estate.load.inherit import Inherited, find_inconsistencies, inherit
from ops.estate.load.problems import describe, find_field, render_key, step_into
from ops.estate.load.read import (
    Document,
    Location,
    Stamps,
    find_estate_path,
    stamp_estate,
    stamp_files,
)
from ops.estate.model.estate import SCHEMA, Estate
from ops.estate.model.own_site import make_archive_site
from ops.estate.model.sites import Site
from ops.language.text import N_
from ops.meanwhile import meanwhile

Located = tuple[Location, Problem]


_KEPT: ContextVar[Estate | None] = ContextVar("kept_estate", default=None)


def keeping_estate(estate: Estate) -> AbstractContextManager[None]:
    """Have `load_estate` give this one to this thread, for who looks whether the files change."""
    return meanwhile(_KEPT, estate)


def load_estate(path: Path | None = None) -> Estate:
    """Load and check the estate file.

    Args:
        path: The file; None looks for it as `find_estate_path` says.

    Raises:
        WrongUseError: There is no such file.
        EstateError: It has mistakes; the error carries all of them.
    """
    if path is None and (kept := _KEPT.get()) is not None:
        return kept
    return load_document(read_whole((path or find_estate_path()).absolute()))


def load_document(document: Document) -> Estate:
    """Check what was read, and give the estate; errors as in `load_estate`."""
    if document.problems and not document.data:
        raise EstateError(document.path, document.problems)
    _refuse_newer(document)
    estate, found = examine(document)
    problems = [*document.problems, *_in_order(document, found)]
    if problems or estate is None:
        raise EstateError(document.path, problems)
    return with_built_in_sites(estate)


_LOADED: dict[Path, tuple[Stamps, Estate]] = {}


def load_changed(path: Path) -> Estate:
    """Load an estate, or give the one from before while none of its files has changed.

    Raises:
        EstateError: It has mistakes; it is read anew the next time.
    """
    stamps, estate = _LOADED.get(path, ({}, None))
    if estate is None or stamp_files(stamps) != stamps:
        stamps = stamp_estate(path)  # before it is read: what changes meanwhile is read again
        estate = load_estate(path)
        _LOADED[path] = stamps, estate
    return estate


def with_built_in_sites(estate: Estate) -> Estate:
    """Add the archive as a site, where there is one."""
    if estate.archive is None:
        return estate
    return estate.model_copy(update={"sites": (*estate.sites, make_archive_site(estate))})


def examine(document: Document) -> tuple[Estate | None, list[Located]]:
    """Validate what was read.

    Returns:
        The estate, None where it has no shape, and every mistake with its place in the document.
    """
    sites = _inherited_sites(document.data)
    estate, found = _validate(document, sites)
    return estate, list(_at_their_source(found, sites))


def _refuse_newer(document: Document) -> None:
    schema = document.data.get("schema")
    if isinstance(schema, int) and schema > SCHEMA:
        what = N_("the file has form {schema}, this version reads form {known}")
        fix = N_("install a newer Giữ Cổng; do not change the number")
        params = {"schema": schema, "known": SCHEMA}
        problem = Problem("schema", what, fix, params, document.path)
        raise EstateError(document.path, [problem])


def _inherited_sites(data: Mapping[str, Any]) -> list[Inherited | None]:
    sites = data.get("sites")
    entries = sites if isinstance(sites, list) else []
    return [inherit(data, site) if isinstance(site, dict) else None for site in entries]


def _validate(
    document: Document, sites: list[Inherited | None]
) -> tuple[Estate | None, list[Located]]:
    """Give the estate, and all mistakes of shape and of names, located in the effective data."""
    data = dict(document.data)
    if isinstance(data.get("sites"), list):
        data["sites"] = [
            site.data if site else entry for site, entry in zip(sites, data["sites"], strict=True)
        ]
    context = {"folder": document.path.parent, "path": document.path}
    estate = None
    found: list[Located] = []
    try:
        estate = Estate.model_validate(data, context=context)
    except ValidationError as error:
        found += _located(error, data, Estate)
    found += find_inconsistencies(data)
    found += _check_profiles(document.data, context)
    return estate, found


def _check_profiles(data: Mapping[str, Any], context: dict[str, Path]) -> Iterator[Located]:
    """Try every profile on a made-up site, so that mistakes in an unused one are told as well."""
    profiles = data.get("profiles")
    for name in profiles if isinstance(profiles, dict) else ():
        probe = {"name": "probe", "title": "probe", "unit": "probe", "profile": name}
        site = inherit(data, probe)
        try:
            Site.model_validate(site.data, context=context)
        except ValidationError as error:
            for location, problem in _located(error, site.data, Site):
                source = _source_of(location, site)
                if source is not None:
                    yield source, problem


def _located(
    error: ValidationError, data: Mapping[str, Any], model: type[BaseModel]
) -> Iterator[Located]:
    """Yield what pydantic found; a value that fits no branch of a choice is told once."""
    found: dict[Location, ErrorDetails] = {}
    for details in error.errors(include_url=False, include_input=False):
        is_field = find_field(model, details["loc"]) is not None
        found.setdefault(details["loc"] if is_field else _trim(details["loc"], data), details)
    for location, details in found.items():
        # What a list is short of may only be what its entries were refused for.
        is_branch = len(location) < len(details["loc"]) or details["type"] == "too_short"
        if not (is_branch and any(other[: len(location)] == location != other for other in found)):
            yield location, describe(details, location, model)


def _trim(location: Location, data: Any) -> Location:
    """Leave out what pydantic adds to a location: branches of a choice, keys being validated."""
    steps: list[str | int] = []
    for step in location:
        try:
            data = data[step]
        except (KeyError, IndexError, TypeError):
            continue
        steps.append(step)
    return tuple(steps)


def _at_their_source(found: list[Located], sites: list[Inherited | None]) -> Iterator[Located]:
    """Move what a site inherited to where it stands, and tell it once however many inherit it."""
    seen: set[tuple[Location, str]] = set()
    for location, problem in found:
        place = location
        if location[:1] == ("sites",) and len(location) > 1:
            site = sites[int(location[1])]
            place = (_source_of(location[2:], site) if site else None) or location
        if (place, problem.what) not in seen:
            seen.add((place, problem.what))
            yield place, problem


def _source_of(location: Location, site: Inherited) -> Location | None:
    for length in range(len(location), 0, -1):
        if location[:length] in site.sources:
            return (*site.sources[location[:length]], *location[length:])
    return None


def _in_order(document: Document, found: Iterable[Located]) -> list[Problem]:
    """Give problems in the order of the file, with rendered keys and the files that hold them."""
    ordered = sorted(found, key=lambda item: _position(document.data, item[0]))
    return [
        replace(it, key=render_key(at, document.data), file=document.file_of(at))
        for at, it in ordered
    ]


def _position(data: Any, location: Location) -> tuple[int, ...]:
    position = []
    for step in location:
        if isinstance(data, dict):
            keys = list(data)
            position.append(keys.index(step) if step in data else len(keys))
        else:
            position.append(step if isinstance(step, int) else 0)
        data = step_into(data, step)
    return tuple(position)
