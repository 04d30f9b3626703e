"""The yearly plan in the estate: prices, where the money comes from, what it must hold."""

from typing import Annotated

from pydantic import Field, Strict

from ops.estate.model.values import LocalPath, Part


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
