"""Put one item together: parts under paths of ours, people, a source, and what is private.

What a petitioner or a commenter is called, and how they are reached, never stands in the item
that everybody may see: it becomes an object of its own.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from archive.capture.captured import Captured, Content, FileRef, Portal, shape_of
from archive.capture.values import (
    CONTENT,
    TEXT,
    Cells,
    address,
    file_name,
    linked_files,
    suffix_of,
)  # fmt: skip
from archive.errors import NotCapturedError
from archive.metadata.item import (
    UNTITLED,
    Agent,
    Grade,
    Item,
    Part,
    Role,
    Shape,
    Source,
    make_id,
)

UNKNOWN = "không rõ"
NO_ACCOUNT = "tài khoản đăng bài không còn trong cơ sở dữ liệu của Cổng"
NOT_NAMED = "bài không ghi tên tác giả trên Cổng"
IS_PRIVATE = "họ tên người gửi là dữ liệu cá nhân, được lưu ở phần riêng"
# Law on Intellectual Property, article 15: such texts belong to nobody.
NO_COPYRIGHT = "Luật Sở hữu trí tuệ, Điều 15: văn bản không thuộc phạm vi bảo hộ quyền tác giả"
_MOST_PARTS = 1000
_STEMS: Mapping[Role, str] = {"attachment": "att", "picture": "pic", "body": "body"}

PRIVATE_FILE, PRIVATE_COMMENTS = "private.json", "comments.jsonl"


class Parts:
    """Parts of one object, and their contents."""

    def __init__(self) -> None:
        self.parts: list[Part] = []
        self.contents: dict[str, Content] = {}

    def add(
        self, content: Content, role: Role = "attachment", *, name: str = "", url: str = "",
        media_type: str = "", suffix: str = "",
    ) -> None:  # fmt: skip
        """Add a part; its path is `body.html`, then `att-01.pdf` and so on."""
        number = sum(it.role == role for it in self.parts) + 1
        stem = _STEMS.get(role, role)
        stem = stem if role == "body" and number == 1 else f"{stem}-{number:02}"
        path = f"{stem}{suffix or suffix_of(name or url)}"
        self.contents[path] = content
        self.parts.append(Part(path=path, role=role, name=name, url=url, media_type=media_type))


class Making:
    """One item while it is made.

    Attributes:
        parts: Of the public object; contents first.
        secret: Of whoever sent it: name, phone, mail, …
        papers: What they handed in.
        comments: What readers said, as everybody may see it.
        secret_comments: Who said it, and what was never shown.
    """

    def __init__(self, portal: Portal, source_key: str, cells: Cells) -> None:
        self.portal, self.source_key, self.cells = portal, source_key, cells
        self.parts, self.papers = Parts(), Parts()
        self.secret: dict[str, str] = {}
        self.comments: list[Mapping[str, Any]] = []
        self.secret_comments: list[Mapping[str, Any]] = []

    def body(self, content: bytes, media_type: str = "text/html", name: str = "") -> None:
        """Add a text of the item, byte for byte.

        Raises:
            ItemRefusedError: It is larger than an item's text may be.
        """
        if len(content) > CONTENT:
            raise NotCapturedError(why="its text has {size} bytes", size=len(content))
        suffix = ".txt" if media_type == "text/plain" else ".html"
        suffix = ".wiki" if media_type == "text/x-wiki" else suffix
        self.parts.add(content, "body", media_type=media_type, suffix=suffix, name=name)

    def add_file(self, path: str, role: Role = "attachment") -> None:
        """Add a file of the site, unless the item has it already."""
        if FileRef(path) not in self.parts.contents.values():
            self.parts.add(FileRef(path), role, name=file_name(path),
                           url=address(self.portal.url, path))  # fmt: skip

    def add_linked(self, text: bytes, folders: Iterable[str]) -> None:
        """Add the files of the site, in some of its folders, that a text shows or links to."""
        html = text.decode(errors="replace")
        for path in linked_files(html, self.portal.url, tuple(folders)):
            self.add_file(path, "picture")

    def person(self, name: str, reason: str, role: str = "author", organisation: str = "") -> Agent:
        """Give who is behind it; without a name, who says why nobody is named."""
        if name:
            return Agent(name=name, role=role, organisation=organisation)
        return Agent(name=UNKNOWN, role=role, organisation=organisation, unknown_because=reason,
                     unknown_by=self.portal.officer)  # fmt: skip

    def own_source(self, url: str) -> Source:
        """Give the portal itself as source."""
        return Source(name=self.portal.title, url=url)

    def finish(
        self, *, content_class: str, title: str, creators: Iterable[Agent], source: Source,
        shape: Shape | None = None,
        related: Mapping[str, str] | None = None, **more: Any,
    ) -> Captured:  # fmt: skip
        """Give the item with all that belongs to it.

        Raises:
            ItemRefusedError: It has more files than an item may have.
        """
        parts = self.parts
        if len(parts.parts) + len(self.papers.parts) > _MOST_PARTS:
            raise NotCapturedError(why="it has more than {most} files", most=_MOST_PARTS)
        if not title:
            self.cells.note("title", "empty")
        addresses = tuple(dict.fromkeys(it for it in more.pop("addresses", ()) if it))
        more = {"language": self.portal.language, "publisher": self.portal.title} | more
        item = Item(
            id=make_id(self.portal.site, self.source_key), site=self.portal.site,
            source_key=self.source_key, content_class=content_class,
            shape=shape or shape_of(content_class), title=title or UNTITLED,
            creators=tuple(creators), source=source, parts=tuple(parts.parts),
            addresses=addresses, related=dict(related or {}), **more,
        )  # fmt: skip
        private = self._private(item)
        if private is not None:
            related = {**item.related, "private": private.item.id}
            item = msgspec.structs.replace(item, related=related)
        notes = tuple(sorted(self.cells.notes))
        return Captured(item=item, contents=parts.contents, private=private,
                        comments=tuple(self.comments), notes=notes)  # fmt: skip

    def _private(self, item: Item) -> Captured | None:
        told = {name: value for name, value in self.secret.items() if value}
        if not told and not self.papers.parts and not self.secret_comments:
            return None
        parts, contents = list(self.papers.parts), dict(self.papers.contents)
        files = {
            PRIVATE_FILE: msgspec.json.encode(told) if told else b"",
            PRIVATE_COMMENTS: b"".join(
                msgspec.json.encode(it) + b"\n" for it in self.secret_comments
            ),
        }
        for path, content in files.items():
            if content:
                parts.insert(0, Part(path=path, role="private", media_type="application/json"))
                contents[path] = content
        private = Item(
            id=make_id(item.site, item.source_key, "private"), site=item.site,
            source_key=f"{item.source_key}/private", content_class=item.content_class,
            shape="other", title=f"Phần riêng của {item.source_key}",
            creators=(Agent(name=self.portal.title, role="keeper"),),
            source=Source(name=self.portal.title), publisher=item.publisher,
            created=item.created, published=item.published, grade=Grade.RESTRICTED,
            parts=tuple(parts), related={"public": item.id},
        )  # fmt: skip
        return Captured(item=private, contents=contents)


def add_comment(
    making: Making, row: Cells, *, shown: bool,
    columns: Mapping[str, str], secret: Mapping[str, str],
) -> None:  # fmt: skip
    """Take in what a reader said; who it was, and what the portal never showed, stays private.

    Args:
        making: Of the item.
        row: The comment.
        shown: Whether the portal shows it.
        columns: Its `id`, `moment`, `text`, `parent` → columns.
        secret: What is private of it → columns.
    """
    moment = row.moment(columns["moment"])
    line = {
        "id": row.text(columns["id"]), "moment": moment.isoformat() if moment else "",
        "text": row.text(columns["text"], 5 * TEXT), "parent": row.text(columns.get("parent", "")),
    }  # fmt: skip
    whose = {name: row.text(column) for name, column in secret.items()}
    if shown:
        making.comments.append(line)
        line = {"id": line["id"]}
    if any(whose.values()) or not shown:
        making.secret_comments.append({**line, **whose, "shown": shown})
    making.cells.notes.update(row.notes)
