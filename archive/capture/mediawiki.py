"""MediaWiki from 1.35 on: pages with their current text, and files, on every engine it knows.

Tables and columns: mediawiki.org, "Manual:Database layout". A text lies in `text`, behind `slots`
and `content`; one that is kept outside of the database (`$wgExternalStores`) is refused by name.
Whether the wiki may be read by everybody stands in its configuration, not in the database.
"""

import hashlib
import zlib
from collections.abc import Iterable, Iterator, Mapping
from typing import ClassVar

from archive.capture.captured import (
    Captured,
    FileRef,
    Portal,
    PortalFacts,
    Query,
    Row,
    Tally,
    not_of_kind,
    shape_of,
)  # fmt: skip
from archive.capture.joined import Followers, Key, each_item, rows_of
from archive.capture.making import Making
from archive.capture.values import CONTENT, TEXT, Cells, address, is_name
from archive.errors import NotCapturedError
from archive.metadata.item import Agent

_HIDDEN_TEXT, _HIDDEN_USER = 1, 4
_ANONYMOUS = "sửa đổi không dùng tài khoản; địa chỉ IP là dữ liệu cá nhân"
_HIDDEN = "quản trị viên wiki đã ẩn tên tài khoản"
# What a wiki calls its spaces of pages in addresses; the portal's own come from `options`.
_SPACES = {0: "", 4: "Project", 10: "Template", 12: "Help", 14: "Category"}
_FILES = "File"
_KINDS = {"postgresql": "BIGINT", "mariadb": "UNSIGNED", "sqlite": "INTEGER"}


class MediaWiki:
    """Connector for MediaWiki on MariaDB, PostgreSQL and SQLite."""

    name: ClassVar[str] = "mediawiki"

    def queries(self, facts: PortalFacts) -> list[Query]:
        """Ask for the newest text of each page.

        Options: `prefix` of the tables, with the schema on PostgreSQL;
        `namespaces`, numbers apart by commas (0 and 4 unless given).
        """
        usual = "mediawiki." if "mediawiki.page" in facts.tables else ""
        prefix = facts.options.get("prefix", usual)
        for name in ("page", "slots", "content", "actor"):
            if f"{prefix}{name}" not in facts.tables or not is_name(f"{prefix}{name}"):
                raise not_of_kind("MediaWiki", f"{prefix}{name}")
        table = {it: f"{prefix}{it}" for it in _TABLES}
        if table["text"] not in facts.tables:  # its name on PostgreSQL in older versions
            table["text"] = f"{prefix}pagecontent"
        asked = facts.options.get("namespaces", "0,4").split(",")
        spaces = ", ".join(str(int(it)) for it in asked if it.strip().isdecimal()) or "0"
        # Bytes that may be packed come as digits, whatever carries the rows.
        text = "HEX(t.old_text)"
        if facts.engine == "postgresql":
            text = "encode(convert_to(t.old_text, 'UTF8'), 'hex')"
        revision = "r.rev_timestamp, r.rev_deleted, a.actor_user, a.actor_name"
        texts = {
            "pages": "SELECT p.page_id, p.page_namespace, p.page_title, p.page_lang,"
            f" {revision}, c.content_address, t.old_id, t.old_flags, {text} AS text_hex"
            f" FROM {table['page']} p"
            f" JOIN {table['revision']} r ON r.rev_id = p.page_latest"
            f" LEFT JOIN {table['actor']} a ON a.actor_id = r.rev_actor"
            f" LEFT JOIN {table['slots']} s ON s.slot_revision_id = r.rev_id AND s.slot_role_id ="
            f" (SELECT role_id FROM {table['slot_roles']} WHERE role_name = 'main')"
            f" LEFT JOIN {table['content']} c ON c.content_id = s.slot_content_id"
            f" LEFT JOIN {table['text']} t ON c.content_address LIKE 'tt:%' AND t.old_id ="
            f" CAST(SUBSTR(c.content_address, 4) AS {_KINDS[facts.engine]})"
            f" WHERE p.page_is_redirect = 0 AND p.page_namespace IN ({spaces})"
            " ORDER BY p.page_id",
            "firsts": f"SELECT r.rev_page, {revision} FROM {table['revision']} r"
            f" LEFT JOIN {table['actor']} a ON a.actor_id = r.rev_actor"
            " WHERE r.rev_parent_id = 0 ORDER BY r.rev_page, r.rev_id",
            "redirects": "SELECT q.page_id AS target, p.page_namespace, p.page_title"
            f" FROM {table['redirect']} d JOIN {table['page']} p ON p.page_id = d.rd_from"
            f" JOIN {table['page']} q ON q.page_namespace = d.rd_namespace"
            " AND q.page_title = d.rd_title ORDER BY q.page_id, p.page_id",
            "images": "SELECT i.img_name, i.img_timestamp, i.img_major_mime, i.img_minor_mime,"
            " a.actor_user, a.actor_name, d.comment_text, p.page_id"
            f" FROM {table['image']} i"
            f" LEFT JOIN {table['actor']} a ON a.actor_id = i.img_actor"
            f" LEFT JOIN {table['comment']} d ON d.comment_id = i.img_description_id"
            f" JOIN {table['page']} p ON p.page_namespace = 6 AND p.page_title = i.img_name"
            " ORDER BY p.page_id",
        }
        if "cl_to" in facts.tables.get(table["categorylinks"], ()):
            texts["categories"] = (
                f"SELECT cl_from, cl_to FROM {table['categorylinks']} ORDER BY cl_from, cl_to"
            )
        return [Query(name, sql) for name, sql in texts.items()]

    def items(
        self, rows: Mapping[str, Iterable[Row]], portal: Portal, tally: Tally | None = None
    ) -> Iterator[Captured]:
        """Give pages, then files, each in the order of their numbers.

        Options: `articles`, the way to a page with "$1" (`/wiki/$1` unless given); `images`, the
        folder of files below the web root; `space_4`, … for the names of spaces.
        """
        site, tally = _Site(rows, portal), tally or Tally()
        for name, make in (("pages", site.make_page), ("images", site.make_file)):
            yield from each_item(
                rows_of(rows, name), make, portal, tally,
                Key("page_id", lambda key: f"mediawiki/{key}"),
            )  # fmt: skip


_TABLES = ("page", "revision", "slots", "slot_roles", "content", "text", "actor", "redirect",
           "image", "comment", "categorylinks")  # fmt: skip


class _Site:
    def __init__(self, rows: Mapping[str, Iterable[Row]], portal: Portal) -> None:
        self._portal = portal
        self._firsts = Followers(rows_of(rows, "firsts"), "rev_page")
        self._redirects = Followers(rows_of(rows, "redirects"), "target")
        self._categories = Followers(rows_of(rows, "categories"), "cl_from")
        self._articles = portal.options.get("articles", "/wiki/$1")
        self._images = portal.options.get("images", "images")

    def make_page(self, key: int, cells: Cells) -> Captured:
        making = Making(self._portal, f"mediawiki/{key}", cells)
        firsts, redirects = self._firsts.of(key), self._redirects.of(key)
        categories = self._categories.of(key)
        if cells.whole("rev_deleted") & _HIDDEN_TEXT:
            raise NotCapturedError(why="the wiki hides its text")
        making.body(_unpack(making), "text/x-wiki")
        first = Cells(firsts[0], "UTC") if firsts else cells
        creators = dict.fromkeys([_actor(making, first, "author"), _actor(making, cells, "editor")])
        if len({it.name for it in creators}) == 1:
            creators = dict.fromkeys(list(creators)[:1])
        link = self._address(cells)
        names = [Cells(row, "UTC").text("cl_to").replace("_", " ") for row in categories]
        space = f"namespace/{cells.whole('page_namespace')}"
        content_class = self._portal.class_of(*(f"category/{it}" for it in names), space)
        return making.finish(
            content_class=content_class, shape=shape_of(content_class, "page"),
            title=cells.text("page_title").replace("_", " "),
            creators=list(creators),
            source=making.own_source(link),
            language=cells.text("page_lang") or self._portal.language,
            keywords=tuple(names),
            fields={"column": names[0]} if names else {},
            created=first.moment("rev_timestamp", "UTC"),
            published=first.moment("rev_timestamp", "UTC"),
            modified=cells.moment("rev_timestamp", "UTC"),
            addresses=[link, *(self._address(Cells(row, "UTC")) for row in redirects)],
        )  # fmt: skip

    def make_file(self, key: int, cells: Cells) -> Captured:
        making = Making(self._portal, f"mediawiki/{key}", cells)
        name = cells.text("img_name")
        digest = hashlib.md5(name.encode(), usedforsecurity=False).hexdigest()
        path = cells.path("img_name", f"{digest[0]}/{digest[:2]}/{name}", self._images)
        if not path or "/" in name:
            raise NotCapturedError(why="the place of its file is not known")
        media_type = f"{cells.text('img_major_mime')}/{cells.text('img_minor_mime')}"
        making.parts.add(FileRef(path), "body", name=name, media_type=media_type,
                         url=address(self._portal.url, path))  # fmt: skip
        link = self._link(_FILES, name)
        moment = cells.moment("img_timestamp", "UTC")
        return making.finish(
            content_class=self._portal.class_of("attachment", default="media"), shape="media",
            title=name.replace("_", " "),
            description=cells.text("comment_text", TEXT),
            creators=[_actor(making, cells, "author")],
            source=making.own_source(link),
            published=moment, modified=moment,
            addresses=[link],
        )  # fmt: skip

    def _address(self, cells: Cells) -> str:
        space = cells.whole("page_namespace")
        name = self._portal.options.get(f"space_{space}") or _SPACES.get(space, str(space))
        return self._link(name, cells.text("page_title"))

    def _link(self, space: str, title: str) -> str:
        page = f"{space}:{title}" if space else title
        return address(self._portal.url, self._articles.replace("$1", page.replace("?", "%3F")))


def _actor(making: Making, cells: Cells, role: str) -> Agent:
    if cells.whole("rev_deleted") & _HIDDEN_USER:
        return making.person("", _HIDDEN, role)
    name = cells.text("actor_name") if cells.whole("actor_user") else ""
    return making.person(name, _ANONYMOUS, role)


def _unpack(making: Making) -> bytes:
    """Give the text of a page, as `old_flags` says it was packed.

    Raises:
        ItemRefusedError: It lies elsewhere, is packed in a way of old, or is too large.
    """
    cells = making.cells
    flags = set(cells.text("old_flags").split(","))
    if cells.row.get("old_id") is None or flags & {"external", "object"}:
        place = cells.text("content_address") or "?"
        raise NotCapturedError(why="its text is not in this database: {place}", place=place)
    data = bytes.fromhex(cells.text("text_hex", 4 * CONTENT))
    if "gzip" not in flags:
        return data
    inflating = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        text = inflating.decompress(data, CONTENT + 1)
    except zlib.error as error:
        raise NotCapturedError(why="its packed text is broken") from error
    return text
