"""Give sites' repositories one more password, with a second person's approval.

Order:

1. Open the repositories; find those that the password does not open yet. `--dry-run` ends here.
2. Have another person agree: who knows a password can read everything.
3. Add a key file to each, proven to open. Cut off here, the same command does the rest.
4. Journal their ids.

Mirrors get the key files with the next run that brings them up to date.
"""

from backup.repository.keyring import add_key
from ops.access.approvals.ask import ask_second_person
from ops.access.approvals.requests import Wish
from ops.access.session import at_bench
from ops.backups.keys.key_holders import OpenedSite, choose_with_own, note_key_act, open_sites
from ops.backups.keys.secrets import read_secret
from ops.backups.keys.tasks import KeyAdd
from ops.backups.repositories.open import open_with
from ops.estate.choose import choose_stores
from ops.estate.load.load import load_estate
from ops.jobs.site_lock import hold_site_lock
from ops.language.text import _
from ops.terminal.exit_codes import gravest
from ops.terminal.output import write_line


def add_password(wish: KeyAdd) -> int:
    """Add a password; gives the exit code.

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
        _tell(opened, lacking)
        asked = _wish(wish, lacking)
        if not lacking or ask_second_person(bench, asked, dry_run=wish.dry_run) is None:
            return gravest(it.exit_code for it in found)
        added: dict[str, str] = {}
        for it in lacking:
            with hold_site_lock(estate.service.state, it.site.name, holder="key-add"):
                added[f"{it.store.name}/{it.site.name}"] = add_key(it.repository, password)
        note_key_act(bench, "backup.key-add", asked, {"keys": added})
    write_line(_("added; repositories: {count}").format(count=len(added)))
    return gravest(it.exit_code for it in found)


def _wish(wish: KeyAdd, lacking: list[OpenedSite]) -> Wish:
    places = sorted(f"{it.store.name}/{it.site.name}" for it in lacking)
    return Wish(
        action="key-export",
        subject=wish.site or wish.store or "*",
        plan={"act": "add", "repositories": places},
        reason=wish.reason,
        document=wish.document,
    )


def _tell(opened: list[OpenedSite], lacking: list[OpenedSite]) -> None:
    for it in opened:
        text = _("would get the password") if it in lacking else _("opens with it already")
        write_line(f"{it.store.name} · {it.site.name}: {text}")
