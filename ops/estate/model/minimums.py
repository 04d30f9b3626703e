"""How young a backup must be to stay whatever the keep rules say; pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ops.estate.model.people import ContentClass
from ops.estate.model.policies import Retention, StoreRetention
from ops.estate.model.sites import RESERVED_SITE_NAMES


@dataclass(frozen=True, slots=True)
class Floor:
    """The minimum in force for a site.

    Attributes:
        days: Nothing younger is forgotten.
        basis: Who set it; may be empty.
    """

    days: int
    basis: str


def decide_floor(
    own: Retention, classes: Iterable[ContentClass], store: StoreRetention | None = None
) -> Floor:
    """Give the longest of the minimums of a site, of its content classes, and of a store; pure.

    Args:
        own: The site's retention.
        classes: The classes of content the site holds.
        store: What the store asks for; None where it asks for nothing.
    """
    asked = [Floor(own.minimum_days, own.minimum_basis)]
    asked += [Floor(it.minimum_days, it.minimum_basis) for it in classes]
    if store is not None and store.minimum_days is not None:
        asked.append(Floor(store.minimum_days, ""))
    return max(asked, key=lambda floor: (floor.days, bool(floor.basis)))


def floor_in(
    document: Mapping[str, Any], site: str, store: str, database: str = ""
) -> Floor | None:
    """Give the minimum that an estate had for a site in a store; pure.

    Args:
        document: As `Estate.document` gave it, by whatever version.
        site: Name of the site; the service's own has the defaults.
        store: Name of the store.
        database: Whose runs alone are meant; empty for the whole site.

    Returns:
        The minimum; None where that estate did not name the site.
    """
    found = _named(document.get("sites"), site)
    own_rules = document.get("defaults", {}).get("retention") if site in RESERVED_SITE_NAMES else {}
    rules = found.get("retention") or own_rules
    if not rules:
        return None
    part = _named(found.get("databases"), database)
    alone = (part.get("retention") or {}).get("minimum_days")
    held = found.get("classes", ())
    classes = [
        ContentClass(name=it["name"], **_minimum(it))
        for it in document.get("classes", ())
        if it.get("name") in held
    ]
    asked = _named(document.get("stores"), store).get("retention") or {}
    limits = StoreRetention(minimum_days=asked.get("minimum_days"))
    least = {**_minimum(rules), **({} if alone is None else {"minimum_days": alone})}
    return decide_floor(Retention(**least), classes, limits)


def _minimum(rules: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "minimum_days": rules.get("minimum_days", 0),
        "minimum_basis": rules.get("minimum_basis", ""),
    }


def _named(parts: Iterable[Mapping[str, Any]] | None, name: str) -> Mapping[str, Any]:
    return next((it for it in parts or () if it.get("name") == name), {})
