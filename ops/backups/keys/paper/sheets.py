"""The sheets that are printed: what stands on them, as HTML for A4 and as plain text."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

from ops.backups.keys.paper.key_files import (
    PrintedEntry,
    StoreEntry,
    entry_needs,
    entry_rules,
    number_lines,
    qr_image,
)
from ops.backups.keys.paper.shares import Form
from ops.language.text import _, language


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
        _(
            "Show it to nobody, photograph it never, and never type it on a machine with a network,"
            " unless the Center has decided in writing to recover."
        ),
        _(
            "{threshold} holders together open every backup of the stores named above; fewer learn"
            " nothing at all."
        ).format(threshold=escrow.threshold),
        _(
            "Is it lost, or has somebody seen it? Tell the Center the same day: new shares are"
            " made, and the password is changed."
        ),
        _("When you leave your office, hand it over with a signed record."),
    ]


def recovery_steps() -> list[str]:
    """Say how shares open the backups again, with Giữ Cổng."""
    return [
        _("Take a machine without a network, with Giữ Cổng installed, and the sheets."),
        _("Type: `giucong backup.key-combine --to /dev/shm/key`"),
        _(
            "Each holder types the words of the own share; the first four letters of a word are"
            " enough."
        ),
        _(
            "The password now lies in /dev/shm/key. Restore: `giucong service.recover`, or"
            " `restic -r STORE/SITE --password-file /dev/shm/key restore latest --path /SITE"
            " --target DIR`"
        ),
        _(
            "Is the folder keys of a repository lost? Then also scan its QR code on the sheet of"
            " key files: `giucong backup.key-combine --to /dev/shm/key --key-file SCANNED --repo"
            " STORE/SITE`"
        ),
        _("Afterwards: `rm /dev/shm/key`"),
    ]


def steps_by_hand(form: str) -> list[str]:
    """Say how shares open the backups with nothing but public tools."""
    line = (
        "tr a-f A-F < HEX | basenc -d --base16 | base32 -w0 | tr -d = > /dev/shm/key"
        if form == "base32"
        else "tr a-f A-F < HEX | basenc -d --base16 > /dev/shm/key"
    )
    return [
        _(
            "The words are SLIP-39 shares (one group, no passphrase): any program for SLIP-39 puts"
            " them together, e.g. `pip install shamir-mnemonic[cli]`, then `shamir recover`"
        ),
        _("Write the hexadecimal digits that it prints into a file HEX."),
        _("Make the password of it: `{command}`").format(command=line),
    ]


def key_facts(escrow: Escrow) -> list[tuple[str, str]]:
    """Give what stands at the top of the page of key files."""
    needed = _("{threshold} of {count}: {holders}").format(
        threshold=escrow.threshold, count=len(escrow.holders), holders=", ".join(escrow.holders)
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
        _(
            "A repository opens with the password and one of its key files. The key files lie in"
            " the repository's folder keys; were that folder lost, all backups in it would be."
        ),
        _(
            "This sheet brings them back. It opens nothing without the password from the shares, so"
            " keep it apart from them; make as many copies as you like."
        ),
        _("Print it anew after a site was added and after the password was changed."),
    ]


def key_steps() -> list[str]:
    """Say how a key file comes back from its code."""
    return [
        _(
            "Scan the code of that one site into a file, without a network: `zbarimg -q --raw"
            " SCAN.png > SCANNED`. Or type the numbered lines beside it; each ends with a check"
            " that Giữ Cổng looks at."
        ),
        _(
            "With Giữ Cổng: `giucong backup.key-combine --to /dev/shm/key --key-file SCANNED --repo"
            " STORE/SITE`"
        ),
        _(
            "With restic alone: put the file SCANNED into the repository as keys/ID, where ID is"
            " what sha256sum SCANNED says. Only its own one: that of another site opens with the"
            " same password and would be taken for it."
        ),
    ]


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


_COLUMNS = 3
_WORD_WIDTH = 16
_RULE = "=" * 72
_COMMAND = re.compile(r"`([^`]*)`")

_STYLE = """
@page { size: A4; margin: 12mm 15mm; }
* { box-sizing: border-box; }
body { font: 9.5pt/1.32 "DejaVu Sans", "Noto Sans", "Liberation Sans", Arial, sans-serif;
  color: #000; background: #fff; max-width: 180mm; margin: 0 auto; }
header { border-bottom: 1.2mm solid #000; padding-bottom: 2mm; }
header p { margin: 0; }
h1 { font-size: 18pt; margin: 1mm 0 0; }
h2 { font-size: 10.5pt; margin: 3mm 0 .5mm; }
table { border-collapse: collapse; width: 100%; }
th { text-align: left; font-weight: normal; color: #333; white-space: nowrap;
  padding: .5mm 4mm .5mm 0; vertical-align: top; width: 1%; }
td { padding: .5mm 0; overflow-wrap: anywhere; }
.facts { margin-top: 2.5mm; }
.facts td { font-weight: bold; }
.words { border: .4mm solid #000; margin-top: 3mm; }
.words td { font: 12.5pt/1.15 "DejaVu Sans Mono", "Liberation Mono", monospace; padding: 1.1mm 3mm;
  border-bottom: .2mm solid #bbb; width: 33%; }
ol, ul { margin: 0; padding-left: 6mm; }
li { margin: .2mm 0; overflow-wrap: anywhere; }
.small { font-size: 8.5pt; }
code { font: 8pt "DejaVu Sans Mono", "Liberation Mono", monospace; }
.sign { margin-top: 0; display: flex; justify-content: space-between; }
.sign div { width: 48%; border-top: .2mm solid #000; padding-top: 1mm; font-size: 9pt;
  margin-top: 12mm; }
.key { display: flex; gap: 5mm; border-top: .3mm solid #000; padding: 2.5mm 0;
  break-inside: avoid; }
.key img { width: 56mm; height: 56mm; image-rendering: pixelated; flex: none; }
.key pre { font: 7pt/1.3 "DejaVu Sans Mono", "Liberation Mono", monospace; margin: 2mm 0 0; }
.key table { font-size: 9pt; }
"""


def share_html(escrow: Escrow, number: int, words: Sequence[str]) -> str:
    """Lay out the page of one share."""
    rows = "".join(
        f"<tr>{''.join(f'<td>{escape(word)}</td>' for word in row)}</tr>\n"
        for row in rows_of_words(words, _COLUMNS)
    )
    body = (
        _head(escrow, share_title(escrow, number))
        + _facts(share_facts(escrow, number))
        + f'<table class="words">\n{rows}</table>\n'
        + _section(_("For the holder"), holder_rules(escrow))
        + _section(_("To recover, with Giữ Cổng"), recovery_steps(), "ol", "small")
        + _section(_("To recover without it"), steps_by_hand(escrow.form), "ol", "small")
        + f'<div class="sign"><div>{escape(_("Received by (name, signature, date)"))}</div>'
        f"<div>{escape(_('Handed out by (name, signature, date)'))}</div></div>\n"
    )
    return _document(share_title(escrow, number), body)


def share_text(escrow: Escrow, number: int, words: Sequence[str]) -> str:
    """Lay out the page of one share as plain text."""
    rows = [
        "   ".join(word.ljust(_WORD_WIDTH) for word in row).rstrip()
        for row in rows_of_words(words, _COLUMNS)
    ]
    lines = [
        *_text_head(escrow, share_title(escrow, number), share_facts(escrow, number)),
        *rows,
        *_text_section(_("For the holder"), holder_rules(escrow)),
        *_text_section(_("To recover, with Giữ Cổng"), recovery_steps()),
        *_text_section(_("To recover without it"), steps_by_hand(escrow.form)),
        "",
        _("Received by (name, signature, date)") + ": ",
        _("Handed out by (name, signature, date)") + ": ",
    ]
    return "\n".join(lines) + "\n"


def keys_html(escrow: Escrow, keys: Iterable[PrintedKey], entries: list[StoreEntry]) -> str:
    """Lay out the pages of the key files; a new page begins where the next code does not fit."""
    blocks = "".join(_block(key_labels(it), it.text, number_lines(it.text)) for it in keys)
    title = _("KEY FILES")
    body = (
        _head(escrow, title)
        + _facts(key_facts(escrow))
        + _section(_("What this is"), key_rules())
        + _section(_("To bring a key file back"), key_steps(), "ol", "small")
        + _section(_("To reach the stores"), entry_needs(entries), style="small")
        + f"<h2>{escape(_('The key files'))}</h2>\n{blocks}"
    )
    return _document(title, body)


def keys_text(escrow: Escrow, keys: Iterable[PrintedKey], entries: list[StoreEntry]) -> str:
    """Lay out the key files as plain text."""
    lines = [
        *_text_head(escrow, _("KEY FILES"), key_facts(escrow)),
        *_text_section(_("What this is"), key_rules()),
        *_text_section(_("To bring a key file back"), key_steps()),
        *_text_section(_("To reach the stores"), entry_needs(entries)),
    ]
    for key in keys:
        lines += ["", *(f"{label}: {value}" for label, value in key_labels(key))]
        lines += number_lines(key.text)
    return "\n".join(lines) + "\n"


def entry_html(escrow: Escrow, keys: Iterable[PrintedEntry]) -> str:
    """Lay out the page of what lets into the stores."""
    blocks = "".join(_block(it.labels(), f"{it.text}\n", it.text.splitlines()) for it in keys)
    title = _("ENTRY KEYS")
    body = _head(escrow, title) + _section(_("What this is"), entry_rules()) + blocks
    return _document(title, body)


def entry_text(escrow: Escrow, keys: Iterable[PrintedEntry]) -> str:
    """Lay out what lets into the stores as plain text."""
    lines = [
        *_text_head(escrow, _("ENTRY KEYS"), [(_("Printed"), escrow.printed)]),
        *_text_section(_("What this is"), entry_rules()),
    ]
    for key in keys:
        lines += ["", *(f"{label}: {value}" for label, value in key.labels()), key.text]
    return "\n".join(lines) + "\n"


def _block(labels: Sequence[tuple[str, str]], text: str, lines: Sequence[str]) -> str:
    """Lay out a code with what it is and the lines that somebody could type instead."""
    alt = escape(" ".join(value for _label, value in labels))
    image = qr_image(text)
    code = f'<img alt="{alt}" src="{image}">' if image else ""
    return (
        f'<div class="key">{code}\n'
        f"<div>{_table(labels)}<pre>{escape(chr(10).join(lines))}</pre></div></div>\n"
    )


def _document(title: str, body: str) -> str:
    return (
        f'<!doctype html>\n<html lang="{language()}">\n<head><meta charset="utf-8">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style></head>\n<body>\n{body}</body>\n"
        "</html>\n"
    )


def _head(escrow: Escrow, title: str) -> str:
    owner = f"<p>{escape(escrow.organisation)} · Giữ Cổng</p>"
    return f"<header>{owner}<h1>{escape(title)}</h1></header>\n"


def _facts(facts: Iterable[tuple[str, str]]) -> str:
    return f'<div class="facts">{_table(facts)}</div>\n'


def _table(rows: Iterable[tuple[str, str]]) -> str:
    cells = "".join(
        f"<tr><th>{escape(label)}</th><td>{escape(value)}</td></tr>\n" for label, value in rows
    )
    return f"<table>\n{cells}</table>\n"


def _section(head: str, items: Iterable[str], kind: str = "ul", style: str = "") -> str:
    marked = (_COMMAND.sub(r"<code>\1</code>", escape(item)) for item in items)
    listed = "".join(f"<li>{item}</li>\n" for item in marked)
    return f'<h2>{escape(head)}</h2>\n<{kind} class="{style}">\n{listed}</{kind}>\n'


def _text_head(escrow: Escrow, title: str, facts: Iterable[tuple[str, str]]) -> list[str]:
    told = [f"{label}: {value}" for label, value in facts]
    return [f"{escrow.organisation} · Giữ Cổng", title, _RULE, *told, ""]


def _text_section(head: str, items: Iterable[str]) -> list[str]:
    plain = (_COMMAND.sub(r"\1", item) for item in items)
    return ["", head, *(f"  {place}) {item}" for place, item in enumerate(plain, start=1))]
