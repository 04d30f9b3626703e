"""Give an item out as a plain folder: its files, its description, a sheet that people can read."""

import hashlib
import html
from pathlib import Path

from archive.errors import ObjectNotFoundError
from archive.metadata.item import ITEM_FILE, Item, Part, RefusedPart
from ops.archives.find import Named
from ops.errors import WrongUseError
from ops.language.formats import format_moment
from ops.language.text import _

SHEET, SUMS = "index.html", "sha256sums.txt"


def export_folder(named: Named, version: str, target: Path, zone: str) -> list[Path]:
    """Write an item into a new folder; gives the files.

    Order: the files, each held against its digest; the sums; the sheet last.

    Raises:
        WrongUseError: Something lies there, or there is no such version.
        ObjectDamagedError: A file is not what it was.
        OSError: The folder cannot be written.
    """
    if target.exists() and any(target.iterdir()):
        raise WrongUseError(
            "the folder {target} is not empty",
            data="nothing was changed",
            next_step="give an empty folder, or one that is not there yet",
            target=target,
        )
    try:
        item = named.item(version)
    except ObjectNotFoundError as error:
        raise WrongUseError(
            "{id} has no version {version}",
            next_step="`{program} archive.show --id {id}` lists the versions",
            id=named.entry.id,
            version=version,
        ) from error
    target.mkdir(parents=True, exist_ok=True)
    state = named.stored.inventory.version(version).state
    written, sums = [], []
    for logical in sorted(state):
        path = target / logical
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as file:
            named.stored.copy(logical, file, version)
        written.append(path)
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        sums.append(f"{digest}  {logical}\n")
    (target / SUMS).write_text("".join(sums), encoding="utf-8")
    shown = version or named.stored.inventory.head
    (target / SHEET).write_text(_sheet(item, shown, zone), encoding="utf-8")
    return [*written, target / SUMS, target / SHEET]


def _sheet(item: Item, version: str, zone: str) -> str:
    rows = [
        (_("Identifier"), f"{item.id} · {version}"),
        (_("Author"), ", ".join(_agent(it.name, it.organisation) for it in item.creators)),
        (_("Source"), " · ".join(filter(None, (item.source.name, item.source.url)))),
        (_("Published"), format_moment(item.published, zone) if item.published else "-"),
        (_("Archived"), format_moment(item.archived, zone) if item.archived else "-"),
        (_("Withdrawn"), format_moment(item.withdrawn, zone) if item.withdrawn else "-"),
        (_("Addresses"), " ".join(item.addresses) or "-"),
    ]
    facts = "".join(
        f"<tr><th>{html.escape(name)}</th><td>{html.escape(value)}</td></tr>"
        for name, value in rows
    )
    files = "".join(map(_file_row, item.parts)) + "".join(map(_refused_row, item.refused))
    how = _(
        "To check without our software: `sha256sum -c {sums}` in this folder; `{item}` names each"
        " file with its SHA-512, as the archive keeps it."
    ).format(sums=SUMS, item=ITEM_FILE)
    return (
        f'<!doctype html><html lang="vi"><meta charset="utf-8"><title>{html.escape(item.title)}'
        "</title><style>body{font:16px/1.5 serif;margin:2rem auto;max-width:60rem}th{text-align:"
        "left;vertical-align:top;padding-right:1rem}td{word-break:break-word}code{font-size:.8em}"
        f"</style><h1>{html.escape(item.title)}</h1><table>{facts}</table>"
        f"<h2>{html.escape(_('Files'))}</h2><table>{files}</table><p>{html.escape(how)}</p></html>\n"
    )


def _agent(name: str, organisation: str) -> str:
    return f"{name} ({organisation})" if organisation else name


def _file_row(part: Part) -> str:
    name = html.escape(part.name or part.path)
    return (
        f'<tr><th><a href="{html.escape(part.path)}">{name}</a></th>'
        f"<td>{html.escape(part.puid)} <code>{part.sha256}</code></td></tr>"
    )


def _refused_row(refused: RefusedPart) -> str:
    part = refused.part
    told = _("not archived: {why}").format(why=refused.why)
    return (
        f"<tr><th>{html.escape(part.name or part.path)}</th>"
        f"<td>{html.escape(told)} <code>{part.sha256}</code></td></tr>"
    )
