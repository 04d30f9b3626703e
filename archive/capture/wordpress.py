"""WordPress: posts, pages and media that everybody may see.

Tables and columns: developer.wordpress.org, "Database description"; the way of addresses:
"Using permalinks". Times are taken in UTC where WordPress has them (`post_date_gmt`).
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar

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
from archive.capture.making import NO_ACCOUNT, Making, add_comment
from archive.capture.values import TEXT, Cells, address, file_name, hours_east, is_empty, is_name
from archive.errors import ArchiveError, NotCapturedError
from archive.metadata.item import Shape, Source, make_id

_OPTIONS = ("home", "siteurl", "permalink_structure", "timezone_string", "gmt_offset", "WPLANG",
            "upload_path")  # fmt: skip
_UPLOADS = "wp-content/uploads"
_SHOWN_IMAGE = re.compile(r"\bwp-image-(\d{1,18})\b")
_GALLERY = re.compile(r"""\[gallery\b[^\[\]]{0,500}?\bids=["']?([\d, ]{1,1000})""")
_BLOCK = re.compile(
    r"<!-- wp:(?:image|cover|file|video|audio|media-text) [^>]{0,200}?"
    r'"(?:id|mediaId)":(\d{1,18})\b'
)
_TAG = re.compile(r"%(\w+)%")
_COMMENT = {"id": "comment_ID", "moment": "comment_date_gmt", "text": "comment_content",
            "parent": "comment_parent"}  # fmt: skip
_COMMENTER = {"name": "comment_author", "mail": "comment_author_email",
              "ip": "comment_author_IP"}  # fmt: skip
_KEY = re.compile(r"[A-Za-z0-9_-]{1,60}")
_DEEPEST = 20
_SHAPES: Mapping[str, Shape] = {"page": "page", "attachment": "media"}


class WordPress:
    """Connector for WordPress on MariaDB."""

    name: ClassVar[str] = "wordpress"

    def queries(self, facts: PortalFacts) -> list[Query]:
        """Ask for what is published, and for nothing else.

        Options: `prefix` of the tables; `post_types` besides `post` and `page`, apart by commas;
        `author_meta`, `source_meta`, `source_url_meta`: names of fields of a post that hold these.
        """
        prefix = _find_prefix(facts)
        more = [it.strip() for it in facts.options.get("post_types", "").split(",") if it.strip()]
        types = _quoted("post", "page", "attachment", *more)
        known = [facts.options.get(it, "") for it in _META]
        metas = _quoted("_wp_attached_file", "_wp_attachment_image_alt", "_wp_old_slug",
                        "_thumbnail_id", *filter(None, known))  # fmt: skip
        texts = {
            "options": f"SELECT option_name, option_value FROM {prefix}options"
            f" WHERE option_name IN ({_quoted(*_OPTIONS)})",
            "categories": f"SELECT t.term_id, t.slug, x.parent FROM {prefix}terms t"
            f" JOIN {prefix}term_taxonomy x ON x.term_id = t.term_id"
            " WHERE x.taxonomy = 'category'",
            "pages": f"SELECT ID AS id, post_name, post_parent FROM {prefix}posts"
            " WHERE post_type = 'page' AND post_status = 'publish'",
            "posts": "SELECT p.ID AS id, p.post_type, p.post_status, p.post_password,"
            " p.post_title, p.post_content, p.post_excerpt, p.post_date, p.post_date_gmt,"
            " p.post_modified, p.post_modified_gmt, p.post_name, p.post_parent,"
            " p.post_mime_type, u.display_name, u.user_nicename"
            f" FROM {prefix}posts p LEFT JOIN {prefix}users u ON u.ID = p.post_author"
            f" LEFT JOIN {prefix}posts o ON o.ID = p.post_parent"
            f" WHERE p.post_type IN ({types}) AND p.post_password = ''"
            " AND (p.post_status = 'publish' OR (p.post_status = 'inherit' AND (o.ID IS NULL OR"
            " (o.post_status = 'publish' AND o.post_password = '')))) ORDER BY p.ID",
            "terms": "SELECT r.object_id, x.taxonomy, t.term_id, t.name, t.slug"
            f" FROM {prefix}term_relationships r JOIN {prefix}term_taxonomy x"
            f" ON x.term_taxonomy_id = r.term_taxonomy_id JOIN {prefix}terms t"
            " ON t.term_id = x.term_id WHERE x.taxonomy IN ('category', 'post_tag')"
            " ORDER BY r.object_id, t.term_id",
            "meta": f"SELECT post_id, meta_key, meta_value FROM {prefix}postmeta"
            f" WHERE meta_key IN ({metas}) ORDER BY post_id, meta_id",
            "media": f"SELECT post_parent, ID AS id FROM {prefix}posts WHERE"
            " post_type = 'attachment' AND post_parent > 0 ORDER BY post_parent, ID",
            "comments": "SELECT comment_post_ID, comment_ID, comment_date_gmt, comment_content,"
            " comment_parent, comment_author, comment_author_email, comment_author_IP"
            f" FROM {prefix}comments WHERE comment_approved = '1' AND comment_type IN"
            " ('', 'comment') ORDER BY comment_post_ID, comment_ID",
        }
        return [Query(name, sql) for name, sql in texts.items()]

    def items(
        self, rows: Mapping[str, Iterable[Row]], portal: Portal, tally: Tally | None = None
    ) -> Iterator[Captured]:
        """Give posts, pages and media in the order of their numbers."""
        return each_item(
            rows_of(rows, "posts"), _Site(rows, portal).make, portal, tally or Tally(),
            Key("id", lambda key: f"wordpress/{key}"),
        )  # fmt: skip


_META = ("author_meta", "source_meta", "source_url_meta")


class _Site:
    """What all items of a run share, and the rows that belong to the next ones."""

    def __init__(self, rows: Mapping[str, Iterable[Row]], portal: Portal) -> None:
        self.portal = portal
        read = Cells({}, portal.time_zone).read
        self._options = {
            read("", row.get("option_name")): read("", row.get("option_value"))
            for row in rows_of(rows, "options")
        }
        self._author, self._source, self._source_url = (portal.options.get(it) for it in _META)
        self._categories = _tree(rows_of(rows, "categories"), "term_id", "slug", "parent")
        self._pages = _tree(rows_of(rows, "pages"), "id", "post_name", "post_parent")
        self._terms = Followers(rows_of(rows, "terms"), "object_id")
        self._meta = Followers(rows_of(rows, "meta"), "post_id")
        self._media = Followers(rows_of(rows, "media"), "post_parent")
        self._comments = Followers(rows_of(rows, "comments"), "comment_post_ID")
        zone = self._options.get("timezone_string", "")
        self._zone = zone or hours_east(self._options.get("gmt_offset", "")) or portal.time_zone

    def make(self, key: int, cells: Cells) -> Captured | None:
        """Make one item; None for what is not public."""
        kind, status = cells.text("post_type"), cells.text("post_status")
        terms, meta = self._terms.of(key), self._meta.of(key)
        media, comments = self._media.of(key), self._comments.of(key)
        if status not in {"publish", "inherit"} or not is_empty(cells.row.get("post_password")):
            return None
        making = Making(self.portal, f"wordpress/{key}", cells)
        fields: dict[str, list[str]] = {}
        for row in meta:
            name = cells.read("meta_key", row.get("meta_key"))
            fields.setdefault(name, []).append(
                cells.read("meta_value", row.get("meta_value"), TEXT)
            )
        columns, tags = self._sort_terms(cells, terms)
        link = self._address(key, kind, cells, columns)
        if kind == "attachment":
            self._take_file(making, fields)
            content_class = self.portal.class_of("attachment", default="media")
        else:
            making.body(cells.content("post_content"))
            names = [f"category/{slug}" for _id, _name, slug in columns]
            default = "page" if kind == "page" else ""
            content_class = self.portal.class_of(*names, f"type/{kind}", default=default)
        for row in comments:
            said = Cells(row, "UTC")
            add_comment(making, said, shown=True, columns=_COMMENT, secret=_COMMENTER)
        name = _first(fields, self._author) or cells.text("display_name")
        role = "spokesperson" if content_class == "spokesperson" else "author"
        return making.finish(
            content_class=content_class,
            shape=shape_of(content_class, _SHAPES.get(kind, "news")),
            title=cells.text("post_title"),
            description=cells.text("post_excerpt", TEXT),
            creators=[making.person(name, NO_ACCOUNT, role)],
            source=self._source_of(making, fields, link),
            language=self._options.get("WPLANG", "")[:2] or self.portal.language,
            keywords=tuple(dict.fromkeys(tags)),
            published=self._moment(cells, "post_date"),
            modified=self._moment(cells, "post_modified"),
            addresses=[link, *self._old_addresses(key, kind, fields)],
            fields=_not_empty({
                "column": "; ".join(name for _id, name, _slug in columns),
                "alternative_text": _first(fields, "_wp_attachment_image_alt"),
            }),
            related=self._related(cells, media, fields),
        )  # fmt: skip

    def _moment(self, cells: Cells, column: str) -> Any:
        return cells.moment(f"{column}_gmt", "UTC") or cells.moment(column, self._zone)

    def _source_of(self, making: Making, fields: Mapping[str, list[str]], link: str) -> Source:
        name, url = _first(fields, self._source), _first(fields, self._source_url)
        if not name and not url:
            return making.own_source(link)
        return Source(name=name or url, url=url, basis="reprint" if url else "unknown")

    def _take_file(self, making: Making, fields: Mapping[str, list[str]]) -> None:
        folder = self._options.get("upload_path", "") or _UPLOADS
        told = _first(fields, "_wp_attached_file")
        _before, is_whole, below = told.rpartition(f"/{_UPLOADS}/")
        path = making.cells.path("_wp_attached_file", below if is_whole else told, folder)
        if not told or not path:
            raise NotCapturedError(why="the place of its file is not known")
        making.parts.add(
            FileRef(path), "body", name=file_name(path),
            url=address(self.portal.url, path),
            media_type=making.cells.text("post_mime_type"),
        )  # fmt: skip

    def _sort_terms(
        self, cells: Cells, rows: Iterable[Row]
    ) -> tuple[list[tuple[int, str, str]], list[str]]:
        columns, tags = [], []
        for row in rows:
            term = Cells(row, "UTC")
            if term.text("taxonomy") == "category":
                columns.append((term.whole("term_id"), term.text("name"), term.text("slug")))
            else:
                tags.append(term.text("name"))
            cells.notes.update(term.notes)
        return columns, tags

    def _address(
        self, key: int, kind: str, cells: Cells, columns: list[tuple[int, str, str]]
    ) -> str:
        """Give the address that WordPress makes of its settings."""
        structure, slug = self._options.get("permalink_structure", ""), cells.text("post_name")
        if kind == "attachment":
            return ""
        if not structure or not slug or kind not in {"post", "page"}:
            parameter = "page_id" if kind == "page" else "p"
            return address(self.portal.url, f"?{parameter}={key}")
        if kind == "page":
            parent = _way(self._pages, cells.whole("post_parent"))
            end = "/" if structure.endswith("/") else ""
            return address(self.portal.url, "/".join([*parent, slug]) + end)
        moment = cells.text("post_date")
        words = {
            "year": moment[:4], "monthnum": moment[5:7], "day": moment[8:10],
            "hour": moment[11:13], "minute": moment[14:16], "second": moment[17:19],
            "post_id": str(key), "postname": slug, "author": cells.text("user_nicename"),
            "category": "/".join(_way(self._categories, columns[0][0])) if columns else "",
        }  # fmt: skip
        return address(self.portal.url, _TAG.sub(lambda it: words.get(it[1], ""), structure))

    def _old_addresses(self, key: int, kind: str, fields: Mapping[str, list[str]]) -> Iterator[str]:
        structure = self._options.get("permalink_structure", "")
        if kind == "post" and "%postname%" in structure:
            head = structure.partition("%postname%")[0]
            if "%" not in head:
                for slug in reversed(fields.get("_wp_old_slug", [])):
                    yield address(self.portal.url, f"{head}{slug}/")
        parameter = {"page": "page_id", "attachment": "attachment_id"}.get(kind, "p")
        yield address(self.portal.url, f"?{parameter}={key}")

    def _related(
        self, cells: Cells, media: Iterable[Row], fields: Mapping[str, list[str]]
    ) -> dict[str, str]:
        numbers = [Cells(row, "UTC").text("id") for row in media]
        numbers += fields.get("_thumbnail_id", [])
        text = cells.content("post_content").decode(errors="replace")
        numbers += _SHOWN_IMAGE.findall(text) + _BLOCK.findall(text)
        numbers += [it.strip() for told in _GALLERY.findall(text) for it in told.split(",")]
        found = dict.fromkeys(it for it in numbers if it.isdecimal() and it != "0")
        return {f"media/{it}": make_id(self.portal.site, f"wordpress/{int(it)}") for it in found}


def _find_prefix(facts: PortalFacts) -> str:
    told = facts.options.get("prefix", "")
    every = [it.removesuffix("posts") for it in sorted(facts.tables) if it.endswith("posts")]
    found = [told] if told else [it for it in every if f"{it}postmeta" in facts.tables]
    if len(found) > 1:
        raise ArchiveError(
            "the database holds several WordPress sites: {prefixes}",
            data="nothing was captured",
            next_step="set `prefix` in `[sites.archive]` of the estate",
            prefixes=", ".join(found),
        )
    if not found or f"{found[0]}posts" not in facts.tables or not is_name(f"{found[0]}x"):
        raise not_of_kind("WordPress", f"{told or 'wp_'}posts")
    return found[0]


def _quoted(*names: str) -> str:
    """Write names as texts of SQL.

    Raises:
        ArchiveError: One has characters that no such name has.
    """
    for name in names:
        if not _KEY.fullmatch(name):
            raise ArchiveError(
                "{name} is no name that WordPress has",
                data="nothing was captured",
                next_step="correct the options in `[sites.archive]` of the estate",
                name=repr(name),
            )
    return ", ".join(f"'{name}'" for name in names)


def _tree(rows: Iterable[Row], column: str, slug: str, parent: str) -> dict[int, tuple[str, int]]:
    found = {}
    for row in rows:
        cells = Cells(row, "UTC")
        found[cells.whole(column)] = (cells.text(slug), cells.whole(parent))
    return found


def _way(tree: Mapping[int, tuple[str, int]], key: int) -> list[str]:
    """Give the slugs from the top down to a key; a loop ends after some steps."""
    found: list[str] = []
    while key in tree and len(found) < _DEEPEST:
        slug, key = tree[key]
        found.insert(0, slug)
    return found


def _first(fields: Mapping[str, list[str]], name: str | None) -> str:
    return next(iter(fields.get(name or "", ())), "")


def _not_empty(fields: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in fields.items() if value}
