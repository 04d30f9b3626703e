"""Who runs the service and how it runs here: organisation, service, catalog, keys, drill."""

from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, Strict

from ops.estate.model.changeable import Changeable
from ops.estate.model.roles import DatedRoles, Roles, decide_roles
from ops.estate.model.values import (
    CatalogUrl,
    Day,
    LocalPath,
    Name,
    OwnName,
    Part,
    Positive,
    Secret,
    Text,
    Zone,
)


class DatedTitle(Part):
    """A title and parent from a day on; a document uses those valid on its date."""

    name: Text = Field(description="The title from that day on.", examples=["Sở Y tế"])
    parent: str = Field(
        default="",
        description="The body above it from that day on.",
        examples=["UBND tỉnh Đồng Nai"],
    )
    since: Day = Field(alias="from", description="First day of validity.", examples=["2025-03-01"])


def title_on(titles: Iterable[DatedTitle], day: date) -> DatedTitle | None:
    """Give the row that is valid on a day; None before the first one."""
    valid = [row for row in titles if row.since <= day]
    return max(valid, key=lambda row: row.since, default=None)


class BodyDetails(Part):
    """What form 08 of NĐ 331/2026 asks of a body, from a day on."""

    name: Text = Field(
        description="The body, named as in `roles`.",
        examples=["Ủy ban nhân dân thành phố Đồng Nai"],
    )
    since: Day = Field(alias="from", description="First day of validity.", examples=["2026-04-30"])
    functions: str = Field(
        default="",
        description="What lays down its functions and tasks.",
        examples=["Quyết định số 12/2025/QĐ-UBND"],
    )
    representative: str = Field(
        default="",
        description="Who represents it, and the post.",
        examples=["Nguyễn Văn A, Chủ tịch"],
    )
    address: str = Field(default="", description="Its address.", examples=["Số 1, đường A"])
    contact: str = Field(
        default="", description="Phone and mail.", examples=["0251 000 000, ubnd@example.vn"]
    )


class Organisation(Part):
    """The Center itself."""

    name: Text = Field(
        description="The name of the Center, as it stands on documents.",
        examples=["Trung tâm Công nghệ thông tin và Truyền thông"],
    )
    authority: str = Field(
        default="",
        description="The authority it works for.",
        examples=["Ủy ban nhân dân thành phố Đồng Nai"],
    )
    place: str = Field(
        default="", description="The place name on documents.", examples=["Đồng Nai"]
    )
    timezone: Zone = Field(
        default="Asia/Ho_Chi_Minh",
        description="Cron lines, windows and reports use this time zone.",
    )
    language: Literal["vi", "en"] = Field(
        default="vi", description="Language of documents: vi or en."
    )
    names: Changeable[tuple[DatedTitle, ...]] = Field(
        default=(),
        description="Names and parent bodies by date: a document uses those valid on its date.",
    )
    roles: tuple[DatedRoles, ...] = Field(
        default=(),
        description="Which body decides, submits, is asked, is reported to: each from a day on.",
    )
    bodies: tuple[BodyDetails, ...] = Field(
        default=(), description="What form 08 says of the owner and of the unit for security."
    )

    def name_on(self, day: date) -> str:
        """Give the name that is valid on a day; today's where no dated row says otherwise."""
        row = title_on(self.names, day)
        return row.name if row else self.name

    def roles_on(self, day: date) -> Roles:
        """Give which body does what on a day, by the names of that day."""
        row = title_on(self.names, day)
        parent = (row.parent if row else "") or self.authority
        return decide_roles(self.roles, day, body=self.name_on(day), parent=parent)

    def details_on(self, body: str, day: date) -> BodyDetails | None:
        """Give what is known of a body on a day; None where nothing is."""
        valid = [it for it in self.bodies if it.name == body and it.since <= day]
        return max(valid, key=lambda it: it.since, default=None)


class Service(Part):
    """Where the service works on this machine."""

    state: LocalPath = Field(
        default=Path("var"), description="Folder of the catalog, locks and logs."
    )
    scratch: LocalPath = Field(
        default=Path("var/scratch"), description="Folder for short-lived copies, e.g. of databases."
    )
    cache: LocalPath = Field(
        default=Path("var/cache"), description="Folder for what can be fetched again."
    )
    workers: Positive = Field(default=2, description="How many jobs run at once.")


class NamedPlace(Part):
    """A folder of this machine that people may tell the service to use, by its name."""

    name: OwnName = Field(examples=["o-dia-luu-tru"])
    path: LocalPath = Field(
        description="Where it is: a medium is mounted there, or a folder that the service may"
        " write; with mode 0711 runbooks make new folders there for who types.",
        examples=["/media/luu-tru"],
    )


class Duties(Part):
    """Duties on top of those that ship with the service."""

    include: tuple[LocalPath, ...] = Field(
        default=(),
        description="Files with the Center's own duties.",
        examples=[["duties.local.toml"]],
    )


class CatalogSettings(Part):
    """Where the catalog is kept."""

    url: CatalogUrl = Field(
        default="sqlite:///var/giucong.db",
        description="SQLite for one machine; PostgreSQL through a reference such as `file:...`.",
    )


class Keys(Part):
    """Where the keys are kept; the estate file holds references only."""

    repository: Secret = Field(
        description="The repository password, one line of text; keep a copy elsewhere.",
        examples=["file:var/keys/repository.key"],
    )
    signing: Secret | None = Field(
        default=None,
        description="Signs the journal's head, which goes to every store.",
        examples=["file:var/keys/journal-signing.key"],
    )
    credentials: Secret | None = Field(
        default=None,
        description="Seals the second factors of people; `user.add` makes it, keep a copy.",
        examples=["file:var/keys/credentials.key"],
    )


class Drill(Part):
    """Where restore drills happen."""

    host: str = Field(
        default="",
        description="Machine on which drills are run, by its own name; empty: this one.",
        examples=["dien-tap"],
    )
    workdir: LocalPath = Field(
        default=Path("var/drill"), description="Folder in which drills restore."
    )
    max_size_gb: Positive = Field(default=50, description="A larger site is not drilled here.")
    max_memory_gb: Positive = Field(
        default=4,
        description="Memory for a restored site and its servers; never over half the machine's.",
    )
    max_processes: int = Field(
        default=512, ge=64, description="Processes and threads for a restored site, likewise."
    )
    stock_restic_every: Positive = Field(
        default=3, description="One in so many drills of whole sites is done with stock restic."
    )


EVERY_KIND = "*"


class PaperHead(Part):
    """Header, signer and addressees of papers from a day on; what is left out is the estate's."""

    kind: Text = Field(
        default=EVERY_KIND,
        description="Kind of paper, as `report.kinds` lists them; * is for all.",
        examples=["annual"],
    )
    unit: Name | None = Field(
        default=None,
        description="Name of the unit that issues the report on its site; left out: it is no"
        " unit's.",
        examples=["so-y-te"],
    )
    since: Day = Field(alias="from", description="First day of validity.", examples=["2026-01-01"])
    authority: str = Field(
        default="",
        description="The higher body above the issuing one.",
        examples=["UBND thành phố"],
    )
    body: str = Field(default="", description="The issuing body.", examples=["Trung tâm CNTT"])
    place: str = Field(default="", description="The place name.", examples=["Đồng Nai"])
    abbreviation: str = Field(
        default="", description="What follows the kind in the sign.", examples=["TTCNTT"]
    )
    signs_for: tuple[Text, ...] = Field(
        default=(), description="Lines above the post.", examples=[["KT. GIÁM ĐỐC"]]
    )
    post: str = Field(default="", description="Post of who signs.", examples=["GIÁM ĐỐC"])
    signer: str = Field(default="", description="Name of who signs.", examples=["Nguyễn Văn A"])
    addressees: tuple[Text, ...] = Field(
        default=(), description="Whom it is for.", examples=[["Văn phòng UBND thành phố"]]
    )
    recipients: tuple[Text, ...] = Field(
        default=(), description="Below Nơi nhận.", examples=[["Như trên", "Lưu: VT"]]
    )


class Reports(Part):
    """Papers that the service writes."""

    texts: LocalPath | None = Field(
        default=None,
        description="Folder with the office's own texts; each file takes the place of a shipped one"
        " line by line.",
        examples=["texts"],
    )
    letterheads: tuple[PaperHead, ...] = Field(
        default=(), description="Header, signer and addressees by kind and date."
    )
    trusted_roots: tuple[LocalPath, ...] = Field(
        default=(),
        description="Certificates of authorities, PEM or DER, to which a signature on an issued"
        " paper has to lead; left out: who signed is shown as not checked.",
        examples=[["roots/root-ca.pem"]],
    )


class Planning(Part):
    """What the yearly plan is drafted with."""

    prices: LocalPath | None = Field(
        default=None,
        description="The Center's table of prices, CSV or XLSX; left out: no price is known.",
        examples=["prices.csv"],
    )
    source: str = Field(
        default="Ngân sách địa phương",
        description="Where the money comes from, unless an item says otherwise.",
    )
    security_percent: Annotated[int, Strict(), Field(ge=0, le=100)] = Field(
        default=15, description="Least share of the money for security; less is warned of."
    )
    security_base: dict[str, Annotated[int, Strict(), Field(ge=0)]] = Field(
        default={},
        description="Year → all its spending on digital transformation in đồng, of which that share"
        " is; of a year left out, the plan's own sum is taken, and its papers say so.",
        examples=[{"2027": 2_500_000_000}],
    )
    security_basis: str = Field(
        default="khoản 1 Điều 38 Luật An ninh mạng số 116/2025/QH15",
        description="What asks for that share.",
    )
    security_since: Day = Field(
        default=date(2026, 7, 1),
        description="First day on which that holds; plans of days before it are held against no"
        " share.",
    )
