"""Put a repository password on paper, in shares, and the key files beside it.

Order:

1. Open the repositories and read their key files; tell what will be printed. `--dry-run` ends here.
2. Have another person agree; the request is used up and journaled before anything is written.
3. Split the password, and prove each share and each key file.
4. Write the sheets to the folder that was named.
5. Journal who did it, for whom, which set and which key files; no word of a share.

Cut off between 4 and 5, the used approval tells of it. The service keeps no share.
"""

import hashlib
from datetime import UTC, datetime
from pathlib import Path

from ops.access.approvals.ask import ask_second_person
from ops.access.approvals.requests import Wish
from ops.access.identity import check_person
from ops.access.session import at_bench
from ops.backups.keys.key_holders import (
    OpenedSite,
    choose_own_key,
    choose_with_own,
    name_stores,
    open_sites,
    stores_with_key,
)
from ops.backups.keys.paper.key_files import (
    PrintedEntry,
    StoreEntry,
    list_entries,
    printed_text,
    read_entry_keys,
)
from ops.backups.keys.paper.shares import (
    ShareSet,
    check_threshold,
    encode_password,
    form_of,
    split_password,
)
from ops.backups.keys.paper.sheets import (
    Escrow,
    PrintedKey,
    entry_html,
    entry_text,
    keys_html,
    keys_text,
    share_html,
    share_text,
)
from ops.backups.keys.secrets import check_folder, write_secret_files
from ops.backups.keys.tasks import KeyEscrow
from ops.errors import WrongUseError
from ops.estate.load.load import load_estate
from ops.estate.model.estate import Estate
from ops.estate.model.people import Person
from ops.estate.model.references import resolve
from ops.estate.model.stores import Store
from ops.language.formats import format_moment
from ops.language.text import _
from ops.terminal.output import write_line

KEYS_SHEET = "key-files-{}.html"


def escrow_key(wish: KeyEscrow) -> int:
    """Print shares and key files; gives the exit code.

    Raises:
        WrongUseError: The flags make no sense, or no repository opens.
        ApprovalAwaitedError: Another person has to agree first.
        PaperFolderError: The folder cannot be written.
    """
    estate = load_estate()
    holders = choose_holders(estate, wish)
    store = choose_own_key(estate, wish.store)
    folder = check_folder(estate, wish.to, any_disk=wish.any_disk)
    password = resolve(estate.repository_key(store)).get_secret_value()
    encode_password(password)  # one that cannot be split is refused before anybody is asked
    entries = read_entry_keys(estate) if wish.entry_keys else []
    with at_bench(estate, dry_run=wish.dry_run) as bench:
        found = open_sites(estate, choose_with_own(estate, ""), store)
        _tell_plan(estate, store, holders, wish, found.sites)
        asked = _wish(estate, store, wish, found.sites)
        agreed = ask_second_person(bench, asked)
        if agreed is None:
            return found.exit_code
        shares = split_password(password, threshold=wish.threshold, count=len(holders))
        escrow = _describe(estate, store, holders, shares, password)
        keys = [_printed(estate, it) for it in found.sites]
        sheets = lay_out(escrow, shares, holders, keys, list_entries(estate))
        if entries:
            sheets |= lay_out_entry(escrow, entries)
        paths = write_secret_files(folder, sheets)
        details = {
            **asked.plan,
            "identifier": escrow.identifier,
            "key_files_sheet": hashlib.sha256(sheets[KEYS_SHEET.format(store.name)]).hexdigest(),
        }
        agreed.note("backup.key-escrow", store.name, details)
    _tell_done(paths, escrow)
    return found.exit_code


def choose_holders(estate: Estate, wish: KeyEscrow) -> list[Person]:
    """Give the people who will hold a share.

    Raises:
        WrongUseError: One is nobody in the estate or named twice, or the numbers make no sense.
    """
    check_threshold(wish.threshold, len(wish.holder))
    for name in wish.holder:
        check_person(estate.people, name)
        if wish.holder.count(name) > 1:
            raise WrongUseError(
                '"{name}" is named twice as a holder',
                why="two shares in one hand would make the threshold smaller than it looks",
                data="nothing was written",
                next_step="name each holder once",
                name=name,
            )
    people = {person.name: person for person in estate.people}
    return [people[name] for name in wish.holder]


def lay_out(
    escrow: Escrow,
    shares: ShareSet,
    holders: list[Person],
    keys: list[PrintedKey],
    entries: list[StoreEntry],
) -> dict[str, bytes]:
    """Lay out shares and key files: contents by file name."""
    sheets: dict[str, str] = {
        KEYS_SHEET.format(escrow.store): keys_html(escrow, keys, entries),
        f"key-files-{escrow.store}.txt": keys_text(escrow, keys, entries),
    }
    for number, (person, words) in enumerate(zip(holders, shares.shares, strict=True), start=1):
        name = f"share-{escrow.store}-{escrow.identifier}-{number}-{person.name}"
        sheets[f"{name}.html"] = share_html(escrow, number, words)
        sheets[f"{name}.txt"] = share_text(escrow, number, words)
    return {name: text.encode() for name, text in sheets.items()}


def lay_out_entry(escrow: Escrow, entries: list[PrintedEntry]) -> dict[str, bytes]:
    """Lay out what lets into the stores: contents by file name."""
    return {
        "entry-keys.html": entry_html(escrow, entries).encode(),
        "entry-keys.txt": entry_text(escrow, entries).encode(),
    }


def _describe(
    estate: Estate, store: Store, holders: list[Person], shares: ShareSet, password: str
) -> Escrow:
    return Escrow(
        organisation=estate.name_at(),
        store=store.name,
        stores=tuple(name_stores(stores_with_key(estate, store))),
        identifier=shares.identifier,
        threshold=shares.threshold,
        holders=tuple(person.title for person in holders),
        form=form_of(password),
        printed=format_moment(datetime.now(UTC), estate.organisation.timezone),
    )


def _printed(estate: Estate, opened: OpenedSite) -> PrintedKey:
    repository = opened.repository
    return PrintedKey(
        site=opened.site.name,
        title=estate.title_at(opened.site.name),
        address=repository.store.location,
        repository_id=repository.id,
        key_id=repository.key_id,
        text=printed_text(opened.key_file),
    )


def _wish(estate: Estate, store: Store, wish: KeyEscrow, sites: tuple[OpenedSite, ...]) -> Wish:
    plan: dict[str, object] = {
        "act": "escrow",
        "key": estate.repository_key(store),
        "threshold": wish.threshold,
        "holders": list(wish.holder),
        "keys": {it.site.name: it.repository.key_id for it in sites},
    }
    if wish.entry_keys:
        plan["entry_keys"] = [it.store for it in list_entries(estate) if it.keys]
    return Wish("key-export", store.name, plan, wish.reason, wish.document)


def _tell_plan(
    estate: Estate,
    store: Store,
    holders: list[Person],
    wish: KeyEscrow,
    sites: tuple[OpenedSite, ...],
) -> None:
    write_line(
        _("the password of {stores}, in {count} shares; any {threshold} give it back"),
        stores=", ".join(name_stores(stores_with_key(estate, store))),
        count=len(holders),
        threshold=wish.threshold,
    )
    for number, person in enumerate(holders, start=1):
        write_line("  " + _("share {number}: {person}"), number=number, person=person.title)
    if wish.entry_keys:
        write_line("  " + _("on a sheet of its own: the keys that let into the stores"))
    names = ", ".join(it.site.name for it in sites)
    write_line("  " + _("key files: {sites}"), sites=names)


def _tell_done(paths: list[Path], escrow: Escrow) -> None:
    text = _("written, readable by you alone; the set has the number {identifier}:")
    write_line(text, identifier=str(escrow.identifier))
    for path in paths:
        write_line(f"  {path}")
    write_line(_("Print the HTML files (or the text files) on a printer that stores nothing."))
    write_line(
        _("Try the sheets at once: `giucong backup.key-combine --dry-run`; then wipe the medium.")
    )
