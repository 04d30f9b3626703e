"""What is asked of a site's pages: `[sites.page_check]`."""

import re

from pydantic import Field, field_validator

from ops.estate.model.policies import Percent
from ops.estate.model.values import Part, Text, mistake

_SELECTOR = re.compile(r"[#.][^\s#.,>+~:\[\]]+|[a-z][a-z0-9-]*")


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
