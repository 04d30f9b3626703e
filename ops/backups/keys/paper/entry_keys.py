"""What lets into each store: told on the sheet of key files, and printed where somebody wants it.

A backup's password opens nothing that nobody can reach: a machine that comes new needs the SSH key
or the S3 keys of a store before it can read the first byte there.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from backup.stores.kinds import find_kind
from ops.canonical import clean_text
from ops.errors import SecretError
from ops.estate.model.estate import Estate
from ops.estate.model.references import resolve, reveal
from ops.estate.model.stores import Store
from ops.language.text import N_, _

_ENTER = {
    "sftp": N_(
        "SSH key {keys}, and the server's host key ({known_hosts}):"
        " `--identity FILE --known-hosts FILE`"
    ),
    "s3": N_(
        "S3 keys {keys}; region: {region}:"
        " `--access-key-file FILE --secret-key-file FILE --region NAME`"
    ),
}


@dataclass(frozen=True, slots=True)
class StoreEntry:
    """What lets into one store.

    Attributes:
        store: Its name.
        address: Where it is, for people; holds no secret.
        needs: A sentence with the flags of `service.recover`.
        keys: Where its entry keys are: the estate's keyword → the reference.
    """

    store: str
    address: str
    needs: str
    keys: Mapping[str, str]


def list_entries(estate: Estate) -> list[StoreEntry]:
    """List what lets into each store, in the order of the estate."""
    return [_entry(store) for store in estate.stores]


def _entry(store: Store) -> StoreEntry:
    try:
        address = reveal(store.url)
    except SecretError:
        address = store.url  # a reference, which is none
    kind = find_kind(address)
    scheme = kind.scheme if kind else ""
    names = {"sftp": ("identity",), "s3": ("access_key", "secret_key")}.get(scheme, ())
    keys = {name: value for name in names if (value := getattr(store, name))}
    words = {
        "keys": ", ".join(keys.values()) or "–",
        "known_hosts": store.known_hosts or "~/.ssh/known_hosts",
        "region": store.region or "–",
    }
    needs = (
        _(_ENTER[scheme]).format(**words)
        if scheme in _ENTER
        else _("a folder: no entry key; its disk has to be there and mounted")
    )
    return StoreEntry(store.name, clean_text(address), needs, keys)


@dataclass(frozen=True, slots=True)
class PrintedEntry:
    """One entry key as it is printed.

    Attributes:
        store: Name of the store.
        keyword: What the estate calls it.
        place: Where the service keeps it.
        text: The key.
    """

    store: str
    keyword: str
    place: str
    text: str

    def labels(self) -> list[tuple[str, str]]:
        """Give what stands beside the code."""
        return [(_("Store"), self.store), (_("Entry key"), self.keyword), (_("File"), self.place)]


def read_entry_keys(estate: Estate) -> list[PrintedEntry]:
    """Read the entry keys of all stores.

    Raises:
        SecretError: One cannot be read.
    """
    return [
        PrintedEntry(it.store, keyword, place, resolve(place).get_secret_value())
        for it in list_entries(estate)
        for keyword, place in it.keys.items()
    ]


def entry_needs(entries: list[StoreEntry]) -> list[str]:
    """Say of each store what lets in, and what to do with it."""
    told = [f"{it.store} ({it.address}): {it.needs}" for it in entries]
    if any(it.keys for it in entries):
        told.append(
            _(
                "Such a key is not on this sheet. Keep it in a safe as a file, or choose to have it"
                " on paper: `giucong backup.key-escrow --entry-keys` prints it on a sheet of its"
                " own. Whoever has it can read and, where no Object Lock holds, delete what is"
                " stored there, and still opens nothing."
            )
        )
    return told


def entry_rules() -> list[str]:
    """Say what the page of entry keys is for."""
    return [
        _(
            "An entry key lets into a store. It opens no backup, but with it what is stored there"
            " can be deleted where no Object Lock holds: keep this sheet in a safe, apart from the"
            " shares, and make no copies."
        ),
        _("Has somebody seen it? Take the key out of the store's account, and make a new one."),
        _(
            "To get a key back: scan its code into a file that only you can read, without a"
            " network: `umask 077; zbarimg -q --raw SCAN.png > FILE`; or type the lines beside it."
            " Then `giucong service.recover` with the flags on the sheet of key files."
        ),
    ]
