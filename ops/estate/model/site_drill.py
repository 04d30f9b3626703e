"""How a drill starts a restored site, and what is asked of its pages.

`[sites.drill]` and `[sites.page_check]`.
"""

import re
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from ops.estate.model.policies import Percent
from ops.estate.model.values import Part, Port, Text, mistake

_SELECTOR = re.compile(r"[#.][^\s#.,>+~:\[\]]+|[a-z][a-z0-9-]*")


class SiteDrill(Part):
    """How a drill starts the restored site, in the sandbox."""

    serve: Literal["auto", "php", "static", "command", "none"] = Field(
        default="auto",
        description="auto (its files tell), php, static, command, or none: it is not started.",
    )
    root: str = Field(
        default="",
        description="The document root: a folder of `files`, or one below it; left out: the first.",
        examples=["www/public"],
    )
    command: tuple[str, ...] = Field(
        default=(),
        description="For `command`: the site's own program, run in the document root.",
        examples=[["/usr/bin/node", "server.js"]],
    )
    port: Port | None = Field(
        default=None,
        description="Where that program listens on the loopback; left out: at the url's own port.",
        examples=[3000],
    )
    addresses: tuple[str, ...] = Field(
        default=(),
        description="Further addresses at which the site looks for its database server.",
        examples=[["10.0.0.5", "db.example.vn"]],
    )

    @model_validator(mode="after")
    def _command_is_given(self) -> Self:
        if (self.serve == "command") != bool(self.command):
            raise mistake(
                '`serve = "command"` and `command` belong together',
                'write both, e.g. `serve = "command"` and `command = ["/usr/bin/node", "app.js"]`',
            )
        return self


class PageCheck(Part):
    """What is asked of a site's noted pages."""

    must_contain: dict[Text, tuple[Text, ...]] = Field(
        default={},
        description="By page: words that have to stand on it.",
        examples=[{"/lien-he": ["Điện thoại"]}],
    )
    ignore: tuple[Text, ...] = Field(
        default=(),
        description="Parts of pages that are passed over: `#id`, `.class` or an element's name.",
        examples=[["#counter", ".poll"]],
    )
    alike_percent: Percent = Field(
        default=90,
        description="Share of what stays on a page that has to come back for it to be the same.",
        examples=[80],
    )

    @field_validator("ignore")
    @classmethod
    def _ignored_parts_are_simple(cls, ignore: tuple[str, ...]) -> tuple[str, ...]:
        for it in ignore:
            if not _SELECTOR.fullmatch(it):
                raise mistake(
                    '"{value}" is no part of a page',
                    "write `#` with an id, `.` with a class, or an element's name in lower case",
                    value=it,
                )
        return ignore
