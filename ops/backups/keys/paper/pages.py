"""What is printed, as values: shares, key files, and the sentences that explain both."""

from collections.abc import Sequence
from dataclasses import dataclass

from ops.backups.keys.paper.slip39 import Form
from ops.language.text import _


@dataclass(frozen=True, slots=True, kw_only=True)
class Escrow:
    """What all pages of one escrow have in common.

    Attributes:
        organisation: Its title.
        store: Name of the store whose password it is.
        stores: The places that this password opens, as people call them.
        identifier: Number of the set of shares.
        threshold: How many shares are needed.
        holders: Titles of the people who hold one, in the order of the shares.
        form: How the password became a master secret.
        printed: When, as people read it.
    """

    organisation: str
    store: str
    stores: tuple[str, ...]
    identifier: int
    threshold: int
    holders: tuple[str, ...]
    form: Form
    printed: str


@dataclass(frozen=True, slots=True)
class PrintedKey:
    """One repository's key file as it is printed.

    Attributes:
        site: Name of the site.
        title: Its title.
        address: Where the repository is.
        repository_id: Its id, in hexadecimal.
        key_id: Id of the key file: the name it has in `keys`.
        text: What the QR code says.
    """

    site: str
    title: str
    address: str
    repository_id: str
    key_id: str
    text: str


def share_title(escrow: Escrow, number: int) -> str:
    """Give the head of a share's page."""
    return _("KEY SHARE {number} OF {count}").format(number=number, count=len(escrow.holders))


def share_facts(escrow: Escrow, number: int) -> list[tuple[str, str]]:
    """Give what stands at the top of a share's page: label and value."""
    needed = _("any {threshold} of the {count} shares with this number").format(
        threshold=escrow.threshold, count=len(escrow.holders)
    )
    return [
        (_("Holder"), escrow.holders[number - 1]),
        (_("Set number"), str(escrow.identifier)),
        (_("Opens"), ", ".join(escrow.stores)),
        (_("Needed"), needed),
        (_("Printed"), escrow.printed),
    ]


def holder_rules(escrow: Escrow) -> list[str]:
    """Say what the holder of a share has to do and to leave."""
    return [
        _("Keep this sheet in a sealed envelope in a safe, apart from the other shares."),
        _("Show it to nobody, photograph it never, and never type it on a machine with a network,"
          " unless the Center has decided in writing to recover."),
        _("{threshold} holders together open every backup of the stores named above; fewer learn"
          " nothing at all.").format(threshold=escrow.threshold),
        _("Is it lost, or has somebody seen it? Tell the Center the same day: new shares are made,"
          " and the password is changed."),
        _("When you leave your office, hand it over with a signed record."),
    ]  # fmt: skip


def recovery_steps() -> list[str]:
    """Say how shares open the backups again, with Giữ Cổng."""
    return [
        _("Take a machine without a network, with Giữ Cổng installed, and the sheets."),
        _("Type: `giucong backup.key-combine --to /dev/shm/key`"),
        _("Each holder types the words of the own share; the first four letters of a word are"
          " enough."),
        _("The password now lies in /dev/shm/key. Restore: `giucong service.recover`, or"
          " `restic -r STORE/SITE --password-file /dev/shm/key restore latest --path /SITE --target"
          " DIR`"),
        _("Is the folder keys of a repository lost? Then also scan its QR code on the sheet of key"
          " files: `giucong backup.key-combine --to /dev/shm/key --key-file SCANNED --repo"
          " STORE/SITE`"),
        _("Afterwards: `rm /dev/shm/key`"),
    ]  # fmt: skip


def steps_by_hand(form: str) -> list[str]:
    """Say how shares open the backups with nothing but public tools."""
    line = (
        "tr a-f A-F < HEX | basenc -d --base16 | base32 -w0 | tr -d = > /dev/shm/key"
        if form == "base32"
        else "tr a-f A-F < HEX | basenc -d --base16 > /dev/shm/key"
    )
    return [
        _("The words are SLIP-39 shares (one group, no passphrase): any program for SLIP-39 puts"
          " them together, e.g. `pip install shamir-mnemonic[cli]`, then `shamir recover`"),
        _("Write the hexadecimal digits that it prints into a file HEX."),
        _("Make the password of it: `{command}`").format(command=line),
    ]  # fmt: skip


def key_facts(escrow: Escrow) -> list[tuple[str, str]]:
    """Give what stands at the top of the page of key files."""
    needed = _("{threshold} of {count}: {holders}").format(
        threshold=escrow.threshold,
        count=len(escrow.holders),
        holders=", ".join(escrow.holders),
    )
    return [
        (_("Opens"), ", ".join(escrow.stores)),
        (_("Set number"), str(escrow.identifier)),
        (_("Shares"), needed),
        (_("Printed"), escrow.printed),
    ]


def key_rules() -> list[str]:
    """Say what the page of key files is for."""
    return [
        _("A repository opens with the password and one of its key files. The key files lie in the"
          " repository's folder keys; were that folder lost, all backups in it would be."),
        _("This sheet brings them back. It opens nothing without the password from the shares, so"
          " keep it apart from them; make as many copies as you like."),
        _("Print it anew after a site was added and after the password was changed."),
    ]  # fmt: skip


def key_steps() -> list[str]:
    """Say how a key file comes back from its code."""
    return [
        _("Scan the code of that one site into a file, without a network: `zbarimg -q --raw"
          " SCAN.png > SCANNED`. Or type the numbered lines beside it; each ends with a check that"
          " Giữ Cổng looks at."),
        _("With Giữ Cổng: `giucong backup.key-combine --to /dev/shm/key --key-file SCANNED --repo"
          " STORE/SITE`"),
        _("With restic alone: put the file SCANNED into the repository as keys/ID, where ID is what"
          " sha256sum SCANNED says. Only its own one: that of another site opens with the same"
          " password and would be taken for it."),
    ]  # fmt: skip


def key_labels(key: PrintedKey) -> list[tuple[str, str]]:
    """Give what stands beside a code."""
    return [
        (_("Site"), f"{key.site} · {key.title}"),
        (_("Address"), key.address),
        (_("Repository"), key.repository_id[:16]),
        (_("Key file"), key.key_id[:16]),
    ]


def rows_of_words(words: Sequence[str], columns: int) -> list[list[str]]:
    """Give numbered words in rows, to be read from left to right."""
    numbered = [f"{place:02}. {word}" for place, word in enumerate(words, start=1)]
    return [numbered[start : start + columns] for start in range(0, len(numbered), columns)]
