"""How young a backup must be to stay whatever the keep rules say; pure."""

from collections.abc import Iterable
from dataclasses import dataclass

from ops.estate.people import ContentClass
from ops.estate.policies import Retention, StoreRetention


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
