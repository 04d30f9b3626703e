"""Lay pages out: HTML that prints on A4 from any browser without a network, and plain text."""

import re
from collections.abc import Iterable, Sequence
from html import escape

from ops.backups.keys.paper.entry_keys import (
    PrintedEntry,
    StoreEntry,
    entry_needs,
    entry_rules,
)
from ops.backups.keys.paper.key_files import number_lines, qr_image
from ops.backups.keys.paper.pages import (
    Escrow,
    PrintedKey,
    holder_rules,
    key_facts,
    key_labels,
    key_rules,
    key_steps,
    recovery_steps,
    rows_of_words,
    share_facts,
    share_title,
    steps_by_hand,
)
from ops.language.text import _, language

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
