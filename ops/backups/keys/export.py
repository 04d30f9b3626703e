"""Give a repository password and the key files out as files, with a second person's approval.

Order: open and tell (`--dry-run` ends here); have another person agree; write the files, readable
by their owner only; journal which keys went where, without a secret.
"""

from ops.access.approvals.ask import ask_second_person
from ops.access.approvals.requests import Wish
from ops.access.session import at_bench
from ops.backups.keys.key_holders import (
    choose_own_key,
    choose_with_own,
    name_stores,
    note_key_act,
    open_sites,
    stores_with_key,
)
from ops.backups.keys.paper.folder import check_folder, write_secret_files
from ops.backups.keys.tasks import KeyExport
from ops.estate.load.load import load_estate
from ops.estate.model.references import resolve
from ops.language.text import _
from ops.terminal.output import write_line


def export_key(wish: KeyExport) -> int:
    """Write the password and the key files; gives the exit code.

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
        write_line(_("the password of {stores}, to {folder}").format(stores=places, folder=folder))
        keys = {it.site.name: it.repository.key_id for it in found.sites}
        asked = Wish(
            action="key-export",
            subject=store.name,
            plan={"act": "export", "key": reference, "keys": keys, "to": str(folder)},
            reason=wish.reason,
            document=wish.document,
        )
        permit = ask_second_person(bench, asked, dry_run=wish.dry_run)
        if permit is None:
            return found.exit_code
        password = resolve(reference).get_secret_value().encode() + b"\n"
        files = {f"{store.name}.key": password}
        files |= {
            f"{store.name}-{it.site.name}-{it.repository.key_id}": it.key_file for it in found.sites
        }
        paths = write_secret_files(folder, files)
        details = {**asked.plan, "approval": permit.as_details()}
        note_key_act(bench, "backup.key-export", asked, details)
    for path in paths:
        write_line(f"  {path}")
    return found.exit_code
