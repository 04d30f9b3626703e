"""Recipes: how another process opens the same store again.

Stores that live in one process only (in memory, or wrapped for tests) have none; work on them
stays in that process.
"""

from typing import Any

from backup.stores.base import Store
from backup.stores.folder import FolderStore
from backup.stores.limited import LimitedStore

# A kind, then what its store needs; marshallable.
Recipe = tuple[Any, ...]


def recipe_of(store: Store, *, share: int = 1) -> Recipe | None:
    """Give the recipe of a store, or None.

    Args:
        store: The store.
        share: Among how many processes a bandwidth is divided.
    """
    if isinstance(store, FolderStore):
        return ("folder", store.location)
    if isinstance(store, LimitedStore):
        inner = recipe_of(store.inner)
        rates = [rate and rate / share for rate in (store.upload_rate, store.download_rate)]
        return None if inner is None else ("limited", inner, *rates)
    return None


def store_from_recipe(recipe: Recipe) -> Store:
    """Open the store that a recipe describes."""
    kind, *parts = recipe
    if kind == "folder":
        return FolderStore(parts[0])
    inner, upload_rate, download_rate = parts
    return LimitedStore(
        store_from_recipe(inner),
        upload_bytes_per_second=upload_rate,
        download_bytes_per_second=download_rate,
    )
