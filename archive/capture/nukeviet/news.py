"""News of NukeViet: articles that are published, and those whose time on the portal is over."""

from collections.abc import Mapping

from archive.capture.captured import Captured
from archive.capture.joined import Followers, rows_of
from archive.capture.making import NOT_NAMED, Making
from archive.capture.nukeviet.module import UPLOADS, Module, Tables, full_name, is_for_all, line
from archive.capture.values import TEXT, Cells
from archive.metadata.item import Agent, Source

_PUBLISHED, _EXPIRED = 1, 3
_WEB = ("http://", "https://")
_ROW = ("id", "author", "addtime", "edittime", "status", "publtime", "exptime", "title",
        "alias", "hometext", "homeimgfile")  # fmt: skip
_DETAIL = ("bodyhtml", "keywords", "sourcetext", "files")


def queries(tables: Tables) -> Mapping[str, str]:
    """Ask for articles that are, or were, shown."""
    rows, detail = tables.of("rows"), tables.of("detail")
    found = {
        "items": f"SELECT {tables.columns(rows, 'r', _ROW)},"
        f" {tables.columns(detail, 'd', _DETAIL)}, c.title AS column_title,"
        " c.alias AS column_alias, c.groups_view, s.title AS source_title,"
        " s.link AS source_link, u.username, u.first_name, u.last_name"
        f" FROM {rows} r LEFT JOIN {detail} d ON d.id = r.id"
        f" LEFT JOIN {tables.of('cat')} c ON c.catid = r.catid"
        f" LEFT JOIN {tables.of('sources')} s ON s.sourceid = r.sourceid"
        f" LEFT JOIN {tables.users} u ON u.userid = r.admin_id"
        f" WHERE r.status IN ({_PUBLISHED}, {_EXPIRED}) ORDER BY r.id",
        **tables.comments(),
    }
    if tables.of("authorlist") in tables.known:
        found["authors"] = f"SELECT id, pseudonym FROM {tables.of('authorlist')} ORDER BY id, aid"
    if tables.of("tags_id") in tables.known:
        found["tags"] = f"SELECT id, keyword FROM {tables.of('tags_id')} ORDER BY id, tid"
    return found


class News:
    """Makes the items of one module."""

    def __init__(self, module: Module) -> None:
        self._module = module
        self._authors = Followers(rows_of(module.rows, "authors"), "id")
        self._tags = Followers(rows_of(module.rows, "tags"), "id")
        self._comments = Followers(rows_of(module.rows, "comments"), "id")

    def make(self, key: int, cells: Cells) -> Captured | None:
        """Make one article; None where it is not shown to everybody yet."""
        module, portal = self._module, self._module.portal
        making = module.making(key, cells)
        authors, tags = self._authors.of(key), self._tags.of(key)
        comments = self._comments.of(key)
        published = cells.moment("publtime")
        ends = cells.moment("exptime")
        is_shown = cells.whole("status") in {_PUBLISHED, _EXPIRED} and (
            published is None or published <= portal.moment
        )
        if not is_shown or not is_for_all(cells.text("groups_view")):
            return None
        has_ended = cells.whole("status") == _EXPIRED or (ends and ends <= portal.moment)
        text = cells.content("bodyhtml")
        making.body(text)
        elsewhere = module.add_files(making, cells.text("homeimgfile"), "picture")
        elsewhere += module.add_files(making, cells.text("files", TEXT))
        making.add_linked(text, (f"{UPLOADS}/",))
        column = line(cells, "column_title")
        content_class = portal.class_of(
            f"category/{cells.text('column_alias')}", f"module/{module.data}"
        )
        module.take_comments(making, comments, hold_hidden=content_class == "draft-law")
        way = f"{cells.text('column_alias')}/{cells.text('alias')}-{key}"
        links = module.addresses(way + module.settings.get("rewrite_exturl", ".html"))
        names = [line(Cells(row, "UTC"), "pseudonym") for row in authors]
        names += [it.strip() for it in line(cells, "author").split(",")]
        role = "spokesperson" if content_class == "spokesperson" else "author"
        fields = {"column": column, "linked": "; ".join(elsewhere)}
        return making.finish(
            content_class=content_class,
            title=line(cells, "title"),
            description=cells.text("hometext", TEXT),
            creators=_creators(making, names, role),
            source=_source_of(making, links[0]),
            language=module.language,
            keywords=_keywords(cells, [line(Cells(row, "UTC"), "keyword") for row in tags]),
            created=cells.moment("addtime"),
            published=published or cells.moment("addtime"),
            modified=cells.moment("edittime"),
            withdrawn=(ends or portal.moment) if has_ended else None,
            addresses=links,
            fields={name: value for name, value in fields.items() if value},
        )  # fmt: skip


def _creators(making: Making, names: list[str], role: str) -> list[Agent]:
    known = [it for it in dict.fromkeys(names) if it]
    if known:
        return [making.person(it, NOT_NAMED, role) for it in known]
    poster = full_name(making.cells)
    people = [making.person("", NOT_NAMED, role)]
    return [*people, Agent(name=poster, role="poster")] if poster else people


def _source_of(making: Making, link: str) -> Source:
    cells = making.cells
    name, said = line(cells, "source_title"), line(cells, "sourcetext", 2000)
    url = next((it for it in (said, cells.text("source_link")) if it.startswith(_WEB)), "")
    if not name and not said.startswith(_WEB):
        name = said
    if not url and making.portal.is_own(name):
        return making.own_source(link)
    return Source(name=name or url, url=url, basis="reprint" if url else "unknown")


def _keywords(cells: Cells, tags: list[str]) -> tuple[str, ...]:
    written = (it.strip() for it in line(cells, "keywords", 2000).split(","))
    return tuple(it for it in dict.fromkeys([*tags, *written]) if it)
