"""Merge defaults and profiles into sites, so that a site is five lines; pure.

What a site says wins over its profile, a profile over `[defaults]`. Tables merge key by key. Files
and databases merge by `name`: a site's `[[sites.files]]` adds to, or changes, the profile's one of
the same name. `exclude` lists are joined. In a profile's texts `{site}` stands for the site's name.

Profiles of usual content systems ship with the service (`profiles.toml`); one of that name in the
estate takes the place of the shipped one. A shipped one adds no folders and no databases.
"""

import copy
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from ops.estate.load.read import Location, is_tables

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
