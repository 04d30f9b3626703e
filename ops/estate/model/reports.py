"""Papers: letterheads by date, texts that an office has changed; what the yearly plan needs."""

from typing import Annotated

from pydantic import Field, Strict

from ops.estate.model.values import Day, LocalPath, Part, Text

EVERY_KIND = "*"


class PaperHead(Part):
    """Header, signer and addressees of papers from a day on; what is left out is the estate's."""

    kind: Text = Field(
        default=EVERY_KIND,
        description="Kind of paper, as `report.kinds` lists them; * is for all.",
        examples=["annual"],
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
    security_basis: str = Field(
        default="Điều 38(1) Luật An ninh mạng số 116/2025/QH15",
        description="What asks for that share.",
    )
