"""Recipes: how another process opens the same store again.

Stores that live in one process only (in memory, or wrapped for tests) have none; work on them
stays in that process.
"""

from typing import Any

from backup.stores.bandwidth import Allowance, LimitedStore
from backup.stores.bandwidth_plan import RatePlan, SharedBucket
from backup.stores.base import Store, layers_of
from backup.stores.folder import FolderStore
from backup.stores.kinds import FOLDER, kind_called
from backup.stores.retry import RetryingStore

# A kind, then what its store needs; marshallable. It may hold secrets, and goes over pipes only.
Recipe = tuple[Any, ...]
# Each takes up to 40 MB of memory, and half of it is sent in vain when a line is cut; a single one
# leaves a line with long ways half empty.
_NETWORK_TRANSFERS = 2


def recipe_of(store: Store, *, share: int = 1) -> Recipe | None:
    """Give the recipe of a store, or None.

    Args:
        store: The store.
        share: Among how many processes a bandwidth is divided that they cannot share.
    """
    if isinstance(store, FolderStore):
        return (FOLDER.scheme, {"location": store.location})
    if isinstance(store, RetryingStore):
        return _recipe_of_remote(store.inner)
    if isinstance(store, LimitedStore):
        inner = recipe_of(store.inner)
        if inner is None:
            return None
        return ("limited", inner, share, _recipe_of(store.upload), _recipe_of(store.download))
    return None


def store_from_recipe(recipe: Recipe) -> Store:
    """Open the store that a recipe describes."""
    kind, *parts = recipe
    if (found := kind_called(kind)) is not None:
        return found.reopen(parts[0])
    inner, share, upload, download = parts
    allowances = _open_allowance(upload, share), _open_allowance(download, share)
    return LimitedStore(store_from_recipe(inner), allowances=allowances)


def _recipe_of(allowance: Allowance) -> Recipe:
    bucket = allowance.bucket
    return (allowance.plan.pack(), "" if bucket is None else bucket.path)


def _open_allowance(recipe: Recipe, share: int) -> Allowance:
    """Share the bucket; where it cannot be reached, keep to an even part of the rate."""
    plan, path = RatePlan.unpack(recipe[0]), recipe[1]
    if not path:
        return Allowance(plan)
    try:
        return Allowance(plan, bucket=SharedBucket(path))
    except OSError:
        return Allowance(plan.divided(share))


def transfers_at_once(store: Store) -> int:
    """Give how many objects should be on their way to or from a store at once, in one process."""
    is_far = any(isinstance(layer, RetryingStore) for layer in layers_of(store))
    return _NETWORK_TRANSFERS if is_far else 1


def _recipe_of_remote(store: Store) -> Recipe | None:
    settings = getattr(store, "settings", None)
    if settings is None:
        return None
    return (settings.kind, settings.pack())
