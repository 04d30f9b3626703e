"""Pages of NukeViet: what the portal says of itself, its terms, whatever has no date of the news.

The module `page` may stand on a portal several times, under its own names (`about`, `siteterms`);
its table is called as the module is, without an ending.
"""

from collections.abc import Mapping

from archive.capture.captured import Captured
from archive.capture.joined import Followers, rows_of
from archive.capture.making import NOT_NAMED
from archive.capture.nukeviet.module import UPLOADS, Module, Tables, full_name, line
from archive.capture.values import TEXT, Cells
from archive.metadata.item import Agent

_SHOWN = 1
_ROW = ("id", "title", "alias", "image", "imagealt", "description", "bodytext", "keywords",
        "add_time", "edit_time", "status")  # fmt: skip


def queries(tables: Tables) -> Mapping[str, str]:
    """Ask for pages that are shown."""
    rows = tables.of("")
    return {
        "items": f"SELECT {tables.columns(rows, 'r', _ROW)}, u.username, u.first_name, u.last_name"
        f" FROM {rows} r LEFT JOIN {tables.users} u ON u.userid = r.admin_id"
        f" WHERE r.status = {_SHOWN} ORDER BY r.id",
        **tables.comments(),
    }


class Page:
    """Makes the items of one module."""

    def __init__(self, module: Module) -> None:
        self._module = module
        self._comments = Followers(rows_of(module.rows, "comments"), "id")

    def make(self, key: int, cells: Cells) -> Captured | None:
        """Make one page; None where it is not shown."""
        module, portal = self._module, self._module.portal
        making = module.making(key, cells)
        comments = self._comments.of(key)
        if cells.whole("status") != _SHOWN:
            return None
        text = cells.content("bodytext")
        making.body(text)
        elsewhere = module.add_files(making, cells.text("image"), "picture")
        making.add_linked(text, (f"{UPLOADS}/",))
        module.take_comments(making, comments, hold_hidden=False)
        links = module.addresses(
            cells.text("alias") + module.settings.get("rewrite_exturl", ".html")
        )
        poster = full_name(cells)
        people = [making.person("", NOT_NAMED)]
        fields = {"alternative_text": line(cells, "imagealt"), "linked": "; ".join(elsewhere)}
        return making.finish(
            content_class=portal.class_of(f"module/{module.data}", default="page"),
            shape="page",
            title=line(cells, "title"),
            description=line(cells, "description", TEXT),
            creators=[*people, Agent(name=poster, role="poster")] if poster else people,
            source=making.own_source(links[0]),
            language=module.language,
            keywords=tuple(
                dict.fromkeys(
                    it.strip() for it in line(cells, "keywords", 2000).split(",") if it.strip()
                )
            ),
            created=cells.moment("add_time"),
            published=cells.moment("add_time"),
            modified=cells.moment("edit_time"),
            addresses=links,
            fields={name: value for name, value in fields.items() if value},
        )  # fmt: skip
