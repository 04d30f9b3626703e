"""Defaults and profiles merged into sites, and what does not fit together in the whole; pure.

What a site says wins over its profile, a profile over `[defaults]`. Tables merge key by key. Files
and databases merge by `name`: a site's `[[sites.files]]` adds to, or changes, the profile's one of
the same name. `exclude` lists are joined. In a profile's texts `{site}` stands for the site's name.

Profiles of usual content systems ship with the service (`profiles.toml`); one of that name in the
estate takes the place of the shipped one. A shipped one adds no folders and no databases.

Works on plain tables, so that these mistakes are told together with mistakes of shape.
"""

import copy
import difflib
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any

from ops.errors import Problem
from ops.estate.load.read import Location, is_tables
from ops.language.text import N_

TABLES = ("schedule", "targets", "limits", "retention")
PROFILE_TABLES = (*TABLES, "page_check")
NAMED_LISTS = ("files", "databases")
JOINED_LISTS = ("exclude",)


@dataclass(slots=True)
class Inherited:
    """A site with everything it inherits.

    Attributes:
        data: The site as a plain table.
        sources: For a location inside the site that it has not written itself, the location in
            the document where it stands.
    """

    data: dict[str, Any] = field(default_factory=dict)
    sources: dict[Location, Location] = field(default_factory=dict)


def inherit(data: Mapping[str, Any], site: Mapping[str, Any]) -> Inherited:
    """Give a site with its profile and the defaults merged in.

    Tables of a wrong shape are left as they are; the models report them.
    """
    merged = Inherited(copy.deepcopy(dict(site)))
    name = str(site.get("profile"))
    own, shipped = _table(data.get("profiles")), shipped_profiles()
    if name in own or name not in shipped:
        _take_profile(merged, _named(_table(own.get(name)), site), ("profiles", name))
    else:
        _take_shipped(merged, dict(shipped[name]), ("profiles", name))
    defaults = _table(data.get("defaults"))
    for table in TABLES:
        _take_table(merged, table, _table(defaults.get(table)), ("defaults", table))
    return merged


@cache
def shipped_profiles() -> dict[str, dict[str, Any]]:
    """Read the profiles that ship with the service, by name."""
    return tomllib.loads(Path(__file__).with_name("profiles.toml").read_text(encoding="utf-8"))


def _take_shipped(merged: Inherited, profile: dict[str, Any], at: Location) -> None:
    databases = profile.pop("databases", [])
    if "url" not in merged.data:
        profile.pop("pages", None)  # they would lie nowhere
    _take_profile(merged, copy.deepcopy(profile), at)
    parts = merged.data.get("databases", [])
    for own in parts if is_tables(parts) else ():
        for keys in databases:
            if own.get("engine") == keys["engine"]:
                own.update({key: value for key, value in keys.items() if key not in own})


def _take_profile(merged: Inherited, profile: dict[str, Any], at: Location) -> None:
    for key, value in profile.items():
        own = merged.data.get(key)
        if key in PROFILE_TABLES and isinstance(value, dict):
            _take_table(merged, key, value, (*at, key))
        elif key in NAMED_LISTS and is_tables(value) and is_tables(merged.data.get(key, [])):
            _take_named(merged, key, value, (*at, key))
        elif key in JOINED_LISTS and isinstance(value, list) and isinstance(own, list):
            for number in range(len(value)):
                merged.sources[key, len(own) + number] = (*at, key, number)
            merged.data[key] = [*own, *value]
        elif key not in merged.data:
            merged.data[key] = value
            merged.sources[(key,)] = (*at, key)


def _take_table(merged: Inherited, name: str, table: dict[str, Any], at: Location) -> None:
    if name not in merged.data:
        merged.data[name] = {}
        merged.sources[(name,)] = at
    own = merged.data[name]
    if not isinstance(own, dict):
        return
    for key, value in table.items():
        if key not in own:
            own[key] = value
            merged.sources[name, key] = (*at, key)


def _take_named(merged: Inherited, name: str, entries: list[dict[str, Any]], at: Location) -> None:
    own = merged.data.setdefault(name, [])
    for number, entry in enumerate(entries):
        place = next(
            (index for index, item in enumerate(own) if item.get("name") == entry.get("name")),
            len(own),
        )
        if place == len(own):
            own.append({})
        for key, value in entry.items():
            if key not in own[place]:
                own[place][key] = value
                merged.sources[name, place, key] = (*at, number, key)


def _named(value: dict[str, Any], site: Mapping[str, Any]) -> dict[str, Any]:
    """Give a profile with `{site}` replaced in all its texts."""
    return {key: _fill(item, str(site.get("name", ""))) for key, item in value.items()}


def _fill(value: Any, name: str) -> Any:
    if isinstance(value, str):
        return value.replace("{site}", name)
    if isinstance(value, list):
        return [_fill(item, name) for item in value]
    if isinstance(value, dict):
        return {key: _fill(item, name) for key, item in value.items()}
    return value


def _table(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


EVERYTHING = "*"
NAMED = (
    "units",
    "systems",
    "classes",
    "people",
    "stores",
    "places",
    "lines",
    "hosts",
    "devices",
    "sites",
)
REFERENCES: tuple[tuple[str, str], ...] = (
    ("people[].unit", "units"),
    ("notices.routes[].sites[]", "sites"),
    ("notices.routes[].people[]", "people"),
    ("notices.roster[].person", "people"),
    ("stores[].of", "stores"),
    ("hosts[].jump", "hosts"),
    ("hosts[].line", "lines"),
    ("devices[].line", "lines"),
    ("reports.letterheads[].unit", "units"),
    ("sites[].unit", "units"),
    ("sites[].owner", "people"),
    ("sites[].system", "systems"),
    ("sites[].profile", "profiles"),
    ("sites[].host", "hosts"),
    ("sites[].classes[]", "classes"),
    ("sites[].archive.officer", "people"),
    ("sites[].archive.classes{}", "classes"),
    ("sites[].files[].host", "hosts"),
    ("sites[].databases[].host", "hosts"),
)
_UNKNOWN: Mapping[str, str] = {
    "units": N_('no unit is called "{name}"'),
    "systems": N_('no information system is called "{name}"'),
    "classes": N_('no content class is called "{name}"'),
    "people": N_('no person is called "{name}"'),
    "stores": N_('no store is called "{name}"'),
    "lines": N_('no line is called "{name}"'),
    "hosts": N_('no host is called "{name}"'),
    "sites": N_('no site is called "{name}"'),
    "profiles": N_('no profile is called "{name}"'),
}

Located = tuple[Location, Problem]


def find_inconsistencies(data: Mapping[str, Any]) -> Iterator[Located]:
    """Yield every mistake with its location; keys are rendered by the caller."""
    yield from _find_twins(data)
    yield from _find_dead_ends(data)
    yield from _count_primaries(data)
    yield from _find_homeless(data)


def walk(value: object, path: str, at: Location = ()) -> Iterator[tuple[Location, object]]:
    """Yield what stands at a path such as `sites[].files[].host`; wrong shapes yield nothing.

    `name{}` stands for the values of a table with names of its own.
    """
    step, _, rest = path.partition(".")
    name = step.removesuffix("[]").removesuffix("{}")
    if not isinstance(value, dict) or name not in value:
        return
    found = value[name]
    places: list[tuple[Location, object]] = [((*at, name), found)]
    if step.endswith("[]"):
        items = found if isinstance(found, list) else []
        places = [((*at, name, number), item) for number, item in enumerate(items)]
    if step.endswith("{}"):
        entries = found if isinstance(found, dict) else {}
        places = [((*at, name, key), item) for key, item in entries.items()]
    for location, item in places:
        if rest:
            yield from walk(item, rest, location)
        else:
            yield location, item


def _names(data: Mapping[str, Any], section: str) -> list[str]:
    if section == "profiles":
        profiles = data.get("profiles")
        return [*(profiles if isinstance(profiles, dict) else ()), *shipped_profiles()]
    return [name for _at, name in walk(data, f"{section}[].name") if isinstance(name, str)]


def _find_dead_ends(data: Mapping[str, Any]) -> Iterator[Located]:
    for path, section in REFERENCES:
        known = _names(data, section)
        for location, name in walk(data, path):
            if not isinstance(name, str) or name in known:
                continue
            if path == "notices.routes[].sites[]" and _is_pattern_of(name, known):
                continue
            near = next(iter(difflib.get_close_matches(name, known, 1)), "")
            fix = (
                N_('write "{near}", or add it')
                if near
                else N_("add `[[{section}]]` with that name, or correct it")
            )
            if section == "profiles" and not near:
                fix = N_("add `[profiles.{name}]`, or correct it")
            params = {"name": name, "near": near, "section": section}
            yield location, Problem("", _UNKNOWN[section], fix, params)


def _find_homeless(data: Mapping[str, Any]) -> Iterator[Located]:
    """Find sites that are to be archived where the estate has no archive."""
    what = N_("the site is to be archived, and the estate has no archive")
    fix = N_('write `[archive]` with `url = "var/archive"`, or remove `[sites.archive]`')
    for location, _wanted in walk(data, "sites[].archive"):
        if "archive" not in data:
            yield location, Problem("", what, fix)


def _is_pattern_of(name: str, known: Iterable[str]) -> bool:
    """Say whether a name is a pattern such as `so-*` that some site fits, or means all of them."""
    return name == EVERYTHING or any(fnmatchcase(site, name) for site in known)


def _find_twins(data: Mapping[str, Any]) -> Iterator[Located]:
    for section in (*NAMED, "archive.copies"):
        yield from _twins_in(data, f"{section}[].name")
    for number, site in walk(data, "sites[]"):
        for section in ("files", "databases"):
            for location, problem in _twins_in(site, f"{section}[].name"):
                yield (*number, *location), problem


def _twins_in(data: object, path: str) -> Iterator[Located]:
    what, fix = N_('the name "{name}" is given twice'), N_("give one of the two another name")
    seen: set[str] = set()
    for location, name in walk(data, path):
        if isinstance(name, str) and name in seen:
            yield location, Problem("", what, fix, {"name": name})
        seen.add(str(name))


def _count_primaries(data: Mapping[str, Any]) -> Iterator[Located]:
    roles = list(walk(data, "stores[].role"))
    primaries = [location for location, role in roles if role == "primary"]
    if not primaries and roles:
        what = N_("no store is the primary one")
        fix = N_('write `role = "primary"` at exactly one store')
        yield ("stores",), Problem("", what, fix)
    what = N_("there is more than one primary store: {count}")
    fix = N_('write `role = "copy"` or `role = "mirror"` at the others')
    for location in primaries[1:]:
        yield location, Problem("", what, fix, {"count": len(primaries)})
