"""Which body does what around the portal, by date: who decides, submits, is reported to, owns it.

Where the estate says nothing, a body is taken from the organisation's parent only where that leaves
no choice; else it stays empty, and papers leave dots: a wrong name is worse than none.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from pydantic import Field

from ops.estate.model.values import Day, Part, Text

_COMMITTEE = ("ủy ban nhân dân", "uỷ ban nhân dân", "ubnd")
_DEPARTMENT = "sở "
_PROVINCE = ("tỉnh", "thành phố", "tp.", "tp ")


class DatedRoles(Part):
    """Bodies and what they do from a day on; what is left out is as the row before says."""

    since: Day = Field(alias="from", description="First day of validity.", examples=["2026-04-30"])
    decides: str = Field(
        default="",
        description="Who decides on the year's plan; left out: the parent, where that is a People's"
        " Committee.",
        examples=["Ủy ban nhân dân thành phố Đồng Nai"],
    )
    decides_post: str = Field(
        default="",
        description="Post of who decides there; left out: Chủ tịch of a Committee, Giám đốc of a"
        " department.",
        examples=["Chủ tịch"],
    )
    submits: str = Field(
        default="",
        description="Who hands the plan in; left out: the organisation, or its parent where another"
        " body decides.",
        examples=["Sở Khoa học và Công nghệ"],
    )
    opinions: tuple[Text, ...] = Field(
        default=(),
        description="Who is asked for an opinion on the plan.",
        examples=[["Sở Tài chính"]],
    )
    owner: str = Field(
        default="",
        description="Owner (chủ quản) of the information systems, the province's Committee; left"
        " out: who decides, or the parent, where it is one.",
        examples=["Ủy ban nhân dân thành phố Đồng Nai"],
    )
    specialised: str = Field(
        default="",
        description="The owner's unit for cyber security, in form 08; left out: the organisation.",
        examples=["Sở Khoa học và Công nghệ"],
    )
    reports_to: tuple[Text, ...] = Field(
        default=(),
        description="Whom the year's report is for; left out: the owner and its office.",
        examples=[["Ủy ban nhân dân thành phố", "Văn phòng Ủy ban nhân dân thành phố"]],
    )
    sites_to: str = Field(
        default="",
        description="Whom component sites report to; left out: the parent, where it is a"
        " department.",
        examples=["Sở Khoa học và Công nghệ"],
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Roles:
    """The bodies of a day, each as in `DatedRoles`; what nobody knows is empty.

    Attributes:
        body, parent: The organisation itself and the body above it (cơ quan chủ quản).
    """

    body: str
    parent: str
    decides: str
    decides_post: str
    submits: str
    opinions: tuple[str, ...]
    owner: str
    specialised: str
    reports_to: tuple[str, ...]
    sites_to: str

    def above(self, body: str) -> str:
        """Give what stands above a body on its papers; of a department it is the owner."""
        if body == self.body:
            return self.parent
        return self.owner if is_department(body) and body != self.owner else ""


def is_committee(body: str) -> bool:
    """Say whether a body is a People's Committee."""
    return body.casefold().startswith(_COMMITTEE)


def is_department(body: str) -> bool:
    """Say whether a body is a department of a province (sở)."""
    return body.casefold().startswith(_DEPARTMENT)


def is_provinces(body: str) -> bool:
    """Say whether a body is the Committee of a province (NĐ 331/2026 Điều 4: owner)."""
    told = body.casefold()
    lead = next((it for it in _COMMITTEE if told.startswith(it)), None)
    return lead is not None and told.removeprefix(lead).strip().startswith(_PROVINCE)


def post_of(body: str) -> str:
    """Give the post of who leads a body; empty where its name does not say it."""
    return "Chủ tịch" if is_committee(body) else "Giám đốc" if is_department(body) else ""


def decide_roles(rows: Iterable[DatedRoles], day: date, *, body: str, parent: str) -> Roles:
    """Give the bodies of a day; pure.

    Args:
        rows: As the estate has them.
        day: Of a paper.
        body: The organisation, by its name of that day.
        parent: The body above it, likewise.
    """
    said = {
        name: value
        for row in sorted(rows, key=lambda it: it.since)
        if row.since <= day
        for name, value in row
        if value
    }
    decides = said.get("decides") or (parent if is_committee(parent) else "")
    passes = bool(decides and parent and parent != decides)
    submits = said.get("submits") or (parent if passes else body)
    owner = said.get("owner") or next(filter(is_provinces, (decides, parent)), "")
    asked = (parent,) if passes and parent != submits else ()
    return Roles(
        body=body,
        parent=parent,
        decides=decides,
        decides_post=said.get("decides_post") or post_of(decides),
        submits=submits,
        opinions=said.get("opinions") or asked,
        owner=owner,
        specialised=said.get("specialised") or body,
        reports_to=said.get("reports_to") or ((owner, f"Văn phòng {owner}") if owner else ()),
        sites_to=said.get("sites_to") or (parent if is_department(parent) else ""),
    )
