"""Key files on paper beside the shares, as QR codes and lines, and what lets into each store.

A line is its number, up to 48 characters of the file, and a check: the first four hexadecimal
digits of the SHA-256 of number, blank and characters. A blank in the file is printed as `␣`. A file
that is not plain ASCII on one line is printed as the same JSON in ASCII, which opens the same.

A backup's password opens nothing that nobody can reach: a machine that comes new needs the SSH key
or the S3 keys of a store before it can read the first byte there.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import segno

from backup.errors import UnsupportedFormatError
from backup.format.key_file import parse_key_file
from backup.stores.kinds import find_kind
from ops.errors import OpsError, SecretError
from ops.estate.model.estate import Estate
from ops.estate.model.references import resolve, reveal
from ops.estate.model.stores import Store
from ops.language.text import N_, _
from ops.told_text import clean_text

_LINE_CHARACTERS = 48
_BLANK = "␣"
_PIXELS = 6
_QUIET_MODULES = 4
_LINE = re.compile(r"^\s*(\d{2}) (\S{1,48}) ([0-9a-fA-F]{4})\s*$")


class PrintedKeyError(OpsError):
    """The text of a key file was not read or typed as it stands on the paper."""


def printed_text(key_file: bytes) -> str:
    """Give the text that is printed of a key file: one line of ASCII.

    Raises:
        UnsupportedFormatError: It is no key file.
    """
    parse_key_file(key_file)
    text = key_file.decode("utf-8", "replace")
    if text.isascii() and text.isprintable() and _BLANK not in text:
        return text
    return json.dumps(json.loads(key_file), separators=(",", ":"))


def qr_image(text: str) -> str:
    """Give a QR code as a `data:` URL of a PNG image; empty where the text is too long for one."""
    try:
        code = segno.make_qr(text, error="m", boost_error=False)
    except segno.DataOverflowError:
        return ""
    return code.png_data_uri(scale=_PIXELS, border=_QUIET_MODULES)


def number_lines(text: str) -> list[str]:
    """Cut a text into numbered lines, each with its check."""
    shown = text.replace(" ", _BLANK)
    pieces = [
        shown[start : start + _LINE_CHARACTERS] for start in range(0, len(shown), _LINE_CHARACTERS)
    ]
    return [_line(number, piece) for number, piece in enumerate(pieces, start=1)]


def read_key_files(text: str) -> list[bytes]:
    """Read key files from what was scanned or typed.

    Args:
        text: QR codes as a scanner gives them, one a line, with or without `QR-Code:`; or numbered
            lines; or the text of a whole page. Whatever else stands there is passed over.

    Raises:
        PrintedKeyError: A line's check does not hold, or one is missing.
    """
    scanned = [line.strip().removeprefix("QR-Code:") for line in text.splitlines()]
    found = [line for line in scanned if line.startswith("{")]
    found += [piece.replace(_BLANK, " ") for piece in _join_lines(text)]
    key_files = list(dict.fromkeys(item.encode() for item in found))
    for item in key_files:
        try:
            parse_key_file(item)
        except UnsupportedFormatError as error:
            raise PrintedKeyError(
                "what was read is not a whole key file",
                why="the QR code or the last lines of the text are missing",
                data="nothing was written",
                next_step="scan it again, or type all lines down to the one that ends it",
            ) from error
    return key_files


def _join_lines(text: str) -> Iterator[str]:
    piece, last = "", 0
    for match in filter(None, map(_LINE.match, text.splitlines())):
        number = int(match[1])
        if _line(number, match[2]) != f"{match[1]} {match[2]} {match[3].lower()}":
            raise PrintedKeyError(
                "line {line} of a key file has a mistake: its check does not hold",
                data="nothing was written",
                next_step="compare it with the paper; capitals and small letters are not the same",
                line=number,
            )
        if number == 1 and piece:
            yield piece
        if number not in {1, last + 1}:
            raise PrintedKeyError(
                "line {line} of a key file does not follow the one before it",
                data="nothing was written",
                next_step="type the lines in the order of their numbers, and leave none out",
                line=number,
            )
        piece, last = (match[2] if number == 1 else piece + match[2]), number
    if piece:
        yield piece


def _line(number: int, piece: str) -> str:
    body = f"{number:02} {piece}"
    return f"{body} {hashlib.sha256(body.encode()).hexdigest()[:4]}"


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
