"""The repositories that one password opens: found, opened, with the key file that opened each."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from backup.format.bounds import read_bounded
from backup.repository.repository import Repository
from ops.backups.repositories.open import open_repository
from ops.errors import WrongUseError
from ops.estate.choose import choose_sites
from ops.estate.model.estate import Estate
from ops.estate.model.sites import Site
from ops.estate.model.stores import Store
from ops.terminal.exit_codes import INCOMPLETE, noting


@dataclass(frozen=True, slots=True)
class OpenedSite:
    """A site's repository in one store.

    Attributes:
        site: Whose.
        store: Where.
        repository: Open.
        key_file: The file in `keys` that the password opens, as it stands there.
    """

    site: Site
    store: Store
    repository: Repository
    key_file: bytes


@dataclass(frozen=True, slots=True)
class Opened:
    """What was found.

    Attributes:
        sites: Those whose repository opened.
        codes: Exit codes of those whose did not; each has been told.
    """

    sites: tuple[OpenedSite, ...]
    codes: tuple[int, ...]

    @property
    def exit_code(self) -> int:
        """What a task ends with that has done its work on those that opened."""
        return INCOMPLETE if self.codes else 0


def choose_with_own(estate: Estate, name: str) -> tuple[Site, ...]:
    """Give the site of that name, or all and the service's own.

    Raises:
        WrongUseError: There is none of that name.
    """
    return (estate.site(name),) if name else (*_all_sites(estate), estate.own_site)


def choose_own_key(estate: Estate, name: str) -> Store:
    """Give the store whose password is meant: the primary or a copy; a mirror's is its source's.

    Raises:
        WrongUseError: There is no such store.
    """
    store = estate.store(name) if name else estate.primary_store
    while store.role == "mirror" and store.of:
        store = estate.store(store.of)
    return store


def stores_with_key(estate: Estate, store: Store) -> tuple[Store, ...]:
    """Give every store that the password of one opens, mirrors included; that store first."""
    reference = estate.repository_key(store)
    same = [it for it in estate.stores if _key_of(estate, it) == reference and it != store]
    return (store, *same)


def open_sites(estate: Estate, sites: Sequence[Site], store: Store) -> Opened:
    """Open the repositories of sites in a store; one that does not open is told and left out.

    Raises:
        WrongUseError: None opens.
    """
    opened, codes = list[OpenedSite](), list[int]()
    for site in sites:
        with noting(codes):
            repository = open_repository(estate, site.name, store)
            key_file = read_bounded(repository.store, f"keys/{repository.key_id}")
            opened.append(OpenedSite(site, store, repository, key_file))
    if not opened:
        raise WrongUseError(
            'no repository in "{store}" could be opened',
            next_step="make them: `{program} backup.init`",
            store=store.name,
        )
    return Opened(tuple(opened), tuple(codes))


def name_stores(stores: Sequence[Store]) -> Iterator[str]:
    """Name stores as people call them."""
    for store in stores:
        yield f"{store.name} ({store.location})"


def _all_sites(estate: Estate) -> tuple[Site, ...]:
    return choose_sites(estate, "") if estate.sites else ()


def _key_of(estate: Estate, store: Store) -> str:
    return estate.repository_key(choose_own_key(estate, store.name))
