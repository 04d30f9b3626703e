"""The keys of sites' repositories: which one password opens, listed, added, given out."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from backup.format.bounds import read_bounded
from backup.repository.keyring import add_key, list_keys
from backup.repository.repository import Repository
from ops.access.approvals.ask import ask_second_person
from ops.access.approvals.requests import Wish
from ops.access.session import at_bench
from ops.backups.keys.secrets import check_folder, read_secret, write_secret_files
from ops.backups.keys.tasks import KeyAdd, KeyExport, KeyList
from ops.backups.repositories.open import open_repository, open_with
from ops.errors import WrongUseError
from ops.estate.choose import choose_sites, choose_stores
from ops.estate.load.load import load_estate
from ops.estate.model.estate import Estate
from ops.estate.model.references import resolve
from ops.estate.model.sites import Site
from ops.estate.model.stores import Store
from ops.jobs.site_lock import hold_site_lock
from ops.language.text import N_, _
from ops.terminal.exit_codes import INCOMPLETE, gravest, noting, report
from ops.terminal.output import Cell, write_line
from ops.terminal.view import Column, View, moment, write_list


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


def _made(text: str, zone: str) -> str | Cell:
    """Show a moment as a key file has it; a foreign form is shown as it stands."""
    try:
        return moment(text, zone)
    except ValueError:
        return text


KEYS = View(
    N_("None."),
    Column("site", N_("Site")),
    Column("store", N_("Store")),
    Column("id", N_("Key"), of=lambda row: row["id"][:8]),
    Column("created", N_("Made"), _made),
    Column("username", N_("By"), of=lambda row: f"{row['username']}@{row['hostname']}"),
    Column("in_use", N_("In use"), of=lambda row: _("yes") if row["in_use"] else ""),
)


def show_keys(wish: KeyList) -> int:
    """Write the keys of one site or of all, in one store or in every one; gives the exit code."""
    estate = load_estate()
    rows: list[dict[str, Any]] = []
    codes: list[int] = []
    for place in choose_stores(estate, wish.store):
        for chosen in choose_with_own(estate, wish.site):
            with noting(codes):
                rows += _read_keys(estate, chosen.name, place, codes)
    write_list(KEYS, rows, as_json=wish.json, zone=estate.organisation.timezone)
    return gravest(codes)


def _read_keys(
    estate: Estate, site: str, store: Store, codes: list[int]
) -> Iterator[dict[str, Any]]:
    repository = open_repository(estate, site, store)
    found = list_keys(repository)
    codes += [report(error) for error in found.errors]
    for key in found.keys:
        yield {
            "site": site,
            "store": store.name,
            "repository": repository.id,
            "id": key.id,
            "created": key.created,
            "username": key.username,
            "hostname": key.hostname,
            "in_use": key.is_current,
        }


def add_password(wish: KeyAdd) -> int:
    """Add a password; gives the exit code.

    Order of an addition, which lets whoever knows the password read everything:

    1. Open the repositories; find those that the password does not open yet. `--dry-run` ends here.
    2. Have another person agree.
    3. Add a key file to each, proven to open. Cut off here, the same command does the rest.
    4. Journal their ids.

    Mirrors get the key files with the next run that brings them up to date.

    Raises:
        WrongUseError: There is no such site or store, or no password.
        ApprovalAwaitedError: Another person has to agree first.
        BackupError: A store failed; the same command does the rest.
    """
    estate = load_estate()
    stores = choose_stores(estate, wish.store, ("primary", "copy"))
    sites = choose_with_own(estate, wish.site)
    password = read_secret(wish.password_file).rstrip(b"\n")
    with at_bench(estate, dry_run=wish.dry_run) as bench:
        found = [open_sites(estate, sites, store) for store in stores]
        opened = [it for one in found for it in one.sites]
        lacking = [it for it in opened if open_with(it.repository.store, password) is None]
        _tell_addition(opened, lacking)
        agreed = ask_second_person(bench, _wish_addition(wish, lacking)) if lacking else None
        if agreed is None:
            return gravest(it.exit_code for it in found)
        for it in lacking:
            with hold_site_lock(estate.service.state, it.site.name, holder="key-add"):
                added = {f"{it.store.name}/{it.site.name}": add_key(it.repository, password)}
                agreed.note("backup.key-add", _about(wish), {"keys": added})
    write_line(_("added; repositories: {count}"), count=len(lacking))
    return gravest(it.exit_code for it in found)


def _wish_addition(wish: KeyAdd, lacking: list[OpenedSite]) -> Wish:
    places = sorted(f"{it.store.name}/{it.site.name}" for it in lacking)
    plan = {"act": "add", "repositories": places}
    return Wish("key-export", _about(wish), plan, wish.reason, wish.document)


def _about(wish: KeyAdd) -> str:
    return wish.site or wish.store or "*"


def _tell_addition(opened: list[OpenedSite], lacking: list[OpenedSite]) -> None:
    for it in opened:
        text = _("would get the password") if it in lacking else _("opens with it already")
        write_line(f"{it.store.name} · {it.site.name}: {text}")


def export_key(wish: KeyExport) -> int:
    """Write the password and the key files; gives the exit code.

    Order: open and tell (`--dry-run` ends here); have another person agree; write password and key
    files, readable by their owner only; journal which keys went where, without a secret.

    Raises:
        WrongUseError: The flags make no sense, or no repository opens.
        ApprovalAwaitedError: Another person has to agree first.
        PaperFolderError: The folder cannot be written.
    """
    estate = load_estate()
    store = choose_own_key(estate, wish.store)
    folder = check_folder(estate, wish.to, any_disk=wish.any_disk)
    reference = estate.repository_key(store)
    with at_bench(estate, dry_run=wish.dry_run) as bench:
        found = open_sites(estate, choose_with_own(estate, wish.site), store)
        places = ", ".join(name_stores(stores_with_key(estate, store)))
        write_line(_("the password of {stores}, to {folder}"), stores=places, folder=folder)
        keys = {it.site.name: it.repository.key_id for it in found.sites}
        plan = {"act": "export", "key": reference, "keys": keys, "to": str(folder)}
        asked = Wish("key-export", store.name, plan, wish.reason, wish.document)
        agreed = ask_second_person(bench, asked)
        if agreed is None:
            return found.exit_code
        password = resolve(reference).get_secret_value().encode() + b"\n"
        files = {f"{store.name}.key": password}
        files |= {
            f"{store.name}-{it.site.name}-{it.repository.key_id}": it.key_file for it in found.sites
        }
        paths = write_secret_files(folder, files)
        agreed.note("backup.key-export", store.name, plan)
    for path in paths:
        write_line(f"  {path}")
    return found.exit_code
