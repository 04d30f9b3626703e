"""Laws of NukeViet: legal documents with their seven fields, drafts with what people said of them.

The seven (Decree 43/2011, article 10 and after): kind, issuer, number, day of issue, day of
effect, abstract, file. A row with a time for comments is a draft; `approval` is its outcome.
"""

from collections.abc import Mapping
from datetime import datetime

from archive.capture.captured import Captured, Portal
from archive.capture.joined import Followers, rows_of
from archive.capture.making import NO_COPYRIGHT, Making
from archive.capture.nukeviet.module import Module, Tables, is_for_all, line
from archive.capture.values import TEXT, Cells
from archive.metadata.item import Shape, Source, make_id

NOT_SIGNED = "văn bản trên Cổng không ghi người ký và cơ quan ban hành"
ADOPTED, NOT_ADOPTED = "adopted", "not-adopted"
_SHOWN = 1
_ROW = ("id", "title", "alias", "code", "introtext", "bodytext", "keywords", "groups_view",
        "groups_download", "files", "status", "approval", "addtime", "edittime", "publtime",
        "start_comm_time", "end_comm_time", "startvalid", "exptime")  # fmt: skip


def queries(tables: Tables) -> Mapping[str, str]:
    """Ask for documents and drafts that are shown."""
    row = tables.of("row")
    has_examiner = tables.of("examine") in tables.known
    return {
        "items": f"SELECT {tables.columns(row, 'r', _ROW)}, c.title AS kind, s.title AS issuer,"
        f" g.title AS signer, {tables.columns(tables.of('signer'), 'g', ['positions'])},"
        f" {'e.title' if has_examiner else 'NULL'} AS examiner FROM {row} r"
        f" LEFT JOIN {tables.of('cat')} c ON c.id = r.cid"
        f" LEFT JOIN {tables.of('subject')} s ON s.id = r.sid"
        f" LEFT JOIN {tables.of('signer')} g ON g.id = r.sgid"
        + (f" LEFT JOIN {tables.of('examine')} e ON e.id = r.eid" if has_examiner else "")
        + f" WHERE r.status = {_SHOWN} ORDER BY r.id",
        "areas": f"SELECT x.row_id, a.title FROM {tables.of('row_area')} x"
        f" JOIN {tables.of('area')} a ON a.id = x.area_id ORDER BY x.row_id, a.id",
        "replaced": "SELECT x.oid, x.nid, n.startvalid, n.publtime"
        f" FROM {tables.of('set_replace')} x JOIN {row} n ON n.id = x.nid"
        " WHERE n.status = 1 ORDER BY x.oid, x.nid",
        **tables.comments(),
    }


class Laws:
    """Makes the items of one module."""

    def __init__(self, module: Module) -> None:
        self._module = module
        self._areas = Followers(rows_of(module.rows, "areas"), "row_id")
        self._replaced = Followers(rows_of(module.rows, "replaced"), "oid")
        self._comments = Followers(rows_of(module.rows, "comments"), "id")

    def make(self, key: int, cells: Cells) -> Captured | None:
        """Make one document or draft; None where not everybody may see it."""
        module, portal = self._module, self._module.portal
        making = module.making(key, cells)
        areas = [Cells(row, "UTC") for row in self._areas.of(key)]
        replaced = self._replaced.of(key)
        comments = self._comments.of(key)
        if cells.whole("status") != _SHOWN or not is_for_all(cells.text("groups_view")):
            return None
        opens, closes = cells.moment("start_comm_time"), cells.moment("end_comm_time")
        is_draft = bool(opens or closes)
        making.body(cells.content("bodytext") or cells.content("introtext"))
        elsewhere: list[str] = []
        if is_for_all(cells.text("groups_download")):
            elsewhere = module.add_files(making, cells.text("files", TEXT))
        elif cells.text("files"):
            cells.note("files", "not for everybody")
        module.take_comments(making, comments, hold_hidden=is_draft)
        kind: Shape = "draft-law" if is_draft else "legal-document"
        links = module.addresses(f"detail/{cells.text('alias')}")
        issuer, signer = line(cells, "issuer"), line(cells, "signer")
        moments = [it for it in (_came_into_force(Cells(row, portal.time_zone)) for row in replaced)
                   if it]  # fmt: skip
        return making.finish(
            content_class=portal.class_of(f"{module.data}/{kind}", default=kind), shape=kind,
            title=line(cells, "title"),
            description=cells.text("introtext", TEXT),
            identifier=line(cells, "code"),
            creators=[making.person(signer or issuer, NOT_SIGNED, "signer" if signer else "issuer",
                                    issuer if signer else "")],
            source=_source_of(portal, making, issuer, links[0]),
            language=module.language,
            keywords=_keywords(cells),
            created=cells.moment("addtime"), published=cells.moment("addtime"),
            modified=cells.moment("edittime"),
            superseded=min(moments, default=None),
            addresses=links,
            fields=_fields(cells, portal, "; ".join(line(it, "title") for it in areas),
                           elsewhere, is_draft=is_draft),
            trail=_trail(portal, opens, closes) if is_draft else (),
            related={f"replaced-by/{it}": make_id(portal.site, module.key_of(it))
                     for it in (Cells(row, "UTC").whole("nid") for row in replaced)},
        )  # fmt: skip


def _fields(
    cells: Cells, portal: Portal, areas: str, elsewhere: list[str], *, is_draft: bool
) -> dict[str, str]:
    found = {
        "kind": line(cells, "kind"), "issuer": line(cells, "issuer"),
        "number": line(cells, "code"), "issued": cells.day("publtime"),
        "effective": cells.day("startvalid"), "expires": cells.day("exptime"),
        "abstract": cells.text("introtext", TEXT), "signer": line(cells, "signer"),
        "position": line(cells, "positions"), "column": areas,
        "linked": "; ".join(elsewhere),
    }  # fmt: skip
    if is_draft:
        closes = cells.moment("end_comm_time")
        found |= {
            "opens": cells.day("start_comm_time"), "closes": cells.day("end_comm_time"),
            "examiner": line(cells, "examiner"),
            "status": "closed" if closes and closes <= portal.moment else "open",
            "outcome": ADOPTED if cells.whole("approval") == 1 else NOT_ADOPTED,
        }  # fmt: skip
    return {name: value for name, value in found.items() if value}


def _trail(
    portal: Portal, opens: datetime | None, closes: datetime | None
) -> tuple[tuple[datetime, str, str], ...]:
    steps = ((opens, "opened"), (closes, "closed"))
    return tuple((it, status, "") for it, status in steps if it and it <= portal.moment)


def _came_into_force(row: Cells) -> datetime | None:
    return row.moment("startvalid") or row.moment("publtime")


def _source_of(portal: Portal, making: Making, issuer: str, link: str) -> Source:
    if portal.is_own(issuer):
        return making.own_source(link)
    day = making.cells.moment("publtime")
    return Source(name=issuer, basis="exchange", permission=NO_COPYRIGHT,
                  published=day.date() if day else None)  # fmt: skip


def _keywords(cells: Cells) -> tuple[str, ...]:
    return tuple(filter(None, (it.strip() for it in line(cells, "keywords").split(","))))
