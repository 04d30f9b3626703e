"""Try whether the service's own credential can delete in a store, with an object made for that.

Order:

1. Write the probe where locked objects lie; one that an earlier trial could not delete will do, and
   is locked anew like anything that a new snapshot needs.
2. Delete it: in a bucket that locks, the very version, and past the lock where that may be passed.
   What refuses, and still has it afterwards, is protected.
3. Keep the verdict.

Killed between 1 and 2, a probe of a few bytes is left, which the next trial takes.
"""

from contextlib import suppress
from datetime import UTC, datetime, timedelta

from backup.errors import ObjectExistsError, StoreError, StoreUnavailableError
from backup.stores.base import Store as OpenStore
from backup.stores.leftovers import remove_for_good
from backup.stores.object_lock import promises_of
from ops.backups.repositories.open import open_place
from ops.catalog.open import Catalog
from ops.catalog.tables.copies import StoreTrial
from ops.estate.model.estate import Estate
from ops.estate.model.stores import Store

PROBE = "keys/giucong-probe"
_TEXT = b"giucong: may this be deleted?\n"
_AGAIN_AFTER = timedelta(hours=20)


def try_protection(catalog: Catalog, estate: Estate, site: str, store: Store) -> None:
    """Try a store once a day, and keep the verdict; where the trial fails the old one stays.

    Args:
        catalog: Open.
        estate: As it is now.
        site: In whose repository the probe lies.
        store: Which store.
    """
    now = datetime.now(UTC)
    with catalog.reading() as session:
        known = session.get(StoreTrial, store.name)
        if known is not None and now - known.tried_at < _AGAIN_AFTER:
            return
    try:
        told = find_refusal(open_place(estate, site, store))
    except StoreError:
        return
    with catalog.writing() as session:
        is_protected = told is not None
        session.merge(
            StoreTrial(store=store.name, is_protected=is_protected, told=told or "", tried_at=now)
        )


def find_refusal(place: OpenStore) -> str | None:
    """Try to delete a probe; give what the store said against it, None where it deleted.

    Raises:
        StoreError: The store could not be tried.
    """
    with suppress(ObjectExistsError):
        place.write(PROBE, _TEXT)
    promises = promises_of(place)
    if promises is not None:
        promises.renew([PROBE])
        return remove_for_good(place, PROBE)
    try:
        place.delete(PROBE)
    except StoreUnavailableError:
        raise
    except StoreError as error:
        place.size(PROBE)
        return str(error)
    return None
